"""What an experiment leaves in shared memory, where it shares that with everybody: taken away when nobody else can miss it.

Whose a file there is cannot be seen; another program's may lie there for an instant without being open anywhere. So nothing is
touched while any living process of this user's uses shared memory at all, and what was there before always stays.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..housekeeping import delete

SHARED_MEMORY = Path("/dev/shm")


def names(memory: Path = SHARED_MEMORY) -> frozenset[str]:
    """What is there."""
    try:
        return frozenset(path.name for path in memory.iterdir())
    except OSError:
        return frozenset()


def sweep(before: frozenset[str], memory: Path = SHARED_MEMORY) -> list[str]:
    """Take away what has come since `before`, if nobody uses any of it; returns the names."""
    ours = [name for name in sorted(names(memory) - before) if _is_ours(memory / name)]
    if not ours or any(path.startswith(f"{memory}/") for path in _used()):
        return []
    for name in ours:
        delete(memory / name)
    return ours


def _is_ours(path: Path) -> bool:
    try:
        return os.lstat(path).st_uid == os.getuid()
    except OSError:
        return False


def _used() -> Iterator[str]:
    """Every file that some process has open or mapped, as far as we may know."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for line in (process / "maps").read_text(encoding="utf-8", errors="replace").splitlines():
                yield "".join(line.split(maxsplit=5)[5:])
            for file in (process / "fd").iterdir():
                with suppress(OSError):  # closed meanwhile
                    yield str(file.readlink())
