"""Start an experiment, read what it prints, and measure it afterwards: the task's three commands under a keeper each.

Covered: its own process tree that is gone when the attempt is over, a wall clock and a training budget enforced from outside, a
scrubbed environment, a capped log, a fresh folder for what it saves, a room that holds nothing else. The metric is what the frozen
evaluator prints in a process of its own, started from the pristine copy of the task.
Not covered: what the sandbox of this machine leaves open, which its proof says.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..config import Tier
from ..errors import ArtefactRefused, TaskError
from ..events import Finished
from ..housekeeping import delete
from ..keeper.process import Ended, Kept, Outcome, Spec, can_be_spare, read_log, run_command, spare_command
from ..records import Records, Sample
from ..repository import checkout
from ..sandbox import leftovers
from ..sandbox.means import Means
from ..sandbox.sandbox import Folder, Sandbox
from ..task import Task
from . import evidence
from .artefact import Artefact, take
from .evidence import Seal
from .predictor import Pipes, answering
from .rooms import OUT_BYTES, Room, Rooms

PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME",
    "LD_LIBRARY_PATH",
    "HF_HOME",
    "HF_HUB_OFFLINE",
)
"""The variables of the engine's own environment that a task's commands may see. Never keys, tokens or agents' sockets."""

LOG_BYTES = 16 * 2**20
RECORD_BYTES = 2**20
TAIL_BYTES = 2**20
"""Of what a command printed, that is looked at: an evaluator may print a score for each of many tests."""
DISK_FLOOR_BYTES = 256 * 2**20
PREDICTOR_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the evaluator did: `printed` are the values of its lines NAME: VALUE; `problem` is "" when it ended well."""

    printed: tuple[str, ...]
    problem: str
    seconds: float
    artefacts: tuple[Artefact, ...] = ()
    """What was measured, where the task names it."""
    log_digest: str = ""
    """SHA-256 of what it printed, as it was kept."""
    scores: tuple[float, ...] = ()
    """Per test, 0 to 1, where it says so in a line `scores: [...]`."""
    record: Path | None = None
    """What it recorded for people and judges to look at."""


class Runner:
    """Runs the commands of one task for one run."""

    def __init__(
        self, task: Task, run_dir: Path, *, workdir: Path, pristine: Path, seed: int, sandbox: Sandbox | None = None
    ) -> None:
        """`workdir` and `pristine` are the task's folder in the working copy and in the frozen one. Without `sandbox`, none."""
        self._task, self._run_dir, self._workdir, self._pristine, self._seed = (
            task,
            run_dir,
            workdir,
            pristine,
            seed,
        )
        self._sandbox = sandbox or Sandbox(Means())
        self._rooms = Rooms(task, run_dir, self._sandbox)
        self._spare: asyncio.Task[Kept] | None = None
        self._running: Kept | None = None

    @property
    def tier(self) -> Tier:
        """How well its commands are contained."""
        return self._sandbox.tier

    async def prepare(self) -> None:
        """Make the task's data, once per run; TaskError when the command fails."""
        done = self._run_dir / "data" / "prepared"
        if self._task.prepare is None or done.exists():
            return
        for folder in ("public", "hidden"):
            (self._run_dir / "data" / folder).mkdir(parents=True, exist_ok=True)
        room = self._rooms.for_preparation(self._scratch("prepare"))
        outcome = await self._command(
            self._task.prepare.command, self._task.prepare.seconds, self._hidden(), "prepare", room
        )
        if not outcome.ok:
            how = _how_it_ended(outcome.ended, outcome.tail)
            raise TaskError(
                f"task {self._task.name}: the prepare command {how}; run it by hand in {self._task.folder} to see why"
            )
        done.touch()

    async def run(
        self,
        experiment: int,
        attempt: int,
        started: Callable[[bool], None],
        heard: Callable[[list[Sample]], None],
        seed: int | None = None,
        amount: float | None = None,
        name: str = "",
    ) -> Finished:
        """One attempt, from the spawn to the end of its whole process tree.

        started  is told, before the spawn, whether a warm spare was waiting; nothing is spawned when it raises
        heard    gets the samples as they are printed
        seed     of the training, instead of the run's
        amount   of the budget that it is given, instead of all of it
        name     of its log, beside the attempt's; without it, the training that counts
        """
        await self.prepare()  # again, where an experiment has spoilt its data
        spec = self._experiment(experiment, attempt)
        if name:
            spec = replace(spec, log=spec.log.with_suffix(f".{name}.log"))
        if seed is not None:
            spec = replace(spec, environment={**spec.environment, "LOOPWATCH_SEED": str(seed)})
        if amount is not None:
            spec = replace(spec, environment={**spec.environment, "LOOPWATCH_BUDGET": f"{amount:g}"})
        before = leftovers.names() if self._rooms.shares_memory else None
        seal, clock = await asyncio.to_thread(Seal.of, self._run_dir), evidence.clock()
        spare = await self._take_spare()
        kept = spare or await Kept.launch(spec)
        try:
            if spare:
                self._move_in(experiment, attempt)
            # No await before the command is sent: what is held or aborted once it counts as started must be there to obey.
            started(spare is not None)
            self._running = kept
            await kept.go(spec)
            self.make_spare()
            await self._read(kept, heard)
            finished = _finished(experiment, attempt, await kept.ended(), kept.spec.log)
            found = await asyncio.to_thread(seal.broken)
            seal.mend(found)
            return finished.model_copy(update={"evidence": found, "clock_seconds": evidence.clock() - clock})
        finally:
            self._running = None
            await kept.close()
            if before is not None:
                await asyncio.to_thread(leftovers.sweep, before)

    async def evaluate(
        self, experiment: int, attempt: int, *, since: float | None = None, suite: Path | None = None, name: str = ""
    ) -> Evaluation:
        """The frozen evaluator, in a fresh process, on what the attempt saved.

        since  when the attempt began, in seconds since 1970: an artefact must be newer
        suite  the tests to score on, where they are not the task's own
        name   of its log, beside the attempt's; without it, the evaluation that counts
        """
        out, _ = self._folders(experiment, attempt)
        artefacts: tuple[Artefact, ...] = ()
        if self._task.evaluate.artefacts:
            copies = self._run_dir / "tmp" / f"{experiment:04d}-{attempt}.artefacts"
            try:
                artefacts = await asyncio.to_thread(self._taken, out, copies, since)
            except ArtefactRefused as refusal:
                return Evaluation((), f"what it saved was not measured: {refusal}", 0.0)
            out = copies
        log = f"{experiment:04d}-{attempt}.{name or 'evaluate'}"
        tmp, tests = self._scratch(log), self._tests(suite)
        environment = {"LOOPWATCH_OUT": str(out), "LOOPWATCH_WORKSPACE": str(self._workdir), **self._hidden()}
        async with self._predictor(out, log) as pipes:
            more = [Folder(pipe, writable=True) for pipe in (pipes.ask, pipes.answers)] if pipes else []
            if tests:
                environment["LOOPWATCH_SUITE"] = str(tests)
                more += [] if tests.is_relative_to(self._pristine) else [Folder(tests)]
            if pipes:
                environment.update(pipes.environment)
            room = self._rooms.for_evaluation(out, tmp, more=more)
            environment["LOOPWATCH_RECORD"] = f"{room.environment['TMPDIR']}/record.json"
            outcome = await self._command(
                self._task.evaluate.command, self._task.evaluate.seconds, environment, log, room
            )
        record = self._keep_record(tmp, f"{experiment:04d}-{attempt}{f'.{name}' if name else ''}.json")
        return replace(
            _evaluation(self._task, outcome), artefacts=artefacts, log_digest=self._log_digest(log), record=record
        )

    async def check_tests(self, proposed: Path, suite: Path) -> Outcome:
        """What the task's own check prints of proposed tests; `suite` is what they would enter."""
        assert self._task.suite is not None, "only a task with a suite has a check for it"
        assert self._task.suite.check is not None, "it is asked only where there is one"
        check, tmp = self._task.suite.check, self._scratch("check")
        more = [Folder(path) for path in (proposed, suite) if not path.is_relative_to(self._pristine)]
        room = self._rooms.for_evaluation(None, tmp, more=more)
        environment = {**self._hidden(), "LOOPWATCH_TESTS": str(proposed), "LOOPWATCH_SUITE": str(suite)}
        # A line for each test, which may be as long as a test.
        return await self._command(check.command, check.seconds, environment, "check", room, last_bytes=LOG_BYTES)

    async def knowledge(self) -> Outcome:
        """What the task's own command prints of its knowledge base."""
        assert self._task.rubric is not None, "only a task with a rubric has one"
        room = self._rooms.for_evaluation(None, self._scratch("knowledge"))
        return await self._command(self._task.rubric.knowledge, 60, {}, "knowledge", room, last_bytes=LOG_BYTES)

    def _tests(self, suite: Path | None) -> Path | None:
        if suite is None and self._task.suite is not None:
            return self._pristine / self._task.suite.file
        return suite

    @asynccontextmanager
    async def _predictor(self, out: Path, log: str) -> AsyncIterator[Pipes | None]:
        """Whoever answers the evaluator, where the task has that."""
        command = self._task.evaluate.predictor
        if command is None:
            yield None
            return
        pipes = Pipes(self._run_dir / "tmp" / f"{log}.pipes")
        name = f"{log}.predictor"
        tmp = self._scratch(name)
        room = self._rooms.for_prediction(out, tmp, (pipes.ask, pipes.answers))
        # A little longer than the evaluator, so that it is the one that is said to have taken too long.
        seconds = self._task.evaluate.seconds + PREDICTOR_SECONDS
        spec = self._spec(_argv(command), self._workdir, {"LOOPWATCH_OUT": str(out)}, name, seconds, room)
        async with answering(replace(spec, out_folders=(tmp,)), pipes):
            yield pipes

    def _keep_record(self, tmp: Path, name: str) -> Path | None:
        """Keep what the evaluator recorded for people to look at, if it did."""
        into = self._run_dir / "records"
        into.mkdir(mode=0o700, exist_ok=True)
        (into / name).unlink(missing_ok=True)
        ours = self._scratch(f"{name}.taken")  # what lies in `tmp` may be a link to anywhere
        with suppress(ArtefactRefused, OSError):
            take(tmp, "record.json", ours, max_bytes=RECORD_BYTES)
            return (ours / "record.json").replace(into / name)
        return None

    def _log_digest(self, name: str) -> str:
        return checkout.digest(self._run_dir / "logs" / f"{name}.log")

    def has(self, experiment: int, attempt: int) -> bool:
        """Whether what an attempt saved is still there."""
        return self._folders(experiment, attempt)[0].is_dir()

    def _taken(self, out: Path, into: Path, since: float | None) -> tuple[Artefact, ...]:
        """Copy the artefacts that the task names into a fresh folder."""
        _make_fresh(into)
        largest = int(self._task.evaluate.artefact_mb * 2**20)
        return tuple(take(out, name, into, max_bytes=largest, since=since) for name in self._task.evaluate.artefacts)

    def forget(self, experiment: int, attempt: int) -> None:
        """Delete what an attempt saved, and its scratch; the log stays."""
        for folder in self._folders(experiment, attempt):
            delete(folder)

    async def abort(self) -> bool:
        """End the running experiment; False when none runs."""
        if self._running:
            self._running.abort()
        return self._running is not None

    async def hold(self) -> bool:
        """Stop the running experiment where it is, and its clocks; False when none runs."""
        if self._running:
            self._running.hold()
        return self._running is not None

    async def release(self) -> None:
        """Let a held experiment go on."""
        if self._running:
            self._running.release()

    @property
    def elapsed(self) -> float:
        """Seconds that the running experiment has had, held time not counted."""
        return self._running.usage.wall_seconds if self._running else 0.0

    def make_spare(self) -> None:
        """Begin to start an interpreter that will wait for the next experiment, with its modules imported."""
        command = _argv(self._task.run.command)
        if self._spare is not None or not can_be_spare(command):
            return
        out, tmp = self._next()
        try:
            for folder in (out, tmp):
                _make_fresh(folder)
            spec = self._spec(command, Path("/"), {}, "spare", 3600, self._rooms.for_training(out, tmp))
        except OSError:
            return  # a full disk: the experiment will be started cold, or wait for room
        waiting = replace(spec, spare=spare_command(command[0], self._task.run.preload))
        self._spare = asyncio.create_task(Kept.launch(waiting))

    async def close(self) -> None:
        """End whatever still runs."""
        spare = await self._take_spare()
        for kept in (spare, self._running):
            if kept:
                await kept.close()

    async def _take_spare(self) -> Kept | None:
        """The spare, if there is one and it is still alive; it may still be importing."""
        waiting, self._spare = self._spare, None
        if waiting is None:
            return None
        kept = await waiting
        try:
            await kept.contained()
        except asyncio.CancelledError:
            await kept.close()
            raise
        if kept.has_ended:
            await kept.close()
            return None
        return kept

    def _next(self) -> tuple[Path, Path]:
        """Where the out and tmp of an experiment lie before it has a number."""
        return self._run_dir / "next" / "out", self._run_dir / "next" / "tmp"

    def _move_in(self, experiment: int, attempt: int) -> None:
        """What a waiting spare has in its room, by whatever name, becomes an attempt's."""
        for waiting, folder in zip(self._next(), self._folders(experiment, attempt), strict=True):
            waiting.rename(folder)

    async def _read(self, kept: Kept, heard: Callable[[list[Sample]], None]) -> None:
        records = Records(metric=self._task.metric.name)
        async for chunk in kept.output():
            if samples := records.feed(chunk):
                heard(samples)
        if samples := records.finish():
            heard(samples)

    def _experiment(self, experiment: int, attempt: int) -> Spec:
        out, tmp = self._folders(experiment, attempt)
        # What an earlier engine's attempt of this name left must not be measured as this one's.
        for folder in (out, tmp):
            _make_fresh(folder)
        budget, room = self._task.budget, self._rooms.for_training(out, tmp)
        name = f"{experiment:04d}-{attempt}"
        spec = self._spec(_argv(self._task.run.command), self._workdir, {}, name, budget.hard_seconds, room)
        limit = budget.amount + budget.grace_seconds if budget.kind == "cpu_seconds" else None
        return replace(spec, cpu_seconds=limit, out_folders=(out, tmp))

    def _scratch(self, name: str) -> Path:
        tmp = self._run_dir / "tmp" / name
        _make_fresh(tmp)
        return tmp

    async def _command(
        self,
        words: tuple[str, ...],
        seconds: float,
        environment: dict[str, str],
        name: str,
        room: Room,
        *,
        last_bytes: int = TAIL_BYTES,
    ) -> Outcome:
        spec = self._spec(_argv(words), self._pristine, environment, name, seconds, room)
        return await run_command(spec, last_bytes=last_bytes)

    def _spec(
        self, command: list[str], cwd: Path, environment: dict[str, str], name: str, seconds: float, room: Room
    ) -> Spec:
        logs = self._run_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return Spec(
            command=command,
            cwd=cwd,
            environment={**self._environment(), **environment, **room.environment},
            log=logs / f"{name}.log",
            wall_seconds=seconds,
            log_cap_bytes=LOG_BYTES,
            out_cap_bytes=OUT_BYTES,
            disk_floor_bytes=DISK_FLOOR_BYTES,
            memory_bytes=self._rooms.limits.memory_bytes,
            processes=self._rooms.limits.processes,
            box=room.box,
        )

    def _folders(self, experiment: int, attempt: int) -> tuple[Path, Path]:
        name = f"{experiment:04d}-{attempt}"
        return self._run_dir / "out" / name, self._run_dir / "tmp" / name

    def _environment(self) -> dict[str, str]:
        budget = self._task.budget
        return {
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LOOPWATCH_BUDGET": f"{budget.amount:g}",
            "LOOPWATCH_BUDGET_KIND": budget.kind,
            "LOOPWATCH_SEED": str(self._seed),
            "LOOPWATCH_DATA": str(self._run_dir / "data" / "public"),
            **self._task.run.environment,
        }

    def _hidden(self) -> dict[str, str]:
        return {"LOOPWATCH_HIDDEN": str(self._run_dir / "data" / "hidden")}


