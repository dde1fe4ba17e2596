"""What becomes of an experiment: its bytes in the working folder, its commit, its one verdict, and where the branch points.

A commit is built from the exact bytes that were approved and is named by its content, so that doing any of this again after
a crash makes the same thing.
"""

from pathlib import Path

from . import diff as diffs
from . import edits
from .errors import LoopwatchError
from .events import Applied, Judged, Settled, Warned
from .housekeeping import make_room
from .journal import Journal
from .judge import Judgement
from .publish import publish
from .state import Experiment, State
from .task import Task
from .workspace import Workspace


class Archive:
    """The run's history, as its repository keeps it."""

    def __init__(self, *, task: Task, journal: Journal, workspace: Workspace, run_dir: Path) -> None:
        """The archive of one run."""
        self._task, self._journal, self._workspace, self._run_dir = task, journal, workspace, run_dir

    @property
    def state(self) -> State:
        """What the run looks like now."""
        return self._journal.state

    def apply(self, experiment: Experiment) -> None:
        """Make the working folder hold the proposal, whatever was in it."""
        self._workspace.restore(self._commit(experiment, {"Loopwatch-Experiment": str(experiment.number)}))
        self._workspace.pristine()
        self._journal.append(Applied(experiment=experiment.number, digest=experiment.digest))

    def judge(self, experiment: Experiment, judgement: Judgement, *, by: str) -> None:
        """Build the commit and write the one verdict; the branch moves only after that."""
        commit = self._build(experiment, judgement) if experiment.digest else None
        self._journal.append(self.judged(experiment, judgement, by=by, commit=commit))

    def judged(self, experiment: Experiment, judgement: Judgement, *, by: str, commit: str | None) -> Judged:
        """The fact of a verdict; `commit` is None where the diff may not be applied."""
        return Judged(
            experiment=experiment.number,
            verdict=judgement.verdict,
            value=judgement.value,
            gain=judgement.gain,
            sigma=judgement.sigma,
            flags=experiment.flags,
            quarantined=judgement.quarantined,
            reason=judgement.reason,
            by=by,
            commit=commit,
        )

    def settle(self, experiment: Experiment) -> None:
        """Let branch and working folder agree with the verdict."""
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

    def _files(self, experiment: Experiment) -> dict[str, str]:
        if not experiment.diff:
            return {}
        return edits.apply(diffs.parse(experiment.diff), self._workspace.sources(experiment.parent))

    def _publish(self, experiment: Experiment) -> None:
        repository = self._workspace.facts.repository
        if repository is None:
            return
        try:
            publish(self._run_dir, Path(repository), self._workspace.branch)
        except LoopwatchError as problem:
            self._journal.append(Warned(text=f"not published: {problem}", experiment=experiment.number))
