"""Where a run begins: a folder or a user's repository, which is only read."""

from pathlib import Path

import pytest

from loopwatch.engine.errors import RepositoryError, TaskError, UserError, WorkspaceError
from loopwatch.engine.repository.workspace import Workspace

from .repositories import TRAIN, git, plant, snapshot, task_in, user_repository
from .workspaces import BETTER, begin, files


def test_a_plain_folder_becomes_the_base_commit(workspace: Workspace, tmp_path: Path) -> None:
    assert files(workspace.work_folder) == files(workspace.pristine_folder) == files(tmp_path / "task")
    assert workspace.best == workspace.base
    assert workspace.warnings == ()


def test_caches_and_hidden_folders_are_no_part_of_a_task(tmp_path: Path, run: Path) -> None:
    task = task_in(tmp_path / "task")
    for name in ("__pycache__/train.cpython-311.pyc", ".git/config", ".mypy_cache/x", "env/pyvenv.cfg", "env/bin/x"):
        (task / name).parent.mkdir(parents=True, exist_ok=True)
        (task / name).write_text("x")

    workspace = begin(run, task)

    assert set(files(workspace.work_folder)) == {"train.py", "evaluate.py", "task.toml", "run.sh"}


def test_a_link_in_a_plain_folder_is_refused(tmp_path: Path, run: Path) -> None:
    task = task_in(tmp_path / "task")
    (task / "data").symlink_to("/etc")

    with pytest.raises(TaskError, match="data is a link"):
        begin(run, task)


def test_a_plain_folder_may_not_hold_a_data_set(tmp_path: Path, run: Path) -> None:
    task = task_in(tmp_path / "task")
    with open(task / "data.bin", "wb") as file:
        file.truncate(300 * 1024**2)

    with pytest.raises(TaskError, match=r"largest: data\.bin 314,572,800"):
        begin(run, task)


@pytest.mark.parametrize(
    ("editable", "reason"), [("model.py", "model.py is no file"), ("evaluate.py", "both"), ("lib/", "lib/")]
)
def test_the_lists_of_a_task_must_fit_its_files(tmp_path: Path, run: Path, editable: str, reason: str) -> None:
    with pytest.raises(TaskError, match=reason):
        begin(run, task_in(tmp_path / "task"), editable=(editable,))
    assert not (run / "repo.git").exists()


def test_an_editable_file_must_be_text(tmp_path: Path, run: Path) -> None:
    task = task_in(tmp_path / "task")
    (task / "train.py").write_bytes(b"\xff\xfe")

    with pytest.raises(TaskError, match="not UTF-8"):
        begin(run, task)


def test_a_users_head_becomes_the_base_commit(user: Path, run: Path) -> None:
    workspace = begin(run, user / "research" / "sine", use_repository=True)

    assert workspace.base == git(user, "rev-parse", "HEAD").strip()
    assert workspace.work_folder == run / "work" / "research" / "sine"
    assert (run / "work" / "README").read_text() == "version 1\n"
    assert workspace.source("train.py", workspace.base) == TRAIN
    assert git(run / "repo.git", "fsck", "--strict") == ""


def test_a_users_repository_is_only_read(user: Path, run: Path) -> None:
    (user / "README").write_text("not committed\n")
    (user / "research" / "new.txt").write_text("untracked\n")
    git(user, "add", "README")
    before = snapshot(user)

    begin(run, user / "research" / "sine", use_repository=True)

    assert snapshot(user) == before


def test_what_is_not_committed_is_said_to_be_missing(user: Path, run: Path) -> None:
    task = user / "research" / "sine"
    (task / "train.py").write_text(BETTER)
    (task / "notes.txt").write_text("x")
    (user / "README").write_text("elsewhere\n")

    workspace = begin(run, task, use_repository=True)

    changed, untracked = workspace.warnings
    assert "uncommitted changes in research/sine/train.py" in changed
    assert "git commit -a" in changed
    assert "untracked research/sine/notes.txt" in untracked
    assert (workspace.work_folder / "train.py").read_text() == TRAIN
    assert Workspace.open(run).warnings == workspace.warnings


