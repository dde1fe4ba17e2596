"""Whole runs as tests tell them: a tiny task, a script, a real engine of its own, and a viewer that follows and asks.

The task does what its constants say: train.py saves SCORE and then runs the Python text DO; evaluate.py prints what was saved,
or runs the Python text that train.py left for it. Every training appends one line to a truth file outside the run's folder.
"""

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pygit2

from loopwatch.engine import client
from loopwatch.engine.commands import AnyCommand, Reply
from loopwatch.engine.config import Gates, RunConfig, StopConditions
from loopwatch.engine.events import Answer, AnyFact, Asked, EngineStarted, Entry, Judged, Stopped
from loopwatch.engine.fact import Fact
from loopwatch.engine.ledger import Inbox
from loopwatch.engine.policy import Gate
from loopwatch.engine.state import State
from tests.waiting import until

F = TypeVar("F", bound=Fact)

TRAIN = """\
import os
import pathlib

SCORE = 1.0
DO = ""

out = pathlib.Path(os.environ["LOOPWATCH_OUT"])
if os.path.exists(os.environ["TRUTH"]):  # not in a sealed box
    with open(os.environ["TRUTH"], "a") as truth:
        truth.write(f"{out.name} {SCORE}\\n")
(out / "score").write_text(str(SCORE))
exec(DO)
"""

EVALUATE = """\
import os

out = os.environ["LOOPWATCH_OUT"]
if os.path.exists(out + "/evaluate"):
    import pathlib  # slow

    out = pathlib.Path(out)
    exec((out / "evaluate").read_text())
else:
    with open(out + "/score") as score:
        print("score:", score.read())
"""

TASK = """\
name = "tiny"
editable = ["train.py"]
frozen = ["evaluate.py"]

[metric]
name = "score"
direction = "up"
low = 0
high = 1000
noise = 0

[budget]
kind = "steps"
amount = 1
wall_seconds = {wall_seconds}
grace_seconds = 0

[run]
command = ["{{python}}", "train.py"]
environment = {{ TRUTH = "{truth}" }}

[evaluate]
command = ["{{python}}", "-S", "evaluate.py"]
seconds = 3
"""

HOLD_ON = "import time; time.sleep(300)"
"""What an experiment does until somebody ends it."""


def change(score: float, do: str = "", **others: Any) -> dict[str, Any]:
    """One line of a script: an experiment that scores `score` and runs the Python text `do` after saving it."""
    constants = {"SCORE": score, **({"DO": do} if do else {})}
    words = {"hypothesis": f"a score of {score}", "mechanism": "it says so"}
    return {**words, "set": {"train.py": constants}, **others}


