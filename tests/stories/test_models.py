"""Whole runs with Claude, by its real SDK, against a scripted Messages API on loopback: thought, steered, cut, killed, limited."""

import json
import time
from typing import Any

import pytest

from loopwatch.engine.commands import Abort, Note, Resume
from loopwatch.engine.events import (
    BackedOff,
    Billed,
    Decided,
    NoteRead,
    Paused,
    Proposed,
    Proposing,
    Requested,
    Resumed,
    TurnEnded,
    WentOn,
)
from tests.servers.anthropic import Served, Server, Step
from tests.tui.command import UNCONTAINED, Command
from tests.waiting import until

from .story import Story

KEY = "sk-ant-marked-0a1b2c3d4e"
DOLLARS = {"input": 2.0, "output": 10.0, "cache_read": 0.1, "cache_write_5m": 2.5, "cache_write_1h": 4.0}
"""For a million tokens of claude-sonnet-5-5."""
THOUGHT = "The score is what train.py says it is, so a greater one has to be written there. "


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def edit(old: str, new: str, **words: Any) -> dict[str, Any]:
    claims = {"hypothesis": f"{new} scores better", "mechanism": "it says so", "expected": "more"}
    edits = [{"path": "train.py", "old": old, "new": new}]
    return {**claims, "previous_mechanism": None, "edits": edits, **words}


def thinks(call: dict[str, Any], **others: Any) -> Step:
    blocks = [
        {"type": "thinking", "thinking": THOUGHT},
        {"type": "tool_use", "name": "propose_experiment", "input": call},
    ]
    return Step(content=blocks, **others)


def begin(story: Story, server: Server, **settings: Any) -> None:
    chosen = {"proposer": "anthropic:claude-sonnet-5-5", "agent": {"base_url": server.url}, **settings}
    story.begin([], **chosen)


def test_three_experiments_are_thought_repaired_steered_vetoed_and_paid(story: Story) -> None:
    steps = [
        thinks(edit("SCORE = 7.0", "SCORE = 0.5")),
        thinks(edit("SCORE = 1.0", "SCORE = ("), after=3, then="wait"),
        thinks(edit("SCORE = 1.0", "SCORE = 0.5")),
        thinks(edit("SCORE = 1.0", "SCORE = 0.50  # again")),
        thinks(edit("SCORE = 1.0", "SCORE = 3.0", previous_mechanism=_lesson(2))),
        thinks(edit("SCORE = 3.0", "SCORE = 4.0"), after=4, then="stall"),
    ]
    with Server(*steps) as server:
        begin(story, server, ask=["apply"], stop={"experiments": 4})

        until(lambda: len(server.requests) == 2 and _heard(story, 2).count("The score is") == 2)
        noted = story.ask(Note(text="leave the imports alone"))
        server.go_on()
        first = story.reply("apply", 2, "approve")
        second = story.reply("apply", 3, "approve")
        until(lambda: "train.py says" in _heard(story, 4))
        cut_at = time.time()
        cancelled = story.ask(Abort())
        until(lambda: len(server.requests) == 6 and server.requests[5].outcome)
        story.ends()

    told = [json.dumps(served.body["messages"]) for served in server.requests]
    assert "is not in the file; the nearest to its first line" in told[1]
    assert noted.answer == "note 1 reaches the proposer with its next request"
    assert ["leave the imports alone" in text for text in told[:3]] == [False, False, True]
    assert [(read.note, read.experiment, read.where) for read in story.all(NoteRead)] == [(1, 2, "next request")]
    assert "would not compile" in told[2]
    assert (first.ok, second.ok) == (True, True)
    assert "the same code was tried in #2" in told[4]
    assert cancelled.answer == "cancelled the proposal of #4"
    assert server.requests[5].outcome == "client_gone"
    assert server.requests[5].times["over"] - cut_at < 1
    assert story.verdicts == ["kept", "discarded", "kept", "vetoed"]
    assert [turn.outcome for turn in story.all(TurnEnded)] == ["proposed", "proposed", "cancelled"]
    assert story.trained == ["0001-1 1.0", "0002-1 0.5", "0003-1 3.0"]
    assert story.state.experiments[2].mechanism_held == "refuted"
    assert [fact.person for fact in story.all(Decided, gate="apply", answer="approve")] == [False, True, True]

    whole, cut = server.requests[:5], server.requests[5]
    assert story.state.spent.usd - _paid(story, 6).usd == pytest.approx(sum(map(_billed, whole)), abs=1e-9)
    assert (story.state.spent.requests, story.state.spent.estimated) == (6, 1)
    assert _paid(story, 6).estimated
    assert _paid(story, 6).usd == pytest.approx(_billed(cut), abs=1e-4)
    assert all(not bill.is_open for bill in story.state.bills.values())


