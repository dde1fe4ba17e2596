"""Which containment holds on this machine: each kind is tried by breaking out of it, and the best that holds is taken.

Versions are not asked, but attempted deeds: a process in the box reaches for listeners, files and processes that are put there
for it, lives on, and uses up too much. What it reaches is listed; what a kind of box must stop and does not, disqualifies it.
"""

import ast
import asyncio
import contextlib
import ctypes
import fcntl
import marshal
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..config import Tier
from ..errors import UserError
from ..housekeeping import delete
from ..keeper.process import Ended, Spec, run_command
from .ground import find
from .holes import HOLES, must_hold, of_agents, remedies, sentences
from .leftovers import SHARED_MEMORY
from .means import TIERS, Host, Means
from .sandbox import Folder, Limits, Sandbox

PROBE, GLUTTON = Path(__file__).with_name("probe.py"), Path(__file__).with_name("glutton.py")
SECONDS = 30.0
_LIMITS = Limits(memory_bytes=128 << 20, processes=60, file_bytes=16 << 20)
_TREE_BYTES = 96 << 20
_VICTIMS = ("write_run", "truncate", "link", "rename", "chmod", "utime")
_AS_IT_WAS = "as it was"
_LONG_AGO = 1_000_000_000
_NEEDS = {
    "need out": "its output folder cannot be written",
    "need tmp": "its temporary folder cannot be written",
    "need work": "the task's files cannot be read",
    "need null": "there are no devices",
    "need processes": "no process can be started",
    "need loopback": "processes of one experiment cannot talk to each other",
}


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to get out."""

    name: str
    what: str
    open: bool
    """Whether it worked."""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """One kind of box, tried."""

    means: Means
    tries: tuple[Try, ...]
    trouble: str = ""
    """Why it cannot be used; "" when it can."""

    @property
    def open(self) -> frozenset[str]:
        """The names of the attempts that worked."""
        return frozenset(one.name for one in self.tries if one.open)

    @property
    def not_protected(self) -> tuple[str, ...]:
        """What experiments can do all the same, in words."""
        return sentences(self.open)

    @property
    def of_agents(self) -> tuple[str, ...]:
        """What agents can do besides, in words."""
        return of_agents(self.means)


@dataclass(frozen=True, slots=True)
class CheckUp:
    """Every kind of box that this machine offers, tried."""

    examined: tuple[Examined, ...]
    """Best first."""
    remedies: tuple[str, ...]
    """Commands that would make it better."""

    @property
    def best(self) -> Examined:
        """What a run gets."""
        return next((one for one in self.examined if not one.trouble), _unprotected())


@dataclass(frozen=True, slots=True)
class Proof:
    """What containment this machine gives, and how that was found out."""

    taken: Examined
    passed_over: tuple[Examined, ...]
    remedies: tuple[str, ...]

    @property
    def tier(self) -> Tier:
        """The best that holds."""
        return self.taken.means.tier

    @property
    def not_protected(self) -> tuple[str, ...]:
        """What experiments can do all the same, in words."""
        return self.taken.not_protected


async def prove(folder: Path, *, minimum: Tier, host: Host | None = None) -> Proof:
    """Find the best kind of box that holds; UserError when that is less than `minimum`.

    folder  is made for this, and deleted; it should lie where the runs lie
    host    what to make do with instead of all that this machine has
    """
    host = host or Host.here()
    if minimum == "none":
        return Proof(_unprotected(), (), ())
    proof = await look_for(folder, host)
    if TIERS.index(proof.tier) < TIERS.index(minimum):
        raise UserError(refusal(proof, minimum))
    return proof


async def look_for(folder: Path, host: Host) -> Proof:
    """Try what the host offers, best first, until one holds."""
    passed_over: list[Examined] = []
    for means in host.means():
        examined = await examine(folder, means)
        if not examined.trouble:
            return Proof(examined, tuple(passed_over), remedies(means, host))
        passed_over.append(examined)
    return Proof(_unprotected(), tuple(passed_over), remedies(Means(), host))


async def check_up(folder: Path, host: Host | None = None) -> CheckUp:
    """Try all of them; `folder` as for `prove`."""
    host = host or Host.here()
    examined = tuple([await examine(folder, means) for means in host.means()])
    best = next((one.means for one in examined if not one.trouble), Means())
    return CheckUp(examined, remedies(best, host))


def refusal(proof: Proof, minimum: Tier) -> str:
    """Why a run does not start, and what to do."""
    why = "; ".join(f"{one.means.tier} ({one.means.words}): {one.trouble}" for one in proof.passed_over)
    ways = [f"close the hole: {proof.remedies[0]}"] if proof.remedies else []
    ways.append(f"accept it: --sandbox {proof.tier}")
    return (
        f"experiments can be contained only as {proof.tier!r} here, and this run wants {minimum!r}"
        + (f" ({why})" if why else "")
        + f"; {', or '.join(ways)}. loopwatch doctor shows all that was tried"
    )


def _unprotected() -> Examined:
    return Examined(
        Means(), tuple(Try(name, hole.attempt, open=hole.closed_by != "keeper") for name, hole in HOLES.items())
    )


async def examine(folder: Path, means: Means) -> Examined:
    """Try to break out of one kind of box."""
    try:
        async with _decoys(folder) as targets:
            return await _examine(folder, means, targets)
    finally:
        delete(folder)


async def _examine(folder: Path, means: Means, targets: dict[str, Any]) -> Examined:
    sandbox = Sandbox(means, hidden=[folder])
    folders = [
        Folder(folder / "work"),
        Folder(folder / "out", writable=True, at="/out"),
        Folder(folder / "tmp", writable=True, at=sandbox.scratch),
    ]
    seen = {"work": sandbox.seen(folders[0]), "out": sandbox.seen(folders[1]), "tmp": sandbox.seen(folders[2])}
    box = sandbox.box(folders, _LIMITS)

    async def act(name: str, program: Path, words: str) -> tuple[Ended, bytes]:
        spec = Spec(
            command=[sys.executable, "-I", "-S", "-B", str(program), words],
            cwd=Path("/"),
            environment={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": seen["tmp"]},
            log=folder / f"{name}.log",
            wall_seconds=SECONDS,
            disk_floor_bytes=0,
            memory_bytes=_TREE_BYTES,
            processes=_LIMITS.processes,
            box=box,
        )
        outcome = await run_command(spec)
        return outcome.ended, outcome.tail

    (ended, said), (hoarded, _), (multiplied, _) = await asyncio.gather(
        act("escape", PROBE, marshal.dumps({**targets, **seen}).hex()),
        act("hoard", GLUTTON, "hoard"),
        act("multiply", GLUTTON, "multiply"),
    )
    found = _lines(said)
    if not ended.ok or set(_NEEDS) | (set(HOLES) - {"hoard", "multiply"}) != set(found):
        return Examined(means, (), ended.detail or said[-300:].decode(errors="replace").strip() or ended.reason)
    worked = {name: found[name][0] for name in found} | {
        **{name: _was_changed(folder / "victims" / name) for name in _VICTIMS},
        "hoard": hoarded.ok,
        "multiply": multiplied.ok,
        "write_tmp": _was_left(Path("/var/tmp", targets["name"])),
        "daemon": _is_locked(folder / "out" / "daemon"),
    }
    tries = tuple(
        Try(name, hole.attempt, worked[name], found[name][1] if name in found else "") for name, hole in HOLES.items()
    )
    return Examined(means, tries, _trouble(means, worked, tries))


def _trouble(means: Means, worked: Mapping[str, bool], tries: tuple[Try, ...]) -> str:
    own_network = means.namespaces is not None
    for need, words in _NEEDS.items():
        if not worked[need] and (own_network or need != "need loopback"):
            return words
    broken = [one.what for one in tries if one.open and one.name in must_hold(means)]
    return f"it does not hold: an experiment could {', '.join(broken)}" if broken else ""


def _lines(said: bytes) -> dict[str, tuple[bool, str]]:
    """By the attempt: whether it worked, and what was said."""
    found = {}
    for line in said.decode(errors="replace").splitlines():
        with contextlib.suppress(ValueError, SyntaxError, TypeError):
            name, worked, words = ast.literal_eval(line)
            found[str(name)] = bool(worked), str(words)
    return found


def _put_there(path: Path) -> None:
    path.write_text(_AS_IT_WAS, encoding="utf-8")
    path.chmod(0o644)
    os.utime(path, (_LONG_AGO, _LONG_AGO))


def _was_changed(path: Path) -> bool:
    try:
        now = os.lstat(path)
    except FileNotFoundError:
        return True
    return (now.st_size, now.st_mode & 0o777, now.st_mtime, now.st_nlink) != (len(_AS_IT_WAS), 0o644, _LONG_AGO, 1)


def _was_left(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


class _Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._transport.sendto(data, addr)


@asynccontextmanager
async def _decoys(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """What is put there to be reached for, and where it is."""
    name = f"loopwatch-proof-{os.getpid()}"
    for below in ("work", "out", "tmp", "victims"):
        (folder / below).mkdir(parents=True)
    (folder / "work" / "readable").touch()
    for victim in (*_VICTIMS, "read_run"):
        _put_there(folder / "victims" / victim)
    buffer = ctypes.create_string_buffer(b"secret", 8)
    loop = asyncio.get_running_loop()
    echo, _ = await loop.create_datagram_endpoint(_Echo, local_addr=("127.0.0.1", 0))
    tcp = await asyncio.start_server(_hang_up, "127.0.0.1", 0)
    # The path of a socket may have a hundred letters; a descriptor shortens every folder to a few.
    short = os.open(folder, os.O_RDONLY)
    listeners = [tcp, await asyncio.start_unix_server(_hang_up, _socket_path(folder, short))]
    if sys.platform.startswith("linux"):
        listeners.append(await asyncio.start_unix_server(_hang_up, "\0" + name))
    try:
        yield {
            "name": name,
            "tcp": tcp.sockets[0].getsockname()[1],
            "udp": echo.get_extra_info("sockname")[1],
            "unix": str(folder / "socket"),
            "abstract": name,
            "victims": str(folder / "victims"),
            "shared_memory": SHARED_MEMORY.stat().st_dev if SHARED_MEMORY.exists() else 0,
            "home": _belongings(folder),
            "engine": os.getpid(),
            "engine_started": _started(),
            "address": ctypes.addressof(buffer),
        }
    finally:
        os.close(short)
        echo.close()
        (SHARED_MEMORY / name).unlink(missing_ok=True)
        for listener in listeners:
            listener.close()
            await listener.wait_closed()


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def _socket_path(folder: Path, descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}/socket" if Path("/proc/self/fd").exists() else str(folder / "socket")


def _belongings(folder: Path) -> list[str]:
    """Some of what is in the home folder, without what leads to the proof's own folder, or is there to be read."""
    ground = find()
    there = [*ground.read, *(path for path, _ in ground.links), os.path.realpath(folder)]
    try:
        found = sorted(os.path.realpath(path) for path in Path.home().iterdir())
    except OSError:
        return []
    return [
        path
        for path in found
        if not any(f"{one}/".startswith(f"{path}/") or path.startswith(f"{one}/") for one in there)
    ][:5]


def _started() -> str:
    try:
        return Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""