class Story:
    """One run, from its task folder to its last process."""

    def __init__(self, folder: Path) -> None:
        """Lives in `folder`, which is also where LOOPWATCH_HOME points to."""
        self.folder, self.home = folder, folder / "home"
        self.task, self.truth = folder / "task", folder / "truth"
        self.run: client.Run
        self.viewer: client.Viewer
        self.entries: list[Entry] = []
        self._viewers: list[client.Viewer] = []

    # -- before it starts ----------------------------------------------------------------------------------------------

    def make_task(self, *, wall_seconds: float = 60, more: str = "") -> Path:
        """The tiny task; `more` goes to the end of its task.toml."""
        self.task.mkdir(parents=True, exist_ok=True)
        (self.task / "train.py").write_text(TRAIN)
        (self.task / "evaluate.py").write_text(EVALUATE)
        (self.task / "task.toml").write_text(TASK.format(wall_seconds=wall_seconds, truth=self.truth) + more)
        (self.task / "program.md").write_text("Make the score bigger.\n")
        self.truth.touch()
        return self.task

    def create(self, script: Sequence[dict[str, Any]], *, ask: Sequence[Gate] = (), **settings: Any) -> None:
        """Make the run's folder. Gates are on auto, but for those in `ask`; `gates` in settings gives them in full."""
        if not self.task.exists():
            self.make_task()
        lines = self.folder / "script.jsonl"
        lines.write_text("".join(json.dumps(line) + "\n" for line in script))
        gates = {gate: "ask" if gate in ask else "auto" for gate in ("apply", "run", "verdict")}
        stop = StopConditions(**settings.pop("stop", {}))
        # Most stories are about other things: their trainings write a truth file outside of the run, and start sooner.
        defaults = {
            "task": str(self.task),
            "proposer": f"scripted:{lines}",
            "by": "anna",
            "noise_repeats": 0,
            "sandbox": "none",
        }
        chosen = {**defaults, **settings}
        chosen["gates"] = Gates(**{**gates, **chosen.get("gates", {})})
        self.run = client.create("tiny", lambda name: RunConfig(run=name, stop=stop, **chosen))

    def begin(self, script: Sequence[dict[str, Any]], **settings: Any) -> None:
        """Make the run, start its engine, and look."""
        self.create(script, **settings)
        self.start()

    def start(self) -> None:
        """Start an engine, the first or the next one, and look at the run from its beginning."""
        client.start(self.run)
        self.entries = []
        self.viewer = self.look()

    def look(self) -> client.Viewer:
        """Another window on the run."""
        viewer = client.Viewer(self.run, name="story")
        self._viewers.append(viewer)
        return viewer

    # -- what is seen --------------------------------------------------------------------------------------------------

    @property
    def facts(self) -> list[AnyFact]:
        """Every fact so far."""
        self.entries += self.viewer.poll()
        return [entry.fact for entry in self.entries]

    @property
    def state(self) -> State:
        """What the run looks like now."""
        self.facts
        return self.viewer.state

    def all(self, kind: type[F], **fields: object) -> list[F]:
        """Every fact of a kind whose fields have these values."""
        return [fact for fact in self.facts if isinstance(fact, kind) and _matches(fact, fields)]

    def sees(self, kind: type[F], *, seconds: float = 60, **fields: object) -> F:
        """Wait for a fact and return the newest that matches; fails early when the engine has gone without it."""

        def found() -> list[F]:
            alive = self.run.is_alive
            facts = self.all(kind, **fields)
            assert facts or alive, f"the engine ended without {kind.__name__} {fields}: {self.facts[-1:]}\n{self.said}"
            return facts

        return until(found, seconds=seconds)[-1]

    def verdict(self, experiment: int) -> Judged:
        """Wait for an experiment's verdict."""
        return self.sees(Judged, experiment=experiment)

    def ends(self) -> Stopped:
        """Wait until the engine has gone; the last fact, which says why."""
        until(lambda: not self.run.is_alive, seconds=90)
        last = self.facts[-1]
        assert isinstance(last, Stopped), f"{last}\n{self.said}"
        return last

    @property
    def said(self) -> str:
        """What the engine said when something went wrong."""
        return self.run.engine_log.read_text(errors="replace")

    @property
    def trained(self) -> list[str]:
        """What train.py itself says: one line per training that began, as EXPERIMENT-ATTEMPT SCORE."""
        return self.truth.read_text().splitlines()

    @property
    def verdicts(self) -> list[str]:
        """All verdicts, in order."""
        return [str(experiment.verdict) for experiment in self.state.experiments.values()]

    def log_of(self, experiment: int, attempt: int = 1) -> bytes:
        """What an experiment printed, as it was kept."""
        return (self.run.folder / "logs" / f"{experiment:04d}-{attempt}.log").read_bytes()

    def repository(self) -> pygit2.Repository:
        """The run's own repository, to read."""
        return pygit2.Repository(str(self.run.folder / "repo.git"))

    def branch(self) -> list[dict[str, str]]:
        """The kept commits, oldest first, without the base: their trailers."""
        repository = self.repository()
        tip = repository.references[f"refs/heads/loopwatch/{self.run.name}"].target
        commits = [commit for commit in repository.walk(tip) if commit.parents]
        return [_trailers(commit.message) for commit in reversed(commits)]

    def remembered(self, experiment: int) -> dict[str, str]:
        """The trailers of the commit that was remembered for an experiment."""
        commit = self.repository().references[f"refs/loopwatch/experiments/{experiment:04d}"].peel(pygit2.Commit)
        return _trailers(commit.message)

    # -- what is asked -------------------------------------------------------------------------------------------------

    def ask(self, command: AnyCommand, *, viewer: client.Viewer | None = None) -> Inbox:
        """Ask for something, and wait for the answer."""
        through = viewer or self.viewer
        number = through.ask(command)
        until(lambda: through.answer(number).answered)
        return through.answer(number)

    def waits(self, gate: Gate, experiment: int) -> Asked:
        """Wait until a gate waits for a person."""
        until(lambda: self.state.waiting and _is_open(self.state, gate, experiment))
        waiting = self.state.waiting
        assert waiting is not None
        return waiting.asked

    def reply(self, gate: Gate, experiment: int, answer: Answer, **words: str) -> Inbox:
        """Wait for a gate, and answer it as the screen does: with its name and the digest of what it showed."""
        asked = self.waits(gate, experiment)
        return self.ask(Reply(ask=asked.ask, gate=gate, answer=answer, digest=asked.digest, **words))

    # -- what goes wrong -----------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The newest engine's process."""
        return self.all(EngineStarted)[-1].pid

    def kill(self) -> None:
        """kill -9 the engine, and wait until the kernel has let go of its lock."""
        os.kill(self.pid, signal.SIGKILL)
        until(lambda: not self.run.is_alive)

    def processes(self) -> dict[int, str]:
        """Every process that was started for a run of this story: zombies are none."""
        # Without /proc (macOS) nobody is seen; the keeper's own tests look there with ps.
        pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
        return {pid: words for pid in pids if (words := self._ours(pid))}

    def _ours(self, pid: int) -> str:
        try:
            words = marked = Path(f"/proc/{pid}/cmdline").read_bytes()
            with suppress(PermissionError):  # an engine does not show it
                marked += Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return ""
        mine = words and str(self.folder).encode() in marked and pid not in (os.getpid(), os.getppid())
        return words.replace(b"\0", b" ").decode(errors="replace") if mine else ""

    def close(self) -> None:
        """End whatever still works, and see that nobody is left."""
        for viewer in self._viewers:
            viewer.close()
        for pid, words in self.processes().items():
            if "loopwatch.engine" in words:
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self.processes(), seconds=20)


def fold(entries: Sequence[tuple[float, AnyFact]]) -> State:
    """The state after facts written by hand, each with its time."""
    state = State()
    for number, (at, fact) in enumerate(entries, start=1):
        state.apply(Entry(number, at, fact))
    return state


def is_sound(database: Path) -> bool:
    """Whether SQLite finds nothing wrong with a file."""
    connection = sqlite3.connect(database)
    try:
        return bool(connection.execute("pragma integrity_check").fetchone()[0] == "ok")
    finally:
        connection.close()


def kinds(facts: Sequence[AnyFact]) -> list[str]:
    """Their kinds, in order."""
    return [fact.kind for fact in facts]


def python(code: str) -> list[str]:
    """A command that runs Python text."""
    return [sys.executable, "-c", code]


def _is_open(state: State, gate: str, experiment: int) -> bool:
    waiting = state.waiting
    return waiting is not None and (waiting.asked.gate, waiting.asked.experiment) == (gate, experiment)


def _matches(fact: Fact, fields: dict[str, object]) -> bool:
    return all(getattr(fact, name) == value for name, value in fields.items())


def _trailers(message: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in message.rstrip("\n").rpartition("\n\n")[2].splitlines())
