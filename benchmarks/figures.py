"""Figures as plain lines: median, 95th percentile, how many, the load of the machine, and the aim beside them.

Also what can be read of a process from outside: CPU time, memory, open files. Linux only; elsewhere those are NaN.
"""

import argparse
import math
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Aim(NamedTuple):
    """No more than this."""

    most: float
    of: str = "median"
    """Which of the numbers: median or p95."""


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that every script has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, a shorter run")
    return parser


def heading(title: str) -> None:
    """What follows, and on what machine."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    print(f"== {title} ({machine}, load {load():.1f})", flush=True)


def tell(name: str, values: Sequence[float], unit: str, *aims: Aim, digits: int = 1) -> None:
    """One line for one figure."""
    numbers = {"median": median(values), "p95": percentile(values, 95)}
    shown = "   ".join(f"{word} {number:9.{digits}f} {unit}" for word, number in numbers.items())
    told = "; ".join(
        f"aim {aim.of} ≤ {aim.most:g} {unit}: {'met' if numbers[aim.of] <= aim.most else 'MISSED'}" for aim in aims
    )
    print(f"{name:<58} {shown}   n {len(values):<4} load {load():4.1f}   {told}".rstrip(), flush=True)


def note(text: str) -> None:
    """A line that is no figure."""
    print(f"   {text}", flush=True)


def median(values: Sequence[float]) -> float:
    """NaN without values."""
    return statistics.median(values) if values else math.nan


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed; NaN without values."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def load() -> float:
    """How many processes wanted a core, over the last minute."""
    return os.getloadavg()[0]


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has had, all its threads."""
    with suppress(OSError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        coarse = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        # To the nanosecond, but only of the threads that still live.
        fine = sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
        return max(coarse, fine)
    return math.nan


def memory_mb(pid: int) -> float:
    """Resident memory."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return math.nan


def open_files(pid: int) -> float:
    """File descriptors."""
    with suppress(OSError):
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return math.nan


def loopwatch() -> str:
    """The command that is installed beside this interpreter."""
    return str(Path(sys.executable).with_name("loopwatch"))
