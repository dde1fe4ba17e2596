"""The bench that a strategy works at: the verbs of the loop, with the ledger kept for it.

Every verb looks at the open experiment first and does only what is still missing, so each can be repeated after a crash. What an
experiment claims decides nothing here: diffs pass the edit gate, numbers come from the evaluator, verdicts from the judge or a
person.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from . import diff as diffs
from . import edits
from .bench import Bench
from .config import RunConfig, StopReason
from .errors import EditRefused, LoopwatchError, NothingToPropose, ProposerFailed
from .events import FAILURES, Applied, AttemptLost, Decided, Judged, Proposed, Proposing, Settled, Verdict, Warned
from .gate import Gates, override
from .housekeeping import free_bytes, make_room
from .journal import Journal
from .judge import Judgement, judge
from .policy import Occasion
from .proposers import Brief, Proposal, Proposer
from .publish import publish
from .state import Experiment, State
from .stopping import why_stop
from .task import Task
from .workspace import Workspace

T = TypeVar("T")

DISK_FLOOR_BYTES = 512 * 1024 * 1024
BASELINE = "the unmodified start, measured: what every other experiment has to beat"


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
        workspace: Workspace,
        gates: Gates,
        bench: Bench,
        proposer: Proposer,
        run_dir: Path,
    ) -> None:
        """Everything a run's engine has, put together by the supervisor."""
        self._task, self._config, self._journal, self._run_dir = task, config, journal, run_dir
        self._workspace, self._gates, self._bench, self._proposer = workspace, gates, bench, proposer
        self._started = time.monotonic()
        self._thinking: asyncio.Future[Proposal] | None = None
        self._cancelled_by = ""
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
            number = len(self.state.experiments) + 1
            self._begin(number, 1, "")
        elif current.step != "proposing":
            return current
        else:
            number = current.number
            self._begin(number, current.revision, current.comment)
        return await self.unless_stopped(self._ask_proposer(self.state.experiments[number]))

    async def approved(self, experiment: Experiment) -> bool:
        """Whether the proposal may be applied; a person may amend it or send it back before saying so."""
        while experiment.step == "proposed":
            decided = experiment.decided("apply")
            if decided is None:
                decided = await self.unless_stopped(self._decide_apply(experiment))
            await self._follow(experiment, decided)
        if experiment.verdict is None:
            return True
        self._settle(experiment)
        return False

    async def measure(self, experiment: Experiment) -> None:
        """Apply the proposal, run it and evaluate it, again where an attempt came to nothing through no fault of its own."""
        while experiment.step not in ("measured", "judged"):
            if experiment.step != "finished":
                self._heed_stop()
                if experiment.attempt:
                    make_room(self._run_dir, experiment.number, kept=False)
                    await self._room_on_disk()
                self._workspace.restore(self._commit(experiment, {"Loopwatch-Experiment": str(experiment.number)}))
                self._workspace.pristine()
                self._journal.append(Applied(experiment=experiment.number, digest=experiment.digest))
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

    # -- proposing -----------------------------------------------------------------------------------------------------

    def _begin(self, number: int, revision: int, comment: str) -> None:
        self._cancelled_by = ""
        notes = () if number == 1 else tuple(note.number for note in self.state.unread_notes())
        name = "baseline" if number == 1 else self._config.proposer
        self._journal.append(
            Proposing(experiment=number, revision=revision, proposer=name, notes=notes, comment=comment)
        )

    async def _ask_proposer(self, experiment: Experiment) -> Experiment:
        if experiment.is_baseline:
            self._journal.append(self._proposed(experiment, Proposal("baseline", BASELINE, ""), author="loopwatch"))
            return experiment
        brief = self._brief(experiment)
        try:
            proposal = await self._think(experiment, brief)
        except ProposerFailed as failure:
            if self._cancelled_by:
                self._judge(
                    experiment,
                    Judgement("vetoed", f"vetoed: {failure} while it was being proposed"),
                    by=self._cancelled_by,
                )
            else:
                self._judge(experiment, Judgement("crashed", f"the proposer failed: {failure}"), by="engine")
            return experiment
        try:
            proposal = self._checked(proposal, brief)
        except EditRefused as refusal:
            # Together: a diff that was refused must never be found waiting for approval.
            refused = Judgement("vetoed", f"refused before it was applied: {refusal}")
            self._journal.append(
                self._proposed(experiment, proposal, author=experiment.proposer),
                self._judged(experiment, refused, by="edit gate", commit=None),
            )
            return experiment
        self._journal.append(self._proposed(experiment, proposal, author=experiment.proposer))
        return experiment

    async def _think(self, experiment: Experiment, brief: Brief) -> Proposal:
        say = partial(self._journal.telemetry.add_thought, experiment.number)
        self._thinking = asyncio.ensure_future(self._proposer.propose(brief, say))
        if self._cancelled_by:  # before it could begin
            self._thinking.cancel()
        try:
            return await self._thinking
        except asyncio.CancelledError:
            if self._cancelled_by:
                raise ProposerFailed(f"cancelled by {self._cancelled_by}") from None
            raise
        except (NothingToPropose, ProposerFailed):
            raise
        except Exception as error:
            # A border: what goes wrong in a proposer ends its experiment, not the run.
            traceback.print_exc()
            raise ProposerFailed(f"{type(error).__name__}: {error}") from error
        finally:
            self._thinking.cancel()
            self._thinking = None

    def cancel_proposal(self, by: str) -> None:
        """Stop the proposer that is thinking now."""
        self._cancelled_by = by
        if self._thinking:
            self._thinking.cancel()

    def _brief(self, experiment: Experiment) -> Brief:
        notes = tuple(note.text for note in self.state.notes.values() if note.read_in == experiment.number)
        history = tuple(e for e in self.state.experiments.values() if e.verdict is not None)
        return Brief(
            experiment=experiment.number,
            revision=experiment.revision,
            task=self._task,
            program=self.state.program.text if self.state.program else "",
            sources=self._workspace.sources(self.state.best_commit),
            history=history,
            best=self.state.best_value,
            notes=notes,
            comment=experiment.comment,
            seed=self._config.seed,
        )

    def _checked(self, proposal: Proposal, brief: Brief, *, recount: bool = False) -> Proposal:
        """The same proposal with its diff in canonical form; EditRefused when it may not be applied."""
        patches = diffs.parse(proposal.diff, recount=recount)
        if not patches:
            raise EditRefused("the diff changes nothing")
        edits.allowed(patches, self._task.editable)
        after = edits.apply(patches, brief.sources)
        if all(brief.sources.get(path) == text for path, text in after.items()):
            raise EditRefused("the diff changes nothing")
        return Proposal(
            proposal.hypothesis,
            proposal.mechanism,
            edits.canonical(proposal.diff, brief.sources, recount=recount),
        )

    def _proposed(
        self, experiment: Experiment, proposal: Proposal, *, author: str, revision: int | None = None
    ) -> Proposed:
        paths, added, removed = _size(proposal.diff)
        return Proposed(
            experiment=experiment.number,
            revision=revision or experiment.revision,
            author=author,
            hypothesis=proposal.hypothesis,
            mechanism=proposal.mechanism,
            diff=proposal.diff,
            digest=edits.digest(proposal.diff),
            parent=self.state.best_commit,
            paths=paths,
            added=added,
            removed=removed,
        )

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
                self._judge(experiment, Judgement("vetoed", f"vetoed by {decided.by}{why}"), by=decided.by)
            case "send_back":
                self._begin(experiment.number, experiment.revision + 1, decided.reason or "try something else")
                await self.unless_stopped(self._ask_proposer(experiment))
            case _:
                pass

    def amended(self, experiment: Experiment, diff: str, *, by: str) -> Proposed:
        """The fact of a person's own diff in place of the proposer's; EditRefused says what is wrong with it."""
        proposal = self._checked(
            Proposal(experiment.hypothesis, experiment.mechanism, diff), self._brief(experiment), recount=True
        )
        return self._proposed(experiment, proposal, author=by, revision=experiment.revision + 1)

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
            self._judge(experiment, judgement, by=by)
        self._settle(experiment)

    def _judge(self, experiment: Experiment, judgement: Judgement, *, by: str) -> None:
        """Build the commit and write the one verdict; the branch moves only after that."""
        # A commit is named by its content, so building it again after a crash makes the same one.
        commit = self._build(experiment, judgement) if experiment.digest else None
        self._journal.append(self._judged(experiment, judgement, by=by, commit=commit))

    def _judged(self, experiment: Experiment, judgement: Judgement, *, by: str, commit: str | None) -> Judged:
        return Judged(
            experiment=experiment.number,
            verdict=judgement.verdict,
            value=judgement.value,
            gain=judgement.gain,
            sigma=judgement.sigma,
            reason=judgement.reason,
            by=by,
            commit=commit,
        )

    def _build(self, experiment: Experiment, judgement: Judgement) -> str:
        approval = experiment.decided("apply")
        trailers = {"Loopwatch-Experiment": str(experiment.number), "Loopwatch-Verdict": judgement.verdict}
        if judgement.value is not None:
            trailers["Loopwatch-Metric"] = f"{self._task.metric.name} {judgement.value!r}"
        if judgement.gain is not None:
            trailers["Loopwatch-Change"] = f"{judgement.gain:+.6g}"
        trailers["Approved-By"] = approval.by if approval else "nobody"
        return self._commit(experiment, trailers)

    def _commit(self, experiment: Experiment, trailers: dict[str, str]) -> str:
        message = f"{experiment.hypothesis or 'no hypothesis'}\n\n{experiment.mechanism}".strip()
        files = self._files(experiment)
        return self._workspace.build_commit(files, experiment.parent, message, trailers, when=int(experiment.began_at))

    def _settle(self, experiment: Experiment) -> None:
        if experiment.commit:
            self._workspace.remember(experiment.number, experiment.commit)
        best = self.state.best_commit
        if experiment.verdict == "kept" and experiment.commit:
            self._workspace.advance(experiment.commit, expected=experiment.parent)
            best = experiment.commit
            self._publish(experiment)
        self._workspace.restore(best)
        make_room(self._run_dir, experiment.number, kept=experiment.verdict == "kept")
        self._journal.append(Settled(experiment=experiment.number, best_commit=best))

    def _publish(self, experiment: Experiment) -> None:
        repository = self._workspace.facts.repository
        if repository is None:
            return
        try:
            publish(self._run_dir, Path(repository), self._workspace.branch)
        except LoopwatchError as problem:
            self._journal.append(Warned(text=f"not published: {problem}", experiment=experiment.number))

    def _files(self, experiment: Experiment) -> dict[str, str]:
        if not experiment.diff:
            return {}
        return edits.apply(diffs.parse(experiment.diff), self._workspace.sources(experiment.parent))

    # -- going on ------------------------------------------------------------------------------------------------------

    def _why_end(self) -> Ending | None:
        worked = self.state.worked_seconds + time.monotonic() - self._started
        found = why_stop(self.state, self._config.stop, hours=worked / 3600, failed=_failed)
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


def _size(diff: str) -> tuple[tuple[str, ...], int, int]:
    """The files of a diff, and how many lines it adds and removes; a diff that cannot be read has none."""
    try:
        changes = edits.count_changes(diff)
        return tuple(patch.path for patch in diffs.parse(diff, recount=True)), changes.added, changes.removed
    except EditRefused:
        return (), 0, 0
