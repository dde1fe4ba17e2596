"""Where a run begins: its base commit, from a user's repository or from a plain folder.

A user's repository is only read: its HEAD commit is copied object by object, and none of its hooks, filters or
settings runs. Its history before HEAD stays where it is; the copy is shallow.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, FileStatus

from ..editing.edits import permits
from ..errors import RepositoryError, TaskError, UserError
from .checkout import LINK, Entry

FOLDER_BYTES = 256 * 1024**2
REPOSITORY_BYTES = 1024**3
FILES = 50_000

Repository = pygit2.Repository

_PLAIN_MODES = {0o100664: 0o100644}
"""As trees made long ago have them."""


def signature(when: int) -> pygit2.Signature:
    """Who every commit of ours is by; `when` in seconds since 1970, UTC."""
    return pygit2.Signature("loopwatch", "loopwatch@localhost", when, 0)


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit that a run begins at."""

    commit: str
    folder: str
    """The task within the commit, "" when it is the whole of it."""
    repository: Path | None = None
    """The user's repository, None for a plain folder."""
    warnings: tuple[str, ...] = ()


def begin(store: Repository, source: Path, *, use_repository: bool, when: int) -> Origin:
    """Bring the base commit into `store`; UserError says what has to change in the source."""
    source = source.resolve()
    if not source.is_dir():
        raise TaskError(f"{source} is not a folder")
    found = pygit2.discover_repository(str(source)) if use_repository else None
    if not found:
        return Origin(_commit_folder(store, source, when), "")
    try:
        return _begin_in_repository(store, source, Repository(found), when)
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise RepositoryError(
            f"{found} cannot be read: {error}; a partial clone needs its files first (git fetch --refetch), "
            "or run the task as a plain folder"
        ) from None


def read_tree(store: Repository, tree: pygit2.Tree) -> dict[str, Entry]:
    """All files of a tree, and the links that stay inside it."""
    return {path: entry for path, entry in _entries(store, tree) if not _escapes(store, path, entry)}


def check_files(store: Repository, begun: Origin, editable: Sequence[str], frozen: Sequence[str]) -> None:
    """TaskError unless every named file is in the base commit, in one list only, and editable ones are text."""
    tree = {path: entry for path, entry in _task_entries(store, begun).items() if entry.mode != LINK}
    hint = f"; in {begun.repository}: git add it, then git commit" if begun.repository else ""
    for kind, names in (("editable", editable), ("frozen", frozen)):
        for name in names:
            if not any(permits(path, [name]) for path in tree):
                raise TaskError(f"{kind}: {name} is no file of the base commit{hint}")
    for path, entry in tree.items():
        if permits(path, editable) and permits(path, frozen):
            raise TaskError(f"{path} is both editable and frozen; leave it in one of the two lists")
        if path in editable and not _is_text(store[entry.blob].read_raw()):
            raise TaskError(f"editable: {path} is not UTF-8 text")


def _task_entries(store: Repository, begun: Origin) -> dict[str, Entry]:
    inside = f"{begun.folder}/" if begun.folder else ""
    tree = read_tree(store, store[begun.commit].peel(pygit2.Tree))
    return {path.removeprefix(inside): entry for path, entry in tree.items() if path.startswith(inside)}


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _begin_in_repository(store: Repository, source: Path, user: Repository, when: int) -> Origin:
    if user.is_bare or not user.workdir:
        raise RepositoryError(f"{user.path} is a bare repository; clone it (git clone {user.path}) and use the clone")
    root = Path(user.workdir).resolve()
    folder = "" if source == root else source.relative_to(root).as_posix()
    absent = _why_absent(user, folder)
    if absent:
        note = f"{absent}, so it is taken as a plain folder; commit it to have kept changes published there"
        return Origin(_commit_folder(store, source, when), "", None, (note,))
    commit = user.head.peel(pygit2.Commit)
    _check_repository_size(user, commit.tree)
    _copy_commit(store, user, commit)
    return Origin(str(commit.id), folder, root, tuple(_warnings(user, commit.tree, folder)))


def _why_absent(user: Repository, folder: str) -> str:
    if user.head_is_unborn:
        return f"{user.workdir} has no commit yet"
    if folder and folder not in user.head.peel(pygit2.Tree):
        return f"{folder} is not in the HEAD commit of {user.workdir}"
    return ""


def _copy_commit(store: Repository, user: Repository, commit: pygit2.Commit) -> None:
    pack = pygit2.PackBuilder(user)
    pack.set_threads(1)
    pack.add_recur(commit.id)
    pack.write(str(Path(store.path, "objects", "pack")))
    # Not parent_ids: of a commit where the user's own clone is shallow, libgit2 says that it has none.
    if b"\nparent " in commit.read_raw().partition(b"\n\n")[0]:
        Path(store.path, "shallow").write_text(f"{commit.id}\n", encoding="ascii")


def _check_repository_size(user: Repository, tree: pygit2.Tree) -> None:
    files = [(entry.size, path) for path, entry in _entries(user, tree)]
    total = sum(size for size, _ in files)
    if total > REPOSITORY_BYTES or len(files) > FILES:
        raise RepositoryError(
            f"{user.workdir} has {len(files):,} files with {total:,} bytes ({_largest(files)}); at most "
            f"{FILES:,} with {REPOSITORY_BYTES:,} are copied for a run; run the task as a plain folder"
        )


