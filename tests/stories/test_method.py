"""The scientific method, enforced: what was tried is not tried again, and no experiment runs without a reason."""

from loopwatch.engine.events import Proposed
from tests.stories.story import Story, change


def test_what_was_tried_or_has_no_reason_is_refused_before_it_costs_anything(story: Story) -> None:
    script = [change(2.0), change(1.0), change(1.5), change(1.5), change(3.0, mechanism="")]
    story.begin(script, stop={"experiments": 6})

    story.ends()

    reasons = [experiment.reason for experiment in story.state.experiments.values()]
    assert story.verdicts == ["kept", "kept", "vetoed", "discarded", "vetoed", "vetoed"]
    assert "the same code was tried in #1, which was kept: the baseline is 1.0000" in reasons[2]
    assert "the same code was tried in #4, which was discarded: 2.0000 → 1.5000 is worse by 0.5000" in reasons[4]
    assert "it has no mechanism" in reasons[5]
    assert [line.split("-")[0] for line in story.trained] == ["0001", "0002", "0004"]
    assert [fact.nearest for fact in story.all(Proposed)] == [None, None, 2, 2, 4, 4]
