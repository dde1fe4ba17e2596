"""What an experiment left, taken once: opened without trust, copied into a folder of the engine's own, hashed on the way.

Covered: links in any part of the path, pipes, devices and folders in a file's place, hard links, files too large or growing,
files older than the attempt. Not covered: what the bytes mean, which is for the evaluator to distrust, and a process that still
writes; the runner has ended the whole process tree before.
"""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..errors import ArtefactRefused

CHUNK_BYTES = 1 << 20
MAX_BYTES = 1 << 30
"""Of one artefact, where the task says nothing else."""

CLOCK_SECONDS = 2.0
"""File systems may stamp times so much coarser than the clock."""

# Opening a pipe must not wait for its writer, and opening a terminal must not make it ours.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file as the evaluator will see it."""

    name: str
    size: int
    digest: str
    """SHA-256 of its bytes."""


def take(out: Path, name: str, into: Path, *, max_bytes: int = MAX_BYTES, since: float | None = None) -> Artefact:
    """Copy `out`/`name` to `into`/`name`; ArtefactRefused says in one sentence why it is not taken.

    into   a folder that is the engine's own; the copy must not be there yet
    since  when the attempt began, in seconds since 1970: what the file system changed last before that is stale
    """
    source = _opened(out, name)
    try:
        found = os.fstat(source)
        _check(name, found, max_bytes, since)
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        size, digest = _copy(source, target, name, max_bytes)
        if size != found.st_size or os.fstat(source).st_ctime_ns != found.st_ctime_ns:
            raise ArtefactRefused(f"{name} changed while it was read")
    finally:
        os.close(source)
    return Artefact(name, size, digest)


def _opened(out: Path, name: str) -> int:
    *folders, file = name.split("/")
    try:
        at = os.open(out, _READ | os.O_DIRECTORY)
    except OSError as error:
        raise ArtefactRefused(f"the folder for what it saves cannot be read ({error.strerror})") from None
    try:
        for folder in folders:
            inner = os.open(folder, _READ | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = inner
        # Where a link, a socket or nothing stands, opening already fails.
        return os.open(file, _READ, dir_fd=at)
    except FileNotFoundError:
        raise ArtefactRefused(f"there is no {name} in what it saved") from None
    except OSError as error:
        raise ArtefactRefused(f"{name} is no plain file ({error.strerror})") from None
    finally:
        os.close(at)


def _check(name: str, found: os.stat_result, max_bytes: int, since: float | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ArtefactRefused(f"{name} is no plain file")
    if found.st_nlink != 1:
        raise ArtefactRefused(f"{name} has {found.st_nlink} names; one of them may be outside its folder")
    if found.st_size > max_bytes:
        raise ArtefactRefused(f"{name} has {found.st_size:,} bytes; at most {max_bytes:,} are allowed")
    # The time of the last change of the inode: unlike that of the content, nobody can set it.
    if since is not None and found.st_ctime < since - CLOCK_SECONDS:
        raise ArtefactRefused(
            f"{name} is {since - found.st_ctime:.0f} s older than the attempt that should have made it"
        )


def _copy(source: int, target: Path, name: str, max_bytes: int) -> tuple[int, str]:
    size, digest = 0, sha256()
    copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(copy, "wb") as file:
            while data := os.read(source, CHUNK_BYTES):
                size += len(data)
                if size > max_bytes:
                    raise ArtefactRefused(f"{name} grew beyond {max_bytes:,} bytes while it was read")
                digest.update(data)
                file.write(data)
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise
    return size, digest.hexdigest()
