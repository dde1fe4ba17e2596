"""python -m loopwatch.engine RUN_DIR [TIER]: take the run's lock, and work on it until it ends.

TIER is the tightest containment of experiments that is tried, for tests of poorer machines.

Exit codes: 0 the run ended and its ledger says why, 4 the engine failed (the last lines of engine.log say how), 5 another engine
works on this run.
"""

import asyncio
import fcntl
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import RunInUse

if TYPE_CHECKING:
    from .config import Tier

LOCK_TRIES = 10


def lock(run_dir: Path) -> int:
    """Take the run's lock for as long as this process lives; RunInUse names the process that has it."""
    # Close-on-exec (Python's default) matters: a child that inherited it would keep the lock after we are gone.
    file = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    if not _taken(file):
        owner = os.pread(file, 40, 0).decode("ascii", "replace").strip() or "unknown"
        raise RunInUse(f"another engine (pid {owner}) works on {run_dir.name}; a second one would run everything twice")
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    return file


def _taken(file: int) -> bool:
    # A viewer that looks whether an engine is alive has the lock for an instant too.
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def main(run_dir: Path, at_most: "Tier | None" = None) -> int:
    """Run the engine; returns its exit code."""
    try:
        lock(run_dir)
    except RunInUse as error:
        print(error, file=sys.stderr)
        return 5
    from .credentials import Log
    from .supervisor import supervise

    if sys.platform.startswith("linux"):
        from .sandbox.kernel import be_private

        be_private()  # our memory holds keys, and other programs of the same user could trace us

    sys.stderr = Log(sys.stderr.buffer, errors="backslashreplace", line_buffering=True)
    asyncio.run(supervise(run_dir, at_most=at_most))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3]))  # type: ignore[arg-type]  # only we start it
    except Exception:
        import traceback

        traceback.print_exc()
        sys.exit(4)
