"""Of what containment is built, and the name of what comes of it.

| tier   | built of                                                                                          |
|--------|---------------------------------------------------------------------------------------------------|
| sealed | namespaces (our own, or bubblewrap's), Landlock where there is one, a filter of system calls, limits |
| fenced | Landlock, a filter of system calls, limits; on macOS its own sandbox                                |
| limits | a filter of system calls, limits                                                                  |
| none   | nothing                                                                                           |
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..config import Tier
from . import kernel, landlock

BUBBLEWRAP = Path("/usr/bin/bwrap")
"""The system's own: where a system restricts namespaces, its rules let this one through and no other."""
SEATBELT = Path("/usr/bin/sandbox-exec")
LANDLOCK_KNOWN = 6
"""The newest ABI whose rules we write."""
TIERS: tuple[Tier, ...] = ("none", "limits", "fenced", "sealed")
"""Weakest first."""


@dataclass(frozen=True, slots=True)
class Means:
    """What one kind of box is built of."""

    namespaces: Literal["own", "bubblewrap"] | None = None
    landlock: int = 0
    """The ABI; 0 without."""
    seccomp: bool = False
    seatbelt: bool = False

    @property
    def tier(self) -> Tier:
        """What it is called."""
        if self.namespaces and self.seccomp:
            return "sealed"
        if self.seatbelt or (self.landlock and self.seccomp):
            return "fenced"
        return "limits" if self.seccomp else "none"

    @property
    def hides_files(self) -> bool:
        """Whether a box has no other files than were named, on Linux: agents get boxes of this kind and no other."""
        return self.namespaces is not None or self.landlock > 0

    @property
    def words(self) -> str:
        """For people."""
        parts = [
            {"own": "namespaces", "bubblewrap": "bubblewrap"}.get(self.namespaces or "", ""),
            f"Landlock {self.landlock}" if self.landlock else "",
            "a filter of system calls" if self.seccomp else "",
            "macOS's sandbox (not tried by its makers)" if self.seatbelt else "",
        ]
        return ", ".join(part for part in parts if part) or "nothing"


@dataclass(frozen=True, slots=True)
class Host:
    """What a machine offers; a test leaves things out to see what a poorer one would do."""

    namespaces: bool
    bubblewrap: bool
    landlock: int
    seccomp: bool
    seatbelt: bool

    @classmethod
    def here(cls) -> "Host":
        """This machine, as far as it says: only trying shows what works."""
        linux = sys.platform.startswith("linux") and os.uname().machine in kernel.PIVOT_ROOT
        return cls(
            namespaces=linux,
            bubblewrap=linux and BUBBLEWRAP.exists(),
            landlock=min(landlock.abi(), LANDLOCK_KNOWN) if linux else 0,
            seccomp=linux,
            seatbelt=sys.platform == "darwin" and SEATBELT.exists(),
        )

    def at_most(self, tier: Tier) -> "Host":
        """The same machine without what would make a better box than `tier`."""
        own_root = tier == "sealed"
        return Host(
            namespaces=self.namespaces and own_root,
            bubblewrap=self.bubblewrap and own_root,
            landlock=self.landlock if own_root or tier == "fenced" else 0,
            seccomp=self.seccomp and tier != "none",
            seatbelt=self.seatbelt and tier == "fenced",
        )

    def means(self) -> list[Means]:
        """What can be built of it, best first."""
        found: list[Means] = []
        if self.namespaces and self.seccomp:
            found.append(Means("own", self.landlock, seccomp=True))
        if self.bubblewrap and self.seccomp:
            found.append(Means("bubblewrap", self.landlock, seccomp=True))
        if self.landlock and self.seccomp:
            found.append(Means(None, self.landlock, seccomp=True))
        if self.seatbelt:
            found.append(Means(seatbelt=True))
        if self.seccomp:
            found.append(Means(seccomp=True))
        return found
