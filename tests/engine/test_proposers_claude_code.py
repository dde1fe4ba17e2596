"""Claude Code over its own protocol, against a scripted stand-in: vetoes with reasons, amendments, notes in mid-turn, and its bills."""

import asyncio
import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.config import AgentSettings
from loopwatch.engine.errors import ConfigError, ProposerFailed
from loopwatch.engine.money import Usage
from loopwatch.engine.proposers.claude_code import ClaudeCode
from loopwatch.engine.turn import Permitted, Proposal
from tests.engine.agents import BRIEF, CLAIMS, SERVERS, Person, heard, person, processes, scripted
from tests.waiting import until

SETTINGS = AgentSettings(attempts=2)
EDIT: dict[str, Any] = {
    "name": "Edit",
    "input": {"file_path": "train.py", "old_string": "LR = 0.01", "new_string": "LR = 0.02"},
}
BOLD: list[dict[str, Any]] = [{"think": "Bolder?"}, {"ask": EDIT}, {"say": CLAIMS}]


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name on the PATH, which plays the script in `tmp_path`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "claude"
    program.write_text(
        f'#!/bin/sh\nexec {sys.executable} {SERVERS / "claude_code.py"} {tmp_path / "agent.json"} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return tmp_path


async def propose(folder: Path, turn: Person, *turns: list[dict[str, Any]], **more: Any) -> Proposal:
    scripted(folder, *turns)
    return await ClaudeCode(more.get("model", ""), more.get("settings", SETTINGS)).propose(BRIEF, turn)


async def failure(folder: Path, turn: Person, *turns: list[dict[str, Any]], **more: Any) -> ProposerFailed:
    with pytest.raises(ProposerFailed) as caught:
        await propose(folder, turn, *turns, **more)
    return caught.value


async def test_what_it_left_in_its_copy_becomes_the_proposal(claude: Path) -> None:
    turn = person(claude)

    proposal = await propose(claude, turn, BOLD)

    assert (proposal.hypothesis, proposal.mechanism) == ("bolder is better", "longer steps")
    assert "-LR = 0.01  # how bold\n+LR = 0.02  # how bold\n" in proposal.diff
    assert (turn.said("thinking"), turn.said("tool"), turn.said("text")) == (
        "Bolder?\n",
        "Edit train.py\n",
        f"{CLAIMS}\n",
    )


async def test_an_edit_is_asked_for_with_its_diff(claude: Path) -> None:
    turn = person(claude)

    await propose(claude, turn, BOLD)

    assert (turn.asked[0].title, turn.asked[0].kind, turn.asked[0].paths) == ("Edit train.py", "edit", ("train.py",))
    assert "+LR = 0.02  # how bold\n" in turn.asked[0].detail


@pytest.mark.parametrize(
    ("tool", "kind", "detail"),
    [
        ({"name": "Bash", "input": {"command": "rm -r /"}}, "execute", "rm -r /"),
        ({"name": "Grep", "input": {"pattern": "LR"}}, "other", '{\n "pattern": "LR"\n}'),
        ({"name": "mcp__x", "input": {"a": 1}}, "other", '{\n "a": 1\n}'),
    ],
)
async def test_other_tools_say_what_they_would_do(claude: Path, tool: dict[str, Any], kind: str, detail: str) -> None:
    turn = person(claude)

    await propose(claude, turn, [{"ask": tool}, *BOLD])

    assert (turn.asked[0].kind, turn.asked[0].detail) == (kind, detail)


async def test_a_veto_reaches_it_with_its_reason(claude: Path) -> None:
    turn = person(claude, permits=lambda permission: Permitted(False, by="anna", reason="too bold"))

    failed = await failure(claude, turn, BOLD)

    assert _decisions(claude) == [{"behavior": "deny", "message": "too bold"}]
    assert "failed: too bold" in turn.said("tool")
    assert failed.outcome == "nothing"


async def test_what_a_person_amends_is_what_is_edited(claude: Path) -> None:
    amended = "--- a/train.py\n+++ b/train.py\n@@ -3 +3 @@\n-LR = 0.01  # how bold\n+LR = 0.015  # how bold\n"
    turn = person(claude, permits=lambda permission: Permitted(True, by="anna", amended=amended))

    proposal = await propose(claude, turn, BOLD)

    assert "+LR = 0.015  # how bold\n" in proposal.diff


async def test_a_command_is_amended_as_it_stands(claude: Path) -> None:
    turn = person(claude, permits=lambda p: Permitted(True, by="anna", amended="ls" if p.kind == "execute" else ""))

    await propose(claude, turn, [{"ask": {"name": "Bash", "input": {"command": "rm x", "timeout": 5}}}, *BOLD])

    assert _decisions(claude)[0]["updatedInput"] == {"command": "ls", "timeout": 5}


async def test_an_amendment_that_does_not_fit_is_a_denial_that_says_what_was_wanted(claude: Path) -> None:
    turn = person(claude, permits=lambda permission: Permitted(True, by="anna", amended="make it 0.015"))

    await failure(claude, turn, BOLD)

    assert _decisions(claude) == [{"behavior": "deny", "message": "A person wants this instead:\nmake it 0.015"}]


async def test_a_note_reaches_it_in_the_middle_of_its_turn(claude: Path) -> None:
    turn = person(claude)
    turn.written.put_nowait("think of the width")

    await propose(claude, turn, [{"listen": True}, *BOLD])

    assert _users(claude)[1] == "think of the width"
    assert len(turn.requests) == 1


async def test_a_note_that_comes_too_late_for_its_turn_begins_another_before_the_proposal_is_read(claude: Path) -> None:
    turn = person(claude)
    turn.written.put_nowait("no, the width")
    width = {"name": "Edit", "input": {"file_path": "train.py", "old_string": "WIDTH = 12", "new_string": "WIDTH = 16"}}

    proposal = await propose(claude, turn, [{"say": CLAIMS}], [{"ask": width}, {"say": CLAIMS}])

    assert "+WIDTH = 16" in proposal.diff


async def test_each_turn_is_booked_with_its_own_part_of_the_cost(claude: Path) -> None:
    turn = person(claude)

    await propose(
        claude,
        turn,
        [{"ask": EDIT}, {"result": {"cost": 0.25}}],
        [{"say": CLAIMS}, {"result": {"cost": 0.5}}],
        model="m",
    )

    usage = Usage(input=10, output=30, cache_read=1000, cache_write_5m=150, cache_write_1h=50)
    assert [booked.model for booked in turn.requests] == ["claude-code:m", "claude-code:m"]
    assert [booked.words for booked in turn.requests] == [[(usage, 0.25, False, True)], [(usage, 0.5, False, True)]]


@pytest.mark.parametrize(
    ("result", "outcome", "waits"),
    [
        ({"stop_reason": "refusal"}, "refused", 0),
        ({"stop_reason": "max_tokens"}, "truncated", 0),
        ({"is_error": True, "api_error_status": 401, "result": "API Error: 401"}, "bad_key", 0),
        ({"is_error": True, "result": "Not logged in · Please run /login"}, "bad_key", 0),
        ({"is_error": True, "api_error_status": 402, "result": "no credit"}, "bad_key", 0),
        ({"is_error": True, "api_error_status": 400, "terminal_reason": "prompt_too_long"}, "too_long", 0),
        ({"is_error": True, "api_error_status": 529, "result": "overloaded"}, "unavailable", 1),
    ],
)
async def test_each_way_a_turn_can_fail_is_its_own_outcome(
    claude: Path, result: dict[str, Any], outcome: str, waits: int
) -> None:
    turn = person(claude)

    failed = await failure(claude, turn, [{"result": result}])

    assert (failed.outcome, len(turn.waits)) == (outcome, waits)


async def test_a_key_that_is_not_taken_is_not_tried_again(claude: Path) -> None:
    retry = {"type": "system", "subtype": "api_retry", "error_status": 401, "retry_delay_ms": 500.5}

    failed = await failure(claude, person(claude), [{"print": json.dumps(retry)}, {"wait": True}])

    assert failed.outcome == "bad_key"


async def test_a_prompt_that_is_too_long_is_sent_once_more_with_half_of_the_history(claude: Path) -> None:
    turn = person(claude)

    await failure(claude, turn, [{"result": {"is_error": True, "api_error_status": 413, "result": "too large"}}])

    assert (turn.copies, turn.said("notice")) == (2, "claude-code: too large; asking again with half of the history\n")


async def test_after_a_refusal_the_fallback_model_is_asked(claude: Path) -> None:
    refusal = {
        "type": "message_delta",
        "delta": {"stop_reason": "refusal", "stop_details": {"category": "frontier_llm"}},
    }
    refused: list[dict[str, Any]] = [
        {"print": json.dumps({"type": "stream_event", "event": refusal})},
        {"result": {"is_error": True}},
    ]
    turn = person(claude)

    failed = await failure(claude, turn, refused, settings=AgentSettings(fallback="other"))

    assert (failed.outcome, failed.category) == ("refused", "frontier_llm")
    assert [booked.model for booked in turn.requests] == ["claude-code", "claude-code:other"]


async def test_a_usage_limit_that_says_when_it_ends_is_waited_for(claude: Path) -> None:
    turn = person(claude)
    limit = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": time.time() + 3600}}
    spent: list[dict[str, Any]] = [
        {"print": json.dumps(limit)},
        {"result": {"is_error": True, "api_error_status": 429, "result": "limit"}},
    ]
    working = asyncio.create_task(propose(claude, turn, spent))
    await asyncio.to_thread(until, lambda: turn.waits)

    working.cancel()
    await asyncio.wait({working})

    (why, seconds, attempt, attempts) = turn.waits[0]
    assert (why, attempt, attempts) == ("claude-code: limit", 1, None)
    assert 3590 < seconds <= 3600


async def test_a_cancelled_turn_is_interrupted_booked_and_gone_within_a_second(claude: Path) -> None:
    turn = person(claude)
    working = asyncio.create_task(propose(claude, turn, [{"think": "Hm."}, {"wait": True}]))
    await asyncio.to_thread(until, lambda: turn.said("thinking"))
    began = time.monotonic()

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert time.monotonic() - began < 1
    assert heard(claude)[-1]["request"] == {"subtype": "interrupt"}
    assert turn.requests[0].words[-1][1:] == (0.01, True, True)
    assert not processes(str(claude / "agent.json"))


async def test_it_is_told_to_ask_and_not_to_read_the_users_own_permissions(claude: Path) -> None:
    await propose(claude, person(claude), BOLD, model="claude-sonnet-5-5", settings=AgentSettings(effort="low"))

    options = json.loads((claude / "agent.json.heard").read_text().splitlines()[0])
    given = dict(pairwise(options))
    assert (given["--permission-mode"], given["--setting-sources"]) == ("default", "")
    assert (given["--model"], given["--effort"]) == ("claude-sonnet-5-5", "low")


async def test_one_that_ends_at_once_is_named_with_its_last_words(claude: Path) -> None:
    (claude / "bin" / "claude").write_text("#!/bin/sh\necho 'node is too old' >&2\nexit 1\n")

    failed = await failure(claude, person(claude), BOLD)

    assert (failed.outcome, str(failed)) == ("crashed", "claude-code ended with exit code 1: node is too old")


async def test_what_the_real_one_said_once_is_understood(claude: Path) -> None:
    replayed = f"{sys.executable} {SERVERS / 'replay.py'} {SERVERS / 'transcripts' / 'claude_code.jsonl'}"
    (claude / "bin" / "claude").write_text(f"#!/bin/sh\nexec {replayed}\n")
    turn = person(claude)

    proposal = await ClaudeCode("", SETTINGS).propose(BRIEF, turn)

    assert "+LR = 0.02  # how bold\n" in proposal.diff
    assert (turn.asked[0].title, turn.asked[0].paths, turn.asked[0].detail) == (
        "Edit train.py",
        ("train.py",),
        proposal.diff,
    )
    assert turn.requests[0].words == [
        (Usage(output=87, cache_read=9199, cache_write_5m=4824), 0.0369245, False, True),
    ]


def test_without_claude_code_the_run_is_refused_with_the_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigError, match="npm install -g @anthropic-ai/claude-code"):
        ClaudeCode("", SETTINGS)


def _decisions(folder: Path) -> list[dict[str, Any]]:
    return [m["response"]["response"] for m in heard(folder) if m["type"] == "control_response"]


def _users(folder: Path) -> list[str]:
    return [m["message"]["content"][0]["text"] for m in heard(folder) if m["type"] == "user"]
