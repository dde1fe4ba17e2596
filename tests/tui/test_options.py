"""Options of `run` and `resume` about models and money: what is wrong is said before there is a run."""

from pathlib import Path

import pytest

from loopwatch.engine import events
from loopwatch.engine.commands import SetCaps
from loopwatch.engine.config import AgentSettings, Caps
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.task import load
from loopwatch.tui.arguments import parser
from loopwatch.tui.cli import main
from loopwatch.tui.starting import read_settings

from .command import made_run, opened, started


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path))
    for variable in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def settings(*typed: str) -> dict[str, object]:
    return read_settings(parser().parse_args(["run", "sine", *typed]), load("sine"), on_screen=False)


def test_without_a_word_nothing_is_capped_and_every_agent_keeps_its_ways() -> None:
    assert (settings()["caps"], settings()["agent"]) == (Caps(), AgentSettings())


def test_caps_and_an_agents_settings_are_what_was_typed() -> None:
    typed = "--usd 20 --usd-day 5.5 --usd-proposal 1 --effort high --edits whole --fallback b --base-url http://x --agent-mode ask"

    found = settings(*typed.split(), "--reviewer", "openai:m", "--agent-reads", "/")

    assert found["caps"] == Caps(run_usd=20, day_usd=5.5, proposal_usd=1)
    assert found["agent"] == AgentSettings(
        effort="high", edits="whole", fallback="b", base_url="http://x", mode="ask", reads=("/",)
    )
    assert found["reviewer"] == "openai:m"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--usd 0", "--usd 0.0: it should be greater than 0"),
        ("--usd-day -1", "--usd-day -1.0: it should be greater than 0"),
        ("--usd-proposal 0", "--usd-proposal 0.0: it should be greater than 0"),
        ("--effort hugely", "--effort hugely: it should be 'low', 'medium', 'high', 'xhigh' or 'max'"),
        ("--agent-reads /nowhere/x", "--agent-reads /nowhere/x: there is no /nowhere/x"),
        ("--edits some", "--edits some: it should be 'replace' or 'whole'"),
        ("--reviewer nobody:x", "--reviewer nobody:x: there is no reviewer 'nobody'; there are: anthropic, openai"),
        ("--proposer acp:no-such-agent", "there is no program 'no-such-agent' on the PATH"),
        ("--proposer anthropic", "anthropic needs a key: set ANTHROPIC_API_KEY, or write anthropic"),
        ("--strategy reviewer", "anthropic needs a key"),
        (
            "--proposer openai:m --base-url http://x --usd 1",
            "what m costs is not known, so no cap can hold it; drop the cap, or",
        ),
    ],
)
def test_what_is_wrong_is_said_and_makes_no_run(
    home: Path, capsys: pytest.CaptureFixture[str], typed: str, said: str
) -> None:
    code = main(["run", "sine", "--headless", *typed.split()])

    assert code == 1
    assert said in capsys.readouterr().err
    assert not list(home.glob("runs/*"))


def test_more_money_for_a_run_that_has_stopped_is_the_next_engines_first_word(home: Path) -> None:
    stopped = events.Stopped(because="money", detail="the run may cost $1.00")
    run = made_run(home, opened(caps=Caps(run_usd=1)), started(), stopped)

    main(["resume", "--headless", "--usd", "30"])

    ledger = Ledger.of(run.folder)
    assert [row.command for row in ledger.due()] == [SetCaps(caps=Caps(run_usd=30))]
    ledger.close()


def test_a_cap_that_could_hold_nothing_is_refused_for_a_run_that_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = AgentSettings(base_url="http://x")
    made_run(home, opened(), started(), proposer="openai:m", agent=agent)

    code = main(["resume", "--usd", "30"])

    assert code == 1
    assert "what m costs is not known" in capsys.readouterr().err
