"""The bench that a strategy works at: the verbs of the loop, with the ledger kept for it.

Every verb looks at the open experiment first and does only what is still missing, so each can be repeated after a crash. What an
experiment claims decides nothing here: diffs pass the edit gate, numbers come from the evaluator, verdicts from the judge or a
person.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .archive import Archive
from .bench import Bench
from .config import RunConfig, StopReason
from .credentials import redact
from .desk import Desk
from .errors import Blocked
from .events import FAILURES, AttemptLost, Decided, Paused, Verdict, Warned
from .gate import Gates, override
from .housekeeping import free_bytes, make_room
from .journal import Journal
from .judge import Judgement, judge
from .policy import Occasion
from .reviewer import Reviewer
from .state import Experiment, State
from .stopping import why_stop
from .task import Task

T = TypeVar("T")

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
    ) -> None:
        """Everything a run's engine has, put together by the supervisor."""
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

    async def may_continue(self) -> bool:
        """Whether there is another experiment; waits while the run is paused or the disk is full."""
        self._heed_stop()
        if self.state.current is None and (ending := self._why_end()):
            self.ending = ending
            return False
        if self.state.current is None:
            await self.unless_stopped(self.resumed.wait())
        await self._room_on_disk()
        return True

    async def propose(self) -> Experiment:
        """The open experiment, or a new one: the baseline first, then what the proposer says."""
        current = self.state.current
        if current is None:
            return await self._ask(len(self.state.experiments) + 1, 1, "")
        if current.step != "proposing":
            return current
        return await self._ask(current.number, current.revision, current.comment)

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
                self._archive.apply(experiment)
                await self._bench.run(experiment, may_start=self._heed_stop)
            if experiment.is_baseline and self._stopped_now(experiment):
                # Without a baseline the run could never go on; so this one is not judged, but run again.
                why = "the run was stopped before the baseline had finished"
                self._journal.append(AttemptLost(experiment=1, attempt=experiment.attempt, why=why))
                continue
            await self._bench.evaluate(experiment)

    async def is_better(self, experiment: Experiment) -> bool:
        """Whether the experiment is kept: the judge's verdict, unless a person overrides it."""
        if experiment.verdict is not None:
            return experiment.verdict == "kept"
        decided = experiment.decided("verdict")
        if decided is None:
            decided = await self.unless_stopped(self._decide_verdict(experiment))
        return override(decided.answer, self._judgement(experiment).verdict) == "kept"

    async def keep(self, experiment: Experiment) -> None:
        """Commit, move the branch, and go on from here."""
        await self._conclude(experiment)

    async def revert(self, experiment: Experiment) -> None:
        """Remember the diff under a ref of its own, and go back to the best."""
        await self._conclude(experiment)

    async def review(self, experiment: Experiment) -> None:
        """Let the reviewer say what it makes of an experiment, once; what goes wrong there stops nothing."""
        if self._reviewer and experiment.review is None and not experiment.is_baseline:
            await self.unless_stopped(self._reviewer.review(experiment))

    async def _ask(self, number: int, revision: int, comment: str) -> Experiment:
        """Have a proposal made. When nobody can until a person mends something, wait for that where a person attends."""
        while True:
            self.desk.begin(number, revision, comment)
            try:
                return await self.unless_stopped(self.desk.ask(self.state.experiments[number]))
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
                await self._ask(experiment.number, experiment.revision + 1, decided.reason or "try something else")
            case _:
                pass

    async def _decide_verdict(self, experiment: Experiment) -> Decided:
        judgement = self._judgement(experiment)
        if experiment.is_baseline or experiment.measured is None or experiment.measured.outcome != "valid":
            fact = Decided(experiment=experiment.number, gate="verdict", answer="accept", by="nothing to choose")
            self._journal.append(fact)
            return fact
        return await self._gates.decide(
            "verdict",
            experiment.number,
            question=judgement.reason,
            occasion=Occasion(experiment.added + experiment.removed, experiment.paths, judgement.gain),
            suggestion="accept",
        )

    # -- verdicts ------------------------------------------------------------------------------------------------------

    def _judgement(self, experiment: Experiment) -> Judgement:
        assert experiment.measured is not None, "only a measured experiment is judged"
        best = None if experiment.is_baseline else self.state.best_value
        judgement = judge(
            self._task.metric,
            measured=experiment.measured,
            finished=experiment.finished,
            best=best,
            margin_sigma=self._config.margin_sigma,
        )
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
            decided = experiment.decided("verdict")
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
