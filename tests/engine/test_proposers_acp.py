"""Agents over the Agent Client Protocol: what they leave is proposed, what they ask is asked, and nothing of them stays behind."""

import asyncio
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.config import AgentSettings
from loopwatch.engine.errors import ConfigError, EditRefused, ProposerFailed
from loopwatch.engine.money import Usage
from loopwatch.engine.proposers.acp import PRESETS, Acp
from loopwatch.engine.turn import Permitted, Proposal
from tests.engine.agents import BOLDER, BRIEF, CLAIMS, SERVERS, SOURCE, Person, bold, command, heard, person, processes
from tests.waiting import until

SETTINGS = AgentSettings(attempts=2)


async def propose(folder: Path, turn: Person, *turns: list[dict[str, Any]], **more: Any) -> Proposal:
    settings = more.pop("settings", SETTINGS)
    return await Acp(command(folder, *turns, **more), settings).propose(BRIEF, turn)


async def failure(folder: Path, *turns: list[dict[str, Any]], **more: Any) -> ProposerFailed:
    with pytest.raises(ProposerFailed) as caught:
        await propose(folder, more.pop("turn", None) or person(folder), *turns, **more)
    return caught.value


def ask(kind: str = "edit", **tool: Any) -> dict[str, Any]:
    return {"toolCall": {"toolCallId": "c1", "title": "Edit train.py", "kind": kind, **tool}}


async def test_what_an_agent_left_in_its_copy_becomes_the_proposal(tmp_path: Path) -> None:
    turn = person(tmp_path)
    tool = {"sessionUpdate": "tool_call", "toolCallId": "c", "title": "Edit train.py", "kind": "edit"}

    proposal = await propose(tmp_path, turn, [{"think": "Bolder?"}, {"update": tool}, *bold()])

    assert (proposal.hypothesis, proposal.mechanism, proposal.expected) == ("bolder is better", "longer steps", "-0.1")
    assert "-LR = 0.01  # how bold\n+LR = 0.02  # how bold\n" in proposal.diff
    assert (turn.said("thinking"), turn.said("tool")) == ("Bolder?", "Edit train.py\n")
    assert turn.said("text") == CLAIMS
    assert not list(turn.folder.glob("scratch/*"))


async def test_an_agent_is_told_the_brief_and_what_to_leave_behind(tmp_path: Path) -> None:
    await propose(tmp_path, person(tmp_path), bold())

    prompt = next(m["params"]["prompt"][0]["text"] for m in heard(tmp_path) if m.get("method") == "session/prompt")
    assert "Be bold." in prompt
    assert "Make one change by editing files there: train.py." in prompt


async def test_no_file_system_and_no_terminal_is_offered(tmp_path: Path) -> None:
    await propose(tmp_path, person(tmp_path), bold())

    assert "clientCapabilities" not in heard(tmp_path)[0]["params"]


async def test_a_permission_is_answered_by_the_kind_of_its_options_and_for_once_only(tmp_path: Path) -> None:
    await propose(tmp_path, person(tmp_path), [{"ask": {**ask(locations=[{"path": "train.py"}]), "then": bold()}}])

    assert _outcomes(tmp_path) == [{"outcome": "selected", "optionId": "proceed_once"}]


async def test_a_permission_shows_the_diff_that_came_only_with_the_earlier_tool_call(tmp_path: Path) -> None:
    turn = person(tmp_path)
    diff = {"type": "diff", "path": "train.py", "oldText": "LR = 0.01", "newText": "LR = 0.02"}
    earlier = {"sessionUpdate": "tool_call", "toolCallId": "c1", "title": "Edit", "kind": "edit", "content": [diff]}

    await propose(tmp_path, turn, [{"update": earlier}, {"ask": {"toolCall": {"toolCallId": "c1"}, "then": bold()}}])

    assert turn.asked[0].kind == "edit"
    assert turn.asked[0].paths == ("train.py",)
    assert turn.asked[0].detail.startswith("--- a/train.py\n+++ b/train.py\n@@ -1,6 +1,6 @@\n")
    assert "+LR = 0.02  # how bold\n" in turn.asked[0].detail


