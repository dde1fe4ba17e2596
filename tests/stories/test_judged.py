"""A whole run whose answers a model judges, by its real SDK, against a scripted Messages API on loopback."""

import pytest

from loopwatch.engine.events import Graded, Measured, Requested
from tests.servers.anthropic import Server, Step

from .story import Story

EVALUATES = """
import json
facts = [{"fact": "It is so.", "weight": 1, "holds": True}, {"fact": "It is not.", "weight": 3, "holds": False}]
record = {"kind": "rubric", "scale": 4, "answers": [{"question": "Is it?", "answer": "It is.", "facts": facts}]}
pathlib.Path(os.environ["LOOPWATCH_RECORD"]).write_text(json.dumps(record))
print("score: 1.0")
"""


def test_what_the_judge_says_is_measured_judged_and_paid_for(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    story.make_task()
    train = story.task / "train.py"
    leaves = f'(out / "evaluate").write_text({EVALUATES!r})'
    train.write_text(train.read_text().replace('DO = ""', f"DO = {leaves!r}"))
    said = {"type": "tool_use", "name": "vote", "input": {"fact_1": False, "fact_2": True}}
    with Server(Step(content=[said], times=0)) as server:
        story.begin([], judge="anthropic:claude-haiku-5-5x2", agent={"base_url": server.url})
        ended = story.ends()

    assert ended.because == "nothing_to_propose"
    assert [(graded.value, graded.evaluated) for graded in story.all(Graded)] == [(3.0, 1.0)]
    assert [(measured.value, measured.trust) for measured in story.all(Measured)] == [(3.0, "locked")]
    assert (story.verdict(1).value, story.state.best_value) == (3.0, 3.0)
    assert [asked.role for asked in story.all(Requested)] == ["judge", "judge"]
