"""The proposing half of the lab: from a proposer's thoughts to a diff that may be applied, durable in the ledger.

A proposal is a claim. Its diff passes the edit gate here or is refused with the reason; what goes wrong in a proposer ends its
experiment, not the run.
"""

import asyncio
import traceback
from functools import partial

from . import diff as diffs
from . import edits
from .archive import Archive
from .config import RunConfig
from .errors import EditRefused, NothingToPropose, ProposerFailed
from .events import Proposed, Proposing
from .journal import Journal
from .judge import Judgement
from .proposers import Brief, Proposal, Proposer
from .state import Experiment, State
from .task import Task
from .workspace import Workspace

BASELINE = "the unmodified start, measured: what every other experiment has to beat"


class Desk:
    """Where proposals are made and checked."""

    def __init__(
        self,
        *,
        task: Task,
        config: RunConfig,
        journal: Journal,
        workspace: Workspace,
        proposer: Proposer,
        archive: Archive,
    ) -> None:
        """The desk of one run."""
        self._task, self._config, self._journal = task, config, journal
        self._workspace, self._proposer, self._archive = workspace, proposer, archive
        self._thinking: asyncio.Future[Proposal] | None = None
        self._cancelled_by = ""

    @property
    def state(self) -> State:
        """What the run looks like now."""
        return self._journal.state

    def begin(self, number: int, revision: int, comment: str) -> None:
        """Write down that a proposer is asked, with the notes that enter its prompt."""
        self._cancelled_by = ""
        notes = () if number == 1 else tuple(note.number for note in self.state.unread_notes())
        name = "baseline" if number == 1 else self._config.proposer.partition(":")[0]
        self._journal.append(
            Proposing(experiment=number, revision=revision, proposer=name, notes=notes, comment=comment)
        )

    async def ask(self, experiment: Experiment) -> Experiment:
        """Let the proposer think, and write down what came of it: a proposal, or a verdict on why there is none."""
        if experiment.is_baseline:
            self._journal.append(self._proposed(experiment, Proposal("baseline", BASELINE, ""), author="loopwatch"))
            return experiment
        brief = self._brief(experiment)
        try:
            proposal = await self._think(experiment, brief)
            self._journal.telemetry.flush()  # whoever sees the proposal can read all of the reasoning before it
        except ProposerFailed as failure:
            if self._cancelled_by:
                self._archive.judge(
                    experiment,
                    Judgement("vetoed", f"vetoed: {failure} while it was being proposed"),
                    by=self._cancelled_by,
                )
            else:
                self._archive.judge(experiment, Judgement("crashed", f"the proposer failed: {failure}"), by="engine")
            return experiment
        try:
            proposal = self._checked(proposal, brief)
        except EditRefused as refusal:
            # Together: a diff that was refused must never be found waiting for approval.
            refused = Judgement("vetoed", f"refused before it was applied: {refusal}")
            self._journal.append(
                self._proposed(experiment, proposal, author=experiment.proposer),
                self._archive.judged(experiment, refused, by="edit gate", commit=None),
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

    def cancel(self, by: str) -> None:
        """Stop the proposer that is thinking now."""
        self._cancelled_by = by
        if self._thinking:
            self._thinking.cancel()

    def amended(self, experiment: Experiment, diff: str, *, by: str) -> Proposed:
        """The fact of a person's own diff in place of the proposer's; EditRefused says what is wrong with it."""
        proposal = self._checked(
            Proposal(experiment.hypothesis, experiment.mechanism, diff), self._brief(experiment), recount=True
        )
        return self._proposed(experiment, proposal, author=by, revision=experiment.revision + 1)

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


def _size(diff: str) -> tuple[tuple[str, ...], int, int]:
    """The files of a diff, and how many lines it adds and removes; a diff that cannot be read has none."""
    try:
        changes = edits.count_changes(diff)
        return tuple(patch.path for patch in diffs.parse(diff, recount=True)), changes.added, changes.removed
    except EditRefused:
        return (), 0, 0
