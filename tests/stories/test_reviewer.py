"""A run with a reviewer: two models on one server, and each knows what it should."""

from collections.abc import Iterator
from typing import Any

import pytest

from loopwatch.engine.events import Briefed, Requested, Reviewed, Warned
from tests.servers.openai import Server, Step

from .story import Story

TIMID = {
    "issue_type": "too timid",
    "severity": "medium",
    "fix_suggestion": "Go above 1.",
    "confidence": 0.5,
    "pattern_detected": "#2 went below 1 and lost.",
}


def proposes(score: float) -> Step:
    edit = {"path": "train.py", "old": "SCORE = 1.0", "new": f"SCORE = {score}"}
    words = {"hypothesis": f"a score of {score}", "mechanism": "it says so", "expected": "more"}
    return Step(thinking="Let me see.", call={**words, "previous_mechanism": None, "edits": [edit]})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Server() as running:
        yield running


def begin(story: Story, server: Server, *steps: Step, **settings: Any) -> None:
    server.play(*steps)
    agent = {"base_url": server.base_url, "attempts": 1}
    models = {"proposer": "openai:large", "reviewer": "openai:small", "strategy": "reviewer"}
    story.begin([], agent=agent, stop={"experiments": 3}, **{**models, **settings})


def test_the_reviewers_words_are_all_that_the_worker_knows_of_the_past(story: Story, server: Server) -> None:
    begin(story, server, proposes(0.5), Step(call=TIMID), proposes(2.0), Step(call=TIMID))

    story.ends()

    assert [request["model"] for request in server.requests] == ["large", "small", "large", "small"]
    assert story.verdicts == ["kept", "discarded", "kept"]
    assert [(told.experiment, told.by) for told in story.all(Reviewed)] == [(2, "small"), (3, "small")]
    assert [(asked.experiment, asked.role) for asked in story.all(Requested)] == [
        (2, "proposer"),
        (2, "reviewer"),
        (3, "proposer"),
        (3, "reviewer"),
    ]
    worker, reviewer = _brief(story, story.all(Briefed)[-1].digest), _brief(story, story.all(Reviewed)[-1].digest)
    assert "Go above 1." in worker
    assert "a score of 0.5" not in worker
    assert "a score of 0.5" in reviewer
    assert "+SCORE = 0.5" in reviewer


def test_a_reviewer_that_cannot_be_asked_stops_nothing(story: Story, server: Server) -> None:
    begin(story, server, proposes(0.5), Step(status=401, body="no"), proposes(2.0))

    stopped = story.ends()

    assert stopped.because == "experiments"
    assert story.verdicts == ["kept", "discarded", "kept"]
    assert len(server.requests) == 3
    assert "no review of #2 by openai:small" in story.all(Warned, once="")[-1].text


def _brief(story: Story, digest: str) -> str:
    return (story.run.folder / "briefs" / f"{digest}.txt").read_text()