def test_nothing_of_a_users_repository_is_run(user: Path, run: Path, tmp_path: Path) -> None:
    mark, task = tmp_path / "mark", user / "research" / "sine"
    (task / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    git(user, "add", ".")
    git(user, "commit", "-q", "-m", "attributes")
    program = plant(tmp_path / "evil.sh", mark)
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit"):
        plant(user / ".git" / "hooks" / hook, mark)
    for key in (
        "core.fsmonitor",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.textconv",
    ):
        git(user, "config", key, str(program))
    mark.unlink(missing_ok=True)
    (task / "train.py").write_text(BETTER)

    workspace = begin(run, task, use_repository=True)

    assert not mark.exists()
    assert any("the filter 'evil'" in warning for warning in workspace.warnings)


def test_large_file_storage_is_named(user: Path, run: Path) -> None:
    (user / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    git(user, "add", ".")
    git(user, "commit", "-q", "-m", "lfs")

    (warning,) = begin(run, user / "research" / "sine", use_repository=True).warnings

    assert "Git LFS" in warning


def test_a_submodule_is_named(user: Path, run: Path, tmp_path: Path) -> None:
    other = user_repository(tmp_path / "other")
    git(user, "submodule", "--quiet", "add", str(other), "lib")
    git(user, "commit", "-q", "-m", "submodule")

    (warning,) = begin(run, user / "research" / "sine", use_repository=True).warnings

    assert "submodules (lib)" in warning
    assert not (run / "work" / "lib").exists()


def test_links_inside_a_repository_are_kept_and_others_left_out(user: Path, run: Path) -> None:
    (user / "inside").symlink_to("research/sine/train.py")
    (user / "research" / "up").symlink_to("../README")
    (user / "research" / "out").symlink_to("../../secret")
    (user / "research" / "trick").symlink_to("sine/../../../secret")
    (user / "absolute").symlink_to("/etc/passwd")
    git(user, "add", ".")
    git(user, "commit", "-q", "-m", "links")

    workspace = begin(run, user / "research" / "sine", use_repository=True)

    assert (run / "work" / "inside").read_text() == TRAIN
    assert (run / "work" / "research" / "up").readlink() == Path("../README")
    assert "absolute, research/out, research/trick" in workspace.warnings[0]
    assert not (run / "work" / "research" / "out").is_symlink()


def test_a_repository_without_a_commit_is_taken_as_a_plain_folder(tmp_path: Path, run: Path) -> None:
    task = task_in(tmp_path / "task")
    git(task, "init", "-q")

    (warning,) = begin(run, task, use_repository=True).warnings

    assert "no commit yet" in warning
    assert "plain folder" in warning


def test_a_task_that_was_never_committed_is_taken_as_a_plain_folder(user: Path, run: Path) -> None:
    workspace = begin(run, task_in(user / "new"), use_repository=True)

    assert "new is not in the HEAD commit" in workspace.warnings[0]
    assert workspace.facts.repository is None


def test_an_editable_file_that_was_never_committed_is_named(user: Path, run: Path) -> None:
    (user / "research" / "sine" / "model.py").write_text("x = 1\n")

    with pytest.raises(TaskError, match=r"model\.py is no file of the base commit; in .*: git add"):
        begin(run, user / "research" / "sine", use_repository=True, editable=("model.py",))


def test_a_bare_repository_is_refused(user: Path, run: Path, tmp_path: Path) -> None:
    git(user, "clone", "-q", "--bare", str(user), str(tmp_path / "bare.git"))

    with pytest.raises(RepositoryError, match="bare"):
        begin(run, tmp_path / "bare.git", use_repository=True)


def test_a_shallow_clone_and_a_linked_worktree_are_as_good_as_any(user: Path, tmp_path: Path) -> None:
    git(user, "clone", "-q", "--depth", "1", user.as_uri(), str(tmp_path / "shallow"))
    git(user, "worktree", "add", "-q", str(tmp_path / "linked"))

    bases = {
        begin(tmp_path / f"run-{name}", tmp_path / name / "research" / "sine", use_repository=True).base
        for name in ("shallow", "linked")
    }

    assert bases == {git(user, "rev-parse", "HEAD").strip()}


def test_a_folder_named_like_no_branch_is_refused(tmp_path: Path, run: Path) -> None:
    run.mkdir()
    with pytest.raises(WorkspaceError, match="name of a git branch"):
        Workspace.create(
            run,
            task_in(tmp_path / "t"),
            editable=["train.py"],
            frozen=[],
            run_name="a..b",
            use_repository=False,
            when=0,
        )


def test_settings_of_the_machine_are_not_read(tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".gitconfig").write_text("[core]\n\tbare = certainly not\n[broken\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    workspace = begin(run, task_in(tmp_path / "task"))

    assert workspace.best


def test_a_file_whose_name_cannot_be_shown_is_refused(tmp_path: Path, run: Path) -> None:
    task = task_in(tmp_path / "task")
    (task / "a\x1b[2Jb").write_text("x")

    with pytest.raises(UserError, match="rename the file"):
        begin(run, task)