@pytest.mark.parametrize(
    ("tool", "kind", "paths", "detail"),
    [
        ({"kind": "execute", "rawInput": {"command": ["ls", "-l a"]}}, "execute", (), "ls '-l a'"),
        ({"kind": "edit", "rawInput": {"command": "rm x"}}, "execute", (), "rm x"),
        ({"kind": "edit", "rawInput": {"all": 1}}, "other", (), '{\n "all": 1\n}'),
        ({"kind": "edit", "locations": [{"path": "/etc/hosts"}]}, "edit", ("/etc/hosts",), ""),
        ({"kind": "edit", "locations": [{"path": "a/../../x"}]}, "edit", ("{copy}/a/../../x",), ""),
        ({"kind": "switch_mode"}, "other", (), ""),
    ],
    ids=[
        "a command",
        "a command that calls itself an edit",
        "nobody knows where",
        "outside",
        "outside by dots",
        "else",
    ],
)
async def test_a_permission_says_what_would_be_done_and_where(
    tmp_path: Path, tool: dict[str, Any], kind: str, paths: tuple[str, ...], detail: str
) -> None:
    turn = person(tmp_path)

    await propose(tmp_path, turn, [{"ask": {**ask(), "toolCall": {"toolCallId": "c1", **tool}}}, *bold()])

    copy = str(turn.folder / "scratch" / "0002-1")
    asked = turn.asked[0]
    assert (asked.kind, asked.paths, asked.detail) == (
        kind,
        tuple(path.replace("{copy}", copy) for path in paths),
        detail,
    )


async def test_the_reason_of_a_denial_reaches_an_agent_once_its_turn_has_ended(tmp_path: Path) -> None:
    turn = person(tmp_path, permits=lambda permission: Permitted(False, by="anna", reason="not the width"))

    proposal = await propose(tmp_path, turn, [{"ask": ask()}], bold())

    assert _outcomes(tmp_path) == [{"outcome": "selected", "optionId": "allow"}]
    assert "Edit train.py: not the width" in _prompts(tmp_path)[1]
    assert proposal.hypothesis == "bolder is better"


async def test_what_a_person_amends_is_denied_for_the_protocol_has_no_word_for_it(tmp_path: Path) -> None:
    turn = person(tmp_path, permits=lambda permission: Permitted(True, by="anna", amended="LR = 0.015"))

    await propose(tmp_path, turn, [{"ask": ask()}], bold())

    assert _outcomes(tmp_path) == [{"outcome": "selected", "optionId": "allow"}]
    assert "LR = 0.015" in _prompts(tmp_path)[1]


async def test_permission_for_ever_is_never_given(tmp_path: Path) -> None:
    turn = person(tmp_path)
    always = [{"optionId": "a", "name": "Yes", "kind": "allow_always"}]

    await propose(tmp_path, turn, [{"ask": {**ask(), "options": always}}, *bold()])

    assert _outcomes(tmp_path) == [{"outcome": "cancelled"}]
    assert "no way to allow this once" in turn.said("notice")


async def test_the_mode_that_asks_is_set(tmp_path: Path) -> None:
    await propose(tmp_path, person(tmp_path), bold(), modes=["yolo", "plan"], settings=AgentSettings(mode="plan"))

    assert [m["params"]["modeId"] for m in heard(tmp_path) if m.get("method") == "session/set_mode"] == ["plan"]


async def test_an_agent_without_the_mode_that_asks_may_act_without_asking_and_that_is_said(tmp_path: Path) -> None:
    turn = person(tmp_path)

    await propose(tmp_path, turn, bold(), modes=["yolo"], settings=AgentSettings(mode="plan"))

    assert "no mode 'plan' (it has: yolo), so it may act without asking" in turn.said("notice")


