"""One attempt at a time: started, watched, finished, measured; with the facts for each.

Decides what an attempt *is* (valid, crashed, timed out, voided ...), from facts alone; whether it is *better* is the judge's.
"""

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from .agent_events import Rescored, TestCase
from .events import (
    AttemptLost,
    ControlMeasured,
    ControlStarted,
    Evidence,
    Finished,
    Measured,
    RepeatMeasured,
    RepeatStarted,
    Started,
    Why,
)
from .gate import Gates
from .journal import Journal
from .judging import canary
from .judging.control import compared, crippled
from .judging.doubts import doubts
from .judging.flags import Flag
from .judging.judge import hopeless, measurement
from .keeper.process import Outcome
from .policy import RUN_ONLY, Occasion
from .records import Sample
from .repository.workspace import Workspace
from .running.evidence import CLOCK_SECONDS, digest_of
from .running.runner import Evaluation, Runner
from .state import REPEATS, Experiment
from .suites import Suites
from .task import Task
from .watcher import Watcher

CONTROL = 0
"""The control is no experiment; in the names of folders and logs it has this number."""

ATTEMPTS = 3
"""How often an experiment is tried before it is given up."""

_NO_FAULT = {
    "keeper_lost": "its keeper was lost",
    "engine_gone": "its keeper was lost",
    "disk_full": "the disk was full",
    "spawn_failed": "it could not be started",
}


class Judge(Protocol):
    """Whoever says what an evaluation comes to, in place of the evaluator."""

    async def judged(self, experiment: int, attempt: int, evaluation: Evaluation) -> Evaluation:
        """The same with another number; Blocked when nobody can be asked."""
        ...


