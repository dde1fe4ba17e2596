"""Runs on a task in somebody's git repository: a branch appears there, and nothing else changes."""

import os
from pathlib import Path

import pytest

from loopwatch.engine.events import RunOpened, Warned
from tests.engine.repositories import git, snapshot

from .story import Story, change


def _repository(story: Story) -> Path:
    """A repository with the tiny task in research/tiny, work in progress, and a hook that would leave a mark."""
    root = story.folder / "mine"
    story.task = root / "research" / "tiny"
    story.make_task()
    (root / "README").write_text("mine\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "begin")
    (root / "README").write_text("mine, changed\n")
    (root / "staged").write_text("staged\n")
    git(root, "add", "staged")
    (root / "untracked").write_text("untracked\n")
    for name in ("reference-transaction", "post-checkout", "post-commit"):
        hook = root / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {story.folder}/hooked\n")
        hook.chmod(0o755)
    return root


def test_in_a_users_repository_a_branch_appears_and_nothing_else_changes(story: Story) -> None:
    root = _repository(story)
    index, head, status = (
        (root / ".git" / "index").read_bytes(),
        git(root, "rev-parse", "HEAD"),
        git(root, "status", "-s"),
    )
    before = {name: what for name, what in snapshot(root).items() if not name.startswith(".git/")}

    story.begin([change(2.0), change(1.0), change(3.0)], stop={"experiments": 4})
    story.ends()

    branch = f"loopwatch/{story.run.name}"
    assert {name: what for name, what in snapshot(root).items() if not name.startswith(".git/")} == before
    assert (root / ".git" / "index").read_bytes() == index
    assert git(root, "rev-parse", "HEAD") == head
    assert git(root, "status", "-s") == status
    assert git(root, "branch", "--format=%(refname:short)").split() == [branch, "main"]
    assert git(root, "log", "--format=%s", branch).splitlines() == [
        "a score of 3.0",
        "a score of 2.0",
        "baseline",
        "begin",
    ]
    trailers = git(root, "log", "-3", "--format=%(trailers:key=Loopwatch-Experiment,valueonly,separator=%x2C)", branch)
    assert trailers.split() == ["4", "2", "1"]
    assert git(root, "diff", "--stat=200", "main", branch).splitlines()[0].split() == [
        "research/tiny/train.py",
        "|",
        "2",
        "+-",
    ]
    git(root, "fsck", "--strict")
    assert not (story.folder / "hooked").exists()
    assert story.all(RunOpened)[0].repository == str(root)
    assert not story.all(Warned, once="")


def test_uncommitted_work_on_the_task_is_warned_about_and_not_part_of_the_run(story: Story) -> None:
    _repository(story)
    train = story.task / "train.py"
    train.write_text(train.read_text().replace("SCORE = 1.0", "SCORE = 7.0"))
    (story.task / "notes.txt").write_text("mine\n")
    story.begin([change(2.0)])

    story.ends()

    changed, untracked = (fact.text for fact in story.all(Warned, once=""))
    assert (
        changed == "not part of the run: uncommitted changes in research/tiny/train.py; to include them: git commit -a"
    )
    assert untracked.startswith("not part of the run: untracked research/tiny/notes.txt")
    assert story.trained[0] == "0001-1 1.0"


def test_a_repository_without_a_commit_is_taken_as_a_folder_and_that_is_said(story: Story) -> None:
    git(story.make_task(), "init", "-q")
    story.begin([change(2.0)])

    story.ends()

    assert story.verdicts[:2] == ["kept", "kept"]
    assert "has no commit yet, so it is taken as a plain folder" in story.all(Warned, once="")[0].text
    assert git(story.task, "branch", "-a") == ""


def test_a_branch_that_cannot_be_published_stops_nothing(story: Story) -> None:
    root = _repository(story)
    story.create([change(2.0)], stop={"experiments": 2})
    git(root, "branch", f"loopwatch/{story.run.name}")
    git(root, "worktree", "add", "-q", "../elsewhere", f"loopwatch/{story.run.name}")
    story.start()

    story.ends()

    assert story.verdicts == ["kept", "kept"]
    assert "is checked out; switch away from it" in story.all(Warned, once="")[-1].text


def test_without_the_git_program_a_run_goes_on_and_says_what_is_missing(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _repository(story)
    (story.folder / "bin").mkdir()
    for program in ("python3", "sh"):
        (story.folder / "bin" / program).symlink_to(f"/usr/bin/{program}")
    had = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(story.folder / "bin"))
    story.begin([change(2.0)], stop={"experiments": 2})
    story.ends()
    monkeypatch.setenv("PATH", had)

    assert story.verdicts == ["kept", "kept"]
    assert [fact.text for fact in story.all(Warned, once="")] == [
        "not published: the git program is not installed or not on PATH; install it (Debian: apt install git, macOS: "
        "xcode-select --install) and publish again; the run keeps its commits until then"
    ] * 2
    assert git(root, "branch", "--format=%(refname:short)").split() == ["main"]


def test_a_shipped_task_needs_no_git_program(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(story.folder))
    story.begin([], task="sine", stop={"hours": 1e-9})

    stopped = story.ends()

    assert stopped.because == "hours"
    assert story.all(RunOpened)[0].repository is None
    assert not story.all(Warned, once="")
