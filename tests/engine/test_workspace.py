"""The run's own repository and its two folders, against users, crashes and hostile experiments."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine import edits
from loopwatch.engine.errors import EditRefused, RepositoryError, TaskError, UserError, WorkspaceError
from loopwatch.engine.workspace import Workspace

from .repositories import EVALUATE, TRAIN, git, plant, snapshot, task_in, user_repository

BETTER = TRAIN.replace("1.0", "0.5")
TRAILERS = {"Loopwatch-Experiment": "7", "Loopwatch-Metric": "val_bpb 2.7312", "Approved-By": "anna"}


def begin(
    run: Path, source: Path, *, use_repository: bool = False, editable: tuple[str, ...] = ("train.py",)
) -> Workspace:
    run.mkdir(exist_ok=True)
    return Workspace.create(
        run,
        source,
        editable=editable,
        frozen=("evaluate.py",),
        run_name="calm-fox",
        use_repository=use_repository,
        when=1000,
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def workspace(tmp_path: Path, run: Path) -> Iterator[Workspace]:
    workspace = begin(run, task_in(tmp_path / "task"))
    yield workspace
    workspace.close()


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return user_repository(tmp_path / "user")


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a folder that is no folder, and every empty folder."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = (0, os.fsencode(path.readlink()))
        elif path.is_file():
            found[str(path.relative_to(folder))] = (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        elif path.is_dir() and not any(path.iterdir()):
            found[str(path.relative_to(folder))] = (1, b"")
    return found


# --- where a run begins


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


# --- crashes


def test_a_run_that_was_interrupted_while_it_began_can_begin_again(tmp_path: Path, run: Path) -> None:
    (run / "repo.git.new" / "objects").mkdir(parents=True)
    (run / "repo.git.new" / "HEAD").write_text("half")

    assert begin(run, task_in(tmp_path / "task")).best


def test_a_run_begins_once(workspace: Workspace, run: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="there already"):
        begin(run, tmp_path / "task")


def test_locks_of_a_killed_engine_are_removed(workspace: Workspace, run: Path) -> None:
    commit = workspace.build_commit({"train.py": BETTER}, workspace.base, "Try", TRAILERS, when=2000)
    (run / "repo.git" / "refs" / "heads" / "loopwatch" / "calm-fox.lock").write_text("")
    (run / "repo.git" / "packed-refs.lock").write_text("")

    reopened = Workspace.open(run)
    reopened.advance(commit, reopened.base)

    assert reopened.best == commit


LOOP = """
import sys
from pathlib import Path
from loopwatch.engine.workspace import Workspace
workspace = Workspace.open(Path(sys.argv[1]))
text = workspace.source("train.py", workspace.base)
for number in range(10_000):
    best = workspace.best
    commit = workspace.build_commit({"train.py": f"{text}# {best}\\n"}, best, "m", {"Loopwatch-Experiment": "1"}, when=1)
    workspace.remember(number, commit)
    workspace.restore(commit)
    print(commit, flush=True)
    workspace.advance(commit, best)
