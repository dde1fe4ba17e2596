"""The run's two folders, against hostile and careless experiments."""

import os
import stat
from pathlib import Path

import pytest

from loopwatch.engine.repository.workspace import Workspace

from .repositories import EVALUATE, TRAIN, task_in
from .workspaces import BETTER, TRAILERS, begin, files


def _spoil(folder: Path, outside: Path) -> None:
    """What a hostile or careless experiment leaves behind."""
    (folder / "train.py").write_text("spoiled")
    (folder / "evaluate.py").unlink()
    (folder / "evaluate.py").symlink_to(outside / "secret")
    (folder / "task.toml").unlink()
    (folder / "task.toml").mkdir()
    (folder / "run.sh").chmod(0o4777)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "train.pyc").write_text("x")
    (folder / "linked").symlink_to(outside)
    os.mkfifo(folder / "pipe")
    (folder / "locked" / "inner").mkdir(parents=True)
    (folder / "locked" / "inner" / "file").write_text("x")
    (folder / "locked" / "inner").chmod(0)
    (folder / "locked").chmod(0o500)
    (folder / ".git").write_text(f"gitdir: {outside}\n")
    (folder / ".gitignore").write_text("*\n")
    folder.chmod(0o500)


def test_a_spoiled_folder_becomes_the_commit_again(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("mine")
    before = files(tmp_path / "task")
    _spoil(workspace.work_folder, outside)

    workspace.restore(workspace.base)

    assert files(workspace.work_folder) == before
    assert stat.S_IMODE(workspace.work_folder.stat().st_mode) == 0o755
    assert files(outside) == {"secret": (0o644, b"mine")}
    assert sorted(path.name for path in workspace.work_folder.parent.iterdir()) == ["pristine", "repo.git", "work"]


def test_a_missing_folder_comes_back(workspace: Workspace, tmp_path: Path) -> None:
    workspace.work_folder.rename(tmp_path / "gone")

    workspace.restore(workspace.base)

    assert files(workspace.work_folder) == files(tmp_path / "task")


def test_a_folder_replaced_by_a_link_is_not_followed(user: Path, run: Path, tmp_path: Path) -> None:
    workspace = begin(run, user / "research" / "sine", use_repository=True)
    outside = task_in(tmp_path / "outside" / "sine")
    (outside / "train.py").write_text("mine")
    (run / "work" / "research").rename(tmp_path / "moved")
    (run / "work" / "research").symlink_to(outside.parent)

    assert workspace.tampered(workspace.work_folder) == ["evaluate.py"]
    workspace.restore(workspace.base)

    assert (outside / "train.py").read_text() == "mine"
    assert not (run / "work" / "research").is_symlink()
    assert (workspace.work_folder / "train.py").read_text() == TRAIN


def test_a_hard_link_to_the_outside_is_cut(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    os.link(workspace.work_folder / "train.py", outside)

    workspace.restore(workspace.base)
    (workspace.work_folder / "train.py").write_text("changed")

    assert outside.read_text() == TRAIN


def test_a_tree_deeper_than_any_path_is_removed(workspace: Workspace) -> None:
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(workspace.work_folder)
        for _ in range(1500):
            os.mkdir("deep")  # noqa: PTH102
            os.chdir("deep")
    finally:
        os.fchdir(here)
        os.close(here)

    workspace.restore(workspace.base)

    assert not (workspace.work_folder / "deep").exists()


def test_a_huge_file_in_place_of_a_small_one_is_not_read(workspace: Workspace) -> None:
    with open(workspace.work_folder / "train.py", "wb") as file:
        file.truncate(1024**4)

    workspace.restore(workspace.base)

    assert (workspace.work_folder / "train.py").read_text() == TRAIN


def test_restoring_goes_to_any_commit_and_back(workspace: Workspace) -> None:
    commit = workspace.build_commit({"train.py": BETTER}, workspace.base, "one", TRAILERS, when=1)

    workspace.restore(commit)
    restored = (workspace.work_folder / "train.py").read_text()
    workspace.restore(workspace.base)

    assert restored == BETTER
    assert (workspace.work_folder / "train.py").read_text() == TRAIN
    assert (workspace.pristine_folder / "train.py").read_text() == TRAIN


@pytest.mark.parametrize("name", ["work_folder", "pristine_folder"])
def test_a_frozen_file_that_changed_is_found(workspace: Workspace, name: str) -> None:
    folder: Path = getattr(workspace, name)
    untouched = workspace.tampered(folder)
    digest = workspace.frozen_digest(folder)
    (folder / "evaluate.py").write_text(EVALUATE.replace("1.0", "0.0"))

    assert untouched == []
    assert workspace.tampered(folder) == ["evaluate.py"]
    assert digest.keys() == {"evaluate.py"}
    assert workspace.frozen_digest(folder) != digest


def test_a_frozen_file_behind_a_link_counts_as_changed(workspace: Workspace, tmp_path: Path) -> None:
    frozen = workspace.work_folder / "evaluate.py"
    frozen.rename(tmp_path / "same.py")
    frozen.symlink_to(tmp_path / "same.py")

    assert workspace.tampered(workspace.work_folder) == ["evaluate.py"]
    assert workspace.frozen_digest(workspace.work_folder) == {}


@pytest.mark.parametrize("name", ["sitecustomize.py", "evil.pth", "json/x.py", "__pycache__/evaluate.cpython-311.pyc"])
def test_anything_importable_beside_the_evaluator_is_found(workspace: Workspace, name: str) -> None:
    (workspace.pristine_folder / name).parent.mkdir(exist_ok=True)
    (workspace.pristine_folder / name).write_text("x")
    (workspace.pristine_folder / "scratch.txt").write_text("harmless")

    assert workspace.tampered(workspace.pristine_folder) == [name.split("/")[0]]
    workspace.pristine()
    assert workspace.tampered(workspace.pristine_folder) == []
