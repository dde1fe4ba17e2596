"""The only door for viewers: find runs, start engines, read facts, ask for things.

A viewer cannot run anything: it reads the ledger and adds rows to its inbox. The one process it may start is an engine, which
takes the run's lock before it does anything, so that two viewers cannot start two.
"""

import fcntl
import getpass
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from . import home
from .commands import AnyCommand
from .comparison import Cell as Cell
from .comparison import Comparison as Comparison
from .comparison import Hidden as Hidden
from .config import RunConfig, Tier
from .credentials import redact as redact
from .errors import ConfigError, LoopwatchError, RunInUse, RunNotFound, StateFolderError, UserError
from .events import EngineStarted, Entry, Stopped
from .ledger import Inbox, Ledger
from .state import State
from .telemetry import Look as Look
from .telemetry import Point, Telemetry
from .telemetry import Thought as Thought

if TYPE_CHECKING:  # for viewers to name; one that replays nothing does not load it
    from .audit import Audit as Audit
    from .audit import Progress as AuditProgress
    from .backtest import BackTest as BackTest
    from .backtest import Progress as Progress
    from .backtest import Row as Row
    from .findings import Finding as Finding
    from .findings import Report as Report
    from .findings import What as What
    from .notebook import Notebook as Notebook
    from .prompt.preview import Preview as Preview
    from .sandbox.proof import CheckUp as CheckUp
    from .sandbox.proof import Examined as Examined