def test_an_engine_killed_in_mid_stream_asks_again_and_pays_twice_only_what_was_asked_twice(story: Story) -> None:
    call = edit("SCORE = 1.0", "SCORE = 3.0")
    with Server(thinks(call, after=4, then="stall"), thinks(call)) as server:
        begin(story, server, stop={"experiments": 2})
        until(lambda: "train.py says" in _heard(story, 2))
        story.kill()
        before = story.facts
        untouched = (story.run.folder / "work" / "train.py").read_text()
        story.start()
        story.ends()

    assert "SCORE = 1.0" in untouched
    assert not [fact for fact in before if isinstance(fact, Proposed) and fact.experiment == 2]
    assert [asked.request for asked in story.all(Requested)] == [1, 2]
    assert [(bill.request, bill.estimated) for bill in story.all(Billed, final=True)] == [(1, True), (2, False)]
    cut, whole = server.requests
    assert cut.outcome == "client_gone"
    assert cut.body["messages"] == whole.body["messages"]
    assert _paid(story, 1).usage.prompt == sum(cut.usage.values()) - cut.usage["output"]
    assert _paid(story, 1).usage.output >= len(_heard_until(story, before)) // 4
    assert _paid(story, 2).usd == pytest.approx(_billed(whole), abs=1e-9)
    assert story.state.spent.usd == pytest.approx(_paid(story, 1).usd + _paid(story, 2).usd, abs=1e-9)
    assert story.verdicts == ["kept", "kept"]
    assert story.trained == ["0001-1 1.0", "0002-1 3.0"]
    assert len(story.all(Proposed, experiment=2)) == 1


def test_a_limit_is_counted_down_apart_from_the_work_until_a_person_wants_it_tried_again(story: Story) -> None:
    limit = Step(
        status=429, type="rate_limit_error", message="too many tokens a minute", headers={"retry-after": "600"}
    )
    with Server(limit, thinks(edit("SCORE = 1.0", "SCORE = 3.0"))) as server:
        begin(story, server, stop={"experiments": 2})
        waits = story.sees(BackedOff)
        at = next(entry.at for entry in story.entries if entry.fact == waits)
        resumed = story.ask(Resume())
        story.ends()

    assert waits.until - at == pytest.approx(600, abs=1)
    assert "too many tokens a minute" in waits.why
    assert resumed.answer == "it tries again at once"
    (on,) = story.all(WentOn)
    assert 0 < on.waited_seconds < 60
    assert story.state.waited_seconds == story.state.experiments[2].waited_seconds == on.waited_seconds
    assert story.verdicts == ["kept", "kept"]
    assert story.state.spent.usd == pytest.approx(_billed(server.requests[1]), abs=1e-9)


def test_a_bad_key_pauses_an_attended_run_until_it_is_mended(story: Story) -> None:
    refused = Step(status=401, type="authentication_error", message="invalid x-api-key")
    with Server(refused, thinks(edit("SCORE = 1.0", "SCORE = 3.0"))) as server:
        begin(story, server, ask=["apply"], stop={"experiments": 2})
        paused = story.sees(Paused)
        story.ask(Resume())
        story.reply("apply", 2, "approve")
        story.ends()

    assert (paused.by, paused.because) == ("loopwatch", "bad_key")
    assert paused.why.startswith("the service does not take the key: invalid x-api-key")
    assert KEY not in paused.why
    assert len(story.all(Resumed)) == 1
    assert [turn.outcome for turn in story.all(TurnEnded, experiment=2)] == ["bad_key", "proposed"]
    assert len(story.all(Proposing, experiment=2)) == 2
    assert story.verdicts == ["kept", "kept"]
    assert KEY not in (story.run.folder / "run.db").read_bytes().decode("latin-1")


def test_a_bad_key_ends_an_unattended_run_with_words_and_exit_code_1(story: Story) -> None:
    story.home.mkdir()
    refused = Step(status=401, type="authentication_error", message="invalid x-api-key")
    with Server(refused) as server:
        options = ("--proposer", "anthropic", "--base-url", server.url, "--headless", "--noise-repeats", "0")
        done = Command(story.home)("run", "sine", *options, *UNCONTAINED)

    assert done.returncode == 1
    assert "the service does not take the key: invalid x-api-key" in done.stderr
    assert len(server.requests) == 1


def _lesson(experiment: int) -> dict[str, Any]:
    return {"experiment": experiment, "mechanism": "refuted", "theory": "less is less"}


def _heard(story: Story, experiment: int) -> str:
    return "".join(thought.text for thought in story.viewer.thoughts(experiment) if thought.kind != "notice")


def _heard_until(story: Story, before: list[Any]) -> str:
    at = story.entries[len(before)].at
    return "".join(thought.text for thought in story.viewer.thoughts(2) if thought.at < at)


def _paid(story: Story, request: int) -> Any:
    return story.all(Billed, request=request)[-1]


def _billed(served: Served) -> float:
    return sum(DOLLARS[kind] * tokens for kind, tokens in served.usage.items()) / 1_000_000