class Bench:
    """Runs and measures the open experiment."""

    def __init__(
        self,
        *,
        task: Task,
        journal: Journal,
        workspace: Workspace,
        runner: Runner,
        gates: Gates,
        watcher: Watcher,
        seed: int,
        one_seed: bool = True,
        suites: Suites | None = None,
        judge: Judge | None = None,
    ) -> None:
        """The bench of one run; its experiments all have its seed, or each has one that follows from it.

        suites  what experiments are scored on, where the task has tests that may become more
        judge   who says what an evaluation comes to, where that is not the evaluator
        """
        self._task, self._journal, self._workspace = task, journal, workspace
        self._runner, self._gates, self._watcher, self._seed = runner, gates, watcher, seed
        self._one_seed, self.suites, self._judge = one_seed, suites, judge
        self._speeds: list[float] = []
        """Of the machine, since the training at hand was first tried."""
        self._speed_before: float | None = None
        self._abort_reason = ""
        self._losses: list[float] = []
        self._suggested: set[str] = set()
        self._watching: asyncio.Task[None] | None = None

    async def run(self, experiment: Experiment, *, may_start: Callable[[], None]) -> None:
        """One attempt, up to the end of its process tree; `may_start` is asked last, and raises when it may not."""
        attempt, seed = experiment.attempt + 1, self._seed_of(experiment.number)
        self._abort_reason, self._losses, self._watching = "", [], None
        self._suggested.clear()
        self._speeds.clear()
        self._speed_before = await self._speed()

        def started(warm: bool) -> None:
            may_start()
            self._journal.append(
                Started(
                    experiment=experiment.number,
                    attempt=attempt,
                    seed=seed,
                    warm=warm,
                    sandbox=self._runner.tier,
                )
            )
            self._watcher.begin(experiment)

        try:
            finished = await self._runner.run(
                experiment.number,
                attempt,
                started=started,
                heard=lambda samples: self._heard(experiment, attempt, samples),
                seed=seed,
            )
        finally:
            if self._watching:
                self._watching.cancel()
                await asyncio.gather(self._watching, return_exceptions=True)
        self._journal.flush()
        if finished.reason == "aborted" and self._abort_reason:
            finished = finished.model_copy(update={"detail": self._abort_reason})
        self._journal.append(finished.model_copy(update={"looks": self._watcher.looks}))

    async def evaluate(self, experiment: Experiment) -> None:
        """Measure the attempt that finished, or say why it has to be repeated."""
        assert experiment.finished is not None, "only a finished attempt is evaluated"
        finished = experiment.finished
        if (why := _NO_FAULT.get(finished.reason)) and finished.attempt < ATTEMPTS:
            return self._lost(experiment, f"{why} ({finished.detail or finished.reason})")
        measured = self._refused(finished) or await self._measure(finished, experiment.started_at)
        unfair = (
            await self._unfair(f"attempt {experiment.attempt} of {ATTEMPTS}") if measured.outcome == "valid" else ""
        )
        unfair = unfair or _clock_was_set(finished)
        if unfair and finished.attempt < ATTEMPTS:
            return self._lost(experiment, unfair)
        if unfair:
            measured = measured.model_copy(update={"outcome": "voided", "problem": unfair, "comparable": False})
        found = tuple(flag.text for flag in self._doubts(experiment, measured))
        speeds = {"speed": self._speed_before, "speeds": tuple(self._speeds)}
        self._journal.append(measured.model_copy(update={**speeds, "flags": found}))
        return None

    def _doubts(self, experiment: Experiment, measured: Measured) -> tuple[Flag, ...]:
        """What makes the number hard to believe."""
        if measured.value is None or not measured.comparable:
            return ()
        losses = self._journal.telemetry.losses
        return doubts(self._journal.state, experiment, measured, self._task, losses)

    async def repeat(self, experiment: Experiment, why: Why, *, of: int | None, may_start: Callable[[], None]) -> None:
        """Train the code that the working folder holds once more, on a seed that nobody could know, and measure it.

        A repeat that a killed engine left is done again with its seed; it is tried as often as an experiment is.
        """
        last = experiment.repeats[-1] if experiment.repeats else None
        again = last is not None and last.measured is None
        number = len(experiment.repeats) + (0 if again else 1)
        seed = last.seed if again and last else secrets.randbelow(2**31)
        fact = RepeatStarted(experiment=experiment.number, repeat=number, seed=seed, why=why, of=of)
        self._speeds.clear()
        for _ in range(ATTEMPTS):
            finished, measured, unfair = await self._repeat(fact, may_start)
            if not unfair and finished.reason not in _NO_FAULT:
                break
        self._journal.append(
            RepeatMeasured(
                experiment=experiment.number,
                repeat=number,
                why=why,
                of=of,
                value=None if unfair else measured.value,
                outcome="unfair" if unfair else measured.outcome,
                problem=unfair or measured.problem,
                wall_seconds=finished.wall_seconds,
                cpu_seconds=finished.cpu_seconds,
                speed=self._speed_before,
                speeds=tuple(self._speeds),
                logs=_logs(finished, measured),
            )
        )

    async def _repeat(self, fact: RepeatStarted, may_start: Callable[[], None]) -> tuple[Finished, Measured, str]:
        self._abort_reason, self._speed_before = "", await self._speed()
        telemetry, began_at = self._journal.telemetry, 0.0

        def started(_warm: bool) -> None:
            nonlocal began_at
            may_start()
            self._journal.append(fact)
            began_at = self._journal.state.at

        name = REPEATS + fact.repeat
        try:
            finished = await self._runner.run(
                fact.experiment,
                name,
                started=started,
                heard=lambda samples: telemetry.add_samples(fact.experiment, name, self._runner.elapsed, samples),
                seed=fact.seed,
            )
            self._journal.flush()
            if finished.reason == "aborted" and self._abort_reason:
                finished = finished.model_copy(update={"detail": self._abort_reason})
            measured = self._refused(finished) or await self._measure(finished, began_at)
            unfair = await self._unfair("its repeat") if measured.outcome == "valid" else ""
            return finished, measured, unfair
        finally:
            self._runner.forget(fact.experiment, name)

    def _seed_of(self, experiment: int) -> int:
        # One seed for all would favour or harm every candidate alike, next to repeats that have seeds of their own.
        return self._seed if self._one_seed else random.Random(f"{self._seed} {experiment}").randrange(2**31)

    async def control(self, *, may_start: Callable[[], None]) -> None:
        """Train what cannot learn, once, and write down whether it scores clearly worse than the baseline."""
        state, task = self._journal.state, self._task
        baseline = state.baseline.estimate if state.baseline else None
        assert baseline is not None, "a control is compared with a baseline"
        files = crippled(task, self._workspace.sources(self._workspace.base))
        base, trailers = self._workspace.base, {"Loopwatch-Experiment": str(CONTROL)}
        self._workspace.restore(
            self._workspace.build_commit(files, base, "The control, which cannot learn", trailers, when=0)
        )
        try:
            for attempt in range(1, ATTEMPTS + 1):
                finished, measured = await self._train_control(attempt, may_start)
                if finished.reason not in _NO_FAULT:
                    break
        finally:
            self._workspace.restore(state.best_commit)
        if measured.value is None:
            worse, reason = False, f"an untrained model came to no number: {measured.problem}"
        else:
            worse, reason = compared(task.metric, measured.value, baseline, state.noise.sigma)
        self._journal.append(
            ControlMeasured(
                attempt=attempt,
                value=measured.value,
                clearly_worse=worse,
                reason=reason,
                artefacts=measured.artefacts,
                wall_seconds=finished.wall_seconds,
                cpu_seconds=finished.cpu_seconds,
                logs=_logs(finished, measured),
            )
        )

    async def _train_control(self, attempt: int, may_start: Callable[[], None]) -> tuple[Finished, Measured]:
        assert self._task.control is not None

        def started(_warm: bool) -> None:
            may_start()
            self._journal.append(ControlStarted(attempt=attempt))

        try:
            amount = self._task.control.amount
            finished = await self._runner.run(CONTROL, attempt, started=started, heard=lambda _: None, amount=amount)
            return finished, self._refused(finished) or await self._measure(finished, 0.0)
        finally:
            self._runner.forget(CONTROL, attempt)

    async def abort(self, reason: str) -> bool:
        """End the running attempt; False when none runs."""
        self._abort_reason = reason
        return await self._runner.abort()

    def _lost(self, experiment: Experiment, why: str) -> None:
        speeds = tuple(self._speeds)
        self._journal.append(
            AttemptLost(experiment=experiment.number, attempt=experiment.attempt, why=why, speeds=speeds)
        )

    # -- while it runs -------------------------------------------------------------------------------------------------

    def _heard(self, experiment: Experiment, attempt: int, samples: list[Sample]) -> None:
        at = self._runner.elapsed
        self._journal.telemetry.add_samples(experiment.number, attempt, at, samples)
        suggested = self._watcher.heard(samples, at)
        if suggested:
            self._journal.append(suggested)
            if suggested.mode == "acts":
                self._suggest(experiment, suggested.reason)
        self._losses = [*self._losses, *(s.loss for s in samples if s.loss is not None)][-10:]
        if self._journal.state.gates["run"] not in RUN_ONLY and (why := hopeless(self._losses)):
            self._suggest(experiment, why)

    def _suggest(self, experiment: Experiment, why: str) -> None:
        """Ask the run gate, once for each reason and one question at a time."""
        if why not in self._suggested and (self._watching is None or self._watching.done()):
            self._suggested.add(why)
            self._watching = asyncio.create_task(self._suggest_abort(experiment, why))

    async def _suggest_abort(self, experiment: Experiment, why: str) -> None:
        if self._journal.state.gates["run"] in RUN_ONLY:
            return  # the policy has changed since
        decided = await self._gates.decide(
            "run",
            experiment.number,
            question=f"abort suggested: {why}",
            occasion=Occasion(),
            digest=experiment.digest,
            suggestion="abort",
        )
        if decided.answer == "abort":
            words = f": {decided.reason}" if decided.reason else ""
            await self.abort(f"{why}; aborted by {decided.by}{words}")

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def _refused(self, finished: Finished) -> Measured | None:
        """What is known without asking the evaluator: it did not end well, or it touched what is frozen."""
        if finished.evidence:
            paths = ", ".join(f"{found.what} {found.path}" for found in finished.evidence)
            return self._no(finished, "voided", f"what is the engine's was changed while it ran: {paths}", invalid=True)
        if touched := self._tampered():
            return self._void(finished, "frozen files were changed while it ran", touched)
        match finished.reason:
            case "exited" if finished.exit_code == 0:
                return None
            case "exited":
                how = f"signal {finished.signal}" if finished.signal else f"exit code {finished.exit_code}"
                return self._no(finished, "crashed", f"{how}{_detail(finished)}")
            case "wall_limit":
                return self._no(
                    finished, "timed_out", f"the hard limit of {self._task.budget.hard_seconds:g} s was over"
                )
            case "cpu_limit":
                budget = self._task.budget
                return self._no(
                    finished,
                    "timed_out",
                    f"it used more than {budget.amount:g} CPU seconds and {budget.grace_seconds:g} of grace",
                )
            case "aborted":
                return self._no(finished, "aborted", finished.detail or "by a person")
            case reason:
                return self._no(finished, "crashed", f"{reason.replace('_', ' ')}{_detail(finished)}")

    async def _measure(self, finished: Finished, began_at: float) -> Measured:
        lineage, suites = self._journal.state.lineage, self.suites
        grown = suites.file(lineage) if suites and lineage.suite else None
        number = finished.experiment, finished.attempt
        evaluation = await self._evaluated(*number, since=began_at, suite=grown)
        measured = self._weighed(finished, evaluation)
        more: dict[str, object] = {"log_digest": evaluation.log_digest, "scores": evaluation.scores}
        if grown and measured.outcome == "valid":
            more |= {"suite": lineage.suite, "frozen": await self._on_the_original(*number)}
        return measured.model_copy(update=more)

    async def _evaluated(
        self, experiment: int, attempt: int, *, since: float | None = None, suite: Path | None = None, name: str = ""
    ) -> Evaluation:
        """What the evaluator says of an attempt, or the judge where there is one."""
        evaluation = await self._runner.evaluate(experiment, attempt, since=since, suite=suite, name=name)
        return await self._judge.judged(experiment, attempt, evaluation) if self._judge else evaluation

    async def _on_the_original(self, experiment: int, attempt: int) -> float | None:
        """What an attempt scores on the tests that its task began with; None where that gives no number."""
        evaluation = await self._evaluated(experiment, attempt, name="original")
        value, problem = measurement(self._task.metric, evaluation.printed)
        return None if problem or evaluation.problem else value

    async def rescore(self, experiment: Experiment) -> None:
        """Measure on the present suite what an experiment left; it is trained again where that is gone."""
        assert self.suites is not None, "only a task with a suite has another one to be scored on"
        lineage, finished = self._journal.state.lineage, await self._left_by(experiment)
        measured = self._refused(finished)
        scores: tuple[float, ...] = ()
        frozen = None
        if measured is None:
            suite, name = self.suites.file(lineage), f"suite-{lineage.suite}"
            measured, scores = await self._scored(finished, suite, name)
            if measured.outcome != "valid":
                # Anything with a number would take its place: that it has none should be no accident.
                measured, scores = await self._scored(finished, suite, name)
            frozen = await self._on_the_original(experiment.number, finished.attempt)
        self._journal.append(
            Rescored(
                experiment=experiment.number,
                suite=lineage.suite,
                value=measured.value if measured.outcome == "valid" else None,
                frozen=frozen,
                scores=scores,
                problem=measured.problem,
            )
        )

    async def _scored(self, finished: Finished, suite: Path, name: str) -> tuple[Measured, tuple[float, ...]]:
        evaluation = await self._evaluated(finished.experiment, finished.attempt, suite=suite, name=name)
        return self._weighed(finished, evaluation), evaluation.scores

    async def tried(self, experiment: Experiment, tests: Sequence[TestCase]) -> tuple[float, ...]:
        """What an experiment scores on each of some tests; nothing where that gives no number."""
        assert self.suites is not None, "only a task with a suite has other tests"
        finished = await self._left_by(experiment)
        if self._refused(finished) is not None:
            return ()
        suite = self.suites.of(tests)
        evaluation = await self._evaluated(experiment.number, finished.attempt, suite=suite, name="tried")
        return () if evaluation.problem else evaluation.scores

    async def check_tests(self, tests: Sequence[TestCase]) -> Outcome:
        """What the task's own check says of proposed tests."""
        assert self.suites is not None, "only a task with a suite has a check for it"
        proposed, suite = self.suites.of(tests), self.suites.next(self._journal.state.lineage)
        return await self._runner.check_tests(proposed, suite)

    async def _left_by(self, experiment: Experiment) -> Finished:
        """What an experiment left, trained again where it is gone."""
        assert experiment.finished is not None, "only what was trained is scored"
        if self._runner.has(experiment.number, experiment.finished.attempt):
            return experiment.finished
        return await self._runner.run(
            experiment.number,
            experiment.finished.attempt,
            started=lambda _: None,
            heard=lambda _: None,
            seed=self._seed_of(experiment.number),
            name="again",  # what was printed then is in the books
        )

    def _weighed(self, finished: Finished, evaluation: Evaluation) -> Measured:
        if touched := self._tampered():
            return self._void(finished, "frozen files were changed", touched)
        if evaluation.problem:
            return self._no(finished, "no_metric", evaluation.problem, evaluation.seconds)
        value, problem = measurement(self._task.metric, evaluation.printed)
        if problem:
            outcome = "no_metric" if value is None else "voided"
            taken = {artefact.name: artefact.digest for artefact in evaluation.artefacts}
            refused = self._no(finished, outcome, problem, evaluation.seconds, invalid=bool(evaluation.printed))
            return refused.model_copy(update={"value": value, "artefacts": taken})
        return Measured(
            experiment=finished.experiment,
            attempt=finished.attempt,
            value=value,
            evaluate_seconds=evaluation.seconds,
            trust=self._task.trust,
            artefacts={artefact.name: artefact.digest for artefact in evaluation.artefacts},
        )

    def _tampered(self) -> tuple[Evidence, ...]:
        touched = tuple(
            Evidence(what="frozen file", path=path, digest=digest_of(folder / path))
            for folder in (self._workspace.work_folder, self._workspace.pristine_folder)
            for path in self._workspace.tampered(folder)
        )
        if touched:
            self._workspace.pristine()
        return touched

    def _void(self, finished: Finished, what: str, touched: tuple[Evidence, ...]) -> Measured:
        refused = self._no(finished, "voided", f"{what}: {', '.join(found.path for found in touched)}", invalid=True)
        return refused.model_copy(update={"evidence": touched})

    def _no(
        self, finished: Finished, outcome: str, problem: str, seconds: float = 0, *, invalid: bool = False
    ) -> Measured:
        facts = {"experiment": finished.experiment, "attempt": finished.attempt, "outcome": outcome}
        said = {"problem": problem, "evaluate_seconds": seconds, "invalid": invalid, "evidence": finished.evidence}
        return Measured.model_validate({**facts, **said})

    # -- fairness ------------------------------------------------------------------------------------------------------

    async def _speed(self) -> float | None:
        budget = self._task.budget
        if not budget.canary:
            return None
        self._speeds.append(await canary.speed(cpu=budget.kind == "cpu_seconds"))
        return self._speeds[-1]

    async def _unfair(self, what: str) -> str:
        """Why this training cannot be compared with others; "" when it can."""
        after = await self._speed()
        if after is None or self._speed_before is None:
            return ""
        reference = self._journal.state.usual_speed or self._speed_before
        ratio = canary.far_off((self._speed_before, after), reference, self._task.budget.canary_tolerance)
        if ratio is None:
            return ""
        speed = f"the machine ran at {ratio:.0%} of its usual speed"
        return f"{speed} ({what}), so its number cannot be compared"


def _clock_was_set(finished: Finished) -> str:
    seconds = finished.clock_seconds
    if abs(seconds) <= CLOCK_SECONDS:
        return ""
    return f"the machine's clock was set {'forward' if seconds > 0 else 'back'} by {abs(seconds):.0f} s while it ran"


def _logs(finished: Finished, measured: Measured) -> dict[str, str]:
    """The digests of an attempt's logs, by their names."""
    name = f"{finished.experiment:04d}-{finished.attempt}"
    logs = {f"{name}.log": finished.log_digest, f"{name}.evaluate.log": measured.log_digest}
    return {log: digest for log, digest in logs.items() if digest}


def _detail(finished: Finished) -> str:
    return f": {finished.detail}" if finished.detail else ""
