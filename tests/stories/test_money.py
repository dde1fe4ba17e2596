"""What a run spends, waits for and must never tell, with a real model's SDK against a scripted service."""

import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.commands import Resume, SetCaps
from loopwatch.engine.config import Caps
from loopwatch.engine.events import (
    BackedOff,
    Billed,
    Briefed,
    CapsChanged,
    Paused,
    Requested,
    Resumed,
    TurnEnded,
    WentOn,
)
from loopwatch.engine.money import Usage
from tests.servers.anthropic import Served, Server, Step
from tests.waiting import until

from .story import Story

KEY = "sk-ant-marked-in-the-environment-1"
FILED = "sk-marked-in-the-file-of-keys-2"
MODEL = "claude-sonnet-5-5"
RICH = {"output_tokens": 10_000}
"""Each request can cost ten cents for what it may write, and a little for its prompt."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    file = tmp_path / "config" / "keys.toml"
    file.write_text(f'openai = "{FILED}"\n')
    file.chmod(0o600)
    monkeypatch.setenv("LOOPWATCH_CONFIG", str(file.parent))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def proposes(
    score: float, *, thinking: str = "Let me see.", do: str = "", says: str = "it says so", **step: Any
) -> Step:
    edits = [{"path": "train.py", "old": "SCORE = 1.0", "new": f"SCORE = {score}"}]
    edits += [{"path": "train.py", "old": 'DO = ""', "new": f"DO = {do!r}"}] if do else []
    words = {"hypothesis": says, "mechanism": says, "expected": says, "previous_mechanism": None, "edits": edits}
    call = {"type": "tool_use", "name": "propose_experiment", "input": words}
    return Step(content=[{"type": "thinking", "thinking": thinking}, call], **step)


def begin(story: Story, server: Server, *, agent: dict[str, Any] | None = None, **settings: Any) -> None:
    told = {"base_url": server.url, **(agent or {})}
    story.begin([], proposer=f"anthropic:{MODEL}", agent=told, stop={"experiments": 2}, **settings)


def billed(served: Served) -> Usage:
    return Usage.model_validate(served.usage)


def written_by(story: Story) -> dict[Path, bytes]:
    """Every file of the run and of the user's task; what git packed is unpacked."""
    files = [path for folder in (story.home, story.task) for path in folder.rglob("*") if path.is_file()]
    return {path: _unpacked(path.read_bytes()) for path in files}


def _unpacked(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error:
        return content


def test_nothing_that_is_written_holds_a_key(story: Story) -> None:
    tells = f"{KEY} and {FILED}"
    prints = "print(dict(os.environ), flush=True); raise SystemExit(3)"
    refused = proposes(2.0, says=tells).content[1]
    refused["input"]["edits"][0]["new"] = f"SCORE = 2.0  # {KEY}"
    with Server(
        Step(status=500, message=f"no thanks, {tells}"),
        Step(content=[{"type": "text", "text": tells}, refused]),
        proposes(2.0, thinking=f"I was told {tells}.", do=prints, says=tells, size=5),
    ) as server:
        (story.folder / "programme.md").write_text(f"The keys are {tells}.\n")
        begin(story, server, program=story.folder / "programme.md")
        story.ends()

    assert story.verdicts == ["kept", "crashed"]
    assert b"LOOPWATCH_OUT" in story.log_of(2)
    assert story.state.experiments[2].hypothesis == "[key] and [key]"
    assert "The keys are [key] and [key]." in _brief(story)
    assert KEY not in str(server.requests[0].body)
    files = written_by(story)
    assert {"run.db", "telemetry.db", "run.json", "engine.log", "0002-1.log"} <= {path.name for path in files}
    assert [path for path, content in files.items() if KEY.encode() in content or FILED.encode() in content] == []


def _brief(story: Story) -> str:
    digest = story.all(Briefed)[-1].digest
    return (story.run.folder / "briefs" / f"{digest}.txt").read_text()


def test_a_stream_that_the_engine_s_death_cut_is_booked_once_and_asked_for_again(story: Story) -> None:
    slow = proposes(2.0, thinking="I think so. " * 200, seconds=0.05)
    with Server(slow, proposes(2.0)) as server:
        begin(story, server)
        story.sees(Requested)
        until(lambda: sum(len(thought.text) for thought in story.viewer.thoughts(2)) > 100)
        story.kill()
        story.start()
        story.ends()

    first, second = (fact for fact in story.all(Billed) if fact.final)
    heard = sum(len(t.text) for t in story.viewer.thoughts(2) if t.kind == "thinking")
    assert story.verdicts == ["kept", "kept"]
    assert [fact.request for fact in story.all(Requested)] == [1, 2]
    assert (first.request, first.estimated, second.request, second.estimated) == (1, True, 2, False)
    assert first.usage.prompt == billed(server.requests[0]).prompt
    assert second.usage.model_copy(update={"reasoning": 0}) == billed(server.requests[1])
    assert 25 <= first.usage.output <= heard / 4
    assert story.state.spent.usd == pytest.approx((first.usd or 0) + (second.usd or 0))
    assert "\nSCORE = 2.0\n" in (story.run.folder / "work" / "train.py").read_text()


def test_a_key_that_does_not_work_and_a_cap_that_is_near_wait_for_a_person(story: Story) -> None:
    with Server(Step(status=401, type="authentication_error", message="invalid key"), proposes(2.0)) as server:
        begin(story, server, ask=("apply",), agent=RICH, caps={"run_usd": 0.115})
        near = story.sees(Paused, because="money")
        story.ask(SetCaps(caps=Caps(run_usd=1)))
        story.ask(Resume())
        bad = story.sees(Paused, because="bad_key")
        paused = story.state.paused_why
        story.ask(Resume())
        story.reply("apply", 2, "approve")
        story.ends()

    assert "of the $0.12 that the run may cost" in near.why
    assert bad.why == paused
    assert "invalid key" in bad.why
    assert [fact.by for fact in story.all(Resumed)] == ["anna", "anna"]
    assert story.all(CapsChanged)[0].caps.run_usd == 1
    assert [fact.outcome for fact in story.all(TurnEnded)] == ["bad_key", "proposed"]
    assert story.verdicts == ["kept", "kept"]


def test_where_nobody_attends_a_cap_ends_the_run_and_more_money_takes_it_up_again(story: Story) -> None:
    with Server(proposes(2.0)) as server:
        begin(story, server, agent=RICH, caps={"run_usd": 0.001})
        stopped = story.ends()
        story.viewer.ask(SetCaps(caps=Caps(run_usd=1)))
        story.start()
        ended = story.ends()

    assert (stopped.because, ended.because) == ("money", "experiments")
    assert len(server.requests) == 1
    assert story.verdicts == ["kept", "kept"]


def test_a_wait_that_the_engine_s_death_cut_is_no_work_and_a_person_may_end_one(story: Story) -> None:
    limit = Step(status=429, type="rate_limit_error", message="slowly", headers={"retry-after": "3600"}, times=2)
    with Server(limit, proposes(2.0)) as server:
        begin(story, server)
        story.sees(BackedOff)
        story.kill()
        story.start()
        until(lambda: len(story.all(BackedOff)) == 2)
        answered = story.ask(Resume())
        story.ends()

    assert answered.answer == "it tries again at once"
    assert len(story.all(WentOn)) == 2
    assert story.verdicts == ["kept", "kept"]
    assert os.environ["ANTHROPIC_API_KEY"] not in story.said
