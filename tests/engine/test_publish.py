"""Kept commits reach the user's repository as a branch, and nothing else of it changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loopwatch.engine.errors import RepositoryError
from loopwatch.engine.repository.publish import publish, uncommitted
from loopwatch.engine.repository.workspace import Workspace

from .repositories import TRAIN, git, plant, snapshot, task_in, user_repository


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return user_repository(tmp_path / "user")


def begin(run: Path, source: Path) -> Workspace:
    run.mkdir()
    return Workspace.create(
        run, source, editable=["train.py"], frozen=["evaluate.py"], run_name="calm-fox", use_repository=True, when=1000
    )


def keep(workspace: Workspace, alpha: str) -> str:
    """Keep one more change; its commit."""
    parent = workspace.best
    files = {"train.py": TRAIN.replace("1.0", alpha)}
    commit = workspace.build_commit(files, parent, f"alpha {alpha}", {"Loopwatch-Experiment": "2"}, when=2000)
    workspace.advance(commit, parent)
    return commit


def untouched(user: Path) -> dict[str, object]:
    """The user's files, and all of .git that is neither an object nor our branch."""
    ours = (".git/objects/", ".git/refs/heads/loopwatch/", ".git/logs/refs/heads/loopwatch/")
    return {path: found for path, found in snapshot(user).items() if not path.startswith(ours)}


def test_kept_commits_become_a_branch_and_nothing_else_changes(user: Path, tmp_path: Path) -> None:
    workspace = begin(tmp_path / "run", user / "research" / "sine")
    (user / "README").write_text("half done\n")
    (user / "scratch").write_text("untracked\n")
    before = untouched(user)

    first = publish(tmp_path / "run", user)
    kept = keep(workspace, "0.5")
    second = publish(tmp_path / "run", user / "research")

    assert (first, second) == (workspace.base, kept)
    assert git(user, "rev-parse", "loopwatch/calm-fox", "main").split() == [kept, workspace.base]
    assert "0.5" in git(user, "show", "loopwatch/calm-fox:research/sine/train.py")
    assert untouched(user) == before
    assert git(user, "fsck", "--strict") == ""
    assert not (user / ".git" / "shallow").exists()


def test_publishing_twice_is_publishing_once(user: Path, tmp_path: Path) -> None:
    keep(begin(tmp_path / "run", user / "research" / "sine"), "0.5")

    assert publish(tmp_path / "run", user) == publish(tmp_path / "run", user)


def test_history_of_the_user_is_joined_to_that_of_the_run(user: Path, tmp_path: Path) -> None:
    keep(begin(tmp_path / "run", user / "research" / "sine"), "0.5")

    publish(tmp_path / "run", user, "refs/heads/best")

    assert git(user, "log", "--format=%s", "best").split("\n")[:3] == ["alpha 0.5", "commit 1", "commit 0"]


def test_a_branch_that_somebody_else_made_is_never_overwritten(user: Path, tmp_path: Path) -> None:
    workspace = begin(tmp_path / "run", user / "research" / "sine")
    keep(workspace, "0.5")
    publish(tmp_path / "run", user)
    git(user, "checkout", "-q", "loopwatch/calm-fox")
    git(user, "commit", "-q", "--allow-empty", "-m", "by hand")
    git(user, "checkout", "-q", "main")
    theirs = git(user, "rev-parse", "loopwatch/calm-fox")
    keep(workspace, "0.25")

    with pytest.raises(RepositoryError, match="that this run did not make"):
        publish(tmp_path / "run", user)
    assert git(user, "rev-parse", "loopwatch/calm-fox") == theirs


def test_a_branch_that_is_checked_out_is_left_alone(user: Path, tmp_path: Path) -> None:
    workspace = begin(tmp_path / "run", user / "research" / "sine")
    publish(tmp_path / "run", user)
    git(user, "worktree", "add", "-q", str(tmp_path / "linked"), "loopwatch/calm-fox")
    keep(workspace, "0.5")

    with pytest.raises(RepositoryError, match=r"checked out; switch away"):
        publish(tmp_path / "run", user)
    assert git(user, "rev-parse", "loopwatch/calm-fox").strip() == workspace.base


