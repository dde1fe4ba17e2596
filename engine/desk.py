"""The proposing half of the lab: from a proposer's thoughts to a diff that may be applied, durable in the ledger.

A proposal is a claim. Its diff passes the edit gate here or is refused with the reason; what goes wrong in a proposer ends its
experiment, not the run.
"""

import asyncio
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from . import novelty
from .archive import Archive
from .books import Books
from .config import RunConfig
from .credentials import redact
from .editing import diff as diffs
from .editing import edits, syntax
from .editing.changes import changes
from .errors import Blocked, EditRefused, NothingToPropose, ProposerFailed
from .events import Explained, Proposed, TurnEnded
from .gate import Gates
from .journal import Journal
from .judging.judge import Judgement
from .prompt.brief import Brief
from .prompt.briefing import begun, brief_for
from .proposers import Proposal, Proposer, Steering
from .repository.workspace import Workspace
from .sandbox.means import Means
from .sandbox.sandbox import Sandbox
from .sitting import Sitting
from .state import Experiment, State
from .task import Task

BASELINE = "the unmodified start, measured: what every other experiment has to beat"


class Desk:
    """Where proposals are made and checked."""

    def __init__(
        self,
        *,
        task: Task,
        config: RunConfig,
        journal: Journal,
        gates: Gates,
        books: Books,
        workspace: Workspace,
        proposer: Proposer,
        archive: Archive,
        run_dir: Path,
        contain: Callable[[Sequence[str]], Sandbox] = lambda programs: Sandbox(Means()),
        agents: Callable[[str], Proposer] | None = None,
    ) -> None:
        """The desk of one run.

        contain  makes boxes for agents, of which these are the programs
        agents   the proposer that a version of an agent is, by its name, where agents are source code
        """
        self._task, self._config, self._journal, self._run_dir = task, config, journal, run_dir
        self._gates, self._books = gates, books
        self._workspace, self._proposer, self._archive = workspace, proposer, archive
        self._contain, self._agents = contain, agents
        self._sitting: Sitting | None = None
        self._thinking: asyncio.Future[Proposal] | None = None
        self._cancelled_by = ""

    @property
    def state(self) -> State:
        """What the run looks like now."""
        return self._journal.state

    def begin(self, number: int, revision: int, comment: str, agent: str = "") -> None:
        """Write down that a proposer is asked, or a version of an agent, with the notes that enter its prompt."""
        self._cancelled_by = ""
        name = "baseline" if number == 1 else self._config.proposer.partition(":")[0]
        agent = "" if number == 1 else agent
        self._journal.append(begun(self.state, number, revision, comment, proposer=name, agent=agent))

    async def ask(self, experiment: Experiment) -> Experiment:
        """Let the proposer think, and write down what came of it: a proposal, or a verdict on why there is none.

        Blocked when there can be none until a person has mended something; then the experiment stays open.
        """
        if experiment.is_baseline:
            self._journal.append(self._proposed(experiment, Proposal("baseline", BASELINE, ""), author="loopwatch"))
            return experiment
        brief = self._brief(experiment)
        try:
            proposal = await self._think(brief)
        except ProposerFailed as failure:
            self._failed(experiment, failure)
            return experiment
        finally:
            self._journal.telemetry.flush()  # whoever sees the outcome can read all of the reasoning before it
            self._books.close_open()
        ended = TurnEnded(experiment=experiment.number, revision=experiment.revision, outcome="proposed")
        author = experiment.agent or experiment.proposer
        lesson = self._lesson(proposal, author)
        try:
            proposal = self._checked(proposal, brief)
        except EditRefused as refusal:
            # Together: a diff that was refused must never be found waiting for approval.
            refused = Judgement("vetoed", f"refused before it was applied: {refusal}")
            self._journal.append(
                *lesson,
                ended.model_copy(update={"outcome": "invalid", "detail": str(refusal)}),
                self._proposed(experiment, proposal, author=author),
                self._archive.judged(experiment, refused, by="edit gate", commit=None),
            )
            return experiment
        self._journal.append(*lesson, ended, self._proposed(experiment, proposal, author=author))
        return experiment

    async def _think(self, brief: Brief) -> Proposal:
        self._sitting = Sitting(
            brief,
            journal=self._journal,
            gates=self._gates,
            books=self._books,
            run_dir=self._run_dir,
            check=lambda proposal: self._checked(proposal, brief),
            export=partial(self._workspace.export, self.state.best_commit),
            contain=self._contain,
        )
        self._thinking = asyncio.ensure_future(self._proposer_of(brief.experiment).propose(brief, self._sitting))
        if self._cancelled_by:  # before it could begin
            self._thinking.cancel()
        try:
            return await self._thinking
        except asyncio.CancelledError:
            if self._cancelled_by:
                raise ProposerFailed(f"cancelled by {self._cancelled_by}", "cancelled") from None
            raise
        except (Blocked, NothingToPropose, ProposerFailed):
            raise
        except Exception as error:
            # A border: what goes wrong in a proposer ends its experiment, not the run.
            print(redact(traceback.format_exc()), file=sys.stderr, flush=True)
            raise ProposerFailed(f"{type(error).__name__}: {error}") from error
        finally:
            self._thinking.cancel()
            self._sitting.close()
            self._thinking = self._sitting = None

    def _proposer_of(self, experiment: int) -> Proposer:
        agent = self.state.experiments[experiment].agent
        if not agent:
            return self._proposer
        assert self._agents is not None, "only a strategy with agents names one"
        return self._agents(agent)

    def _failed(self, experiment: Experiment, failure: ProposerFailed) -> None:
        detail = redact(str(failure))
        ended = TurnEnded(
            experiment=experiment.number,
            revision=experiment.revision,
            outcome=failure.outcome,
            detail=detail,
            category=failure.category,
        )
        match failure.outcome:
            case "cancelled":
                judgement, by = Judgement("vetoed", f"vetoed: {detail} while it was being proposed"), self._cancelled_by
            case "bad_key":
                self._journal.append(ended)
                raise Blocked(detail, "bad_key")
            case "crashed":
                judgement, by = Judgement("unproposed", f"the proposer failed: {detail}"), "engine"
            case _:
                judgement, by = Judgement("unproposed", detail), "engine"
        self._journal.append(ended, self._archive.judged(experiment, judgement, by=by, commit=None))

    def _lesson(self, proposal: Proposal, author: str) -> tuple[Explained, ...]:
        """What a proposer says of an earlier experiment's mechanism; it does not speak against what is said already."""
        lesson = proposal.lesson
        about = self.state.experiments.get(lesson.experiment) if lesson else None
        if lesson is None or about is None or about.verdict is None or about.explained is not None:
            return ()
        return (
            Explained(experiment=about.number, mechanism=lesson.mechanism, theory=redact(lesson.theory), by=author),
        )

    def cancel(self, by: str) -> None:
        """Stop the proposer that is thinking now."""
        self._cancelled_by = by
        if self._thinking:
            self._thinking.cancel()

    @property
    def steering(self) -> Steering | None:
        """When whoever is thinking now will read a note; None when nobody thinks."""
        return self._proposer.steering if self._sitting else None

    def steer(self) -> None:
        """A person wrote a note: let whoever is thinking know."""
        if self._sitting:
            self._sitting.notice_note()

    async def retry(self) -> None:
        """End the wait for a service or a limit: a person wants it tried at once."""
        self._books.retry.set()

    def amended(self, experiment: Experiment, diff: str, *, by: str) -> Proposed:
        """The fact of a person's own diff in place of the proposer's; EditRefused says what is wrong with it."""
        proposal = self._checked(
            Proposal(experiment.hypothesis, experiment.mechanism, diff), self._brief(experiment), by_hand=True
        )
        return self._proposed(experiment, proposal, author=by, revision=experiment.revision + 1)

    def _brief(self, experiment: Experiment) -> Brief:
        self._journal.flush()  # so that the curves are told in full
        return brief_for(
            self.state,
            experiment,
            task=self._task,
            config=self._config,
            sources=self._workspace.sources(self.state.best_commit),
            points=self._journal.telemetry.points,
            run_dir=self._run_dir,
        )

    def _checked(self, proposal: Proposal, brief: Brief, *, by_hand: bool = False) -> Proposal:
        """The same proposal with its diff in canonical form; EditRefused when it may not be applied.

        A person's own diff (`by_hand`) may have wrong line counts, and may repeat what was tried.
        """
        if not by_hand:
            for what in ("hypothesis", "mechanism"):
                if not getattr(proposal, what).strip():
                    raise EditRefused(f"it has no {what}; say what should happen, and why it should")
        if redact(proposal.diff) != proposal.diff:
            raise EditRefused("the diff holds a key; experiments run without keys")
        patches = diffs.parse(proposal.diff, recount=by_hand)
        if not patches:
            raise EditRefused("the diff changes nothing")
        edits.allowed(patches, self._task.editable)
        self._workspace.check([patch.path for patch in patches], self.state.best_commit)
        changed = edits.apply(patches, brief.sources)
        for path, text in changed.items():
            syntax.check(path, text)
        after = {**brief.sources, **changed}
        print_ = novelty.fingerprint(after)
        if print_ == novelty.fingerprint(brief.sources):
            raise EditRefused(f"the diff changes nothing but comments or layout of #{self.state.best}, the best so far")
        twins = (e for e in brief.history if e.fingerprint == print_ and _was_tried(e))
        # What was no gain on fewer tests may be one on those of now.
        twin = next((e for e in twins if e.verdict != "discarded" or e.suite == self.state.lineage.suite), None)
        if twin and not by_hand:
            verdict = (twin.verdict or "").replace("_", " ")
            why = twin.told if twin.told.startswith(verdict) else f"{verdict}: {twin.told}"
            raise EditRefused(f"the same code was tried in #{twin.number}, which was {why}")
        return replace(proposal, diff=edits.canonical(proposal.diff, brief.sources, recount=by_hand))

    def _proposed(
        self, experiment: Experiment, proposal: Proposal, *, author: str, revision: int | None = None
    ) -> Proposed:
        proposal = replace(proposal, diff=redact(proposal.diff))  # one that holds a key is refused, and written down
        paths, added, removed = _size(proposal.diff)
        before = self._workspace.sources(self.state.best_commit)
        after = _after(proposal.diff, before)
        others = (e for e in reversed(self.state.experiments.values()) if e.number != experiment.number)
        near = novelty.nearest(proposal.diff, ((e.number, e.diff) for e in others if e.diff and _was_tried(e)))
        return Proposed(
            experiment=experiment.number,
            revision=revision or experiment.revision,
            author=author,
            hypothesis=redact(proposal.hypothesis),
            mechanism=redact(proposal.mechanism),
            expected=redact(proposal.expected),
            diff=proposal.diff,
            digest=edits.digest(proposal.diff),
            parent=self.state.best_commit,
            paths=paths,
            added=added,
            removed=removed,
            fingerprint=novelty.fingerprint(after) if after else "",
            changes=changes(before, after) if after else 1,
            nearest=near.experiment if near else None,
            distance=near.distance if near else None,
        )


def _was_tried(experiment: Experiment) -> bool:
    """Whether its verdict says something about its code.

    A person's veto does, and so does a crash: an attempt that is lost through the engine or the machine is repeated, and gets no
    verdict. What the edit gate refused was not looked at, and what a stop interrupted may well be tried again.
    """
    if experiment.verdict == "vetoed":
        return experiment.by != "edit gate"
    return experiment.verdict not in (None, "interrupted", "unproposed")


def _after(diff: str, before: Mapping[str, str]) -> Mapping[str, str] | None:
    """The files as they would be; None for a diff that cannot be applied."""
    try:
        return {**before, **edits.apply(diffs.parse(diff), before)} if diff else before
    except EditRefused:
        return None


def _size(diff: str) -> tuple[tuple[str, ...], int, int]:
    """The files of a diff, and how many lines it adds and removes; a diff that cannot be read has none."""
    try:
        size = edits.count_changes(diff)
        return tuple(patch.path for patch in diffs.parse(diff, recount=True)), size.added, size.removed
    except EditRefused:
        return (), 0, 0
