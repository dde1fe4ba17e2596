"""An engine's parts put together by hand, for tests of the gates and the inbox: a real ledger, workspace and lab; nothing runs."""

from pathlib import Path

from loopwatch.engine.archive import Archive
from loopwatch.engine.bench import Bench
from loopwatch.engine.books import Books
from loopwatch.engine.config import RunConfig
from loopwatch.engine.desk import Desk
from loopwatch.engine.events import AnyFact
from loopwatch.engine.gate import Gates
from loopwatch.engine.inbox import Inbox
from loopwatch.engine.journal import Journal
from loopwatch.engine.lab import Lab
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.proposers import Proposer, proposer
from loopwatch.engine.repository.workspace import Workspace
from loopwatch.engine.running.runner import Runner
from loopwatch.engine.task import load
from loopwatch.engine.telemetry import Telemetry
from loopwatch.engine.watcher import Watcher
from tests.engine import facts


def journal_in(folder: Path, *before: AnyFact) -> Journal:
    """A run's journal, with these facts in it when it is new."""
    ledger = Ledger.of(folder)
    if not ledger.since():
        ledger.append(*before)
    return Journal(ledger, Telemetry.of(folder), ballast=folder / "ballast")


class Engine:
    """One engine's inbox and gates."""

    def __init__(self, run_dir: Path, *, proposes: Proposer | None = None) -> None:
        """A run of the sine task whose baseline is kept, with engine and lab at rest; random search proposes, or who is named."""
        task, config = load("sine"), RunConfig(run="sine-1", task="sine")
        workspace = Workspace.create(
            run_dir, task.folder, editable=task.editable, frozen=task.frozen, run_name="sine-1", use_repository=False, when=0,
        )  # fmt: skip
        opened = facts.opened(task.metric).model_copy(update={"base_commit": workspace.base})
        settled = facts.life(1)[-1].model_copy(update={"best_commit": workspace.base})
        self.journal = journal_in(run_dir, opened, facts.engine(), *facts.life(1)[:-1], settled)
        self.gates = Gates(self.journal)
        runner = Runner(task, run_dir, workdir=workspace.work_folder, pristine=workspace.pristine_folder, seed=1)
        bench = Bench(
            task=task, journal=self.journal, workspace=workspace, runner=runner, gates=self.gates, seed=1,
            watcher=Watcher(task=task, config=config, journal=self.journal),
        )  # fmt: skip
        archive = Archive(task=task, journal=self.journal, workspace=workspace, run_dir=run_dir)
        desk = Desk(
            task=task, config=config, journal=self.journal, gates=self.gates, books=Books(journal=self.journal, run_dir=run_dir),
            workspace=workspace, proposer=proposes or proposer("random", config.agent), archive=archive, run_dir=run_dir,
        )  # fmt: skip
        self.lab = Lab(
            task=task, config=config, journal=self.journal, gates=self.gates, bench=bench, desk=desk, archive=archive,
            run_dir=run_dir,
        )  # fmt: skip
        self.desk = desk
        self.inbox = Inbox(journal=self.journal, lab=self.lab, gates=self.gates, bench=bench, runner=runner)

    def close(self) -> None:
        """Give the files back."""
        self.journal.telemetry.close()
        self.journal.ledger.close()
