"""Nothing that an experiment leaves in its folder is ever run by our git, whatever we do with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loopwatch.engine.repository.publish import publish, uncommitted
from loopwatch.engine.repository.workspace import Workspace

from .plantings import PLANTINGS, careless
from .repositories import plant, task_in
from .workspaces import BETTER, TRAILERS, begin

OPERATIONS: dict[str, Callable[[Workspace, Path], object]] = {
    "tampered": lambda workspace, _: (
        workspace.tampered(workspace.work_folder),
        workspace.frozen_digest(workspace.work_folder),
    ),
    "build": lambda workspace, _: workspace.build_commit({"train.py": BETTER}, workspace.base, "m", TRAILERS, when=2),
    "remember": lambda workspace, _: workspace.remember(2, workspace.base),
    "advance": lambda workspace, _: _keep(workspace),
    "log and diff": lambda workspace, _: (workspace.log(), workspace.diff(workspace.base, workspace.best)),
    "export": lambda workspace, run: workspace.export(workspace.base, run / "scratch"),
    "publish": lambda workspace, run: publish(run, Path(workspace.facts.repository or "")),
    "uncommitted": lambda workspace, _: uncommitted(Path(workspace.facts.repository or "")),
    "look": lambda _, run: Workspace.look(run).close(),
    "open": lambda _, run: Workspace.open(run).close(),
    "restore": lambda workspace, _: workspace.restore(workspace.best),
    "pristine": lambda workspace, _: workspace.pristine(),
}
"""All that the engine does with a workspace; the last two remove what was planted."""


def _keep(workspace: Workspace) -> None:
    base = workspace.base
    workspace.advance(workspace.build_commit({"train.py": BETTER}, base, "m", TRAILERS, when=2), base)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def program(tmp_path: Path, mark: Path) -> Path:
    """What is planted: it leaves a mark when anybody runs it."""
    return plant(tmp_path / "evil.sh", mark)


@pytest.mark.parametrize("name", PLANTINGS)
def test_nothing_planted_is_run(name: str, user: Path, run: Path, program: Path, mark: Path) -> None:
    workspace = begin(run, user / "research" / "sine", use_repository=True)
    for folder in (run / "work", workspace.work_folder, run / "pristine"):
        PLANTINGS[name](folder, program)
    mark.unlink(missing_ok=True)

    ran = []
    for operation, act in OPERATIONS.items():
        act(workspace, run)
        ran += [operation] if mark.exists() else []

    assert ran == []
    assert (workspace.work_folder / "train.py").read_text() == BETTER
    assert not list(run.glob("work/**/.git*"))


@pytest.mark.parametrize("name", PLANTINGS)
def test_what_is_planted_would_be_run_by_whoever_calls_git_there(
    name: str, tmp_path: Path, program: Path, mark: Path
) -> None:
    folder = task_in(tmp_path / "task")
    PLANTINGS[name](folder, program)
    mark.unlink(missing_ok=True)

    careless(folder)

    assert mark.exists()


@pytest.mark.parametrize("name", ["repository", "git_file", "nested"])
def test_a_task_folder_with_something_planted_runs_nothing_when_a_run_begins_there(
    name: str, tmp_path: Path, run: Path, program: Path, mark: Path
) -> None:
    task = task_in(tmp_path / "task")
    PLANTINGS[name](task, program)
    mark.unlink(missing_ok=True)

    workspace = begin(run, task, use_repository=True)
    publish(run, Path(workspace.facts.repository or ""))

    assert not mark.exists()
