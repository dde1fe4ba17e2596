"""What a process may do, what it has used, and how it ended: the facts that `process` deals in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Reason = Literal[
    "exited",
    "wall_limit",
    "cpu_limit",
    "aborted",
    "memory_limit",
    "process_limit",
    "disk_full",
    "output_limit",
    "engine_gone",
    "spawn_failed",
    "keeper_lost",
]


@dataclass(frozen=True, slots=True)
class Box:
    """How a command is contained; made by the sandbox."""

    command: Sequence[str]
    """Is put before the command: at its end is the launcher."""
    order: Mapping[str, Any]
    """What the launcher builds."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What to run and how far it may go."""

    command: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    """All of it: nothing is inherited. Set PYTHONUNBUFFERED here, or Python keeps its lines until it ends."""
    log: Path
    """Its folder exists; the file is overwritten."""
    wall_seconds: float
    """From `go`, not counting time on hold."""
    cpu_seconds: float | None = None
    """User and system time of the whole tree, from `go`. None: no limit."""
    log_cap_bytes: int = 64 << 20
    out_folders: Sequence[Path] = ()
    out_cap_bytes: int = 4 << 30
    """All output folders together."""
    disk_floor_bytes: int = 256 << 20
    """Less free space than this, where it writes, ends it."""
    memory_bytes: int | None = None
    """Of the whole tree; what several processes share counts once. None: no limit."""
    processes: int | None = None
    """In the whole tree. None: no limit."""
    box: Box | None = None
    """What it is contained in, from its first instruction on; a spare too, so that `go` cannot change it."""
    spare: Sequence[str] | None = None
    """A warm spare's command, from `spare_command`, to become `command` at `go`."""

    def as_order(self) -> dict[str, Any]:
        """The keeper's words for it."""
        return {
            "command": list(self.command),
            "cwd": str(self.cwd),
            "environment": dict(self.environment),
            "log": str(self.log),
            "wall_seconds": self.wall_seconds,
            "cpu_seconds": self.cpu_seconds,
            "log_cap_bytes": self.log_cap_bytes,
            "out_folders": [str(folder) for folder in self.out_folders],
            "out_cap_bytes": self.out_cap_bytes,
            "disk_floor_bytes": self.disk_floor_bytes,
            "memory_bytes": self.memory_bytes,
            "processes": self.processes,
            "box": None if self.box is None else {"command": list(self.box.command), "order": dict(self.box.order)},
            "spare": None if self.spare is None else list(self.spare),
        }


@dataclass(frozen=True, slots=True)
class Usage:
    """What the tree has used so far, as of about 0.2 s ago."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    rss_mb: float = 0.0
    held: bool = False
    processes: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended. `exit` or `signal` is the leader's; both are None when it never ran or nobody knows."""

    reason: Reason
    exit: int | None = None
    signal: int | None = None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_rss_mb: float = 0.0
    log_bytes: int = 0
    """Printed, not kept: the log may hold less."""
    survivors: int = 0
    """Processes that even SIGKILL did not end (stuck in the kernel)."""
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether it came to its own end with exit code 0."""
        return self.reason == "exited" and self.exit == 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished command: how it ended and the last of what it printed."""

    ended: Ended
    tail: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether it came to its own end with exit code 0."""
        return self.ended.ok