def test_no_hook_runs_while_publishing(user: Path, tmp_path: Path) -> None:
    keep(begin(tmp_path / "run", user / "research" / "sine"), "0.5")
    mark = tmp_path / "mark"
    for hook in ("reference-transaction", "post-checkout", "post-merge", "pre-auto-gc", "update", "post-rewrite"):
        plant(user / ".git" / "hooks" / hook, mark)
        plant(tmp_path / "run" / "repo.git" / "hooks" / hook, mark)
    git(user, "config", "core.fsmonitor", str(plant(tmp_path / "evil.sh", mark)))

    publish(tmp_path / "run", user)
    uncommitted(user)

    assert not mark.exists()


def test_a_run_of_a_plain_folder_is_published_as_a_history_of_its_own(user: Path, tmp_path: Path) -> None:
    kept = keep(begin(tmp_path / "run", task_in(tmp_path / "task")), "0.5")

    publish(tmp_path / "run", user)

    assert git(user, "log", "--format=%H", "loopwatch/calm-fox").split()[0] == kept
    assert "merge-base" not in git(user, "branch", "--list")


def test_a_shallow_clone_can_be_published_to(user: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(user, "clone", "-q", "--depth", "1", user.as_uri(), str(clone))
    shallow = (clone / ".git" / "shallow").read_bytes()
    kept = keep(begin(tmp_path / "run", clone / "research" / "sine"), "0.5")

    publish(tmp_path / "run", clone)

    assert git(clone, "rev-parse", "loopwatch/calm-fox").strip() == kept
    assert (clone / ".git" / "shallow").read_bytes() == shallow


def test_a_user_who_rewrote_the_base_loses_nothing(user: Path, tmp_path: Path) -> None:
    kept = keep(begin(tmp_path / "run", user / "research" / "sine"), "0.5")
    git(user, "commit", "-q", "--amend", "--allow-empty", "-m", "rewritten")

    publish(tmp_path / "run", user)

    assert git(user, "rev-parse", "loopwatch/calm-fox").strip() == kept
    assert git(user, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/loopwatch/calm-fox",
        "refs/heads/main",
    ]


def test_a_base_that_the_user_has_no_more_is_explained(user: Path, tmp_path: Path) -> None:
    keep(begin(tmp_path / "run", user / "research" / "sine"), "0.5")
    stranger = user_repository(tmp_path / "stranger", commits=1)

    with pytest.raises(RepositoryError, match="does not have the commit"):
        publish(tmp_path / "run", stranger)
    assert git(stranger, "branch", "--list") == "* main\n"
    assert not (stranger / ".git" / "shallow").exists()


def test_a_folder_without_a_repository_is_named(user: Path, tmp_path: Path) -> None:
    begin(tmp_path / "run", user / "research" / "sine")
    (tmp_path / "nowhere").mkdir()

    with pytest.raises(RepositoryError, match="in no git repository"):
        publish(tmp_path / "run", tmp_path / "nowhere")


def test_a_machine_without_git_is_told_what_to_do(user: Path, tmp_path: Path) -> None:
    begin(tmp_path / "run", user / "research" / "sine")
    program = (
        "import sys, pathlib; from loopwatch.engine.repository.publish import publish\n"
        "assert 'git' not in sys.modules\n"
        f"publish(pathlib.Path({str(tmp_path / 'run')!r}), pathlib.Path({str(user)!r}))\n"
    )

    found = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PATH": "/nowhere"}, capture_output=True, text=True
    )

    assert "RepositoryError: the git program is not installed" in found.stderr


def test_uncommitted_files_are_listed_without_touching_the_index(user: Path) -> None:
    (user / "research" / "sine" / "train.py").write_text("x")
    (user / "research" / "sine" / "new file.txt").write_text("x")
    (user / "README").write_text("x")
    before = snapshot(user)

    found = uncommitted(user, "research/sine")

    assert found == ("research/sine/new file.txt", "research/sine/train.py")
    assert snapshot(user) == before
