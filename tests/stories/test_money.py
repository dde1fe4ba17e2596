"""What a run spends, waits for and must never tell, with a real model's SDK against a scripted service."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.commands import Note, Resume, SetCaps
from loopwatch.engine.config import Caps
from loopwatch.engine.events import BackedOff, Briefed, CapsChanged, Noted, Paused, Resumed, WentOn
from tests.servers.anthropic import Server, Step
from tests.servers.openai import Server as Local
from tests.servers.openai import Step as LocalStep

from .story import Story

KEY = "sk-ant-marked-in-the-environment-1"
FILED = "sk-marked-in-the-file-of-keys-2"
MODEL = "claude-sonnet-5-5"


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


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    (tmp_path / "config" / "prices.json").write_text('{"models": {"m1": {"input": 1, "output": 10}}}')
    with Local() as running:
        yield running


def local_proposal(score: float) -> LocalStep:
    edits = [{"path": "train.py", "old": "SCORE = 1.0", "new": f"SCORE = {score}"}]
    words = {"hypothesis": "more", "mechanism": "more", "expected": "more"}
    return LocalStep(call={**words, "previous_mechanism": None, "edits": edits})


def begin_locally(story: Story, local: Local, **settings: Any) -> None:
    """Each request can cost ten cents for what it may write, and less than one for its prompt."""
    agent = {"base_url": local.base_url, "output_tokens": 10_000}
    story.begin([], proposer="openai:m1", agent=agent, **{"stop": {"experiments": 2}, **settings})


def begin(story: Story, server: Server, *, agent: dict[str, Any] | None = None, **settings: Any) -> None:
    told = {"base_url": server.url, **(agent or {})}
    story.begin([], proposer=f"anthropic:{MODEL}", agent=told, stop={"experiments": 2}, **settings)


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


def test_near_a_cap_it_waits_for_a_person_and_goes_on_with_more_money(story: Story, local: Local) -> None:
    local.play(local_proposal(2.0))
    begin_locally(story, local, ask=("apply",), caps={"run_usd": 0.11})

    near = story.sees(Paused, because="money")
    story.ask(SetCaps(caps=Caps(run_usd=1)))
    story.ask(Resume())
    story.reply("apply", 2, "approve")
    story.ends()

    assert near.why.startswith(
        "of the $0.11 that the run may cost, $0.00 is spent, and the next request could cost $0.1"
    )
    assert [fact.by for fact in story.all(Resumed)] == ["anna"]
    assert story.all(CapsChanged)[0].caps.run_usd == 1
    assert len(local.requests) == 1
    assert story.verdicts == ["kept", "kept"]


def test_where_nobody_attends_a_cap_ends_the_run_and_more_money_takes_it_up_again(story: Story, local: Local) -> None:
    local.play(local_proposal(2.0))
    begin_locally(story, local, caps={"run_usd": 0.05})

    stopped = story.ends()
    story.viewer.ask(SetCaps(caps=Caps(run_usd=1)))
    story.start()
    ended = story.ends()

    assert (stopped.because, ended.because) == ("money", "experiments")
    assert len(local.requests) == 1
    assert story.verdicts == ["kept", "kept"]


def test_a_wait_that_the_engine_s_death_cut_was_no_work(story: Story, local: Local) -> None:
    local.play(LocalStep(status=429, body="slowly", headers={"retry-after": "3600"}), local_proposal(2.0))
    begin_locally(story, local, stop={"experiments": 2, "hours": 1})

    waits = story.sees(BackedOff)
    story.viewer.ask(Note(text="still there?"))
    story.sees(Noted)
    story.kill()
    story.start()
    story.ends()

    times = {type(entry.fact): entry.at for entry in reversed(story.entries)}
    on = story.all(WentOn)[0]
    assert waits.until - times[BackedOff] == pytest.approx(3600, abs=1)
    assert on.waited_seconds == pytest.approx(times[Noted] - times[BackedOff], abs=0.001)
    assert story.state.waited_seconds == on.waited_seconds
    assert story.verdicts == ["kept", "kept"]
