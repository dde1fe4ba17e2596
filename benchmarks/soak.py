"""Memory and open files of an engine, and of a screen that watches it, over a thousand experiments of a tiny task.

    python -m benchmarks.soak --experiments 1000

The task trains for about 20 ms in the standard library, so nearly everything here is the loop itself. Each figure is a single
number, read when that many experiments had a verdict. A run's whole history stays in memory (some 8 kB per experiment), so
"flat" means that nothing but that grows.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from loopwatch.engine.client import Run, Viewer, runs

from .figures import arguments, heading, load, loopwatch, memory_mb, note, open_files
from .made_runs import environment
from .stage import SETTLE_SECONDS
from .terminal import Terminal

GROWTH_MB = 10

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


def sample(who: str, count: int, pid: int) -> float:
    """Tell and return the memory of a process."""
    memory = memory_mb(pid)
    print(
        f"{who:<8} at {count:>5} experiments   memory {memory:7.1f} MB   open files {open_files(pid):4.0f}"
        f"   load {load():4.1f}",
        flush=True,
    )
    return memory


def soak(home: Path, experiments: int, at: list[int]) -> None:
    """Run it, and look at these counts."""
    run = started(make_task(home / "tiny"), experiments)
    viewer = Viewer(run, name="benchmark")
    viewer.poll()
    assert viewer.state.engine is not None
    engine = viewer.state.engine.pid
    seen: dict[str, list[float]] = {"engine": [], "screen": []}
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
    for who, memory in seen.items():
        if len(memory) > 1:
            growth = memory[-1] - memory[0]
            told = "met" if growth < GROWTH_MB else "MISSED"
            print(f"{who} grew by {growth:.1f} MB between the first and the last   aim < {GROWTH_MB} MB: {told}")
    sizes = {name: (run.folder / name).stat().st_size / 1e6 for name in ("run.db", "telemetry.db")}
    note(", ".join(f"{name} {size:.1f} MB" for name, size in sizes.items()))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--experiments", type=int, default=1000, metavar="N")
    chosen = parser.parse_args()
    experiments = 60 if chosen.quick else chosen.experiments
    heading(f"soak: {experiments} experiments of a tiny task, with a screen attached")
    at = sorted({max(1, experiments // 10), experiments // 2, experiments - 1})
    with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
        os.environ.update(environment(Path(scratch)))
        soak(Path(scratch), experiments, at)


if __name__ == "__main__":
    main()
