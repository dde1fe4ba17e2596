"""The engine's own files while an experiment runs: sealed before, looked at afterwards, and put back as they were.

Sealed are the run's repository without its objects (those are named by their hashes), its settings, and its data. In a sandbox
that works nothing of it can be reached; this is for those that are weaker, and for a sandbox that fails.
Not covered: the ledger, which is chained by hashes, and a process that still writes; the runner has ended the tree before.
"""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from ..events import Evidence
from ..repository import checkout

What = Literal["git data", "data", "engine's files"]
Stamp = tuple[int, int, int, int, int]
"""Of a file whose bytes are too many to keep: mode, place, size, and when content and inode changed. Nobody can set the last."""

CLOCK_SECONDS = 2.0
"""What a machine's clock may be off after an experiment, before somebody must have set it."""
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def clock() -> float:
    """The machine's clock against one that only runs forward, sleep included; it changes when somebody sets the first."""
    return time.time() - time.clock_gettime(_STEADY)


@dataclass(frozen=True, slots=True)
class Seal:
    """How things were before an experiment."""

    run_dir: Path
    kept: dict[Path, bytes]
    """Small files, with their bytes."""
    stamped: dict[Path, Stamp]

    @classmethod
    def of(cls, run_dir: Path) -> Self:
        """Look at a run's own files now."""
        kept = {path: data for path in _own(run_dir) if (data := _read(path)) is not None}
        stamped = {path: stamp for path in _data(run_dir) if (stamp := _stamp(path))}
        return cls(run_dir, kept, stamped)

    def broken(self) -> tuple[Evidence, ...]:
        """What is not as it was. Files that training adds to its public data are its own affair."""
        own = set(_own(self.run_dir)) | self.kept.keys()
        hidden = {path for path in _data(self.run_dir) if path.is_relative_to(self.run_dir / "data" / "hidden")}
        return (
            *(self._found(path) for path in sorted(own) if _read(path) != self.kept.get(path)),
            *(
                self._found(path)
                for path in sorted(self.stamped.keys() | hidden)
                if _stamp(path) != self.stamped.get(path)
            ),
        )

    def mend(self, found: tuple[Evidence, ...]) -> None:
        """Put back what was changed; data is made anew before the next experiment."""
        for evidence in found:
            path = self.run_dir / evidence.path
            if evidence.what == "data":
                (self.run_dir / "data" / "prepared").unlink(missing_ok=True)
                checkout.remove(self.run_dir / "data" / "hidden")
                continue
            checkout.remove(path)
            if path in self.kept:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.kept[path])

    def _found(self, path: Path) -> Evidence:
        name = str(path.relative_to(self.run_dir))
        what: What = (
            "git data" if name.startswith("repo.git") else "data" if name.startswith("data") else "engine's files"
        )
        return Evidence(what=what, path=name, digest=digest_of(path))


def digest_of(path: Path) -> str:
    """SHA-256 of what lies there; "" where there is no plain file that can be read."""
    try:
        return checkout.digest(path)
    except OSError:
        return ""


def _read(path: Path) -> bytes | None:
    try:
        return checkout.read_regular(path)
    except OSError:
        return None


def _own(run_dir: Path) -> Iterator[Path]:
    yield run_dir / "run.json"
    yield from _files(run_dir / "repo.git", {"objects"})


def _data(run_dir: Path) -> Iterator[Path]:
    for folder in ("hidden", "public"):
        yield from _files(run_dir / "data" / folder, set())


def _files(folder: Path, skipped: set[str]) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        if at == str(folder):
            folders[:] = [name for name in folders if name not in skipped]
        yield from (Path(at, name) for name in names)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    mode = stat.S_IFMT(found.st_mode)
    return mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