"""


def test_a_kill_at_any_moment_is_repaired_by_opening(workspace: Workspace, run: Path) -> None:
    for kills in range(1, 8):
        process = subprocess.Popen([sys.executable, "-c", LOOP, str(run)], stdout=subprocess.PIPE, text=True)
        with process:
            assert process.stdout
            announced = [process.stdout.readline().strip() for _ in range(kills)]
            process.kill()

        reopened = Workspace.open(run)
        reopened.restore(reopened.best)

        history = [kept.commit for kept in reopened.log(10_000)]
        assert set(announced[:-1]) <= set(history)
        assert reopened.work_folder.joinpath("train.py").read_text() == reopened.source("train.py", reopened.best)
    assert git(run / "repo.git", "fsck", "--strict", "--no-dangling") == ""


def test_a_reader_leaves_the_locks_of_the_engine_alone(workspace: Workspace, run: Path) -> None:
    lock = run / "repo.git" / "packed-refs.lock"
    lock.write_text("")

    Workspace.look(run).close()

    assert lock.exists()


def test_a_folder_without_a_run_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no repository"):
        Workspace.open(tmp_path)


# --- commits


def test_a_commit_built_twice_is_one_commit(workspace: Workspace) -> None:
    first, second = (
        workspace.build_commit({"train.py": BETTER}, workspace.base, "Halve alpha", TRAILERS, when=2000)
        for _ in range(2)
    )

    assert first == second
    assert workspace.source("train.py", first) == BETTER
    assert workspace.source("evaluate.py", first) == EVALUATE
    assert workspace.best == workspace.base


def test_modes_survive_a_commit(tmp_path: Path, run: Path) -> None:
    workspace = begin(run, task_in(tmp_path / "task"), editable=("run.sh",))

    workspace.restore(workspace.build_commit({"run.sh": "#!/bin/bash\n"}, workspace.base, "m", TRAILERS, when=1))

    assert files(workspace.work_folder)["run.sh"] == (0o755, b"#!/bin/bash\n")


def test_history_tells_what_was_measured(workspace: Workspace) -> None:
    commit = workspace.build_commit({"train.py": BETTER}, workspace.base, "Halve alpha\n\nWhy.", TRAILERS, when=2000)
    workspace.advance(commit, workspace.base)

    newest, base = workspace.log()

    assert (newest.commit, newest.subject, newest.when, newest.trailers) == (commit, "Halve alpha", 2000, TRAILERS)
    assert (base.commit, base.trailers) == (workspace.base, {})


def test_the_words_of_an_agent_forge_no_trailer(workspace: Workspace) -> None:
    words = "Faster\x1b[2J\r\0\n\nApproved-By: mallory"
    trailers = {"Loopwatch-Experiment": "1", "Loopwatch-Claim": "x\nApproved-By: mallory"}
    workspace.advance(workspace.build_commit({}, workspace.base, words, trailers, when=1), workspace.base)

    newest = workspace.log(1)[0]

    assert newest.subject == "Faster [2J"
    assert newest.trailers == {"Loopwatch-Experiment": "1", "Loopwatch-Claim": "x Approved-By: mallory"}


def test_a_commit_only_writes_editable_files(workspace: Workspace) -> None:
    for path in ("evaluate.py", "../outside.py", "new.py", ".git/config"):
        with pytest.raises(EditRefused, match="may not be changed"):
            workspace.write({path: "x = 1\n"}, workspace.base)


def test_an_editable_folder_takes_new_files_but_no_file_becomes_a_folder(tmp_path: Path, run: Path) -> None:
    task = task_in(tmp_path / "task")
    (task / "model").mkdir()
    (task / "model" / "a").write_text("text\n")
    (task / "model" / "weights").write_bytes(b"\xff")
    workspace = begin(run, task, editable=("train.py", "model/"))

    commit = workspace.build_commit({"model/b/c.py": "x = 1\n"}, workspace.base, "m", TRAILERS, when=1)

    assert set(workspace.sources(commit)) == {"train.py", "model/a", "model/b/c.py"}
    with pytest.raises(EditRefused, match="model/a is in its place"):
        workspace.write({"model/a/b.py": "x = 1\n"}, workspace.base)
    with pytest.raises(EditRefused, match=r"model/b/c\.py is in its place"):
        workspace.write({"model/b": "x = 1\n"}, commit)


def test_the_branch_moves_once_and_only_forward(workspace: Workspace) -> None:
    base = workspace.base
    one = workspace.build_commit({"train.py": BETTER}, base, "one", TRAILERS, when=1)
    two = workspace.build_commit({"train.py": TRAIN}, one, "two", TRAILERS, when=2)

    workspace.advance(one, base)
    workspace.advance(one, base)

    assert workspace.best == one
    with pytest.raises(WorkspaceError, match="not at"):
        workspace.advance(two, base)
    with pytest.raises(WorkspaceError, match="only grows"):
        workspace.advance(base, one)
    with pytest.raises(WorkspaceError, match="no commit of this run"):
        workspace.advance("f" * 40, one)


def test_what_was_not_kept_is_remembered(workspace: Workspace) -> None:
    commit = workspace.build_commit({"train.py": BETTER}, workspace.base, "one", TRAILERS, when=1)

    workspace.remember(7, commit)
    workspace.remember(7, commit)

    assert workspace.recall(7) == commit
    assert workspace.recall(8) is None
    assert workspace.best == workspace.base


def test_the_difference_of_two_commits_is_a_diff_of_the_task(user: Path, run: Path) -> None:
    workspace = begin(run, user / "research" / "sine", use_repository=True)
    commit = workspace.build_commit({"train.py": BETTER}, workspace.base, "one", TRAILERS, when=1)

    diff = workspace.diff(workspace.base, commit)

    assert edits.apply(edits.parse(diff), workspace.sources(workspace.base)) == {"train.py": BETTER}
    assert workspace.diff(commit, commit) == ""


# --- folders


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


def test_nothing_planted_in_the_working_folder_is_run(workspace: Workspace, tmp_path: Path, run: Path) -> None:
    mark, folder = tmp_path / "mark", workspace.work_folder
    git(folder, "init", "-q")
    program = plant(folder / "evil.sh", mark)
    for hook in ("post-commit", "pre-commit", "post-checkout", "reference-transaction", "post-index-change"):
        plant(folder / ".git" / "hooks" / hook, mark)
    for key in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "core.hooksPath", "diff.external"):
        git(folder, "config", key, str(program))
    (folder / ".gitattributes").write_text("* filter=evil\n")
    mark.unlink(missing_ok=True)

    commit = workspace.build_commit({"train.py": BETTER}, workspace.base, "one", TRAILERS, when=1)
    workspace.advance(commit, workspace.base)
    workspace.diff(workspace.base, commit)
    workspace.tampered(folder)
    workspace.restore(commit)

    assert not mark.exists()
    assert set(files(folder)) == {"train.py", "evaluate.py", "task.toml", "run.sh"}
    assert (folder / "train.py").read_text() == BETTER


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


def test_a_file_whose_name_cannot_be_shown_is_refused(tmp_path: Path, run: Path) -> None:
    task = task_in(tmp_path / "task")
    (task / "a\x1b[2Jb").write_text("x")

    with pytest.raises(UserError, match="rename the file"):
        begin(run, task)