async def test_a_file_that_comes_through_us_unasked_lands_in_the_copy(tmp_path: Path) -> None:
    proposal = await propose(
        tmp_path, person(tmp_path), [{"fs_write": {"path": "train.py", "content": BOLDER}}, {"say": CLAIMS}]
    )

    assert "+LR = 0.02" in proposal.diff


@pytest.mark.parametrize("path", ["../../../evil.py", "{tmp}/evil.py", "link/evil.py"])
async def test_a_file_outside_of_the_copy_is_not_written_through_us(tmp_path: Path, path: str) -> None:
    turn = person(tmp_path)
    link = f"import os; os.symlink({str(tmp_path)!r}, folder / 'link')"
    outside = {"path": path.replace("{tmp}", str(tmp_path)), "content": "x"}

    await propose(tmp_path, turn, [{"python": link}, {"fs_write": outside}, *bold()])

    assert not any(name == "evil.py" for _, _, files in os.walk(tmp_path) for name in files)
    assert "outside of its copy" in turn.said("notice")


async def test_a_turn_without_a_change_is_an_outcome_with_the_agents_words(tmp_path: Path) -> None:
    failed = await failure(tmp_path, [{"say": "I see no way."}])

    assert (failed.outcome, str(failed)) == ("nothing", "it left its copy as it was: I see no way.")


@pytest.mark.parametrize(
    ("stop", "outcome"),
    [("refusal", "refused"), ("max_tokens", "truncated"), ("max_turn_requests", "truncated"), ("cancelled", "nothing")],
)
async def test_each_way_a_turn_can_stop_is_its_own_outcome(tmp_path: Path, stop: str, outcome: str) -> None:
    failed = await failure(tmp_path, [{"write": {"train.py": BOLDER}}, {"say": CLAIMS}, {"stop": stop}])

    assert failed.outcome == outcome


async def test_an_agent_that_forgets_its_reasons_is_asked_for_them_once(tmp_path: Path) -> None:
    proposal = await propose(tmp_path, person(tmp_path), [{"write": {"train.py": BOLDER}}], [{"say": CLAIMS}])

    assert proposal.mechanism == "longer steps"


async def test_without_reasons_the_desk_gets_a_proposal_that_it_will_refuse(tmp_path: Path) -> None:
    proposal = await propose(tmp_path, person(tmp_path), [{"write": {"train.py": BOLDER}}])

    assert (proposal.hypothesis, len(_prompts(tmp_path))) == ("", 2)


async def test_what_the_desk_would_refuse_is_mended_in_the_same_session(tmp_path: Path) -> None:
    def refuses(proposal: Proposal) -> None:
        if "0.02" in proposal.diff:
            raise EditRefused("the same code was tried in #7")

    mended: list[dict[str, Any]] = [{"write": {"train.py": SOURCE.replace("0.01", "0.03")}}, {"say": CLAIMS}]
    proposal = await propose(tmp_path, person(tmp_path, refuses=refuses), bold(), mended)

    assert "the same code was tried in #7" in _prompts(tmp_path)[1]
    assert "+LR = 0.03" in proposal.diff


async def test_after_two_repairs_what_cannot_be_taken_is_invalid(tmp_path: Path) -> None:
    failed = await failure(tmp_path, [{"python": "(folder / 'train.py').unlink(missing_ok=True)"}, {"say": CLAIMS}])

    assert (failed.outcome, str(failed)) == ("invalid", "train.py is gone; put it back, and change its text")
    assert len(_prompts(tmp_path)) == 3


async def test_the_cost_that_an_agent_adds_up_is_booked_in_pieces(tmp_path: Path) -> None:
    turn = person(tmp_path)
    usage: dict[str, Any] = {"totalTokens": 160, "inputTokens": 100, "outputTokens": 50, "cachedReadTokens": 10}

    await propose(
        tmp_path, turn, [_cost(0.25), {"write": {"train.py": BOLDER}}, {"stop": "end_turn", "usage": usage}], [_cost(0.75), {"say": CLAIMS}]
    )  # fmt: skip

    assert turn.requests[0].words[-1] == (Usage(input=100, output=50, cache_read=10), 0.25, False, True)
    assert turn.requests[1].words[-1][1] == 0.5


