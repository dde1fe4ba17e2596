"""What an experiment may use up: time that does not run while it is held, and disk.

Part of the keeper (stdlib only, quick to import).
"""

# pathlib and contextlib would double the keeper's start.
# ruff: noqa: PTH120

import os
import sys
import time
from collections.abc import Iterator

ENTRIES_AT_ONCE = 2000


class Stopwatch:
    """Monotonic seconds since the start, without the time spent on hold."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._held = 0.0
        self._held_since: float | None = None

    @property
    def held(self) -> bool:
        """Whether the clock stands still."""
        return self._held_since is not None

    def hold(self) -> None:
        """Stop the clock."""
        self._held_since = time.monotonic()

    def release(self) -> None:
        """Let it go on."""
        if self._held_since is not None:
            self._held += time.monotonic() - self._held_since
        self._held_since = None

    def seconds(self) -> float:
        """Elapsed, not counting holds."""
        now = time.monotonic() if self._held_since is None else self._held_since
        return now - self._start - self._held


class Disk:
    """Free space where an experiment writes, and what its output folders occupy, about each second."""

    def __init__(self, log: str, out_folders: list[str], floor_bytes: float, cap_bytes: float) -> None:
        self._folders = [os.path.dirname(log), *out_folders]
        self._out_folders = out_folders
        self._floor_bytes = floor_bytes
        self._cap_bytes = cap_bytes
        self._counting: Iterator[int] | None = None
        self._counted = 0
        self._due = 0.0

    def trouble(self) -> tuple[str, str] | None:
        """A reason to end the experiment with its detail, or None. Quick, however many files there are."""
        if self._counting is None:
            if time.monotonic() < self._due:
                return None
            self._counting, self._counted = _sizes(self._out_folders), 0
            lowest = min(map(_free_bytes, self._folders))
            if lowest < self._floor_bytes:
                return "disk_full", f"only {lowest:,} bytes free"
        for _ in range(ENTRIES_AT_ONCE):
            size = next(self._counting, None)
            if size is None:
                self._counting, self._due = None, time.monotonic() + 1
                break
            self._counted += size
        if self._counted > self._cap_bytes:
            return "output_limit", f"the output folders hold at least {self._counted:,} bytes"
        return None


def _sizes(folders: list[str]) -> Iterator[int]:
    """What each entry below `folders` occupies; an empty file counts a little, as there may be a million."""
    todo = list(folders)
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    yield _occupied(entry)
        except OSError:
            continue


def _occupied(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512 + 256
    except OSError:
        return 0


def _free_bytes(folder: str) -> int:
    """Free space for an ordinary user where `folder` lies; "plenty" when that cannot be asked."""
    try:
        system = os.statvfs(folder or ".")
    except OSError:
        return sys.maxsize
    return system.f_bavail * system.f_frsize
