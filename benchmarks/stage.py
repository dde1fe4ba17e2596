"""A made run on the screen, in a terminal, with a feeder that writes into it: what several scripts measure."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loopwatch.engine.client import Run

from .figures import loopwatch
from .made_runs import environment, make_run
from .terminal import Terminal

SIZES = ((80, 24), (120, 40))
PANES = {(80, 24): 3, (120, 40): 5}
"""How many panes have room."""
SETTLE_SECONDS = 3.0
"""Until the first picture is painted and Textual has looked at its style sheets for the last time."""


@contextmanager
def scratch_run(*, experiments: int, samples: int, running: bool) -> Iterator[tuple[Path, Run]]:
    """A state folder with one made run."""
    with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
        home = Path(scratch)
        yield home, make_run(home, experiments=experiments, samples=samples, running=running)


@contextmanager
def fed(run: Run, *, experiment: int, samples: int, tokens: int, facts: float) -> Iterator[None]:
    """Write into a run meanwhile, at so many per second."""
    rates = {"experiment": experiment, "samples": samples, "tokens": tokens, "facts": facts}
    options = [word for name, rate in rates.items() for word in (f"--{name}", str(rate))]
    feeder = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.feeder", str(run.folder), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert feeder.stdin
    assert feeder.stdout
    try:
        feeder.stdout.readline()
        yield
    finally:
        feeder.stdin.close()
        feeder.wait()


@contextmanager
def attached(home: Path, run: Run, size: tuple[int, int]) -> Iterator[Terminal]:
    """The screen on a run, painted and settled."""
    command = [loopwatch(), "attach", run.name]
    with Terminal(command, columns=size[0], rows=size[1], environment=environment(home)) as terminal:
        terminal.until(all_panes)
        terminal.watch(SETTLE_SECONDS)
        yield terminal


def all_panes(terminal: Terminal) -> bool:
    """Whether every pane that has room is there, and the footer."""
    return len(terminal.panes()) == PANES[terminal.size] and terminal.shows("? help")
