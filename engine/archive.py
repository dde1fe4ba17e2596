"""What becomes of an experiment: its bytes in the working folder, its commit, its one verdict, and where the branch points.

A commit is built from the exact bytes that were approved and is named by its content, so that doing any of this again after
a crash makes the same thing.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from .editing import diff as diffs
from .editing import edits
from .errors import LedgerError, LoopwatchError
from .events import Applied, Judged, Settled, Verdict, Warned
from .housekeeping import make_room
from .journal import Journal
from .judging.judge import Judgement
from .repository.publish import publish
from .repository.workspace import Workspace
from .state import Experiment, State
from .task import Task


class Weighed(Protocol):
    """What a commit says of the numbers: a judgement, or an experiment that has its verdict."""

    @property
    def verdict(self) -> Verdict | None: ...  # noqa: D102
    @property
    def value(self) -> float | None: ...  # noqa: D102
    @property
    def gain(self) -> float | None: ...  # noqa: D102


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
        """Make the working folder hold the proposal, whatever was in it; LedgerError unless it is what was approved."""
        _check_approved(experiment)
        self._journal.patiently(lambda: self._workspace.restore(self._plain(experiment)))
        self._journal.patiently(self._workspace.pristine)
        self._journal.append(Applied(experiment=experiment.number, digest=experiment.digest))

    def restore(self, experiment: Experiment | None = None) -> None:
        """Make the working folder hold an experiment's code to train it again, or the best again."""
        commit = experiment.commit or self._plain(experiment) if experiment else self.state.best_commit
        self._workspace.restore(commit)
        self._workspace.pristine()

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
            confirmed=judgement.confirmed,
            p=judgement.p,
            flags=experiment.flags,
            quarantined=judgement.quarantined,
            reason=judgement.reason,
            by=by,
            commit=commit,
        )

    def settle(self, experiment: Experiment) -> None:
        """Let branch and working folder agree with the verdict."""
        if experiment.commit:
            commit = experiment.commit
            self._journal.patiently(lambda: self._workspace.remember(experiment.number, commit))
        best = self.state.best_commit
        if experiment.verdict == "kept" and experiment.commit:
            best = experiment.commit
            self._journal.patiently(lambda: self._workspace.advance(best, expected=experiment.parent))
            self._publish(experiment)
        self._journal.patiently(lambda: self._workspace.restore(best))
        make_room(self._run_dir, experiment.number, kept=experiment.verdict == "kept")
        self._journal.append(Settled(experiment=experiment.number, best_commit=best))

    def _build(self, experiment: Experiment, judgement: Judgement) -> str:
        anchor = self._journal.ledger.anchor(experiment.number)
        return self._commit(experiment, trailers(experiment, judgement, self._task.metric.name, anchor=anchor))

    def _plain(self, experiment: Experiment) -> str:
        """A commit of the code of an experiment that has no verdict yet."""
        return self._commit(experiment, {"Loopwatch-Experiment": str(experiment.number)})

    def _commit(self, experiment: Experiment, trailers: Mapping[str, str]) -> str:
        files = changed(experiment, self._workspace.sources(experiment.parent))
        words, when = message(experiment), int(experiment.began_at)
        build = partial(self._workspace.build_commit, files, experiment.parent, words, trailers, when=when)
        return self._journal.patiently(build)

    def _publish(self, experiment: Experiment) -> None:
        repository = self._workspace.facts.repository
        if repository is None:
            return
        try:
            publish(self._run_dir, Path(repository), self._workspace.branch)
        except LoopwatchError as problem:
            self._journal.append(Warned(text=f"not published: {problem}", experiment=experiment.number))


def _check_approved(experiment: Experiment) -> None:
    approval = experiment.decided("apply")
    if approval is None or not edits.digest(experiment.diff) == experiment.digest == approval.digest:
        raise LedgerError(
            f"the diff of #{experiment.number} is not the one that was approved, so it is not applied; something else than "
            "loopwatch wrote into the ledger"
        )


def message(experiment: Experiment) -> str:
    """The words of an experiment's commit, above its trailers."""
    return f"{experiment.hypothesis or 'no hypothesis'}\n\n{experiment.mechanism}".strip()


def trailers(experiment: Experiment, verdict: Weighed, metric: str, *, anchor: str) -> dict[str, str]:
    """What an experiment's commit says of it; `anchor` is the ledger's hash of what the verdict rests upon."""
    approval = experiment.decided("apply")
    said = {"Loopwatch-Experiment": str(experiment.number), "Loopwatch-Verdict": str(verdict.verdict)}
    if verdict.value is not None:
        said["Loopwatch-Metric"] = f"{metric} {verdict.value!r}"
    if verdict.gain is not None:
        said["Loopwatch-Change"] = f"{verdict.gain:+.6g}"
    if anchor:
        said["Loopwatch-Ledger"] = anchor
    return {**said, "Approved-By": approval.by if approval else "nobody"}


def changed(experiment: Experiment, sources: Mapping[str, str]) -> dict[str, str]:
    """The new texts of the files that an experiment's diff changes; EditRefused when it does not apply."""
    return edits.apply(diffs.parse(experiment.diff), sources) if experiment.diff else {}