def _warnings(user: Repository, tree: pygit2.Tree, folder: str) -> Iterator[str]:
    inside = f"{folder}/" if folder else ""
    changed: list[str] = []
    untracked: list[str] = []
    for path, status in user.status().items():
        if path.startswith(inside):
            (untracked if status == FileStatus.WT_NEW else changed).append(path)
    if changed:
        yield f"not part of the run: uncommitted changes in {_some(changed)}; to include them: git commit -a"
    if untracked:
        yield f"not part of the run: untracked {_some(untracked)}; to include them: git add, then git commit"
    if modules := [path for path, item in _raw_entries(tree) if item.filemode == FileMode.COMMIT]:
        yield f"not part of the run: submodules ({_some(modules)}); their folders will be missing"
    entries = dict(_entries(user, tree))
    if links := [path for path, entry in entries.items() if _escapes(user, path, entry)]:
        yield f"not part of the run: links that lead out of the repository ({_some(links)})"
    for path, entry in entries.items():
        if path.rpartition("/")[2] == ".gitattributes":
            yield from _filter_warnings(path, user[entry.blob].read_raw())


def _filter_warnings(path: str, attributes: bytes) -> Iterator[str]:
    for name in sorted(set(re.findall(r"\bfilter=([\w.-]+)", attributes.decode("utf-8", "replace")))):
        what = "Git LFS" if name == "lfs" else f"the filter {name!r}"
        yield (
            f"{path} asks for {what}, which is not run here: the run sees those files as git stores them "
            "(for LFS a short pointer), not as they are in your folder"
        )


def _commit_folder(store: Repository, source: Path, when: int) -> str:
    """A first commit from the bytes of the folder's files; no hidden folders, caches and environments."""
    files = sorted(_files(source))
    sizes = [(os.lstat(source / name).st_size, name) for name in files]
    total = sum(size for size, _ in sizes)
    if total > FOLDER_BYTES or len(files) > FILES:
        raise TaskError(
            f"{source} has {len(files):,} files with {total:,} bytes ({_largest(sizes)}); at most {FILES:,} "
            f"with {FOLDER_BYTES:,} belong to a task; keep data elsewhere, for the prepare command to fetch"
        )
    index = pygit2.Index()
    for name in files:
        blob = store.create_blob(_read(source / name))
        index.add(pygit2.IndexEntry(name, blob, _file_mode(source / name)))
    message = f"The task as it was given: {source.name}\n"
    return str(store.create_commit(None, signature(when), signature(when), message, index.write_tree(store), []))


def _files(source: Path) -> Iterator[str]:
    for name, folders, files in os.walk(source):
        here = Path(name)
        folders[:] = [folder for folder in folders if not _is_left_out(here / folder)]
        for entry in [*folders, *files]:
            path = here / entry
            mode = os.lstat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                kind = "a link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
                raise TaskError(f"{path} is {kind}; a task holds files only: put the file itself there")
            if stat.S_ISREG(mode) and not entry.endswith(".pyc") and entry != ".DS_Store":
                yield _printable(path.relative_to(source).as_posix())


def _is_left_out(folder: Path) -> bool:
    hidden = folder.name.startswith(".") or folder.name == "__pycache__"
    return hidden or (folder / "pyvenv.cfg").exists()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TaskError(f"{path} cannot be read: {error.strerror}") from None


def _file_mode(path: Path) -> FileMode:
    return FileMode.BLOB_EXECUTABLE if os.lstat(path).st_mode & 0o100 else FileMode.BLOB


def _raw_entries(tree: pygit2.Tree, inside: str = "") -> Iterator[tuple[str, pygit2.Object]]:
    """Every entry that is not a folder, with its path."""
    for item in tree:
        name = _printable((item.raw_name or b"").decode("utf-8", "surrogateescape"))
        if name in ("", ".", "..") or name.casefold() == ".git" or "/" in name:
            raise RepositoryError(f"the commit holds a file named {name!a} in {inside!a}; no checkout can have that")
        if isinstance(item, pygit2.Tree):
            yield from _raw_entries(item, f"{inside}{name}/")
        else:
            yield f"{inside}{name}", item


def _entries(repository: Repository, tree: pygit2.Tree) -> Iterator[tuple[str, Entry]]:
    for path, item in _raw_entries(tree):
        if item.filemode != FileMode.COMMIT:
            size = repository.odb.read_header(item.id)[1]
            yield path, Entry(_PLAIN_MODES.get(item.filemode, item.filemode), str(item.id), size)


def _escapes(repository: Repository, path: str, entry: Entry) -> bool:
    """Whether this is a link out of the tree: absolute, with too many `..`, or with `..` further on."""
    if entry.mode != LINK:
        return False
    target = repository[entry.blob].read_raw()
    parts = target.split(b"/")
    ups = next((at for at, part in enumerate(parts) if part != b".."), len(parts))
    return not target or target.startswith(b"/") or b"\0" in target or b".." in parts[ups:] or ups > path.count("/")


def _printable(path: str) -> str:
    if not path.isprintable():
        raise UserError(f"the file name {path!a} cannot be shown; rename the file")
    return path


def _largest(files: list[tuple[int, str]]) -> str:
    return "largest: " + ", ".join(f"{name} {size:,}" for size, name in sorted(files, reverse=True)[:3])


def _some(paths: list[str]) -> str:
    shown = ", ".join(sorted(paths)[:5])
    return shown if len(paths) <= 5 else f"{shown} and {len(paths) - 5} more"
