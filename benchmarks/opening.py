"""Open a long night: 2,147 experiments with twelve facts each and 644,100 samples.

    python -m benchmarks.opening

Measured in fresh processes: one viewer's first poll (read and fold), the first picture of the screen, and what the screen
costs afterwards while nothing happens and while one fact a second comes.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from .figures import Aim, arguments, cpu_seconds, heading, loopwatch, memory_mb, note, tell
from .made_runs import engine_of, environment
from .stage import all_panes, attached, fed, scratch_run
from .terminal import Terminal

EXPERIMENTS, SAMPLES = 2147, 300
SIZE = (120, 40)
OPEN, PICTURE, IDLE = Aim(500), Aim(500), Aim(5)

_POLL = """\
import json, os, sys, time
from loopwatch.engine.client import Viewer, find
run = find("made")
viewer = Viewer(run, name="benchmark")
wall, cpu = time.perf_counter(), time.process_time()
entries = viewer.poll()
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
memory = next((int(l.split()[1]) / 1024 for l in open("/proc/self/status") if l.startswith("VmRSS")), 0.0) \\
    if os.path.exists("/proc/self/status") else 0.0
began = time.perf_counter()
read = viewer._ledger.since()
reading = time.perf_counter() - began
state = type(viewer.state)()
began = time.perf_counter()
for entry in read:
    state.apply(entry)
folding = time.perf_counter() - began
print(json.dumps([wall * 1000, cpu * 1000, memory, reading * 1000, folding * 1000, len(entries)]))
"""


def poll(home: Path) -> list[float]:
    """A fresh process's first poll: wall and CPU ms, MB; reading and folding apart, in ms; facts."""
    said = subprocess.run(
        [sys.executable, "-c", _POLL], env=environment(home), stdout=subprocess.PIPE, text=True, check=True
    )
    return [float(number) for number in json.loads(said.stdout)]


def picture(home: Path) -> tuple[float, float, float]:
    """The screen: wall and CPU ms until all panes are there, MB then."""
    command = [loopwatch(), "attach", "made"]
    with Terminal(command, columns=SIZE[0], rows=SIZE[1], environment=environment(home)) as terminal:
        at = terminal.until(lambda t: all_panes(t) and t.shows(f"{EXPERIMENTS} experiments"))
        return (at - terminal.began) * 1000, cpu_seconds(terminal.pid) * 1000, memory_mb(terminal.pid)


def busy(terminal: Terminal, seconds: int) -> list[float]:
    """CPU per cent in each of so many seconds."""
    shares = []
    for _ in range(seconds):
        began, cpu = time.perf_counter(), cpu_seconds(terminal.pid)
        terminal.watch(1.0)
        shares.append((cpu_seconds(terminal.pid) - cpu) / (time.perf_counter() - began) * 100)
    return shares


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    times = 3 if chosen.quick else 9
    heading(f"opening: {EXPERIMENTS:,} experiments, {EXPERIMENTS * SAMPLES:,} samples")
    with scratch_run(experiments=EXPERIMENTS, samples=SAMPLES, running=True) as (home, run):
        sizes = {name: (run.folder / name).stat().st_size / 1e6 for name in ("run.db", "telemetry.db")}
        note(", ".join(f"{name} {size:.0f} MB" for name, size in sizes.items()))
        with engine_of(run):
            polls = [poll(home) for _ in range(times)]
            note(f"{polls[0][5]:,.0f} facts")
            tell("Viewer.poll, wall", [one[0] for one in polls], "ms", OPEN, digits=0)
            tell("Viewer.poll, CPU", [one[1] for one in polls], "ms", digits=0)
            tell("  of which reading", [one[3] for one in polls], "ms", digits=0)
            tell("  of which folding", [one[4] for one in polls], "ms", digits=0)
            tell("memory of a viewer then", [one[2] for one in polls], "MB", digits=0)
            starts = [picture(home) for _ in range(times)]
            tell("first picture, wall", [one[0] for one in starts], "ms", PICTURE, digits=0)
            tell("first picture, CPU", [one[1] for one in starts], "ms", digits=0)
            tell("memory of the screen then", [one[2] for one in starts], "MB", digits=0)
            with attached(home, run, SIZE) as terminal:
                tell("CPU of the screen, nothing new", busy(terminal, times * 2), "%", IDLE)
        with fed(run, experiment=EXPERIMENTS + 1, samples=0, tokens=0, facts=1), attached(home, run, SIZE) as terminal:
            tell("CPU of the screen, one fact a second", busy(terminal, times * 2), "%")


if __name__ == "__main__":
    main()
