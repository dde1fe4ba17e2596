"""A conversation with a model up to a proposal: repairs, refusals, notes, and every way in which it can end without one."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.books import Books
from loopwatch.engine.config import AgentSettings
from loopwatch.engine.editing import edits
from loopwatch.engine.errors import ConfigError, EditRefused, ProposerFailed
from loopwatch.engine.gate import Gates
from loopwatch.engine.prompt.brief import Brief, Prompt
from loopwatch.engine.proposers import Lesson, Proposal, drafts, proposer
from loopwatch.engine.proposers.anthropic import Anthropic
from loopwatch.engine.sitting import Sitting
from loopwatch.engine.task import load
from tests.engine import facts
from tests.engine.bench import journal_in
from tests.engine.keeping import eventually
from tests.engine.listener import Listener
from tests.servers.anthropic import Server, Step
from tests.waiting import until

KEY = "sk-ant-marked-1b2c3d4e5f"
SOURCE = "LR = 0.01\nWIDTH = 8\nprint(LR * WIDTH)\n"
BRIEF = Brief(
    experiment=2, revision=1, task=load("sine"), program="Be careful. " * 500, sources={"train.py": SOURCE}, history=(),
    best=1.0, notes=(), comment="", seed=1,
)  # fmt: skip
LESSON = {"experiment": 1, "mechanism": "refuted", "theory": "it is the width"}
REFUSED = Step(stop="refusal", details={"type": "refusal", "category": "frontier_llm", "explanation": "No."})
HEARD = Step(content=[{"type": "text", "text": "I would rather talk about it."}])


def draft(old: str = "LR = 0.01", new: str = "LR = 0.02", **other: Any) -> dict[str, Any]:
    return {
        "hypothesis": "a higher rate learns faster",
        "mechanism": "the loss still falls at the end",
        "expected": "-0.1",
        "previous_mechanism": None,
        "edits": [{"path": "train.py", "old": old, "new": new}],
    } | other


def step(written: Mapping[str, Any] | None = None, **other: Any) -> Step:
    thinking = {"type": "thinking", "thinking": "It still falls."}
    call = {"type": "tool_use", "name": drafts.NAME, "input": written or draft()}
    return Step(content=[thinking, call], **other)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)


async def proposed(server: Server, turn: Listener | None = None, **settings: Any) -> tuple[Proposal, Listener]:
    turn = turn or Listener(BRIEF)
    made = Anthropic("", AgentSettings(base_url=server.url, **settings))
    return await made.propose(BRIEF, turn), turn


async def failed(server: Server, turn: Listener | None = None, **settings: Any) -> tuple[ProposerFailed, Listener]:
    turn = turn or Listener(BRIEF)
    with pytest.raises(ProposerFailed) as raised:
        await proposed(server, turn, **settings)
    return raised.value, turn


def replies(server: Server) -> list[str]:
    """What each request but the first answered last, in words."""
    said = [request.body["messages"][-1]["content"] for request in server.requests[1:]]
    return [
        content if isinstance(content, str) else content[-1].get("content") or content[-1]["text"] for content in said
    ]


# -- proposals ---------------------------------------------------------------------------------------------------------


async def test_an_answer_becomes_a_proposal_with_a_diff_and_a_lesson() -> None:
    with Server(step(draft(previous_mechanism=LESSON))) as server:
        made, turn = await proposed(server)

    assert made == Proposal(
        hypothesis="a higher rate learns faster",
        mechanism="the loss still falls at the end",
        diff="--- a/train.py\n+++ b/train.py\n@@ -1,3 +1,3 @@\n-LR = 0.01\n+LR = 0.02\n WIDTH = 8\n print(LR * WIDTH)\n",
        expected="-0.1",
        lesson=Lesson(1, "refuted", "it is the width"),
    )
    assert edits.canonical(made.diff, BRIEF.sources) == made.diff
    assert turn.said("thinking") == "It still falls."
    assert turn.said("tool").startswith("hypothesis: a higher rate learns faster\nmechanism:")


async def test_a_small_model_writes_whole_files() -> None:
    files = [{"path": "train.py", "text": SOURCE.replace("8", "16")}]
    whole = {name: value for name, value in draft(files=files).items() if name != "edits"}
    with Server(step(whole)) as server:
        made, _ = await proposed(server, edits="whole")

    assert "+WIDTH = 16" in made.diff
    assert list(server.requests[0].body["tools"][0]["input_schema"]["properties"])[-1] == "files"


async def test_the_model_is_the_one_that_was_named() -> None:
    with Server(step()) as server:
        made = proposer("anthropic:claude-opus-5-5", AgentSettings(base_url=server.url))
        await made.propose(BRIEF, Listener(BRIEF))

    assert server.requests[0].body["model"] == "claude-opus-5-5"
    assert made.steering == "next request"


def test_an_address_that_is_none_is_said_before_the_run_begins() -> None:
    with pytest.raises(ConfigError, match="is no address"):
        Anthropic("", AgentSettings(base_url="somewhere"))


# -- repairs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (draft(old="LR = 0.1"), "the nearest to its first line is line 1: 'LR = 0.01'"),
        (draft(new="LR = (0.02"), "train.py would not compile: line 1: '(' was never closed"),
        (draft(new="LR = '\0'"), "train.py would not compile"),
        (draft(new="return 1"), "'return' outside function"),
        ({"hypothesis": "h"}, "mechanism: Field required"),
        (draft(edits=[{"path": "train.py"}]), "edits.0.old: Field required"),
    ],
    ids=["not there", "syntax", "null byte", "return", "missing", "half an edit"],
)
async def test_what_cannot_be_applied_goes_back_with_the_reason(bad: dict[str, Any], reason: str) -> None:
    with Server(step(bad), step()) as server:
        made, turn = await proposed(server)

    assert "+LR = 0.02" in made.diff
    assert reason in replies(server)[0]
    assert reason in turn.said("notice")


async def test_what_the_desk_would_not_take_goes_back_with_its_words() -> None:
    def refuses(proposal: Proposal) -> None:
        if "0.02" in proposal.diff:
            raise EditRefused("the same code was tried in #7")

    with Server(step(), step(draft(new="LR = 0.03"))) as server:
        made, _ = await proposed(server, Listener(BRIEF, refuses=refuses))

    assert "+LR = 0.03" in made.diff
    assert replies(server) == ["the same code was tried in #7"]


async def test_after_two_repairs_it_is_invalid() -> None:
    with Server(step(draft(old="nowhere"), times=3)) as server:
        failure, _ = await failed(server)

    assert failure.outcome == "invalid"
    assert "claude-sonnet-5-5 proposed nothing that can be applied, asked 3 times: edit 1" in str(failure)
    assert len(server.requests) == 3


async def test_a_model_that_only_talks_is_asked_again_and_then_it_is_nothing() -> None:
    with Server(HEARD, HEARD, HEARD) as server:
        failure, _ = await failed(server)

    assert failure.outcome == "nothing"
    assert str(failure).endswith("its last words: I would rather talk about it.")
    assert replies(server) == [f"no experiment was proposed; call {drafts.NAME} once"] * 2


async def test_a_call_that_was_not_closed_is_written_again() -> None:
    raw = {"type": "tool_use", "name": drafts.NAME, "raw": '{"hypothesis": "h", "edits": [{"path": "tr'}
    with Server(Step(content=[raw]), step()) as server:
        made, _ = await proposed(server)

    assert "+LR = 0.02" in made.diff
    assert "no whole JSON object" in replies(server)[0]


async def test_a_stream_that_breaks_is_asked_again_whole() -> None:
    with Server(step(after=4), step(after=2, then="clean"), step()) as server:
        made, turn = await proposed(server)

    assert "+LR = 0.02" in made.diff
    assert [attempt for _, _, attempt, _ in turn.waits] == [1, 2]
    assert server.requests[0].body == server.requests[1].body == server.requests[2].body


# -- ends without a proposal -------------------------------------------------------------------------------------------


async def test_a_refusal_has_its_category_and_is_not_asked_again() -> None:
    with Server(REFUSED) as server:
        failure, _ = await failed(server)

    assert (failure.outcome, failure.category) == ("refused", "frontier_llm")
    assert str(failure) == "claude-sonnet-5-5 refused (frontier_llm): No."
    assert len(server.requests) == 1


async def test_the_fallback_is_asked_from_the_beginning_when_the_first_model_refuses() -> None:
    with Server(step(draft(old="nowhere")), REFUSED, step(model="claude-opus-5-5")) as server:
        made, turn = await proposed(server, fallback="claude-opus-5-5")

    assert "+LR = 0.02" in made.diff
    assert "claude-sonnet-5-5 refused (frontier_llm): No.; asking claude-opus-5-5" in turn.said("notice")
    last = server.requests[-1].body
    assert (last["model"], len(last["messages"])) == ("claude-opus-5-5", 1)


async def test_two_refusals_are_one() -> None:
    with Server(REFUSED, REFUSED) as server:
        failure, _ = await failed(server, fallback="claude-opus-5-5")

    assert (failure.outcome, str(failure)) == ("refused", "claude-opus-5-5 refused (frontier_llm): No.")
    assert len(server.requests) == 2


async def test_an_answer_that_was_cut_is_truncated_and_not_used() -> None:
    with Server(step(draft(new="x" * 400), truncate=60)) as server:
        failure, _ = await failed(server)

    assert failure.outcome == "truncated"
    assert "was cut: at 60 tokens; give it more room with a greater agent.output_tokens" in str(failure)


class Shrinking(Listener):
    """A turn that tells how often its history was halved."""

    def prompt(self, *, shrink: int = 0, brief: Brief | None = None) -> Prompt:
        self.heard.append(("notice", f"shrunk {shrink}; "))
        return super().prompt(shrink=shrink, brief=brief)


@pytest.mark.parametrize(
    "long",
    [
        Step(status=400, type="invalid_request_error", message="prompt is too long: 9 tokens > 8 maximum"),
        Step(status=413),
        Step(stop="model_context_window_exceeded"),
    ],
    ids=["refused", "too large", "exceeded"],
)
async def test_a_prompt_that_is_too_long_is_halved_once(long: Step) -> None:
    with Server(long, step()) as server:
        made, turn = await proposed(server, Shrinking(BRIEF))

    assert "+LR = 0.02" in made.diff
    assert turn.said("notice").startswith("shrunk 0; \n")
    assert turn.said("notice").endswith("asking again with half of the history\nshrunk 1; ")


async def test_a_prompt_that_is_still_too_long_ends_it() -> None:
    with Server(Step(status=413, times=2)) as server:
        failure, _ = await failed(server)

    assert (failure.outcome, len(server.requests)) == ("too_long", 2)


@pytest.mark.parametrize(
    ("bad", "outcome", "words"),
    [
        (
            Step(status=401, type="authentication_error", message="invalid x-api-key"),
            "bad_key",
            "does not take the key",
        ),
        (Step(status=402, type="billing_error", message="pay"), "bad_key", "no money left to spend"),
        (Step(status=404, type="not_found_error"), "crashed", "has no model claude-sonnet-5-5"),
        (Step(status=529, type="overloaded_error", times=2), "unavailable", "tried 2 times"),
    ],
    ids=["key", "money", "model", "overloaded"],
)
async def test_trouble_that_does_not_pass_has_its_outcome(bad: Step, outcome: str, words: str) -> None:
    with Server(bad) as server:
        failure, _ = await failed(server, attempts=2)

    assert failure.outcome == outcome
    assert words in str(failure)


# -- notes -------------------------------------------------------------------------------------------------------------


class Noting(Listener):
    """A turn in which a person writes a note when the desk refuses something."""

    def check(self, proposal: Proposal) -> None:
        if "0.02" in proposal.diff:
            self.unread.append("try the width")
            raise EditRefused("tried in #7")


async def test_a_note_is_read_with_the_next_request() -> None:
    with Server(step(), step(draft(new="LR = 0.03"))) as server:
        await proposed(server, Noting(BRIEF))

    before, after = (request.body["messages"] for request in server.requests)
    assert after[0] == before[0]
    assert after[-1] == {"role": "system", "content": "A note from the person who watches: try the width"}


class Waiting(Listener):
    """A turn in which a person writes a note while a service is waited for."""

    async def back_off(self, why: str, seconds: float, *, attempt: int, attempts: int | None) -> None:
        self.unread.append("try the width")


async def test_a_note_written_during_a_wait_is_read_when_it_ends() -> None:
    with Server(Step(status=529, type="overloaded_error"), step(draft(new="LR = 0.03"))) as server:
        await proposed(server, Waiting(BRIEF))

    before, after = (request.body["messages"] for request in server.requests)
    [*same, note] = after[0]["content"]
    assert same == before[0]["content"]
    assert note["text"] == "A note from the person who watches: try the width"


async def test_a_note_is_not_lost_when_the_conversation_begins_anew() -> None:
    with Server(step(), REFUSED, step(draft(new="LR = 0.03"))) as server:
        await proposed(server, Noting(BRIEF), fallback="claude-opus-5-5")

    [message] = server.requests[-1].body["messages"]
    assert message["content"][-1]["text"] == "A note from the person who watches: try the width"


# -- the engine's own turn ---------------------------------------------------------------------------------------------


class Desk:
    """A sitting with a real journal and real books."""

    def __init__(self, folder: Path) -> None:
        self.journal = journal_in(folder, facts.opened(), facts.engine(), *facts.life(1), facts.proposed(2)[0])
        self.turn = Sitting(
            BRIEF, journal=self.journal, gates=Gates(self.journal), books=Books(journal=self.journal, run_dir=folder),
            run_dir=folder, check=lambda proposal: None, export=lambda folder: None,
        )  # fmt: skip

    def close(self) -> None:
        self.journal.telemetry.close()
        self.journal.ledger.close()


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_a_veto_in_the_middle_of_the_stream_ends_the_spending_within_a_second(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with Server(step(after=2, then="stall")) as server:
        made = Anthropic("", AgentSettings(base_url=server.url))
        proposing = asyncio.create_task(made.propose(BRIEF, desk.turn))
        await eventually(lambda: any(bill.billed for bill in desk.journal.state.bills.values()))

        began = time.monotonic()
        proposing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await proposing
        until(lambda: server.requests[0].outcome == "client_gone", seconds=1)
        took = time.monotonic() - began

    billed = desk.journal.state.bills[1].billed
    assert took < 1
    assert billed is not None
    assert (billed.final, billed.estimated) == (True, True)
    assert billed.usage.prompt == sum(server.requests[0].usage.values()) - server.requests[0].usage["output"]
    assert billed.usage.output >= 1
    desk.close()


async def test_a_key_is_in_nothing_that_is_kept_whatever_the_model_and_the_server_say(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    talk = [{"type": "thinking", "thinking": f"my key is {KEY}!"}, {"type": "text", "text": f"{KEY} is it"}]
    call = {"type": "tool_use", "name": drafts.NAME, "input": draft(old="nowhere", hypothesis=f"use {KEY}")}
    with Server(
        Step(content=[*talk, call], size=7), Step(status=401, type="authentication_error", message=f"{KEY} is unknown")
    ) as server:
        with pytest.raises(ProposerFailed) as failure:
            await Anthropic("", AgentSettings(base_url=server.url)).propose(BRIEF, desk.turn)
        desk.turn.close()
        desk.journal.telemetry.flush()

    thoughts = "".join(thought.text for thought in desk.journal.telemetry.thoughts(2))
    assert thoughts.count("[key]") == 3
    assert "[key] is unknown" in str(failure.value)
    desk.close()
    assert KEY.encode() not in everything_in(tmp_path)


# -- the tool ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["replace", "whole"])
def test_the_tools_schema_is_plain_and_reads_what_it_describes(way: Any) -> None:
    schema = drafts.tool(way).schema

    assert "$ref" not in repr(schema)
    assert "title" not in repr(schema)
    assert schema["required"] == list(schema["properties"])
    assert schema["properties"]["hypothesis"]["description"]


def test_a_draft_that_changes_nothing_has_an_empty_diff() -> None:
    assert drafts.proposal(draft(new="LR = 0.01"), "replace", BRIEF.sources).diff == ""


def test_warnings_about_a_models_code_are_its_own() -> None:
    made = drafts.proposal(draft(new='LR = "\\d"'), "replace", BRIEF.sources)

    assert '+LR = "\\d"' in made.diff


def test_code_that_is_nested_without_end_does_not_compile() -> None:
    with pytest.raises(EditRefused, match="would not compile"):
        drafts.proposal(draft(new=f"LR = {'(' * 50_000}"), "replace", BRIEF.sources)
