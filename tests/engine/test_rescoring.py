"""Scoring again what others are compared with, when the suite has grown."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loopwatch.engine.agent_events import Rescored, RoundBegan, TestCase, TestsProposed, TestsWeighed
from loopwatch.engine.bench import Bench
from loopwatch.engine.config import RunConfig
from loopwatch.engine.gate import Gates
from loopwatch.engine.journal import Journal
from loopwatch.engine.repository.workspace import Workspace
from loopwatch.engine.running.runner import Evaluation, Runner
from loopwatch.engine.suites import Suites
from loopwatch.engine.task import load
from loopwatch.engine.watcher import Watcher
from tests.engine import facts
from tests.engine.bench import journal_in
from tests.engine.quiz import quiz_in

NEW = TestCase(input=5, expected=10)


class Interrupted:
    """A judge: what is evaluated comes to nothing so many times."""

    def __init__(self, times: int) -> None:
        self._left = times

    async def judged(self, experiment: int, attempt: int, evaluation: Evaluation) -> Evaluation:
        self._left -= 1
        return replace(evaluation, problem="the machine was busy") if self._left >= 0 else evaluation


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    (tmp_path / "run").mkdir()
    task = load(str(quiz_in(tmp_path / "task")))
    journal = journal_in(
        tmp_path / "run", facts.opened(task.metric), facts.engine(), *facts.life(1, value=1.0),
        RoundBegan(round=1, code=(), test=("test-1",)), TestsProposed(round=1, agent="test-1", tests=(NEW,)),
        TestsWeighed(round=1, agent="test-1", admitted=(NEW,)),
    )  # fmt: skip
    yield journal
    journal.telemetry.close()
    journal.ledger.close()


async def rescored(folder: Path, journal: Journal, failures: int) -> Rescored:
    """What the baseline comes to on the grown suite, when it cannot be scored so many times."""
    task, run_dir = load(str(folder / "task")), folder / "run"
    workspace = Workspace.create(
        run_dir, task.folder, editable=task.editable, frozen=task.frozen, unseen=task.unseen, run_name="quiz-1",
        use_repository=False, when=0,
    )  # fmt: skip
    suites = Suites(task, workspace.pristine_folder, run_dir)
    journal.append(suites.changed(journal.state.lineage, 1))
    runner = Runner(task, run_dir, workdir=workspace.work_folder, pristine=workspace.pristine_folder, seed=1)
    (run_dir / "out" / "0001-1").mkdir(parents=True)
    watcher = Watcher(task=task, config=RunConfig(run="quiz-1", task=str(task.folder)), journal=journal)
    bench = Bench(
        task=task, journal=journal, workspace=workspace, runner=runner, gates=Gates(journal), watcher=watcher, seed=1,
        suites=suites, judge=Interrupted(failures),
    )  # fmt: skip
    await bench.rescore(journal.state.experiments[1])
    await watcher.close()
    found = journal.state.experiments[1].rescored
    assert found
    return found


async def test_what_comes_to_no_number_once_is_looked_at_again(tmp_path: Path, journal: Journal) -> None:
    found = await rescored(tmp_path, journal, failures=1)

    assert (found.value, found.frozen, found.problem) == (0.8, 1.0, "")


async def test_what_comes_to_no_number_again_has_none(tmp_path: Path, journal: Journal) -> None:
    found = await rescored(tmp_path, journal, failures=2)

    assert (found.value, found.problem) == (None, "the machine was busy")
