"""Bytes per second that the screen writes to its terminal, by what happens in the run.

    python -m benchmarks.bytes

A second is a sample. The budget is a minute, so that the curve gets new columns all the time.
"""

import time
from typing import NamedTuple

from .figures import Aim, arguments, cpu_seconds, heading, tell
from .made_runs import engine_of
from .stage import SIZES, attached, fed, scratch_run
from .terminal import Terminal


class Case(NamedTuple):
    """What streams, per second."""

    name: str
    samples: int = 0
    tokens: int = 0
    facts: float = 0
    aim: tuple[Aim, ...] = ()


CASES = (
    Case("live curve, 80 samples/s", samples=80, aim=(Aim(2),)),
    Case("live curve, 1,000 samples/s", samples=1000, aim=(Aim(2),)),
    Case("reasoning, 200 tokens/s", tokens=200),
    Case("facts, 5/s", facts=5),
    Case("everything: 1,000 samples, 200 tokens, 5 facts/s", samples=1000, tokens=200, facts=5, aim=(Aim(40),)),
)


def per_second(terminal: Terminal, seconds: int) -> list[float]:
    """The kB of each of so many seconds."""
    rates = []
    for _ in range(seconds):
        before, began = terminal.received, time.perf_counter()
        terminal.watch(1.0)
        rates.append((terminal.received - before) / 1000 / (time.perf_counter() - began))
    return rates


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    seconds = 5 if chosen.quick else 20
    heading("bytes to the terminal")
    for size in SIZES:
        with (
            scratch_run(experiments=30, samples=300, running=True) as (home, run),
            engine_of(run),
            attached(home, run, size) as terminal,
        ):
            tell(f"{size[0]}x{size[1]} nothing new", per_second(terminal, seconds), "kB/s", digits=2)
        for case in CASES:
            with (
                scratch_run(experiments=30, samples=300, running=True) as (home, run),
                fed(run, experiment=31, samples=case.samples, tokens=case.tokens, facts=case.facts),
                attached(home, run, size) as terminal,
            ):
                began, cpu = time.perf_counter(), cpu_seconds(terminal.pid)
                rates = per_second(terminal, seconds)
                busy = (cpu_seconds(terminal.pid) - cpu) / (time.perf_counter() - began) * 100
            tell(f"{size[0]}x{size[1]} {case.name}", rates, "kB/s", *case.aim, digits=2)
            tell("       CPU of the screen meanwhile", [busy], "%")


if __name__ == "__main__":
    main()
