"""72 hours of experiments, simulated: memory, open files and children of an engine, and of a screen that watches it.

    python -m benchmarks.soak --hours 72

An experiment of five minutes is simulated by a tiny one of about 20 ms in the standard library, so that 72 hours are 864 of them
and nearly everything here is the loop itself. Memory is read once when that many experiments had a verdict; of files and children
the fewest of several looks are told, because a running experiment has some of its own. A run's whole history stays in memory
(some 8 kB per experiment), so "flat" means that nothing but that grows.
"""

import os
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from loopwatch.engine.client import Run, Viewer, runs

from .figures import arguments, heading, load, loopwatch, memory_mb, note, open_files
from .made_runs import environment
from .stage import SETTLE_SECONDS
from .terminal import Terminal

GROWTH_MB = 10
PER_HOUR = 12
LOOKS = 25

_TASK = """\
name = "tiny"
description = "next to no training"
editable = ["train.py"]
frozen = ["evaluate.py"]
[metric]
name = "loss"
direction = "down"
noise = 0.01
[budget]
kind = "steps"
amount = 10
wall_seconds = 60
[run]
command = ["{python}", "train.py"]
[evaluate]
command = ["{python}", "evaluate.py"]
seconds = 60
[[hyperparameter]]
name = "RATE"
file = "train.py"
low = 0.001
high = 1.0
scale = "log"
type = "float"
"""
_TRAIN = """\
import os
from pathlib import Path
RATE = 0.01
x = 1.0
for step in range(1, 11):
    for _ in range(10_000):
        x -= 1e-4 * RATE * x
    print(f"step {step:05d} ({10 * step}.0%) | loss: {x:.6f} | lrm: 1.00", flush=True)
Path(os.environ["LOOPWATCH_OUT"], "x").write_text(repr(x))
"""
_EVALUATE = """\
import os
from pathlib import Path
print("loss:", float(Path(os.environ["LOOPWATCH_OUT"], "x").read_text()))
"""


def make_task(folder: Path) -> Path:
    """A task folder."""
    folder.mkdir()
    for name, text in (("task.toml", _TASK), ("train.py", _TRAIN), ("evaluate.py", _EVALUATE)):
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("program.md", "README.md"):
        (folder / name).write_text("Make the loss small.\n", encoding="utf-8")
    return folder


def started(task: Path, experiments: int) -> Run:
    """A run in the background, with gates that ask nobody."""
    gates = [word for gate in ("apply", "run", "verdict") for word in ("--gate", f"{gate}=auto")]
    stop = ["--experiments", str(experiments), "--failures", "50"]
    subprocess.run([loopwatch(), "run", str(task), "--detach", *gates, *stop], check=True, stdout=subprocess.DEVNULL)
    return runs()[0]


class Sample(NamedTuple):
    """What a process has at one moment."""

    memory_mb: float
    files: float
    children: int


def sample(who: str, count: int, pid: int) -> Sample:
    """Tell and return what a process has."""
    looks = []
    for _ in range(LOOKS):
        looks.append((open_files(pid), children(pid)))
        time.sleep(0.04)
    found = Sample(memory_mb(pid), min(files for files, _ in looks), min(there for _, there in looks))
    print(
        f"{who:<8} at {count:>5} experiments   memory {found.memory_mb:7.1f} MB   open files {found.files:4.0f}"
        f"   children {found.children:3d}   load {load():4.1f}",
        flush=True,
    )
    return found


def children(pid: int) -> int:
    """Processes that it has started and that are still there."""
    with suppress(OSError):
        return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return 0


def soak(home: Path, experiments: int, at: list[int]) -> None:
    """Run it, and look at these counts."""
    run = started(make_task(home / "tiny"), experiments)
    viewer = Viewer(run, name="benchmark")
    viewer.poll()
    assert viewer.state.engine is not None
    engine = viewer.state.engine.pid
    seen: dict[str, list[Sample]] = {"engine": [], "screen": []}
    began = time.monotonic()
    with Terminal([loopwatch(), "attach", run.name], columns=120, rows=40, environment=environment(home)) as screen:
        while viewer.state.stopped is None:
            screen.watch(0.1)
            viewer.poll()
            if at and viewer.state.count() >= at[0]:
                count = at.pop(0)
                seen["engine"].append(sample("engine", count, engine))
                seen["screen"].append(sample("screen", count, screen.pid))
        screen.watch(SETTLE_SECONDS)
    state = viewer.state
    took = time.monotonic() - began
    note(f"{state.count()} experiments, {state.seq} facts, {state.count() / took:.2f} experiments/s: {state.stopped}")
    viewer.close()
    for who, samples in seen.items():
        if len(samples) > 1:
            growth = samples[-1].memory_mb - samples[0].memory_mb
            told = "met" if growth < GROWTH_MB else "MISSED"
            print(f"{who} grew by {growth:.1f} MB between the first and the last   aim < {GROWTH_MB} MB: {told}")
            more = (samples[-1].files - samples[0].files, samples[-1].children - samples[0].children)
            told = "met" if max(more) <= 0 else "MISSED"
            print(f"{who} has {more[0]:+.0f} files and {more[1]:+d} children more   aim 0: {told}")
    sizes = {name: (run.folder / name).stat().st_size / 1e6 for name in ("run.db", "telemetry.db")}
    note(", ".join(f"{name} {size:.1f} MB" for name, size in sizes.items()))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--hours", type=float, default=72, metavar="H")
    chosen = parser.parse_args()
    experiments = 60 if chosen.quick else round(PER_HOUR * chosen.hours)
    heading(f"soak: {experiments / PER_HOUR:g} simulated hours, {experiments} experiments, with a screen attached")
    at = sorted({max(1, experiments // 20), experiments // 4, experiments // 2, experiments - 5})
    with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
        os.environ.update(environment(Path(scratch)))
        soak(Path(scratch), experiments, at)


if __name__ == "__main__":
    main()