async def test_a_turn_whose_cost_passes_a_cap_is_cancelled_and_booked(tmp_path: Path) -> None:
    turn = person(tmp_path, affords=0.5)

    failed = await failure(tmp_path, [_cost(0.25), _cost(0.75), {"wait": 0}], turn=turn)

    assert failed.outcome == "over_budget"
    assert any(m.get("method") == "session/cancel" for m in heard(tmp_path))
    assert turn.requests[0].words[-1][1:] == (0.75, True, True)


async def test_an_unknown_cost_stays_unknown_and_its_tokens_are_a_guess(tmp_path: Path) -> None:
    turn = person(tmp_path)

    await propose(tmp_path, turn, bold())

    (_, usd, estimated, final) = turn.requests[0].words[-1]
    assert (usd, estimated, final) == (None, True, True)


async def test_an_agent_that_wants_a_login_is_a_key_that_is_missing(tmp_path: Path) -> None:
    assert (await failure(tmp_path, bold(), auth=True)).outcome == "bad_key"


async def test_another_version_of_the_protocol_is_not_guessed_at(tmp_path: Path) -> None:
    assert "speaks version 2" in str(await failure(tmp_path, bold(), version=2))


async def test_an_answer_that_the_protocol_does_not_know_is_said_in_a_line(tmp_path: Path) -> None:
    failed = await failure(tmp_path, [{"stop": "bored"}])

    assert failed.outcome == "crashed"
    assert "answered what the protocol does not know: stopReason: Input should be 'end_turn'" in str(failed)


async def test_trouble_of_an_agents_service_is_waited_for_with_a_fresh_copy(tmp_path: Path) -> None:
    turn = person(tmp_path)

    failed = await failure(tmp_path, [{"fail": {"code": -32603, "message": "overloaded"}}], turn=turn)

    assert (failed.outcome, turn.copies, len(turn.waits)) == ("unavailable", 2, 1)


async def test_an_agent_that_dies_is_named_with_its_last_words(tmp_path: Path) -> None:
    failed = await failure(tmp_path, [{"complain": "out of ideas"}, {"die": 3}])

    assert failed.outcome == "crashed"
    assert str(failed).endswith("ended with exit code 3: out of ideas")


async def test_garbage_between_the_messages_goes_to_the_log(tmp_path: Path) -> None:
    turn = person(tmp_path)

    await propose(tmp_path, turn, [{"print": "npm warn!"}, {"print": "[1, 2]"}, {"print": "{" * 5000}, *bold()])

    log = (turn.folder / "logs" / "0002-1.agent.log").read_text()
    assert log.startswith("npm warn!\n[1, 2]\n{{{")


async def test_what_the_library_cannot_read_is_not_logged_keys_and_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = {"sessionUpdate": "from_next_year", "content": "sk-marked-key-1234"}

    await propose(tmp_path, person(tmp_path), [{"update": unknown}, *bold()])

    assert not caplog.records


async def test_a_silent_agent_is_given_up(tmp_path: Path) -> None:
    failed = await failure(tmp_path, [{"wait": 0}], settings=AgentSettings(attempts=1, silence_seconds=0.1))

    assert (failed.outcome, "was silent" in str(failed)) == ("unavailable", True)


@pytest.mark.parametrize("way", [{}, {"deaf": True}], ids=["heard", "not heard"])
async def test_a_cancelled_agent_is_gone_within_a_second(tmp_path: Path, way: dict[str, Any]) -> None:
    turn = person(tmp_path)
    working = asyncio.create_task(propose(tmp_path, turn, [{"think": "Hm."}, {"wait": 0}], **way))
    await _until(lambda: turn.said("thinking"))
    began = time.monotonic()

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert time.monotonic() - began < 1
    assert not processes(str(tmp_path))
    assert turn.requests[0].words[-1][2:] == (True, True)


