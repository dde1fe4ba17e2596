"""Finding runs, making them, and seeing whether an engine works: what needs no engine. Whole runs are in tests/stories."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine import client, home
from loopwatch.engine.__main__ import lock
from loopwatch.engine.client import Run, Viewer
from loopwatch.engine.commands import Pause
from loopwatch.engine.config import RunConfig
from loopwatch.engine.errors import RunInUse, RunNotFound, StateFolderError
from loopwatch.engine.ledger import Ledger
from tests.engine import facts


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def run() -> Run:
    return client.create("sine", settings)


def settings(name: str) -> RunConfig:
    return RunConfig(run=name, task="sine")


def make(folder: Path, name: str, *, made_at: float) -> None:
    path = folder / "runs" / name / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(settings(name).model_dump_json())
    os.utime(path, (made_at, made_at))


def test_a_new_run_has_a_private_folder_and_its_settings(run: Run, state_folder: Path) -> None:
    assert run.name.startswith("sine-")
    assert run.folder.parent == state_folder / "runs"
    assert run.folder.stat().st_mode & 0o777 == 0o700
    assert run.config == settings(run.name)
    assert client.runs() == [run]


def test_runs_made_in_the_same_second_have_names_of_their_own() -> None:
    names = {client.create("sine", settings).name for _ in range(5)}

    assert len(names) == 5


def test_a_run_whose_making_failed_is_not_there() -> None:
    def fail(name: str) -> RunConfig:
        raise ValueError(name)

    with pytest.raises(ValueError, match="sine-"):
        client.create("sine", fail)

    assert client.runs() == []


def test_a_run_that_cannot_be_made_is_named_with_the_way_out(state_folder: Path) -> None:
    home.home()
    with pytest.raises(
        StateFolderError, match=r"the run folder .* cannot be made: File name too long; free some space"
    ):
        client.create("x" * 300, settings)


def test_the_newest_run_comes_first_and_is_meant_without_a_name(state_folder: Path) -> None:
    make(state_folder, "old", made_at=1000)
    make(state_folder, "new", made_at=2000)

    assert [run.name for run in client.runs()] == ["new", "old"]
    assert client.find().name == "new"
    assert client.find("old").name == "old"


def test_a_name_that_is_no_run_is_answered_with_the_newest_ones(state_folder: Path) -> None:
    make(state_folder, "old", made_at=1000)
    make(state_folder, "new", made_at=2000)

    with pytest.raises(RunNotFound, match="there is no run 'odl'; the newest are: new, old"):
        client.find("odl")


@pytest.mark.parametrize("name", [None, "sine-1", "../sine-1", ""])
def test_without_any_run_the_way_to_one_is_told(name: str | None) -> None:
    with pytest.raises(RunNotFound, match="start one with: loopwatch run pretrain"):
        client.find(name)


def test_settings_can_be_changed_for_the_next_engine_and_the_run_stays_as_old(run: Run) -> None:
    os.utime(run.folder / "run.json", (1000, 1000))

    client.reconfigure(run, run.config.model_copy(update={"seed": 7}))

    assert (run.config.seed, run.created_at) == (7, 1000)


def test_a_run_is_alive_while_somebody_holds_its_lock(run: Run) -> None:
    before = run.is_alive
    held = lock(run.folder)
    during = run.is_alive
    os.close(held)

    assert (before, during, run.is_alive) == (False, True, False)


def test_a_second_engine_is_refused_and_told_who_was_first(run: Run) -> None:
    held = lock(run.folder)

    second = subprocess.run(
        [sys.executable, "-P", "-m", "loopwatch.engine", str(run.folder)], capture_output=True, text=True, check=False
    )
    os.close(held)

    assert second.returncode == 5
    assert second.stderr == (
        f"another engine (pid {os.getpid()}) works on {run.name}; a second one would run everything twice\n"
    )


def test_starting_an_engine_on_a_run_that_has_one_is_refused(run: Run) -> None:
    held = lock(run.folder)

    with pytest.raises(RunInUse, match=f"an engine works on {run.name} already; watch it with: loopwatch attach"):
        client.start(run)
    os.close(held)


def test_a_lock_left_by_a_dead_engine_locks_nothing(run: Run) -> None:
    (run.folder / "lock").write_text("99999\n")

    held = lock(run.folder)

    assert (run.folder / "lock").read_text() == f"{os.getpid()}\n"
    os.close(held)


LOOKER = """
import sys
from pathlib import Path
from loopwatch.engine.client import Run

run = Run(Path(sys.argv[1]))
print("looking", flush=True)
while True:
    run.is_alive
"""


@pytest.fixture
def looker(run: Run) -> Iterator[None]:
    """A viewer that does nothing but look whether the run is alive."""
    (run.folder / "lock").touch()
    process = subprocess.Popen([sys.executable, "-c", LOOKER, str(run.folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield
    process.kill()
    process.stdout.close()
    process.wait()


@pytest.mark.usefixtures("looker")
def test_a_viewer_that_looks_keeps_no_engine_from_starting(run: Run) -> None:
    for _ in range(500):
        os.close(lock(run.folder))


def test_a_viewer_folds_what_is_there_and_then_what_is_new(run: Run) -> None:
    engine = Ledger.of(run.folder)
    engine.append(facts.opened(), facts.engine(), *facts.life(1))
    viewer = Viewer(run, name="test")

    first = viewer.poll()
    again = viewer.poll()
    engine.append(*facts.proposed(2))
    last = viewer.poll()

    assert (len(first), again, len(last)) == (2 + len(facts.life(1)), [], 2)
    assert viewer.state.current is not None
    assert viewer.state.current.number == 2
    viewer.close()
    engine.close()


def test_what_a_viewer_asks_says_who_and_from_where(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWATCH_USER", "anna")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 50000 10.0.0.1 22")
    viewer = Viewer(run, name="screen")

    number = viewer.ask(Pause(), delay=3600)
    asked = viewer.answer(number)

    assert (asked.by, asked.via, asked.answered) == ("anna", "screen over ssh from 10.0.0.7", False)
    assert [viewer.take_back(number), viewer.take_back(number)] == [True, False]
    viewer.close()


def test_the_end_of_a_long_log_is_shown_and_a_missing_one_is_empty(run: Run) -> None:
    (run.folder / "logs").mkdir()
    (run.folder / "logs" / "0003-2.log").write_bytes(b"x" * 10_000 + b"\xff the end\n")
    viewer = Viewer(run, name="test")

    assert viewer.log_tail(3, 2, limit=11) == "x\ufffd the end\n"
    assert viewer.log_tail(3, 1) == ""
    viewer.close()


def test_a_run_is_as_old_as_its_settings(run: Run) -> None:
    assert abs(run.created_at - time.time()) < 3600
