"""One attempt at a time: started, watched, finished, measured; with the facts for each.

Decides what an attempt *is* (valid, crashed, timed out, voided ...), from facts alone; whether it is *better* is the judge's.
"""

import asyncio
from collections.abc import Callable

from . import canary
from .events import AttemptLost, Finished, Measured, Started
from .gate import Gates
from .journal import Journal
from .judge import hopeless, measurement
from .policy import RUN_ONLY, Occasion
from .records import Sample
from .runner import Evaluation, Runner
from .state import Experiment
from .task import Task
from .watcher import Watcher
from .workspace import Workspace

ATTEMPTS = 3
"""How often an experiment is tried before it is given up."""

_NO_FAULT = {
    "keeper_lost": "its keeper was lost",
    "engine_gone": "its keeper was lost",
    "disk_full": "the disk was full",
    "spawn_failed": "it could not be started",
}


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
    ) -> None:
        """The bench of one run."""
        self._task, self._journal, self._workspace = task, journal, workspace
        self._runner, self._gates, self._watcher, self._seed = runner, gates, watcher, seed
        self._speed_before: float | None = None
        self._abort_reason = ""
        self._losses: list[float] = []
        self._suggested: set[str] = set()
        self._watching: asyncio.Task[None] | None = None

    async def run(self, experiment: Experiment, *, may_start: Callable[[], None]) -> None:
        """One attempt, up to the end of its process tree; `may_start` is asked last, and raises when it may not."""
        attempt = experiment.attempt + 1
        self._abort_reason, self._losses, self._watching = "", [], None
        self._suggested.clear()
        self._speed_before = await self._speed()

        def started(warm: bool) -> None:
            may_start()
            self._journal.append(
                Started(
                    experiment=experiment.number,
                    attempt=attempt,
                    seed=self._seed,
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
        unfair = await self._unfair(experiment) if measured.outcome == "valid" else ""
        if unfair and finished.attempt < ATTEMPTS:
            return self._lost(experiment, unfair)
        if unfair:
            measured = measured.model_copy(update={"outcome": "voided", "problem": unfair, "comparable": False})
        self._journal.append(measured.model_copy(update={"speed": self._speed_before}))
        return None

    async def abort(self, reason: str) -> bool:
        """End the running attempt; False when none runs."""
        self._abort_reason = reason
        return await self._runner.abort()

    def _lost(self, experiment: Experiment, why: str) -> None:
        self._journal.append(AttemptLost(experiment=experiment.number, attempt=experiment.attempt, why=why))

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
        if touched := self._tampered():
            return self._no(finished, "voided", f"frozen files were changed while it ran: {', '.join(touched)}")
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
        evaluation = await self._runner.evaluate(finished.experiment, finished.attempt, since=began_at)
        return self._weighed(finished, evaluation).model_copy(update={"log_digest": evaluation.log_digest})

    def _weighed(self, finished: Finished, evaluation: Evaluation) -> Measured:
        if touched := self._tampered():
            return self._no(finished, "voided", f"frozen files were changed: {', '.join(touched)}")
        if evaluation.problem:
            return self._no(finished, "no_metric", evaluation.problem, evaluation.seconds)
        value, problem = measurement(self._task.metric, evaluation.printed)
        if problem:
            outcome = "no_metric" if value is None else "voided"
            return self._no(finished, outcome, problem, evaluation.seconds)
        return Measured(
            experiment=finished.experiment,
            attempt=finished.attempt,
            value=value,
            evaluate_seconds=evaluation.seconds,
            trust=self._task.trust,
            artefacts={artefact.name: artefact.digest for artefact in evaluation.artefacts},
        )

    def _tampered(self) -> list[str]:
        touched = self._workspace.tampered(self._workspace.work_folder) + self._workspace.tampered(
            self._workspace.pristine_folder
        )
        if touched:
            self._workspace.pristine()
        return touched

    def _no(self, finished: Finished, outcome: str, problem: str, seconds: float = 0) -> Measured:
        facts = {"experiment": finished.experiment, "attempt": finished.attempt, "outcome": outcome}
        return Measured.model_validate({**facts, "problem": problem, "evaluate_seconds": seconds})

    # -- fairness ------------------------------------------------------------------------------------------------------

    async def _speed(self) -> float | None:
        budget = self._task.budget
        return await canary.speed(cpu=budget.kind == "cpu_seconds") if budget.canary else None

    async def _unfair(self, experiment: Experiment) -> str:
        """Why this attempt cannot be compared with the baseline; "" when it can."""
        after = await self._speed()
        if after is None or self._speed_before is None:
            return ""
        reference = self._journal.state.baseline_speed or self._speed_before
        ratio = canary.far_off((self._speed_before, after), reference, self._task.budget.canary_tolerance)
        if ratio is None:
            return ""
        speed = f"the machine ran at {ratio:.0%} of the baseline's speed"
        return f"{speed} (attempt {experiment.attempt} of {ATTEMPTS}), so its number cannot be compared"


def _detail(finished: Finished) -> str:
    return f": {finished.detail}" if finished.detail else ""