START_SECONDS = 60
HEAP_BYTES = str(2**17)
"""From this size on an engine's memory is given back to the system as soon as it is free."""
UNDO_SECONDS = 2.0
"""How long a decision made on the screen can be taken back."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder, whether or not an engine works on it."""

    folder: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def config(self) -> RunConfig:
        """What was chosen when the run was made."""
        return RunConfig.model_validate_json((self.folder / "run.json").read_text(encoding="utf-8"))

    @property
    def created_at(self) -> float:
        """Seconds since 1970."""
        return (self.folder / "run.json").stat().st_mtime

    @property
    def is_alive(self) -> bool:
        """Whether an engine holds the run's lock."""
        try:
            with open(self.folder / "lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            # For an instant after an engine was killed, a child it was just making may still have the lock.
            return not self._owner_is_gone
        return False

    @property
    def _owner_is_gone(self) -> bool:
        try:
            os.kill(int((self.folder / "lock").read_text(encoding="ascii")), 0)
        except ProcessLookupError:
            return True
        except (OSError, ValueError):
            return False
        return False

    @property
    def engine_log(self) -> Path:
        """What the engine said when something went wrong."""
        return self.folder / "engine.log"


def me() -> str:
    """Who is at the keyboard; `LOOPWATCH_USER` tells apart two people with one account."""
    try:
        return os.environ.get("LOOPWATCH_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def via(viewer: str) -> str:
    """From where a command comes: the viewer, and the far end of an SSH line."""
    far_end = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    return f"{viewer} over ssh from {far_end}" if far_end else viewer


def runs() -> list[Run]:
    """All runs, newest first."""
    found = [Run(path.parent) for path in home.runs().glob("*/run.json")]
    return sorted(found, key=lambda run: (run.created_at, run.name), reverse=True)


def find(name: str | None = None) -> Run:
    """A run by name, or the newest; RunNotFound says which there are."""
    there = runs()
    if name is None and there:
        return there[0]
    if name is None:
        raise RunNotFound("there is no run yet; start one with: loopwatch run pretrain")
    for run in there:
        if run.name == name:
            return run
    names = ", ".join(run.name for run in there[:5])
    raise RunNotFound(
        f"there is no run {name!r}; "
        + (f"the newest are: {names}" if names else "start one with: loopwatch run pretrain")
    )


def check(config: RunConfig) -> None:
    """ConfigError for settings with which a run could not make its first request: no key, a cap on what has no price."""
    from .preflight import check

    check(config)


def check_up() -> "CheckUp":
    """Try to break out of every kind of containment that this machine offers. Takes some seconds."""
    import asyncio
    import tempfile

    from .sandbox.kernel import be_private
    from .sandbox.proof import check_up

    if sys.platform.startswith("linux"):
        be_private()  # as the engine is
    with tempfile.TemporaryDirectory(prefix="proof-", dir=home.home()) as folder:
        return asyncio.run(check_up(Path(folder, "proof")))


def selftest(
    what: "What",
    *,
    progress: Callable[[int, int, str], None],
    draw: Callable[[str], Sequence[str]],
    corpus: Path | None = None,
    task: str | None = None,
    experiments: int | None = None,
    tier: Tier | None = None,
) -> "Report":
    """Test the harness with runs whose truth is known. Takes seconds to minutes; the runs stay when something is wrong.

    progress  is told what was done, of how much, and what is next
    draw      what a viewer makes of a text from outside, in each of its ways
    corpus    the folder with the attacks, for `attacks`; our own when absent
    task      for `null` and `random`; a quick one when absent
    tier      the containment that is wanted, no less and no more; the best there is when absent
    """
    import shutil
    import tempfile

    from .findings import Report

    folder = tempfile.mkdtemp(prefix="loopwatch-selftest-")
    wanted = {"what": what, "task": task, "experiments": experiments, "tier": tier}
    order = {**wanted, "folder": folder, "corpus": str(corpus.absolute()) if corpus else None}
    words = [sys.executable, "-P", "-m", "loopwatch.engine.selftest", json.dumps(order)]
    told: dict[str, Any] = {}
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                told = json.loads(line)
                if "done" in told:
                    progress(told["done"], told["total"], told["now"])
        except BaseException:
            process.terminate()
            raise
    if "report" not in told:
        shutil.rmtree(folder, ignore_errors=True)
        text = told.get("error") or f"the test ended with exit code {process.returncode}"
        raise ConfigError(text) if told.get("user") else LoopwatchError(text)
    report = Report.model_validate(told["report"]).drawn(draw)
    if report.ok:
        shutil.rmtree(folder, ignore_errors=True)
        return report.model_copy(update={"folder": ""})
    return report


def create(task: str, make: Callable[[str], RunConfig]) -> Run:
    """Make a run's folder; `make` gets the name and returns the settings."""
    stem = f"{task}-{time.strftime('%m%d-%H%M%S')}"
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        folder = home.runs() / (stem + suffix)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise StateFolderError(
                f"the run folder {folder} cannot be made: {error.strerror}; free some space or set LOOPWATCH_HOME"
            ) from error
        draft = folder / "run.json.new"
        draft.write_text(make(folder.name).model_dump_json(indent=1), encoding="utf-8")
        draft.rename(folder / "run.json")
        return Run(folder)
    raise StateFolderError(f"a hundred runs named {stem} are there already; wait a second")


def reconfigure(run: Run, config: RunConfig) -> None:
    """Change the settings that the next engine starts with."""
    draft = run.folder / "run.json.new"
    draft.write_text(config.model_dump_json(indent=1), encoding="utf-8")
    stamp = run.created_at
    draft.rename(run.folder / "run.json")
    os.utime(run.folder / "run.json", (stamp, stamp))


def start(run: Run, *, at_most: Tier | None = None) -> None:
    """Start an engine on a run and wait until it works or says why not; with no tighter containment than `at_most`.

    RunInUse when one works on it already. The engine is detached: it has a session of its own, and nothing on this terminal.
    """
    if run.is_alive:
        raise RunInUse(f"an engine works on {run.name} already; watch it with: loopwatch attach {run.name}")
    before = _last_seq(run)
    with _opened(run.engine_log) as log:
        engine = subprocess.Popen(
            [sys.executable, "-P", "-m", "loopwatch.engine", str(run.folder), *([at_most] if at_most else [])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=run.folder,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "VECLIB_MAXIMUM_THREADS": "1",
                "MALLOC_ARENA_MAX": "1",  # its threads take turns anyway; a heap for each never shrinks
                "MALLOC_MMAP_THRESHOLD_": HEAP_BYTES,  # else it follows the largest block that a back-test gave back,
                "MALLOC_TRIM_THRESHOLD_": HEAP_BYTES,  # and so much is never given back any more
                "LOOPWATCH_CONFIG": str(home.config()),  # the engine works in another folder
            },
        )
    # Somebody has to bury it when it ends, should this viewer still be there.
    threading.Thread(target=engine.wait, daemon=True, name="engine").start()
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (run.folder / "run.db").exists() and _began(run, before):
            return
        if engine.poll() is not None and not _began(run, before):
            raise LoopwatchError(f"the engine of {run.name} ended at once: {_last_words(run)}")
        time.sleep(0.01)
    raise LoopwatchError(f"the engine of {run.name} did not start within {START_SECONDS} s; see {run.engine_log}")


def brief(run: Run, experiment: int | None = None) -> "Preview":
    """The next prompt, to the byte, or the one that an experiment had; RunNotFound when there is none."""
    from .prompt.preview import given, upcoming

    viewer = Viewer(run, name="brief")
    try:
        viewer.poll()
        if experiment is None:
            return upcoming(run.folder, run.config, viewer.state, viewer.points, alive=run.is_alive)
        if experiment not in viewer.state.experiments:
            raise RunNotFound(f"{run.name} has no experiment {experiment}; there are {len(viewer.state.experiments)}")
        return given(run.folder, viewer.state.experiments[experiment])
    finally:
        viewer.close()


def forecaster_record(state: State) -> str:
    """How the forecaster does on a run, in one sentence: what was promised, what was measured."""
    from .forecast.record import tally
    from .past import outcomes

    if state.opened is None or state.gates.get("run") == "off":
        return "the forecaster is off"
    told = tally(outcomes(state), promised=state.opened.config.error_budget).sentence
    return told if state.trusted_by and state.gates.get("run") != "shadow" else f"in shadow, it only counts; {told}"


def audit(run: Run, *, progress: "AuditProgress") -> "Audit":
    """Every disagreement between a run's ledger, repository, logs, briefs and bills; all are only read."""
    from .audit import audit

    if not (run.folder / "run.db").exists():
        raise RunNotFound(f"no engine ever worked on {run.name}, so there is nothing to compare")
    return audit(run.folder, alive=run.is_alive, progress=progress)


def retrial(run: Run, *words: str) -> Generator[dict[str, Any], None, None]:
    """Have a process of the engine's train again what a run proposed, and hear what it tells; the run does not change.

    UserError when that cannot be done. Close it to end that process, and all that it started, early; it also ends with us.
    """
    with _opened(run.folder / "retrial.log") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "loopwatch.engine.retrial", str(run.folder), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            cwd=run.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "LOOPWATCH_CONFIG": str(home.config())},
        )
    assert process.stdin
    assert process.stdout
    try:
        for line in process.stdout:
            told = json.loads(line)
            if told["kind"] == "error":
                raise UserError(told["text"])
            yield told
        if process.wait() != 0:
            raise LoopwatchError(f"the training ended with exit code {process.returncode}; see {log.name}")
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def rubric(order: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
    """Have a process of the engine's draft or check a rubric, and hear what it tells; `engine.drafting` says what can be ordered."""
    words = [sys.executable, "-P", "-m", "loopwatch.engine.drafting", json.dumps(order)]
    environment = {**os.environ, "LOOPWATCH_CONFIG": str(home.config())}
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                told = json.loads(line)
                if told["kind"] == "error":
                    raise UserError(told["text"])
                yield told
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise LoopwatchError(f"the rubric came to no end: exit code {process.returncode}")


def prices_file() -> Path:
    """Where a person's own prices are."""
    from .books import file

    return file()


def notebook(folder: Path) -> "Notebook":
    """The notebook of the repository that a folder lies in, or else of the folder itself."""
    from .notebook import Notebook

    return Notebook(folder)


def backtest(source: Run | Path, forecasters: Sequence[str], *, progress: "Progress") -> "BackTest":
    """Replay a run's finished experiments, or those of a file of curves, through forecasters; through all when none is named.

    Takes seconds to minutes, and says in `progress` where it is. ConfigError for a bad file, a bad name, or nothing to replay.
    """
    from .backtest import backtest, loop_of, loops_in
    from .forecast import ERROR_BUDGET

    if isinstance(source, Path):
        return backtest(loops_in(source), forecasters, promised=ERROR_BUDGET, progress=progress)
    viewer, config = Viewer(source, name="back-test"), source.config
    try:
        viewer.poll()
        loop = loop_of(viewer.state, viewer.points, margin_sigma=config.margin_sigma)
    finally:
        viewer.close()
    return backtest([loop], forecasters, promised=config.error_budget, progress=progress)


class Viewer:
    """A window on a run: poll, fold, ask."""

    def __init__(self, run: Run, *, name: str) -> None:
        """Open the run's ledger and telemetry; `name` says what kind of viewer this is."""
        self.run, self.state = run, State()
        self._ledger, self._telemetry = Ledger.of(run.folder), Telemetry.of(run.folder)
        self._name = via(name)

    def poll(self) -> list[Entry]:
        """The facts since the last poll, folded into `state`. Costs about five microseconds when there are none."""
        if not self._ledger.changed():
            return []
        entries = self._ledger.since(self.state.seq)
        for entry in entries:
            self.state.apply(entry)
        return entries

    def ask(self, command: AnyCommand, *, delay: float = 0) -> int:
        """Put a command into the engine's inbox; it can be taken back for `delay` seconds."""
        return self._ledger.ask(command, by=me(), via=self._name, delay=delay)

    def take_back(self, command: int) -> bool:
        """Withdraw a command; False when the engine has answered already."""
        return self._ledger.withdraw(command, by=me())

    def answer(self, command: int) -> Inbox:
        """A command with its answer, if it has one."""
        return self._ledger.command(command)

    def points(self, experiment: int, *, after: int = 0) -> list[Point]:
        """An experiment's curve."""
        return self._telemetry.points(experiment, after=after)

    def thoughts(self, experiment: int, *, after: int = 0) -> list[Thought]:
        """An experiment's streamed reasoning."""
        return self._telemetry.thoughts(experiment, after=after)

    def looks(self, experiment: int, *, after: int = 0) -> list[Look]:
        """What the forecaster expected of an experiment, look by look."""
        return self._telemetry.looks(experiment, after=after)

    def log_tail(self, experiment: int, attempt: int, *, limit: int = 4000) -> str:
        """The end of what an experiment printed; it is hostile text."""
        path = self.run.folder / "logs" / f"{experiment:04d}-{attempt}.log"
        try:
            with open(path, "rb") as log:
                log.seek(max(0, path.stat().st_size - limit))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def close(self) -> None:
        """Give the files back."""
        self._ledger.close()
        self._telemetry.close()


def _opened(log: Path) -> BinaryIO:
    try:
        return open(log, "ab")
    except OSError as error:
        raise StateFolderError(
            f"{log} cannot be written: {error.strerror}; see that the folder is yours and the disk is not full"
        ) from error


def _last_seq(run: Run) -> int:
    if not (run.folder / "run.db").exists():
        return 0
    ledger = Ledger.of(run.folder)
    try:
        entries = ledger.since()
        return entries[-1].seq if entries else 0
    finally:
        ledger.close()


def _began(run: Run, before: int) -> bool:
    if not (run.folder / "run.db").exists():
        return False
    ledger = Ledger.of(run.folder)
    try:
        return any(isinstance(entry.fact, EngineStarted | Stopped) for entry in ledger.since(before))
    finally:
        ledger.close()


def _last_words(run: Run) -> str:
    lines = run.engine_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
