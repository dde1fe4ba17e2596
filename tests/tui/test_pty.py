"""The real program in a real terminal, with a real engine behind it."""

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine.client import Run, Viewer, runs
from loopwatch.engine.events import Decided, Judged, Proposed, Stopped
from tests.tui.terminal import Terminal

ONCE = ("--keep", "improve", "--noise-repeats", "0")
"""One training for each experiment, all with one seed: what is tested here is the screen."""
QUICK = (*ONCE, "--sandbox", "none")
SCRIPT = [
    {
        "hypothesis": "a larger step size learns faster",
        "mechanism": "the loss is far from flat at the end",
        "set": {"train.py": {"LR": 0.1}},
        "reasoning": "The loss still falls at the end, so I will raise the step size.",
    },
    {
        "hypothesis": "more hidden units",
        "mechanism": "capacity",
        "set": {"train.py": {"HIDDEN": 24}},
        "reasoning": "Wider now.",
        "again": [
            {
                "hypothesis": "fewer hidden units",
                "mechanism": "speed",
                "set": {"train.py": {"HIDDEN": 6}},
                "reasoning": "Narrower.",
            }
        ],
    },
    {"hypothesis": "momentum", "mechanism": "smoother", "set": {"train.py": {"MOMENTUM": 0.5}}},
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LOOPWATCH_HOME", str(folder))
    yield folder
    end_engines()


@pytest.fixture
def script(tmp_path: Path) -> str:
    return written(tmp_path)


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run whose engine waits for an answer to #2, for whoever gives none."""
    folder = tmp_path_factory.mktemp("waiting")
    (folder / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOPWATCH_HOME", str(folder / "home"))
        with Terminal(folder / "home", "run", "sine", "--proposer", written(folder), *QUICK) as terminal:
            terminal.shows("WAITING FOR YOU", "#2", "armed")
            terminal.press("q")
            assert terminal.ended() == 0
            assert "loopwatch attach" in terminal.raw.decode()
        yield folder / "home"
        end_engines()


def written(folder: Path) -> str:
    path = folder / "script.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in SCRIPT))
    return f"scripted:{path}"


def end_engines() -> None:
    for run in runs():
        if run.is_alive:
            os.kill(int((run.folder / "lock").read_text()), signal.SIGKILL)


def only_run() -> Run:
    (run,) = runs()
    return run


def facts(run: Run, kind: type) -> list[object]:
    viewer = Viewer(run, name="test")
    try:
        return [entry.fact for entry in viewer.poll() if isinstance(entry.fact, kind)]
    finally:
        viewer.close()


def test_a_person_approves_watches_and_accepts(home: Path, script: str) -> None:
    with Terminal(home, "run", "sine", "--proposer", script, *QUICK) as terminal:
        shown = terminal.shows("WAITING FOR YOU", "#2", "a larger step size", "- LR = 0.01", "+ LR = 0.1", "armed")
        assert "a approve" in shown

        terminal.press("a")
        terminal.shows("approve #2", "u takes it back")
        terminal.shows("#2", "a accept", "armed", "kept:")
        with Terminal(home, columns=120, rows=40) as wide:
            wide.shows("#2", "a accept", "armed", "kept:", "4 Diff")
            wide.press("a")
            wide.shows("WAITING FOR YOU", "#3", "more hidden units", "armed")
        terminal.shows("WAITING FOR YOU", "#3", "more hidden units", "armed")

        terminal.press("q")
        assert terminal.ended() == 0
    run = only_run()
    assert run.is_alive
    approvals = [fact for fact in facts(run, Decided) if isinstance(fact, Decided) and fact.person]
    assert [(fact.gate, fact.answer) for fact in approvals] == [("apply", "approve"), ("verdict", "accept")]


class TestAQuestionThatStaysOpen:
    @pytest.fixture(autouse=True)
    def home(self, waiting: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        monkeypatch.setenv("LOOPWATCH_HOME", str(waiting))
        yield waiting
        assert only_run().is_alive
        assert not [fact for fact in facts(only_run(), Decided) if isinstance(fact, Decided) and fact.person]

    def test_typing_decides_nothing(self, home: Path) -> None:
        with Terminal(home) as terminal:
            terminal.shows("#2", "armed")
            terminal.press("n")
            terminal.shows("note to the proposer")
            terminal.press("a vast oxen quest")
            terminal.shows("a vast oxen quest")
            terminal.press("\r")
            terminal.shows("note 1 will be in the next prompt")
            terminal.shows("WAITING FOR YOU", "#2", "armed")

    def test_an_answer_can_be_taken_back(self, home: Path) -> None:
        with Terminal(home) as terminal:
            terminal.shows("#2", "armed")
            terminal.press("a")
            terminal.shows("u takes it back")
            terminal.press("u")
            terminal.shows("taken back: approve #2", "WAITING FOR YOU", "armed")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_the_terminal_is_given_back(self, home: Path, number: signal.Signals) -> None:
        with Terminal(home) as terminal:
            terminal.shows("#2", "armed")

            assert terminal.signal(number) == 128 + number

            for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"):
                assert restored in terminal.raw

    def test_a_storm_of_sizes(self, home: Path) -> None:
        with Terminal(home) as terminal:
            terminal.shows("#2", "armed")
            for columns, rows in [(20, 5), (200, 60), (1, 1), (60, 15), (120, 40), (80, 24)]:
                terminal.resize(columns, rows)
            terminal.shows("WAITING FOR YOU", "#2", "a approve", "Experiments")

    @pytest.mark.parametrize("environment", [{"TERM": "linux"}, {"NO_COLOR": "1"}, {"LANG": "C", "LC_ALL": "C"}])
    def test_poor_terminals_show_the_same_words(self, home: Path, environment: dict[str, str]) -> None:
        with Terminal(home, environment=environment) as terminal:
            terminal.shows("WAITING FOR YOU", "+ LR = 0.1", "a approve", "armed")
            terminal.press("?")
            terminal.shows("say yes to the proposal")
            terminal.press("\x1b")
            terminal.shows("WAITING FOR YOU", "armed")


def test_a_killed_engine_is_shown_and_goes_on_for_all_who_look(home: Path, script: str) -> None:
    with Terminal(home, "run", "sine", "--proposer", script, *QUICK) as terminal:
        terminal.shows("#2", "armed")
        os.kill(int((only_run().folder / "lock").read_text()), signal.SIGKILL)
        terminal.shows("ENGINE DOWN")
        terminal.press("q")
        terminal.ended()
    with Terminal(home) as first, Terminal(home, "attach", columns=120, rows=40) as second:
        for terminal in (first, second):
            terminal.shows("WAITING FOR YOU", "#2", "a larger step size", "armed")
        first.press("v")
        first.shows("veto, because")
        first.press("not now\r")
        for terminal in (first, second):
            terminal.shows("#3", "more hidden units")
        first.shows("armed")
        first.press("S")
        first.shows("stop the run")
        first.press("now\r")
        for terminal in (first, second):
            terminal.shows("ENDED", "stopped by")
    stopped = facts(only_run(), Stopped)[-1]
    assert isinstance(stopped, Stopped)
    assert stopped.because == "person"


def test_sent_back_and_amended(home: Path, script: str, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i.bak "s/+HIDDEN = 6/+HIDDEN = 8/" "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    words = ["run", "sine", "--proposer", script, *QUICK]
    # On a lower one the changed line comes into sight only when the last answer's receipt has gone.
    with Terminal(home, *words, rows=32, environment={"VISUAL": str(editor)}) as terminal:
        terminal.shows("#2", "armed")
        terminal.press("v")
        terminal.press("\r")
        terminal.shows("#3", "+ HIDDEN = 24", "armed")
        terminal.press("b")
        terminal.shows("send back, because")
        terminal.press("make it smaller\r")
        terminal.shows("+ HIDDEN = 6", "fewer hidden units", "armed")
        terminal.press("e")
        terminal.shows("+ HIDDEN = 8", "amended by", "armed")
    last = facts(only_run(), Proposed)[-1]
    assert isinstance(last, Proposed)
    assert last.revision == 3
    assert "+HIDDEN = 8" in last.diff


def test_a_whole_run_ends_on_the_screen(home: Path, script: str) -> None:
    words = [
        "run",
        "sine",
        "--proposer",
        script,
        "--experiments",
        "3",
        "--gate",
        "apply=auto",
        "--gate",
        "verdict=auto",
    ]
    with Terminal(home, *words, *ONCE, columns=120, rows=40) as terminal:
        terminal.shows("ENDED", "all 3 experiments are done", "3 experiments")
    judged = [fact for fact in facts(only_run(), Judged) if isinstance(fact, Judged)]
    assert [fact.experiment for fact in judged] == [1, 2, 3]
