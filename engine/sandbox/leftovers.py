"""What an experiment leaves in shared memory that it shares with everybody: found, and taken away.

Only where it has no shared memory of its own. A file goes when it came while the experiment ran, belongs to our user, and no
living process uses it; another program of the user's that made one in that time is left alone.
"""

import os
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


def names() -> frozenset[str]:
    """What is there."""
    try:
        return frozenset(path.name for path in SHARED_MEMORY.iterdir())
    except OSError:
        return frozenset()


def sweep(before: frozenset[str]) -> list[str]:
    """Take away what has come since `before`; returns the names."""
    ours = [name for name in sorted(names() - before) if _is_ours(SHARED_MEMORY / name)]
    used = _in_use() if ours else set()
    gone = [name for name in ours if str(SHARED_MEMORY / name) not in used]
    for name in gone:
        _remove(SHARED_MEMORY / name)
    return gone


def _is_ours(path: Path) -> bool:
    try:
        return os.lstat(path).st_uid == os.getuid()
    except OSError:
        return False


def _in_use() -> set[str]:
    """The files below /dev/shm that some process has open or mapped."""
    used: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            maps = (process / "maps").read_text(encoding="utf-8", errors="replace")
            used.update(line.split(maxsplit=5)[5] for line in maps.splitlines() if f" {SHARED_MEMORY}/" in line)
            for file in (process / "fd").iterdir():
                with suppress(OSError):  # closed meanwhile
                    used.add(str(file.readlink()))
    return used


def _remove(path: Path) -> None:
    from ..housekeeping import delete

    delete(path)