async def test_what_an_agent_still_asks_when_it_is_cancelled_is_answered_so(tmp_path: Path) -> None:
    turn = person(tmp_path, patient=True)
    working = asyncio.create_task(propose(tmp_path, turn, [{"ask": ask()}, {"wait": 0}]))
    await _until(lambda: turn.waiting)

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert _outcomes(tmp_path) == [{"outcome": "cancelled"}]
    assert any(m.get("method") == "session/cancel" for m in heard(tmp_path))


async def test_a_daemon_that_an_agent_left_goes_with_it(tmp_path: Path) -> None:
    daemon = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', "
        f"{str(tmp_path)!r}], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)"
    )
    seen: list[int] = []
    mark = f"time.sleep(300)\0{tmp_path}"
    turn = person(tmp_path, refuses=lambda proposal: seen.extend(until(lambda: processes(mark))))

    await propose(tmp_path, turn, [{"python": daemon}, *bold()])

    assert len(seen) == 1
    assert not processes(str(tmp_path))


async def test_an_agent_sees_its_own_login_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWATCH_HOME", "secret-home")
    monkeypatch.setenv("SOME_LOGIN", "mine")
    tell = "import os, sys; print(os.environ.get('LOOPWATCH_HOME'), os.environ['SOME_LOGIN'], file=sys.stderr)"
    turn = person(tmp_path)

    await propose(tmp_path, turn, [{"python": tell}, *bold()])

    assert (turn.folder / "logs" / "0002-1.agent.log").read_text() == "None mine\n"


async def test_a_key_that_an_agent_prints_is_not_in_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-marked-key-1234")
    turn = person(tmp_path)

    await propose(
        tmp_path, turn, [{"python": "import os, sys; print(os.environ['ANTHROPIC_API_KEY'], file=sys.stderr)"}, *bold()]
    )

    assert (turn.folder / "logs" / "0002-1.agent.log").read_text() == "[key]\n"


@pytest.mark.parametrize(
    ("name", "title", "cost"),
    [("claude_agent_acp", "Edit train.py", 0.19824525), ("opencode_acp", "edit train.py", 0.05483025)],
)
async def test_what_real_agents_said_once_is_understood(tmp_path: Path, name: str, title: str, cost: float) -> None:
    replayed = shlex.join([sys.executable, str(SERVERS / "replay.py"), str(SERVERS / "transcripts" / f"{name}.jsonl")])
    turn = person(tmp_path)

    settings = AgentSettings(mode="default" if name == "claude_agent_acp" else None)
    proposal = await Acp(replayed, settings).propose(BRIEF, turn)

    assert "+LR = 0.02  # how bold\n" in proposal.diff
    assert (proposal.hypothesis, turn.asked[0].title) == ("bolder is better", title)
    assert (turn.asked[0].paths, turn.asked[0].detail) == (("train.py",), proposal.diff)
    assert turn.requests[0].words[-1][1:] == (cost, False, True)


@pytest.mark.parametrize("name", PRESETS)
def test_a_known_agent_that_is_not_installed_is_refused_with_the_way_to_install_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigError, match="npm install -g"):
        Acp(name, SETTINGS)


@pytest.mark.parametrize("argument", ["", "  ", "no-such-agent --acp", "a 'b"])
def test_a_command_line_that_cannot_be_used_is_refused_at_the_start(argument: str) -> None:
    with pytest.raises(ConfigError):
        Acp(argument, SETTINGS)


def _cost(amount: float) -> dict[str, Any]:
    cost = {"amount": amount, "currency": "USD"}
    return {"update": {"sessionUpdate": "usage_update", "used": 100, "size": 1000, "cost": cost}}


def _outcomes(folder: Path) -> list[dict[str, Any]]:
    return [m["result"]["outcome"] for m in heard(folder) if "outcome" in (m.get("result") or {})]


def _prompts(folder: Path) -> list[str]:
    return [m["params"]["prompt"][0]["text"] for m in heard(folder) if m.get("method") == "session/prompt"]


async def _until(fact: Any) -> None:
    await asyncio.to_thread(until, fact)