def _evaluation(task: Task, outcome: Outcome) -> Evaluation:
    text = outcome.tail.decode("utf-8", "replace")
    line = re.compile(rf"^{re.escape(task.metric.name)}:[ \t]*(\S+)[ \t]*$", re.MULTILINE | re.ASCII)
    problem = "" if outcome.ok else f"the evaluator {_how_it_ended(outcome.ended, outcome.tail)}"
    return Evaluation(tuple(line.findall(text)), problem, outcome.ended.wall_seconds, scores=_scores(text))


def _scores(text: str) -> tuple[float, ...]:
    """What an evaluator says of each test; nothing where it says nothing that makes sense."""
    found = re.findall(r"^scores:[ \t]*(\[.*\])[ \t]*$", text, re.MULTILINE | re.ASCII)
    try:
        scores = json.loads(found[-1]) if found else []
    except (ValueError, RecursionError):
        return ()
    if not all(isinstance(score, int | float) and 0 <= score <= 1 for score in scores):
        return ()
    return tuple(float(score) for score in scores)


def _make_fresh(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    checkout.remove(folder)
    folder.mkdir()


def _argv(words: tuple[str, ...]) -> list[str]:
    return [word.replace("{python}", sys.executable) for word in words]


def _finished(experiment: int, attempt: int, ended: Ended, log: Path) -> Finished:
    return Finished(
        experiment=experiment,
        attempt=attempt,
        reason=ended.reason,
        exit_code=ended.exit,
        signal=ended.signal,
        wall_seconds=ended.wall_seconds,
        cpu_seconds=ended.cpu_seconds,
        peak_memory_mb=ended.peak_rss_mb,
        log_bytes=ended.log_bytes,
        detail=ended.detail or ("" if ended.ok else last_line(read_log(log, 2000))),
        log_digest=checkout.digest(log),
    )


def last_line(output: bytes) -> str:
    """The last line that says something: for a Python traceback, the error itself."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _how_it_ended(ended: Ended, tail: bytes) -> str:
    if ended.reason == "wall_limit":
        return f"was stopped after {ended.wall_seconds:.0f} s"
    how = ended.reason.replace("_", " ")
    if ended.reason == "exited":
        how = f"was killed by signal {ended.signal}" if ended.signal else f"ended with exit code {ended.exit}"
    said = ended.detail or last_line(tail)
    return f"{how}: {said}" if said else how
