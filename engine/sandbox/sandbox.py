"""From the folders that a command needs to the box that a keeper starts it in."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Tier
from ..keeper.spec import Box
from . import seatbelt
from .ground import Ground, find, way
from .means import BUBBLEWRAP, SEATBELT, Means

LAUNCHER = Path(__file__).with_name("launcher.py")
THREADS_PER_PROCESS = 4
"""What the limit on processes allows each of them on the average; the kernel counts threads."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder or file that a command gets, besides the system."""

    path: Path
    writable: bool = False
    at: str | None = None
    """Where it appears, in a box that has a root of its own; None: where it is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What each process may use. The keeper watches what all together use."""

    memory_bytes: int
    processes: int
    file_bytes: int
    reserves: bool = False
    """Whether it takes far more address space than it fills, as JavaScript does: only what all together use is limited then."""


class Sandbox:
    """Boxes of one kind."""

    def __init__(self, means: Means, *, hidden: Iterable[Path] = (), commands: Iterable[str] = ()) -> None:
        """`hidden` are folders that nobody sees, whatever they lie in; `commands` the programs that will be started."""
        self.means = means
        self._ground = find(commands) if means.tier != "none" else Ground((), (), ())
        homes = (Path.home(), Path("/root"), Path("/home"))
        self._hidden = tuple(dict.fromkeys(os.path.realpath(path) for path in (*hidden, *homes)))
        there = (*self._ground.read, *(path for path, _ in self._ground.links), *self._hidden)
        self.scratch = "/scratch" if any(path.startswith("/tmp/") for path in there) else "/tmp"
        """Where temporary files are best put, in a box that has a root of its own: short, and nothing else lies below it."""

    @property
    def tier(self) -> Tier:
        """How tight it is."""
        return self.means.tier

    def seen(self, folder: Folder) -> str:
        """Where a command in a box finds a folder."""
        return folder.at if folder.at and self.means.namespaces else str(folder.path)

    def _place(self, folder: Folder) -> str:
        """The same, without a link on the way."""
        return folder.at if folder.at and self.means.namespaces else os.path.realpath(folder.path)

    def _must_be_placed(self, path: str) -> bool:
        """Whether it is not there anyway, with a folder of the ground around it and nothing hidden between."""
        around = [one for one in self._ground.read if path.startswith(f"{one}/")]
        return not any(
            not any(f"{path}/".startswith(f"{hidden}/") for hidden in self._hidden_in(one)) for one in around
        )

    def _hidden_in(self, folder: str) -> list[str]:
        return [path for path in self._hidden if path.startswith(f"{folder}/")]

    def box(self, folders: Sequence[Folder], limits: Limits, *, network: bool = False) -> Box | None:
        """The box of one command; None where there is none. A folder that is not there is an error when it starts.

        network  whether it shares the machine's
        """
        if self.tier == "none":
            return None
        order = self._order(folders, limits, network)
        launcher = [sys.executable, "-I", "-S", "-B", str(LAUNCHER)]
        match self.means.namespaces:
            case "own":
                return Box(launcher, order)
            case "bubblewrap":
                return Box([*bubblewrap(order), *launcher], {**order, "namespaces": False})
        if self.means.seatbelt:
            profile = seatbelt.profile(order["read"], order["write"])
            return Box([str(SEATBELT), "-p", profile, *launcher], order)
        return Box(launcher, order)

    def _order(self, folders: Sequence[Folder], limits: Limits, network: bool) -> dict[str, Any]:
        found = {self._place(folder): folder for folder in folders}
        placed = [(path, path, False) for path in self._ground.read if path != "/proc" and self._must_be_placed(path)]
        placed += [(os.path.realpath(folder.path), at, folder.writable) for at, folder in found.items()]
        links = dict(self._ground.links)
        for folder in folders:
            links.update(way(str(folder.path))[0])
        own = self.means.namespaces is not None
        # In a root of its own there is nothing that it may not read.
        ground = ["/"] if own else self._ground.read
        there = [at for _, at, _ in placed]
        limited = {"FSIZE": limits.file_bytes, "CORE": 0}
        if not limits.reserves:
            limited["DATA"] = limits.memory_bytes
        if own:  # without namespaces the kernel would count all that the user runs
            limited["NPROC"] = THREADS_PER_PROCESS * limits.processes
        return {
            "namespaces": own,
            "own_network": own and not network,
            "sockets": own or network,
            "system_v": own,
            "landlock": self.means.landlock,
            "seccomp": self.means.seccomp,
            "folders": sorted(placed, key=lambda one: one[1].count("/")),
            "links": [
                (path, to) for path, to in links.items() if not any(f"{path}/".startswith(f"{at}/") for at in there)
            ],
            "covered": [path for path in self._hidden if path not in found],
            "devices": list(self._ground.devices),
            "shared_memory_bytes": limits.memory_bytes // 2,
            "read": [*ground, *(at for at, folder in found.items() if not folder.writable)],
            "write": [*(at for at, folder in found.items() if folder.writable), "/dev/shm"],
            "limits": limited,
        }


def bubblewrap(order: dict[str, Any]) -> list[str]:
    """The same world, as the system's bubblewrap is told to make it."""
    words = [str(BUBBLEWRAP), "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--tmpfs", "/"]
    words += [] if order["own_network"] else ["--share-net"]
    for path, target in order["links"]:
        words += ["--symlink", target, path]
    for source, at, writable in order["folders"]:
        words += ["--bind" if writable else "--ro-bind", source, at]
        for path in order["covered"]:
            if path.startswith(f"{at}/") and Path(path).is_dir():
                words += ["--size", "65536", "--tmpfs", path]
    words += ["--size", "65536", "--tmpfs", "/dev"]
    for path in order["devices"]:
        words += ["--dev-bind", path, path]
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        words += ["--symlink", f"/proc/self/{target}", f"/dev/{name}"]
    words += ["--size", str(order["shared_memory_bytes"]), "--perms", "1777", "--tmpfs", "/dev/shm"]
    return [*words, "--proc", "/proc", "--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--"]
