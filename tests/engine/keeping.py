"""What the tests of the keeper and of the engine's side share: the hostile programs, and who is still alive."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from loopwatch.engine.keeper.process import Kept, Spec
from tests.waiting import until

T = TypeVar("T")
PROGRAMS = Path(__file__).parent / "programs"
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def spec_of(folder: Path, program: str, *arguments: object, **limits: Any) -> Spec:
    """A spec that runs one of the programs in `folder`, its argument unless others are given."""
    command = [sys.executable, str(PROGRAMS / program), *map(str, arguments or [folder])]
    settings: dict[str, Any] = {"environment": ENVIRONMENT, "wall_seconds": 60, "disk_floor_bytes": 0, **limits}
    return Spec(command=command, cwd=folder, log=folder / "run.log", **settings)


async def started(spec: Spec) -> Kept:
    """One that has gone."""
    kept = await Kept.launch(spec)
    assert await kept.go()
    return kept


async def eventually(fact: Callable[[], T]) -> T:
    """`until`, without standing in the event loop's way."""
    return await asyncio.to_thread(until, fact)


def alive(folder: Path) -> list[str]:
    """Processes whose command line names `folder`; forks keep the command line."""
    table = subprocess.run(["ps", "-Awwo", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in table.splitlines()]
    return [row[0] for row in rows if len(row) == 3 and str(folder) in row[2] and not row[1].startswith("Z")]


def is_running(pid: int) -> bool:
    """Whether it still is more than a zombie that its parent has not buried."""
    table = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return table.stdout.strip() != "" and not table.stdout.startswith("Z")
