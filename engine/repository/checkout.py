"""A folder made byte-identical to a tree of files, whatever an experiment left in it.

Covered: wrong content and modes, extra files, planted links and repositories, folders without permissions or
deeper than a path can be long, hard links to elsewhere. A link is replaced, never followed.
Not covered: a process that is still writing there; the runner has ended the whole process tree before.

Knows no git but the way it hashes a file.
"""

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LINK = 0o120000
IMPORTABLE = (".py", ".pyc", ".pyd", ".so", ".dylib", ".pth", ".zip", ".egg")
"""What Python might load by itself if it lies next to a program."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a link as git keeps it."""

    mode: int
    blob: str
    size: int


Tree = Mapping[str, Entry]
"""Paths from the root, with /."""


def restore(folder: Path, tree: Tree, read: Callable[[str], bytes]) -> None:
    """Make `folder` hold exactly `tree`; `read` gives a blob's bytes. Repeatable after being interrupted."""
    trash = folder.with_name(f"{folder.name}.trash")
    trash.mkdir(mode=0o700, exist_ok=True)
    inner = _folders(tree)
    for name in sorted(inner):  # a parent sorts before its children
        place = folder / name
        _make_folder(place, trash)
        for found in list(os.scandir(place)):
            path = f"{name}/{found.name}".removeprefix("/")
            if path not in tree and path not in inner:
                _discard(Path(found.path), trash)
    for path, entry in tree.items():
        if not _is_exact(folder / path, entry):
            _discard(folder / path, trash)
            _write(folder / path, entry, read(entry.blob))
    _empty(trash)
    trash.rmdir()


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, or whatever else lies there."""
    trash = folder.with_name(f"{folder.name}.trash")
    trash.mkdir(mode=0o700, exist_ok=True)
    _discard(folder, trash)
    _empty(trash)
    trash.rmdir()


def differing(folder: Path, tree: Tree, paths: Iterable[str]) -> list[str]:
    """Those of `paths` that are missing, changed or replaced by something else, or lie behind a link."""
    return [path for path in paths if not _is_behind_folders(folder, path) or not _holds(folder / path, tree[path])]


def importable_extras(folder: Path, tree: Tree) -> list[str]:
    """What is in `folder`, but not in `tree`, and Python could import: modules, links, and any folder."""
    inner = _folders(tree)
    extras = []
    for name in sorted(inner):
        if not _is_folder(folder / name):
            continue
        for found in list(os.scandir(folder / name)):
            path = f"{name}/{found.name}".removeprefix("/")
            loadable = found.is_dir() or found.is_symlink() or found.name.endswith(IMPORTABLE)
            if loadable and path not in tree and path not in inner:
                extras.append(path)
    return sorted(extras)


def read_regular(path: Path) -> bytes | None:
    """The bytes of a regular file; None for anything else. A link is not followed."""
    if not stat.S_ISREG(_mode(path)):
        return None
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()


def digest(path: Path) -> str:
    """SHA-256 of a regular file; "" for anything else. A link is not followed."""
    if not stat.S_ISREG(_mode(path)):
        return ""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def blob_hash(data: bytes) -> str:
    """The name that git gives to these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _folders(tree: Tree) -> set[str]:
    """Every folder that the tree needs; the root is ""."""
    found = {""}
    for path in tree:
        while (path := path.rpartition("/")[0]) not in found:
            found.add(path)
    return found


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return 0


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(_mode(path))


def _is_behind_folders(folder: Path, path: str) -> bool:
    parts = path.split("/")
    return all(_is_folder(folder.joinpath(*parts[:depth])) for depth in range(len(parts)))


def _holds(path: Path, entry: Entry) -> bool:
    """Whether the content is right; modes do not count."""
    mode = _mode(path)
    if entry.mode == LINK:
        return stat.S_ISLNK(mode) and blob_hash(os.fsencode(path.readlink())) == entry.blob
    if not stat.S_ISREG(mode) or os.lstat(path).st_size != entry.size:
        return False
    try:
        return blob_hash(read_regular(path) or b"") == entry.blob
    except PermissionError:
        return False


def _is_exact(path: Path, entry: Entry) -> bool:
    if entry.mode == LINK:
        return _holds(path, entry)
    if not stat.S_ISREG(_mode(path)):
        return False
    info = os.lstat(path)
    # A second name for the file may lie anywhere: whoever writes to one writes to both.
    return stat.S_IMODE(info.st_mode) == entry.mode & 0o777 and info.st_nlink == 1 and _holds(path, entry)


def _make_folder(path: Path, trash: Path) -> None:
    if not _is_folder(path):
        _discard(path, trash)
        path.mkdir(parents=True)
    path.chmod(0o755)


def _write(path: Path, entry: Entry, data: bytes) -> None:
    if entry.mode == LINK:
        path.symlink_to(os.fsdecode(data))
        return
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), entry.mode & 0o777)


def _discard(path: Path, trash: Path) -> None:
    """Unlink a file; move a folder into the trash."""
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        path.chmod(0o700)  # without it a folder cannot be moved
        path.rename(trash / secrets.token_hex(8))
    elif mode:
        path.unlink()


def _empty(trash: Path) -> None:
    """Empty each folder into the trash itself: flat, so that no depth exhausts the stack or a path."""
    while folders := list(trash.iterdir()):
        for folder in folders:
            folder.chmod(0o700)
            for found in list(folder.iterdir()):
                _discard(found, trash)
            folder.rmdir()
