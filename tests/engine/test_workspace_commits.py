"""The run's own repository: its commits, its one branch, and what a killed engine leaves in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from loopwatch.engine.editing import edits
from loopwatch.engine.errors import EditRefused, WorkspaceError
from loopwatch.engine.repository.workspace import Workspace

from .repositories import EVALUATE, TRAIN, git, task_in
from .workspaces import BETTER, TRAILERS, begin, files


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


@pytest.mark.parametrize("name", ["model/LAYERS/new.py", "model/Weights"])
def test_a_new_file_is_no_second_name_of_one_that_is_there(tmp_path: Path, run: Path, name: str) -> None:
    task = task_in(tmp_path / "task")
    (task / "model" / "layers").mkdir(parents=True)
    (task / "model" / "layers" / "a.py").write_text("x = 1\n")
    (task / "model" / "weights").write_bytes(b"\xff")
    workspace = begin(run, task, editable=("train.py", "model/"))

    with pytest.raises(EditRefused, match="on some file systems it is the same as model/"):
        workspace.check([name], workspace.base)


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
from loopwatch.engine.repository.workspace import Workspace
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
