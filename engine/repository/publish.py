"""Kept commits, brought to the user's own repository as a branch of its own.

The user's checkout, HEAD, index and other branches stay untouched, and none of their hooks runs. A branch
that somebody else made under that name is never overwritten. What an experiment left in a folder of the run is not looked at: only
commits are brought, and those the engine built. Filters that the user set up may run when their own files are compared.
Not covered: pushing to a server, and merging; that is the user's to do.

The one place that uses the git program (through GitPython): what is the user's is written by the user's git.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RepositoryError
from .workspace import Workspace

if TYPE_CHECKING:
    import git

_QUIET = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
]
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}


def publish(run_dir: Path, user_repo: Path, branch: str | None = None) -> str:
    """Make or advance `branch` (default: loopwatch/RUN) in the user's repository to the last kept commit.

    Returns that commit. RepositoryError says why not: no git program, no repository, a branch of that name
    that did not come from this run, or one that is checked out.
    """
    workspace = Workspace.look(run_dir)
    try:
        branch = (branch or workspace.branch).removeprefix("refs/heads/")
        kept, target = workspace.best, f"refs/heads/{branch}"
        with _opened(user_repo) as user:
            there = _target(user, target)
            if there == kept:
                return kept
            if there and not workspace.comes_after(kept, there):
                raise RepositoryError(
                    f"{user_repo} has a branch {branch} at {there[:12]} that this run did not make; "
                    "publish under another name, or rename that branch: git branch -m"
                )
            _check_not_checked_out(user, branch, target)
            with _anchored(user, workspace):
                _fetch(user, run_dir / "repo.git", kept, target)
            # Git can refuse a ref and still say that all went well.
            if _target(user, target) != kept:
                raise RepositoryError(f"git did not accept {branch} in {user_repo}; nothing was changed; try git fsck")
            return kept
    finally:
        workspace.close()


def uncommitted(user_repo: Path, folder: str = "") -> tuple[str, ...]:
    """Files under `folder` (relative to the repository's root) that are untracked or not committed."""
    with _opened(user_repo) as user:
        out = _git(
            user,
            "status",
            "--porcelain=v1",
            "-z",
            "--no-renames",
            "--untracked-files=all",
            "--",
            folder or ".",
        )
    return tuple(sorted(line[3:] for line in out.split("\0") if line))


def _opened(user_repo: Path) -> "git.Repo":
    try:
        import git
    except ImportError:
        raise RepositoryError(
            "the git program is not installed or not on PATH; install it (Debian: apt install git, macOS: "
            "xcode-select --install) and publish again; the run keeps its commits until then"
        ) from None
    try:
        return git.Repo(user_repo, search_parent_directories=True)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError):
        raise RepositoryError(f"{user_repo} is in no git repository; make one there: git init") from None


def _git(user: "git.Repo", *arguments: str) -> str:
    import git

    command = [git.Git.GIT_PYTHON_GIT_EXECUTABLE or "git", *_QUIET, *arguments]
    try:
        out = git.Git(user.working_tree_dir or user.git_dir).execute(
            command, env=_ENVIRONMENT, strip_newline_in_stdout=False
        )
    except git.GitCommandError as error:
        reason = str(error.stderr).strip().removeprefix("stderr:").strip(" '\n")
        raise RepositoryError(f"git {arguments[0]} in {user.git_dir} failed: {reason[:500]}") from None
    return str(out)


def _target(user: "git.Repo", ref: str) -> str:
    """The commit that a ref points to, "" when there is none."""
    return _git(user, "for-each-ref", "--format=%(objectname)", ref).strip()


def _check_not_checked_out(user: "git.Repo", branch: str, target: str) -> None:
    if f"branch {target}" in _git(user, "worktree", "list", "--porcelain").split("\n"):
        raise RepositoryError(f"{branch} is checked out; switch away from it (git switch -) and publish again")


@contextmanager
def _anchored(user: "git.Repo", workspace: Workspace) -> Iterator[None]:
    """A ref at the run's base while it is fetched, should the user's own have moved on (an amended commit).

    The run's repository begins at the base, and git joins it only to a commit that some ref leads to.
    """
    base = workspace.base
    if not workspace.is_shallow or _reached(user, base):
        yield
        return
    anchor = f"refs/loopwatch/base/{base}"
    _git(user, "update-ref", anchor, base)
    try:
        yield
    finally:
        _git(user, "update-ref", "-d", anchor)


def _reached(user: "git.Repo", base: str) -> bool:
    try:
        return bool(_git(user, "for-each-ref", "--count=1", f"--contains={base}"))
    except RepositoryError:
        raise RepositoryError(
            f"{user.git_dir} does not have the commit {base[:12]} that the run began at; publish to the repository "
            "that the run began in, or fetch that commit first"
        ) from None


def _fetch(user: "git.Repo", store: Path, kept: str, target: str) -> None:
    # No + before the refspec: git itself refuses what is no fast-forward, should the branch move meanwhile.
    _git(
        user,
        "-c", "protocol.file.allow=always", "-c", "protocol.version=2",
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
        "--no-auto-maintenance",
        os.fspath(store.resolve()), f"{kept}:{target}",
    )  # fmt: skip
