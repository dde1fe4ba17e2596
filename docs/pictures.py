"""Draw the README's pictures: real runs of the pretrain and snake tasks, with real engines, on this machine. Takes about eight minutes.

    make pictures
    python docs/pictures.py lineage    # only that of an agent that rewrites itself: about a minute

The proposals come from a script, so that the pictures show reasoning and a verdict of each kind; the training, the curves and the
numbers are what this machine measured.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from shoot import shoot
from textual.pilot import Pilot

from loopwatch.engine import client
from loopwatch.engine.commands import Reply, SetPolicy, Stop
from loopwatch.engine.config import Gates, RunConfig
from loopwatch.engine.editing.edits import render
from loopwatch.engine.state import State
from loopwatch.tui.app import MissionControl

HERE = Path(__file__).parent
TRAIN = HERE.parent / "tasks" / "pretrain" / "train.py"
SECONDS = 900
GENERATIONS = 4


def script() -> list[dict[str, object]]:
    """What is proposed, one after the other."""
    before = TRAIN.read_text(encoding="utf-8")
    pair = "        self.position = nn.Embedding(SEQ_LEN, DIM)\n"
    after = before.replace(pair, pair + "        self.pair = nn.Embedding(8192, DIM)\n")
    total = "        x = self.embedding(symbols) + self.position.weight[: symbols.shape[1]]\n"
    hashed = "        previous = F.pad(symbols, (1, 0))[:, :-1]\n        x = x + self.pair((previous * 256 + symbols) % 8192)\n"
    after = after.replace(total, total + hashed)
    return [
        {
            "hypothesis": "Doubling the learning rate uses the 20 seconds better",
            "mechanism": "400 steps are few: each should go further",
            "set": {"train.py": {"LR": 0.002}},
            "reasoning": "The curve of the baseline still falls at the end of its budget, so it is short of steps or of step size. "
            "Step size is the cheaper of the two to change.",
        },
        {
            "hypothesis": "Dropout costs more than it saves here",
            "mechanism": "No byte is seen twice in 20 seconds, so there is nothing to overfit",
            "set": {"train.py": {"DROPOUT": 0.0}},
            "reasoning": "With some 400 steps the model reads 0.4 MB of 8.5 MB. Nothing is seen twice; dropout only slows the fit.",
        },
        {
            "hypothesis": "An embedding of the last two bytes, hashed into 8,192 rows, saves the first layer its work",
            "mechanism": "Pairs of bytes predict the next one well, and a look-up learns them in one step each",
            "diff": render("train.py", before, after),
            "reasoning": "The first attention layer spends its steps on finding the byte before. Hand it over instead.",
        },
        {
            "hypothesis": "Let the learning rate fall to zero over the last half",
            "mechanism": "Smaller steps at the end average the noise of small batches away",
            "set": {"train.py": {"WARMDOWN": 0.5}},
            "reasoning": "The loss of #4 jitters by 0.1 from report to report at the end: steps are too large by then. "
            "A schedule that falls should settle it. If it does not, the noise comes from the batch and not from the rate.",
            "delay": 0.05,
        },
        {
            "hypothesis": "A narrower model makes more steps",
            "mechanism": "Half the width costs a third of the time per step; at this budget steps matter more than size",
            "set": {"train.py": {"DIM": 64}},
            "reasoning": "#4 made 390 steps. At width 64 the same seconds should give about 900. The curve was steep to the very end, "
            "so more steps should win over capacity that is not used yet.",
            "delay": 0.05,
        },
    ]


class Photographer:
    """Follows the run on a screen of one size, and takes pictures of it."""

    def __init__(self, run: client.Run, pilot: Pilot[int]) -> None:
        self._viewer, self._pilot = client.Viewer(run, name="pictures"), pilot

    async def until(self, fact: Callable[[State], bool]) -> None:
        """Wait for something to be true of the run."""
        async with asyncio.timeout(SECONDS):
            while not fact(self._viewer.state):
                self._viewer.poll()
                await asyncio.sleep(0.05)

    async def take(self, name: str) -> None:
        """Save what is on the screen."""
        for _ in range(12):
            await self._pilot.pause(0.1)
        shoot(self._pilot.app.screen, HERE / name)
        print(f"docs/{name}")

    def progress(self, experiment: int) -> float:
        """How far an experiment is."""
        points = self._viewer.points(experiment)
        return points[-1].progress or 0.0 if points else 0.0

    def ask(self, *commands: Reply | SetPolicy | Stop) -> None:
        """Do what a person would."""
        for command in commands:
            self._viewer.ask(command)


async def photograph(run: client.Run) -> None:
    """One run, three pictures."""
    app = MissionControl(run)
    async with app.run_test(size=(120, 38)) as pilot:
        camera = Photographer(run, pilot)
        await camera.until(lambda state: 5 in state.experiments and state.experiments[5].attempt > 0)
        camera.ask(SetPolicy(gate="apply", policy="ask"))
        await camera.until(lambda _: camera.progress(5) > 0.6)
        await camera.take("running.png")
        await camera.until(lambda state: state.waiting is not None and state.waiting.asked.experiment == 6)
        await camera.take("deciding.png")
        await pilot.resize_terminal(80, 24)
        await camera.take("narrow.png")
        camera.ask(Stop(now=True))
        await camera.until(lambda state: state.stopped is not None)


async def photograph_lineage(run: client.Run) -> None:
    """An agent that rewrites itself: its family, after some generations."""
    app = MissionControl(run)
    async with app.run_test(size=(110, 26)) as pilot:
        camera = Photographer(run, pilot)
        await camera.until(lambda state: len(state.lineage.versions) > GENERATIONS)
        await pilot.press("L", "j")
        await camera.take("lineage.png")
        camera.ask(Stop(now=True))
        await camera.until(lambda state: state.stopped is not None)


def lineage() -> None:
    """Make a run without a model, follow it, and throw it away."""
    gates = Gates(apply="auto", run="auto", verdict="auto", rewrite="auto")
    with tempfile.TemporaryDirectory(prefix="loopwatch-pictures-") as folder:
        os.environ["LOOPWATCH_HOME"] = folder
        chosen = {
            "task": "snake",
            "proposer": "mutation",
            "strategy": "hyperagent:2",
            "gates": gates,
            "by": client.me(),
        }
        run = client.create("snake", lambda name: RunConfig.model_validate({"run": name, **chosen}))
        client.start(run)
        asyncio.run(photograph_lineage(run))


def main() -> None:
    """Make a run, follow it, and throw it away."""
    lineage()
    if sys.argv[1:] == ["lineage"]:
        return
    with tempfile.TemporaryDirectory(prefix="loopwatch-pictures-") as folder:
        os.environ["LOOPWATCH_HOME"] = folder
        path = Path(folder) / "script.jsonl"
        path.write_text("\n".join(json.dumps(line) for line in script()), encoding="utf-8")
        gates = Gates(apply="auto", run="auto", verdict="auto")
        run = client.create(
            "pretrain",
            lambda name: RunConfig(
                run=name, task="pretrain", proposer=f"scripted:{path}", gates=gates, noise_repeats=2, by=client.me()
            ),
        )
        client.start(run)
        asyncio.run(photograph(run))


if __name__ == "__main__":
    main()
