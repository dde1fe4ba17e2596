"""The agents of a run that are source code: each version as a proposer, its checks, its gate, its line to the books.

What there is, the ledger says. Not covered: which version works when; that is a strategy's.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..agent_events import Checked, Dropped, Role
from ..books import Books
from ..config import RunConfig
from ..errors import EditRefused, UserError
from ..events import Caller
from ..gate import Gates
from ..journal import Journal
from ..lineage import Lineage, Version
from ..policy import Occasion
from ..prompt.brief import Brief
from ..prompt.briefing import brief_for
from ..proposers import Proposer, Turn
from ..repository.workspace import Workspace
from ..sandbox.sandbox import Sandbox
from ..sitting import Sitting
from ..state import Experiment, State
from ..task import Task
from . import checks, forms
from .box import Boxes, require_box
from .code import AgentCode
from .errand import Check
from .forms import Change, Question, Told
from .live import Asking, LiveAgent


class Crew:
    """Every version of every agent of one run."""

    def __init__(
        self,
        *,
        task: Task,
        config: RunConfig,
        journal: Journal,
        gates: Gates,
        books: Books,
        workspace: Workspace,
        run_dir: Path,
        backend: Proposer,
        contain: Callable[[Sequence[str]], Sandbox],
    ) -> None:
        """`backend` makes the edits that agents ask for; `contain` makes boxes, for them and for back-ends that are programs."""
        self.task, self.config, self.journal, self.run_dir = task, config, journal, run_dir
        self._gates, self._books, self._workspace, self._backend, self._contain = (
            gates,
            books,
            workspace,
            backend,
            contain,
        )
        self._boxes = Boxes(run_dir, lambda: contain(()))

    @property
    def state(self) -> State:
        """What the run looks like now."""
        return self.journal.state

    @property
    def lineage(self) -> Lineage:
        """All versions."""
        return self.journal.state.lineage

    def require_box(self) -> None:
        """UserError, with what to do, where rewritten code cannot be contained."""
        require_box(self._boxes.sandbox, f"the strategy {self.config.strategy.partition(':')[0]}")

    def seed(self, role: Role) -> AgentCode:
        """The first version of an agent: the task's own, else the shipped one. UserError for one that cannot be used."""
        try:
            return AgentCode.seed(role, self._workspace.pristine_folder)
        except EditRefused as refusal:
            raise UserError(str(refusal)) from None

    def live(self, name: str) -> LiveAgent:
        """A version as a proposer."""
        return LiveAgent(name, code_of(self.lineage.versions[name]), backend=self._backend, boxes=self._boxes)

    async def check(self, version: Version, tests: Sequence[Told] = ()) -> bool:
        """Whether a version passes the three checks; one that does not is dropped, with the stage named.

        tests  some of the suite's, for the rehearsal of an agent that makes them
        """
        if version.failed_stage is None and not version.is_checked:
            program = self.state.program.text if self.state.program else ""
            arguments = checks.rehearsal(
                code_of(version),
                program=program,
                metric=forms.metric(self.task.metric, self.state.noise.sigma),
                files=self._workspace.sources(self.state.best_commit),
                seed=self.config.seed,
                tests=tests,
            )
            found = await checks.check(code_of(version), version.name, self._boxes, arguments)
            facts = [Checked(agent=version.name, stage=one.stage, ok=one.ok, detail=one.detail) for one in found]
            failed = found[-1]
            broken = Dropped(agent=version.name, because="broken", reason=f"{failed.stage}: {failed.detail}")
            self.journal.append(*facts, *(() if failed.ok else (broken,)))
        return version.is_checked

    async def allow(self, version: Version) -> bool:
        """Whether a person, or the policy, lets a version work; one that may not is dropped."""
        reason = ""
        if version.allowed is None:
            written = version.written
            what = f"{version.name}, made from {written.parent}" if written.parent else version.name
            decided = await self._gates.decide(
                "rewrite",
                max(self.state.experiments, default=0),
                question=f"{what}: {written.reason}",
                detail=written.diff,
                digest=written.digest,
                occasion=Occasion(lines=_lines(written.diff), paths=tuple(sorted(written.files))),
                suggestion="allow",
                name=f"{version.name}-rewrite",
                agent=version.name,
            )
            reason = f": {decided.reason}" if decided.reason else ""
        if not version.allowed and version.dropped is None:
            why = f"denied by {version.allowed_by}{reason}"
            self.journal.append(Dropped(agent=version.name, because="vetoed", reason=why, by=version.allowed_by))
        return bool(version.allowed)

    async def edited(self, question: Question, brief: Brief, turn: Turn, *, check: Check) -> Change:
        """One edit by the run's back-end. AgentFailed or ProposerFailed when that comes to nothing.

        check  EditRefused for files that would not be taken
        """
        return Change.model_validate(await Asking(self._backend, brief, turn, check).ask(question.model_dump()))

    def brief(self, experiment: Experiment) -> Brief:
        """What a proposer would be told at an experiment."""
        self.journal.flush()
        return brief_for(
            self.state,
            experiment,
            task=self.task,
            config=self.config,
            sources=self._workspace.sources(self.state.best_commit),
            points=self.journal.telemetry.points,
            run_dir=self.run_dir,
        )

    def sitting(self, brief: Brief, role: Caller) -> Sitting:
        """A turn outside of any proposal, on the books of the brief's experiment. `close` it; `end` afterwards, whatever happened."""
        return Sitting(
            brief,
            journal=self.journal,
            gates=self._gates,
            books=self._books,
            run_dir=self.run_dir,
            check=lambda proposal: None,
            export=partial(self._workspace.export, self.state.best_commit),
            contain=self._contain,
            role=role,
        )

    def end(self, sitting: Sitting) -> None:
        """Nothing more will be said in a sitting: all of it is written down."""
        sitting.close()
        self.journal.telemetry.flush()
        self._books.close_open()


def code_of(version: Version) -> AgentCode:
    """Its source code."""
    return AgentCode(version.role, version.written.files)


def _lines(diff: str) -> int:
    return sum(line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- ")) for line in diff.splitlines())
