"""The bench that a strategy works at: the verbs of the loop, with the ledger kept for it.

Every verb looks at the open experiment first and does only what is still missing, so each can be repeated after a crash. What an
experiment claims decides nothing here: diffs pass the edit gate, numbers come from the evaluator, verdicts from the judge or a
person.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from .agent_events import TestCase
from .agents.crew import Crew
from .archive import Archive
from .bench import Bench
from .config import RunConfig, StopReason
from .confirm import Entrant, chance_real
from .credentials import redact
from .desk import Desk
from .errors import Blocked
from .events import FAILURES, AttemptLost, Decided, Paused, Verdict, Warned, Why
from .gate import Gates, override
from .housekeeping import free_bytes, make_room
from .journal import Journal
from .judging.control import WARNING as NO_CONTROL
from .judging.drift import drifted, to_train, told
from .judging.judge import Field, Judgement, doubts, judge, judge_field, quarantined, too_dear, unrivalled
from .keeper.process import Outcome
from .policy import Occasion
from .reviewer import Reviewer
from .state import Experiment, State
from .stopping import tripped, why_stop
from .suites import Suites
from .task import Task

T = TypeVar("T")

NOISE_REPEATS = 5
"""Trainings of the baseline before the first proposal, where nobody chose another number."""

DISK_FLOOR_BYTES = 512 * 1024 * 1024


class Stopping(Exception):
    """Somebody asked the run to stop while it waited."""


@dataclass
class Ending:
    """Why the loop ended by itself."""

    because: StopReason
    detail: str


class Lab:
    """The verbs of the loop."""

    def __init__(
        self,
        *,
        task: Task,
        config: RunConfig,
        journal: Journal,
        gates: Gates,
        bench: Bench,
        desk: Desk,
        archive: Archive,
        run_dir: Path,
        reviewer: Reviewer | None = None,
        crew: Crew | None = None,
    ) -> None:
        """Everything a run's engine has, put together by the supervisor."""
        self._crew = crew
        self._task, self._config, self._journal, self._run_dir = task, config, journal, run_dir
        self._gates, self._bench, self._archive = gates, bench, archive
        self.desk, self._reviewer = desk, reviewer
        self._started = time.monotonic()
        self.ending: Ending | None = None
        self.stop = asyncio.Event()
        """Set when a person asked the run to stop; every wait of the lab ends then."""
        self.resumed = asyncio.Event()
        """Set while the run is not paused."""

    @property
    def state(self) -> State:
        """What the run looks like now."""
        return self._journal.state

    @property
    def suites(self) -> Suites:
        """What experiments are scored on."""
        assert self._bench.suites is not None, "only a task with a suite has several"
        return self._bench.suites

    @property
    def crew(self) -> Crew:
        """The run's agents that are source code."""
        assert self._crew is not None, "a strategy with agents has them"
        return self._crew

    async def may_continue(self) -> bool:
        """Whether there is another experiment; waits while the run is paused or the disk is full."""
        self._heed_stop()
        if self.state.current is None and (ending := self._why_end()):
            self.ending = ending
            return False
        if self.state.current is None:
            self._heed_breaker()
            await self.unless_stopped(self.resumed.wait())
        await self._room_on_disk()
        if self.state.current is None:
            await self._measure_noise()
            await self._heed_drift()
            await self._train_control()
            if ending := self._why_end():
                self.ending = ending
                return False
        return True

    def end(self, because: StopReason, detail: str) -> None:
        """Say why a strategy ends the run by itself."""
        self.ending = Ending(because, detail)

    async def propose(self, agent: str = "") -> Experiment:
        """The open experiment, or a new one: the baseline first, then what the proposer says.

        agent  the version of an agent that is asked for a new one, where agents are source code
        """
        current = self.state.current
        if current is None:
            return await self._ask(len(self.state.experiments) + 1, 1, "", agent)
        if current.step != "proposing":
            return current
        return await self._ask(current.number, current.revision, current.comment, current.agent)

    async def approved(self, experiment: Experiment) -> bool:
        """Whether the proposal may be applied; a person may amend it or send it back before saying so."""
        while experiment.step == "proposed":
            decided = experiment.decided("apply")
            if decided is None:
                decided = await self.unless_stopped(self._decide_apply(experiment))
            await self._follow(experiment, decided)
        if experiment.verdict is None:
            return True
        self._archive.settle(experiment)
        return False

    async def measure(self, experiment: Experiment) -> None:
        """Apply the proposal, run it and evaluate it, again where an attempt came to nothing through no fault of its own."""
        while experiment.step not in ("measured", "judged"):
            if experiment.step != "finished":
                self._heed_stop()
                if experiment.attempt:
                    make_room(self._run_dir, experiment.number, kept=False)
                    await self._room_on_disk()
                    await self._heed_drift()
                self._archive.apply(experiment)
                await self._bench.run(experiment, may_start=self._heed_stop)
            if experiment.is_baseline and self._stopped_now(experiment):
                # Without a baseline the run could never go on; so this one is not judged, but run again.
                why = "the run was stopped before the baseline had finished"
                self._journal.append(AttemptLost(experiment=1, attempt=experiment.attempt, why=why))
                continue
            await self._bench.evaluate(experiment)
        await self._repeat_until_clear(experiment)

    async def is_better(self, experiment: Experiment) -> bool:
        """Whether the experiment is kept: the judge's verdict, unless a person overrides it."""
        if experiment.verdict is not None:
            return experiment.verdict == "kept"
        decided = self._spoken(experiment)
        if decided is None:
            decided = await self.unless_stopped(self._decide_verdict(experiment))
        return override(decided.answer, self._judgement(experiment).verdict) == "kept"

    async def keep(self, experiment: Experiment) -> None:
        """Commit, move the branch, and go on from here."""
        await self._conclude(experiment)

    async def revert(self, experiment: Experiment) -> None:
        """Remember the diff under a ref of its own, and go back to the best."""
        await self._conclude(experiment)

    async def rescore(self, experiment: Experiment) -> None:
        """Score what an experiment left on the present suite, so that others can be compared with it; once for each suite."""
        if experiment.suite != self.state.lineage.suite:
            await self._with_code_of(experiment, lambda: self._bench.rescore(experiment))

    async def tried(self, experiment: Experiment, tests: Sequence[TestCase]) -> tuple[float, ...]:
        """What an experiment scores on each of some tests; nothing where that gives no number."""
        return await self._with_code_of(experiment, lambda: self._bench.tried(experiment, tests))

    async def check_tests(self, tests: Sequence[TestCase]) -> Outcome:
        """What the task's own check says of proposed tests."""
        return await self.unless_stopped(self._bench.check_tests(tests))

    async def _with_code_of(self, experiment: Experiment, work: Callable[[], Awaitable[T]]) -> T:
        self._heed_stop()
        await self._room_on_disk()
        self._archive.restore(experiment)
        try:
            return await self.unless_stopped(work())
        finally:
            self._archive.restore()

    async def review(self, experiment: Experiment) -> None:
        """Let the reviewer say what it makes of an experiment, once; what goes wrong there stops nothing."""
        if self._reviewer and experiment.review is None and not experiment.is_baseline:
            await self.unless_stopped(self._reviewer.review(experiment))

    async def _ask(self, number: int, revision: int, comment: str, agent: str) -> Experiment:
        """Have a proposal made."""

        async def ask() -> Experiment:
            self.desk.begin(number, revision, comment, agent)
            return await self.desk.ask(self.state.experiments[number])

        return await self.unless_blocked(ask)

    async def unless_blocked(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what asks a model. When nobody can until a person mends something, wait for that where a person attends."""
        while True:
            try:
                return await self.unless_stopped(work())
            except Blocked as block:
                if block.final or not self.state.attended:
                    raise
                self._journal.append(Paused(by="loopwatch", why=redact(str(block)), because=block.because))
                self.resumed.clear()
                await self.unless_stopped(self.resumed.wait())

    # -- gates ---------------------------------------------------------------------------------------------------------

    async def _decide_apply(self, experiment: Experiment) -> Decided:
        if experiment.is_baseline:
            fact = Decided(
                experiment=1, gate="apply", answer="approve", by="nothing to apply", digest=experiment.digest
            )
            self._journal.append(fact)
            return fact
        return await self._gates.decide(
            "apply",
            experiment.number,
            question=experiment.hypothesis,
            occasion=Occasion(lines=experiment.added + experiment.removed, paths=experiment.paths),
            digest=experiment.digest,
            suggestion="approve",
        )

    async def _follow(self, experiment: Experiment, decided: Decided) -> None:
        match decided.answer:
            case "veto":
                why = f": {decided.reason}" if decided.reason else ""
                self._archive.judge(experiment, Judgement("vetoed", f"vetoed by {decided.by}{why}"), by=decided.by)
            case "send_back":
                why = decided.reason or "try something else"
                await self._ask(experiment.number, experiment.revision + 1, why, experiment.agent)
            case _:
                pass

    async def _decide_verdict(self, experiment: Experiment) -> Decided:
        if experiment.is_baseline or experiment.measured is None or experiment.measured.outcome != "valid":
            fact = Decided(experiment=experiment.number, gate="verdict", answer="accept", by="nothing to choose")
            self._journal.append(fact)
            return fact
        while True:
            more = sum(fact.answer == "one_more" for fact in experiment.decisions)
            if experiment.counted("person") < more:
                await self._repeat(experiment, "person")
            judgement = self._judgement(experiment)
            decided = await self._gates.decide(
                "verdict",
                experiment.number,
                question=judgement.reason,
                occasion=Occasion(experiment.added + experiment.removed, experiment.paths, judgement.gain),
                detail=self._odds(experiment),
                digest=experiment.digest,
                suggestion="accept",
                always=judgement.quarantined and self.state.attended,
                name=f"{experiment.number}-verdict-{experiment.attempt}" + (f"-{more}" if more else ""),
            )
            if decided.answer != "one_more":
                return decided

    def _spoken(self, experiment: Experiment) -> Decided | None:
        """What was said at the verdict gate; None while it is open, and after somebody asked for one more."""
        decided = experiment.decided("verdict")
        return None if decided and decided.answer == "one_more" else decided

    def _odds(self, experiment: Experiment) -> str:
        """What a person wants to know before they answer: is it real, and what would it cost to know better?"""
        field = self._field(experiment)
        chance = chance_real(field.candidate, field.best, field.noise) if field else None
        finished = experiment.finished
        cost = f"one more training costs about {finished.wall_seconds:.0f} s" if finished else ""
        odds = "" if chance is None else f"better with a probability of {min(chance, 0.999):.1%}"
        return "; ".join(part for part in (odds, cost) if part)

    # -- repeats -------------------------------------------------------------------------------------------------------

    async def _measure_noise(self) -> None:
        """Train the baseline on seeds of its own, to see how much identical trainings differ."""
        baseline, wanted = self.state.baseline, self._noise_repeats
        if baseline is None or baseline.verdict != "kept" or baseline.counted("noise") >= wanted:
            return
        while baseline.counted("noise") < wanted and self._why_end() is None:
            await self.unless_stopped(self.resumed.wait())
            self._say_drift()
            await self._repeat(baseline, "noise", of=wanted)
        self._archive.restore()
        if warning := doubts(self.state.noise, baseline.values, wanted):
            self._journal.append(Warned(text=warning, once="noise"))

    async def _heed_drift(self) -> None:
        """Where the machine is not what it was, train again what everything is compared with."""
        self._say_drift()
        trained = False
        while experiment := to_train(self.state, max(1, self._noise_repeats)):
            trained = True
            await self._repeat(experiment, "drift")
        if trained:
            self._archive.restore()

    def _say_drift(self) -> None:
        if found := drifted(self.state, self._task.budget.canary_tolerance):
            self._journal.append(found, Warned(text=told(found)))

    @property
    def _noise_repeats(self) -> int:
        chosen = self._config.noise_repeats
        if chosen is not None:
            return chosen
        return NOISE_REPEATS if self._task.metric.noise != 0 else 1

    async def _repeat_until_clear(self, experiment: Experiment) -> None:
        """Train a candidate, or what it has to beat, again until the judge can say more than that it may be luck."""
        while (field := self._field(experiment)) and not field.weighed.is_final and not self._over(experiment):
            if field.weighed.action == "repeat":
                clearer = await self._repeat(experiment, "confirmation")
            else:
                clearer = await self._repeat(self.state.confirmed_experiment or experiment, "incumbent")
            if not clearer:
                break
        if not experiment.fresh and not self.state.attended and field and self._judgement(experiment).quarantined:
            # Without noise one number tells a gain from luck, but says nothing about its honesty.
            await self._repeat(experiment, "confirmation")

    async def _repeat(self, experiment: Experiment, why: Why, *, of: int | None = None) -> bool:
        """Train an experiment's code again; whether that gave a number."""
        self._heed_stop()
        await self._room_on_disk()
        self._archive.restore(experiment)
        await self.unless_stopped(self._bench.repeat(experiment, why, of=of, may_start=self._heed_stop))
        return experiment.repeats[-1].value is not None

    def _field(self, experiment: Experiment) -> Field | None:
        """What an experiment is compared with; None where it is judged without repeats."""
        best, confirmed = self.state.best_experiment, self.state.confirmed_experiment
        without = self._config.keep == "improve" or experiment.step != "measured" or experiment.first is None
        if without or best is None or confirmed is None or not best.values or not confirmed.values:
            return None
        return Field(
            candidate=self._entrant(experiment),
            best=self._entrant(best),
            confirmed=replace(self._entrant(confirmed), beside=confirmed.trained_since(experiment.began_at)),
            noise=self.state.noise,
            # Where nobody can be asked, what is hard to believe has to be confirmed.
            strict=self._config.keep == "strict" or (bool(experiment.flags) and not self.state.attended),
            lines=experiment.added - experiment.removed,
            failed=experiment.failed_again,
        )

    def _entrant(self, experiment: Experiment) -> Entrant:
        score = 1 if self._task.metric.direction == "up" else -1
        first = None if experiment.is_baseline or experiment.first is None else score * experiment.first
        return Entrant(tuple(score * value for value in experiment.fresh), first)

    def _over(self, experiment: Experiment) -> str:
        """Which of the task's limits on what a gain may cost is exceeded; "" when none is."""
        limits, baseline = self._task.limits, self.state.baseline
        ran, began = experiment.finished, baseline.finished if baseline else None
        if limits.time_ratio and ran and began and ran.wall_seconds > limits.time_ratio * began.wall_seconds:
            ratio = ran.wall_seconds / began.wall_seconds
            return f"{ratio:.1f} times the baseline's wall time, where the task allows {limits.time_ratio:g} times"
        kept = [e for e in self.state.experiments.values() if e.verdict == "kept"]
        lines = sum(e.added - e.removed for e in (*kept, experiment))
        if limits.size_lines is not None and lines > limits.size_lines and experiment.added > experiment.removed:
            return f"{lines} line{'' if lines == 1 else 's'} more than the baseline, where the task allows {limits.size_lines}"
        return ""

    def _is_cleared(self, experiment: Experiment, judgement: Judgement) -> bool:
        """Whether fresh seeds say enough for a number that is hard to believe; a person who can be asked is asked."""
        return judgement.confirmed and bool(experiment.fresh) and not self.state.attended

    async def _train_control(self) -> None:
        """See once, before the first proposal, whether a training that cannot learn scores worse."""
        baseline = self.state.baseline
        if self.state.control is not None or baseline is None or baseline.verdict != "kept" or self._why_end():
            return
        if self._task.control is None:
            if "control" not in self.state.warned:
                self._journal.append(Warned(text=NO_CONTROL, once="control"))
            return
        self._heed_stop()
        await self.unless_stopped(self._bench.control(may_start=self._heed_stop))

    # -- verdicts ------------------------------------------------------------------------------------------------------

    def _judgement(self, experiment: Experiment) -> Judgement:
        assert experiment.measured is not None, "only a measured experiment is judged"
        metric, measured, finished = self._task.metric, experiment.measured, experiment.finished
        if field := self._field(experiment):
            judgement = judge_field(metric, measured=measured, finished=finished, field=field)
        else:
            judgement = judge(
                metric.model_copy(update={"noise": self.state.noise.sigma}),
                measured=measured,
                finished=finished,
                best=None if experiment.is_baseline else self.state.best_value,
                margin_sigma=self._config.margin_sigma,
            )
            if judgement.verdict == "kept" and not experiment.is_baseline and self.state.best_value is None:
                judgement = unrivalled(judgement)
        if judgement.verdict == "kept" and not experiment.is_baseline and (over := self._over(experiment)):
            judgement = too_dear(judgement, over)
        if judgement.verdict == "kept" and experiment.flags and not self._is_cleared(experiment, judgement):
            judgement = quarantined(judgement, experiment.flags)
        stop = self.state.stop_asked
        if stop and self._stopped_now(experiment):
            return Judgement("interrupted", f"interrupted: {stop.by} stopped the run before it had finished")
        return judgement

    def _stopped_now(self, experiment: Experiment) -> bool:
        aborted = experiment.finished is not None and experiment.finished.reason == "aborted"
        return aborted and self.state.stop_asked is not None and self.state.stop_asked.now

    async def _conclude(self, experiment: Experiment) -> None:
        if experiment.verdict is None:
            judgement, by = self._judgement(experiment), "judge"
            decided = self._spoken(experiment)
            if decided and (verdict := override(decided.answer, judgement.verdict)) != judgement.verdict:
                judgement, by = _overridden(judgement, verdict, decided), decided.by
            self._archive.judge(experiment, judgement, by=by)
        self._archive.settle(experiment)

    # -- going on ------------------------------------------------------------------------------------------------------

    def _why_end(self) -> Ending | None:
        seconds = self.state.worked_seconds + time.monotonic() - self._started
        found = why_stop(self.state, self._config.stop, hours=seconds / 3600, failed=_failed)
        return Ending(*found) if found else None

    async def _room_on_disk(self) -> None:
        told = False
        while (free := free_bytes(self._run_dir)) < DISK_FLOOR_BYTES:
            if not told:
                mb = DISK_FLOOR_BYTES // 2**20
                text = f"only {free // 2**20} MB are free where runs are kept; free some (at least {mb} MB), the loop goes on by itself"
                self._journal.append(Warned(text=text))
                told = True
            await self.unless_stopped(asyncio.sleep(2))
        self._journal.keep_ballast()

    def _heed_breaker(self) -> None:
        """Pause after too many reports that no honest training makes; where nobody attends, the run ends instead."""
        if why := tripped(self.state, self._config.stop):
            self._journal.append(Paused(by="loopwatch", why=why, because="integrity"))
            self.resumed.clear()

    def _heed_stop(self) -> None:
        if self.stop.is_set():
            raise Stopping

    async def unless_stopped(self, work: Awaitable[T]) -> T:
        """Wait for work, or for a person who wants the run to stop: then the work is cancelled and Stopping is raised."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise Stopping
        finally:
            for pending in (task, stop):
                if not pending.done():
                    pending.cancel()
                    await asyncio.gather(pending, return_exceptions=True)


def _failed(experiment: Experiment) -> bool:
    refused = experiment.verdict == "vetoed" and experiment.by == "edit gate"
    return experiment.verdict in FAILURES or refused


def _overridden(judgement: Judgement, verdict: Verdict, decided: Decided) -> Judgement:
    why = f" ({decided.reason})" if decided.reason else ""
    reason = f"{verdict} by {decided.by}{why}, against the judge: {judgement.reason}"
    return Judgement(verdict, reason, judgement.value, judgement.gain, judgement.sigma)
