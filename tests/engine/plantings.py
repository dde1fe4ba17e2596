"""What an experiment can leave in its folder to make git run a program of its own."""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .repositories import git

HOOKS = (
    "post-commit", "pre-commit", "commit-msg", "post-checkout", "post-merge", "reference-transaction", "post-index-change",
    "post-update", "post-rewrite", "pre-auto-gc",
)  # fmt: skip


def hooks(folder: Path, program: Path) -> None:
    """Hooks of every kind."""
    _place_hooks(_repository(folder) / "hooks", program)


def hooks_path(folder: Path, program: Path) -> None:
    """Hooks in a folder that looks like any other."""
    _place_hooks(folder / "helpers", program)
    _set(folder, f"[core]\n\thooksPath = {folder}/helpers\n")


def fsmonitor(folder: Path, program: Path) -> None:
    """A program that is asked what has changed."""
    _set(folder, f"[core]\n\tfsmonitor = {program}\n")


def textconv(folder: Path, program: Path) -> None:
    """A program that makes files readable."""
    _set(folder, f'[diff "evil"]\n\ttextconv = {program}\n', "* diff=evil\n")


def diff_external(folder: Path, program: Path) -> None:
    """A program that shows differences."""
    _set(folder, f'[diff]\n\texternal = {program}\n[diff "evil"]\n\tcommand = {program}\n', "* diff=evil\n")


def filters(folder: Path, program: Path) -> None:
    """Programs that every file passes on its way in and out."""
    settings = f'[filter "evil"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n'
    _set(folder, settings, "* filter=evil\n")


def include(folder: Path, program: Path) -> None:
    """Settings that read further settings."""
    (folder / "notes.txt").write_text(f"[core]\n\tfsmonitor = {program}\n")
    _set(folder, f"[include]\n\tpath = {folder}/notes.txt\n")


def worktree_settings(folder: Path, program: Path) -> None:
    """Settings of one working folder."""
    _set(folder, "[extensions]\n\tworktreeConfig = true\n")
    (_repository(folder) / "config.worktree").write_text(f"[core]\n\tfsmonitor = {program}\n")


def common_folder(folder: Path, program: Path) -> None:
    """A repository whose settings are those of another one."""
    other = folder / ".common"
    shutil.copytree(_repository(folder), other)
    with open(other / "config", "a") as config:
        config.write(f"[core]\n\tfsmonitor = {program}\n")
    _place_hooks(other / "hooks", program)
    (folder / ".git" / "commondir").write_text("../.common\n")


def signing(folder: Path, program: Path) -> None:
    """A program that signs commits."""
    _set(folder, f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {program}\n[log]\n\tshowSignature = true\n")


def pager_and_editor(folder: Path, program: Path) -> None:
    """Programs that show, ask and log in."""
    _set(
        folder,
        f"[core]\n\tpager = {program}\n\teditor = {program}\n\tsshCommand = {program}\n\taskPass = {program}\n"
        f"[pager]\n\tlog = {program}\n\tdiff = {program}\n[sequence]\n\teditor = {program}\n[credential]\n\thelper = !{program}\n",
    )


def git_file(folder: Path, program: Path) -> None:
    """A `.git` file that leads to a repository elsewhere in the folder."""
    fsmonitor(folder, program)
    hooks(folder, program)
    (folder / ".git").rename(folder / ".elsewhere")
    (folder / ".git").write_text(f"gitdir: {folder}/.elsewhere\n")


def repository(folder: Path, program: Path) -> None:
    """A whole repository, with a history, an index, and settings of every kind."""
    for one in (hooks, fsmonitor, textconv, filters, signing):
        one(folder, program)
    (folder / ".git" / "info" / "attributes").write_text("* filter=evil diff=evil\n")


def nested(folder: Path, program: Path) -> None:
    """A repository in a folder inside, as a submodule that updates itself."""
    inner = folder / "vendor"
    inner.mkdir()
    (inner / "file").write_text("x")
    for one in (hooks, fsmonitor, filters):
        one(inner, program)
    (folder / ".gitmodules").write_text('[submodule "vendor"]\n\tpath = vendor\n\turl = ./vendor\n')
    _set(folder, f'[submodule "vendor"]\n\tupdate = !{program}\n')


PLANTINGS: dict[str, Callable[[Path, Path], None]] = {
    one.__name__: one
    for one in (
        hooks, hooks_path, fsmonitor, textconv, diff_external, filters, include, worktree_settings, common_folder, signing,
        pager_and_editor, git_file, repository, nested,
    )
}  # fmt: skip


def careless(folder: Path) -> None:
    """What a loop does that calls git in the folder where an experiment was at work."""
    (folder / "train.py").write_text("changed = 1\n")
    for words in (
        ("status", "--porcelain"), ("diff", "HEAD"), ("add", "-A"), ("commit", "-q"),
        ("commit", "-q", "-m", "more"), ("log", "-p", "-2"),
        ("checkout", "-q", "-f", "HEAD"), ("reset", "-q", "--hard"),
    ):  # fmt: skip
        with suppress(subprocess.CalledProcessError, UnicodeDecodeError):
            git(folder, *words)


def _repository(folder: Path) -> Path:
    """A repository in the folder, with a commit of what lies there."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "planted")
    return folder / ".git"


def _set(folder: Path, settings: str, attributes: str = "") -> None:
    with open(_repository(folder) / "config", "a") as config:
        config.write(settings)
    if attributes:
        (folder / ".gitattributes").write_text(attributes)


def _place_hooks(place: Path, program: Path) -> None:
    place.mkdir(exist_ok=True)
    for name in HOOKS:
        (place / name).unlink(missing_ok=True)
        (place / name).symlink_to(program)
