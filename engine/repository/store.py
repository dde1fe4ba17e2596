"""A run's repository as it lies on the disk: read byte by byte, and doubted. For whoever compares it with the ledger.

Covered: refs, commits and what each changed, and every stored object against its own name. Not covered: whether any of it is right.
Nothing is written, and nothing that lies there is run.
"""

import hashlib
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pygit2

from ..errors import WorkspaceError
from .trailers import trailers_of

_TYPES = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_REF = re.compile(rb"([0-9a-f]{40})\n")
_PACKED = re.compile(r"([0-9a-f]{40}) (refs/\S+)")
_HEADER = b"\x78\x01"
"""What libgit2 begins each file with."""
_PADDING = -5
"""The last byte of compressed data, before its checksum: bits that are not used there are zero."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as it was made."""

    hash: str
    parents: tuple[str, ...]
    message: str
    trailers: dict[str, str]
    when: int
    by: str


@dataclass(frozen=True, slots=True)
class Change:
    """A file that is not in a commit as it is in the parent."""

    blob: str
    """"" when it is gone."""
    mode: int
    mode_before: int
    """0 for a new file."""


@contextmanager
def doubted(what: str) -> Iterator[None]:
    """WorkspaceError in place of whatever git's library says when it reads something that is not whole."""
    try:
        yield
    except (pygit2.GitError, LookupError, ValueError, OSError) as error:
        raise WorkspaceError(f"{what} cannot be read: {error}") from None


class Store:
    """`RUN/repo.git`, to read."""

    def __init__(self, run_dir: Path) -> None:
        """WorkspaceError when there is none."""
        self._folder = run_dir / "repo.git"
        with doubted("the repository"):
            self._repository = pygit2.Repository(str(self._folder))

    def refs(self) -> dict[str, str]:
        """Every ref with the commit that it names; "" where the file holds anything else than that."""
        found: dict[str, str] = {}
        packed = self._folder / "packed-refs"
        if packed.exists():
            lines = packed.read_text(encoding="utf-8", errors="replace").splitlines()
            found = {match[2]: match[1] for line in lines if (match := _PACKED.fullmatch(line))}
        for file in sorted((self._folder / "refs").rglob("*")):
            if file.is_file() and file.suffix != ".lock":
                exact = _REF.fullmatch(file.read_bytes())
                found[str(file.relative_to(self._folder))] = exact[1].decode() if exact else ""
        return found

    def commit(self, hash_: str) -> Commit:
        """WorkspaceError when it is not there, or not whole."""
        made = self._commit(hash_)
        with doubted(f"commit {hash_[:12]}"):
            by = f"{made.author.name} <{made.author.email}>"
            parents, message = tuple(str(parent) for parent in made.parent_ids), made.message
            return Commit(hash_, parents, message, trailers_of(message), made.commit_time, by)

    def changes(self, before: str, after: str) -> dict[str, Change]:
        """What differs between two commits, by path."""
        with doubted(f"what commit {after[:12]} changes in {before[:12]}"):
            found = self._commit(before).tree.diff_to_tree(self._commit(after).tree)
            return {
                delta.new_file.path: Change(
                    "" if delta.status_char() == "D" else str(delta.new_file.id),
                    delta.new_file.mode,
                    0 if delta.status_char() == "A" else delta.old_file.mode,
                )
                for delta in found.deltas
            }

    def objects(self) -> list[str]:
        """The names of everything that is stored."""
        return sorted(str(name) for name in self._repository)

    def unsound(self, name: str) -> str:
        """What is wrong with a stored object; "" when it is whole."""
        try:
            with doubted(f"object {name[:12]}"):
                kind, data = self._repository.odb.read(name)
        except WorkspaceError as error:
            return str(error)
        words = b"%s %d\0" % (_TYPES[kind], len(data))
        if hashlib.sha1(words + data, usedforsecurity=False).hexdigest() != name:
            return f"object {name[:12]} holds something else than its name says"
        loose = self._folder / "objects" / name[:2] / name[2:]
        if loose.exists() and not _is_as_written(loose.read_bytes()):
            return f"the file of object {name[:12]} was changed; what it holds is still what it held"
        return ""

    def unsound_packs(self) -> Iterator[str]:
        """What is wrong with packs of objects, each of which ends with the hash of all before it."""
        for file in sorted((self._folder / "objects" / "pack").glob("pack-*.[pi][ad][cx]*")):
            data = file.read_bytes()
            if hashlib.sha1(data[:-20], usedforsecurity=False).digest() != data[-20:]:
                yield f"{file.name} was changed"

    def close(self) -> None:
        """Let go of its files."""
        self._repository.free()

    def _commit(self, hash_: str) -> pygit2.Commit:
        with doubted(f"commit {hash_[:12]}"):
            found = self._repository.get(hash_) if re.fullmatch(r"[0-9a-f]{40}", hash_) else None
        if not isinstance(found, pygit2.Commit):
            raise WorkspaceError(f"commit {hash_[:12]} is not in the repository")
        return found


def _is_as_written(file: bytes) -> bool:
    """Whether compressed data has no other bytes than its writer gave it, where another byte would mean the same."""
    if not file.startswith(_HEADER):
        return False
    last = file[_PADDING]
    without = last & ~(1 << (last.bit_length() - 1)) if last else 0
    if without == last:
        return True
    try:
        other = zlib.decompressobj()
        meant = other.decompress(file[:_PADDING] + bytes([without]) + file[_PADDING + 1 :])
        return not (other.eof and meant)
    except zlib.error:
        return True
