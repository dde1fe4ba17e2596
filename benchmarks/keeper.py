"""How long a tree that will not die lives on: from its hard limit to the last sign of life of any of its processes.

    python -m benchmarks.keeper

The tree ignores SIGTERM and every other signal that can be ignored; its leader has a child and a daemon, forked twice in a
session of its own. Each writes the time into a file every few milliseconds. SIGKILL follows SIGTERM after 0.3 s, so that
much is intended.
"""

import asyncio
import os
import struct
import sys
import tempfile
import time
from pathlib import Path

from loopwatch.engine.keeper.keeper import TERM_GRACE_SECONDS
from loopwatch.engine.keeper.process import Kept, Spec
from loopwatch.engine.keeper.spec import Box

from .figures import Aim, arguments, heading, note, tell

AIM = Aim((TERM_GRACE_SECONDS + 0.1) * 1000)
LIMIT_SECONDS = 0.7
WATCHED_SECONDS = 0.5
"""How long a survivor has to show itself after the end was reported."""

_TREE = """\
import mmap, os, signal, struct, sys, time
for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
name = "leader"
if os.fork() == 0:
    name = "child"
elif os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    name = "daemon"
path = os.path.join(sys.argv[1], name)
with open(path, "wb") as file:
    file.write(bytes(16))
beats = mmap.mmap(os.open(path, os.O_RDWR), 16)
while True:
    beats[:16] = struct.pack("dq", time.time(), os.getpid())
    time.sleep(0.002)
"""
NAMES = ("leader", "child", "daemon")


def beats(folder: Path) -> dict[str, tuple[float, int]]:
    """The last sign of life of each process, in seconds since 1970, and its id."""
    return {name: struct.unpack("dq", (folder / name).read_bytes()) for name in NAMES if (folder / name).exists()}


def alive(pid: int) -> bool:
    """Whether a process is there; a zombie counts, too, for nobody should have left one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def kill_one(folder: Path, box: Box | None = None, inside: str = "") -> tuple[float, float, int, int]:
    """Milliseconds from the limit to the last beat and to the report; how many had come up, and how many survived.

    inside  where the folder is in the box
    """
    spec = Spec(
        command=[sys.executable, "-S", "-E", "-c", _TREE, inside or str(folder)],
        cwd=Path("/") if box else folder,
        environment={"PATH": os.environ["PATH"]},
        log=folder / "log",
        wall_seconds=LIMIT_SECONDS,
        disk_floor_bytes=0,
        box=box,
    )
    async with await Kept.launch(spec) as kept:
        await kept.ready()
        limit = time.time() + LIMIT_SECONDS  # the keeper's clock starts a little later
        await kept.go()
        await kept.ended()
        reported = time.time()
    last = beats(folder)
    await asyncio.sleep(WATCHED_SECONDS)
    later = beats(folder)
    # In a box of its own a process has another number than here.
    survivors = sum(later[name] != last[name] or (not box and alive(pid)) for name, (_, pid) in last.items() if pid)
    newest = max((at for at, _ in later.values()), default=limit)
    return (newest - limit) * 1000, (reported - limit) * 1000, len(last), survivors


async def kill(times: int) -> None:
    """All of it, one after the other."""
    found = []
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
            found.append(await kill_one(Path(scratch)))
    tell("hard limit to the last beat of anybody", [one[0] for one in found], "ms", AIM)
    tell("hard limit to the report of the end", [one[1] for one in found], "ms")
    tell("survivors per tree of three", [float(one[3]) for one in found], "", Aim(0, "p95"), digits=0)
    note(f"{sum(one[2] for one in found)} processes came up in {times} trees of three; 300 ms is the grace")


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    heading("keeper: killing a tree that ignores SIGTERM and has a daemon")
    asyncio.run(kill(8 if chosen.quick else 30))


if __name__ == "__main__":
    main()
