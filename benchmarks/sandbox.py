"""What containment costs and what it lets through: starts, training, the end of trees that will not die, and eight points of PyTorch.

    python -m benchmarks.sandbox

A start is timed from `go` to the end of a command that does nothing, each kind of box beside none, in turn. Training is timed
inside, by itself, so that the start does not count. The tree is that of `benchmarks.keeper`.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from loopwatch.engine.keeper.keeper import TERM_GRACE_SECONDS
from loopwatch.engine.keeper.process import Kept, Outcome, Spec, run_command
from loopwatch.engine.sandbox.means import Host, Means
from loopwatch.engine.sandbox.proof import examine
from loopwatch.engine.sandbox.sandbox import Folder, Limits, Sandbox

from . import torch_points
from .figures import Aim, arguments, heading, note, percentile, tell
from .keeper import kill_one

PROGRAMS = Path(__file__).parent
START = Aim(100, "p95")
OVERRUN = Aim(TERM_GRACE_SECONDS * 1000 + 250, "p95")
LIMITS = Limits(memory_bytes=8 << 30, processes=1000, file_bytes=4 << 30)
TRAINING = """
import time, torch
torch.manual_seed(0); torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(128, 256), torch.nn.GELU(), torch.nn.Linear(256, 1))
data, optimizer = torch.randn(64, 128), torch.optim.AdamW(model.parameters())
def steps(count):
    for _ in range(count):
        optimizer.zero_grad(); model(data).square().mean().backward(); optimizer.step()
steps(100)
begun = time.process_time(); steps({steps}); print(time.process_time() - begun)
"""


class Place:
    """A folder with an out and a tmp, and a box around both."""

    def __init__(self, folder: Path, means: Means) -> None:
        self.folder, self.sandbox = folder, Sandbox(means, hidden=[folder])
        for name in ("out", "tmp"):
            (folder / name).mkdir(exist_ok=True)
        self.out = Folder(folder / "out", writable=True, at="/out")
        self.tmp = Folder(folder / "tmp", writable=True, at=self.sandbox.scratch)
        self.box = self.sandbox.box([self.out, self.tmp, Folder(PROGRAMS)], LIMITS)

    def spec(self, *command: str, seconds: float = 300) -> Spec:
        """Of a command that knows its output folder as OUT."""
        out, tmp = self.sandbox.seen(self.out), self.sandbox.seen(self.tmp)
        environment = {"PATH": os.environ["PATH"], "TMPDIR": tmp, "HOME": tmp, "PYTHONDONTWRITEBYTECODE": "1"}
        words = [word.replace("OUT", out) for word in command]
        return Spec(words, Path("/"), environment, self.folder / "log", seconds, disk_floor_bytes=0, box=self.box)


async def run_in(means: Means, *command: str) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
        return await run_command(Place(Path(scratch), means).spec(*command))


async def start_once(means: Means) -> float:
    """Milliseconds from `go` to the end."""
    with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
        async with await Kept.launch(Place(Path(scratch), means).spec("/bin/true")) as kept:
            await kept.ready()
            begun = time.perf_counter()
            await kept.go()
            ended = await kept.ended()
            assert ended.ok, ended
            return (time.perf_counter() - begun) * 1000


async def starts(kinds: list[Means], times: int) -> None:
    """In turn, so that all meet the same neighbours."""
    found: dict[Means, list[float]] = {means: [] for means in (Means(), *kinds)}
    for _ in range(times):
        for means, figures in found.items():
            figures.append(await start_once(means))
    plain = found.pop(Means())
    tell("start and end of /bin/true, without a box", plain, "ms")
    for means, figures in found.items():
        over = [figure - other for figure, other in zip(figures, plain, strict=True)]
        tell(f"more than that: {means.tier}, {means.words}"[:58], over, "ms", START)


async def training(kinds: list[Means], times: int, steps: int) -> None:
    """CPU seconds of the same steps, inside."""
    found: dict[Means, list[float]] = {means: [] for means in (Means(), *kinds)}
    for _ in range(times):
        for means, figures in found.items():
            outcome = await run_in(means, sys.executable, "-c", TRAINING.format(steps=steps))
            figures.append(float(outcome.tail.decode().split()[-1]))
    plain = found.pop(Means())
    tell(f"{steps} training steps without a box, CPU", plain, "s", digits=3)
    for means, figures in found.items():
        # The quickest of each: whatever else happens on the machine only ever adds.
        tell(
            f"slower than that: {means.tier}, {means.words}"[:58], [(min(figures) / min(plain) - 1) * 100], "%", Aim(1)
        )


async def overruns(kinds: list[Means], times: int) -> None:
    """A tree that ignores every signal, at its limit."""
    for means in kinds:
        found = []
        for _ in range(times):
            with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
                place = Place(Path(scratch), means)
                found.append(await kill_one(Path(scratch) / "out", place.box, place.sandbox.seen(place.out)))
        late = [one[0] for one in found]
        tell(f"limit to the last beat: {means.tier}, {means.words}"[:58], late, "ms", OVERRUN)
        over = TERM_GRACE_SECONDS * 1000
        note(f"beyond the grace of {over:.0f} ms: p99 {percentile(late, 99) - over:.1f} ms, most {max(late) - over:.1f} ms; "
             f"{sum(one[3] for one in found)} survivors of {sum(one[2] for one in found)} processes")  # fmt: skip


async def points(kinds: list[Means]) -> None:
    """The eight points, in each."""
    for means in (*kinds, Means()):
        outcome = await run_in(means, sys.executable, str(PROGRAMS / "torch_points.py"), "OUT")
        said = dict(
            line.split(": ", 1)
            for line in outcome.tail.decode().splitlines()
            if line.split(": ")[0] in torch_points.NAMES
        )
        bad = [
            f"{name}: {said.get(name, outcome.ended.reason)}" for name in torch_points.NAMES if said.get(name) != "ok"
        ]
        note(
            f"PyTorch, {means.tier} ({means.words}): {len(torch_points.NAMES) - len(bad)} of {len(torch_points.NAMES)}"
        )
        for line in bad:
            note(f"  {line}")


async def proofs(times: int) -> None:
    """How long an engine's start takes longer."""
    took = []
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
            begun = time.perf_counter()
            await examine(Path(scratch) / "proof", Host.here().means()[0])
            took.append((time.perf_counter() - begun) * 1000)
    tell("the proof, once for each start of an engine", took, "ms")


async def measure(*, quick: bool) -> None:
    kinds = [means for means in Host.here().means() if means.tier in ("sealed", "fenced")]
    await starts(kinds, 10 if quick else 40)
    await proofs(3 if quick else 10)
    await training(kinds, 2 if quick else 5, 500 if quick else 1500)
    await overruns(kinds[:1], 8 if quick else 500)
    await points(kinds)


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    heading("sandbox: what containment costs and lets through")
    asyncio.run(measure(quick=chosen.quick))


if __name__ == "__main__":
    main()
