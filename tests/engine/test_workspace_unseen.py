"""Files that only the evaluator may see: where they are, and where they are not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine.repository.workspace import Workspace

from .repositories import git, task_in, user_repository
from .workspaces import BETTER, TRAILERS

UNSEEN = {"cases.json", "agents/test_agent.py"}


def begin(run: Path, source: Path, *, use_repository: bool = False) -> Workspace:
    run.mkdir()
    return Workspace.create(
        run, source, editable=("train.py",), frozen=("evaluate.py", "cases.json", "agents/"), unseen=("cases.json", "agents/"),
        run_name="calm-fox", use_repository=use_repository, when=1000,
    )  # fmt: skip


def add_unseen(folder: Path) -> Path:
    """The files that nobody sees, in a task's folder."""
    (folder / "cases.json").write_text("[]\n")
    (folder / "agents").mkdir()
    (folder / "agents" / "test_agent.py").write_text("SECRET = 1\n")
    return folder


def found(folder: Path) -> set[str]:
    """The unseen files that are there."""
    return {name for name in UNSEEN if (folder / name).exists()}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = begin(tmp_path / "run", add_unseen(task_in(tmp_path / "task")))
    yield workspace
    workspace.close()


def test_they_are_in_the_pristine_copy_alone(workspace: Workspace, tmp_path: Path) -> None:
    workspace.export(workspace.base, tmp_path / "copy")

    assert found(workspace.pristine_folder) == UNSEEN
    assert found(workspace.work_folder) == found(tmp_path / "copy") == set()
    assert not (workspace.work_folder / "agents").exists()
    assert set(workspace.sources(workspace.base)) == {"train.py"}


def test_a_folder_is_laid_with_them_only_where_that_is_asked_for(workspace: Workspace, tmp_path: Path) -> None:
    assert found(workspace.lay(workspace.base, tmp_path / "seen", {})) == set()
    assert found(workspace.lay(workspace.base, tmp_path / "all", {}, unseen=True)) == UNSEEN


def test_a_commit_of_an_experiment_keeps_them(workspace: Workspace) -> None:
    commit = workspace.build_commit({"train.py": BETTER}, workspace.base, "better", TRAILERS, when=1)

    workspace.restore(commit)
    workspace.pristine()

    assert (workspace.work_folder / "train.py").read_text() == BETTER
    assert found(workspace.work_folder) == set()
    assert found(workspace.pristine_folder) == UNSEEN
    assert workspace.source("cases.json", commit) == "[]\n"


def test_that_they_are_missing_where_nobody_sees_them_is_no_tampering_and_what_is_planted_there_goes(
    workspace: Workspace,
) -> None:
    assert workspace.tampered(workspace.work_folder) == []
    (workspace.work_folder / "cases.json").write_text("[1]\n")
    (workspace.work_folder / "agents").symlink_to(workspace.pristine_folder / "agents")

    workspace.restore(workspace.base)

    assert found(workspace.work_folder) == set()
    assert found(workspace.pristine_folder) == UNSEEN


def test_that_one_is_changed_where_the_evaluator_runs_is_tampering(workspace: Workspace) -> None:
    (workspace.pristine_folder / "agents" / "test_agent.py").unlink()

    assert workspace.tampered(workspace.pristine_folder) == ["agents/test_agent.py"]


def test_in_a_repository_too_they_stay_out_of_the_working_copy(tmp_path: Path) -> None:
    root = user_repository(tmp_path / "user")
    add_unseen(root / "research" / "sine")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "more")

    workspace = begin(tmp_path / "run", root / "research" / "sine", use_repository=True)

    assert found(workspace.work_folder) == set()
    assert found(workspace.pristine_folder) == UNSEEN
    workspace.close()
    reopened = Workspace.open(tmp_path / "run")
    reopened.restore(reopened.base)
    assert found(reopened.work_folder) == set()
    reopened.close()
