"""Write into a run as its engine does while an experiment trains: samples, streamed text and facts, in the engine's batches.

    python -m benchmarks.feeder FOLDER --samples 1000 --tokens 200 --facts 5

A process of its own, because it would take time from whoever measures. It holds the run's lock and ends when stdin does.
"""

import argparse
import random
import re
import select
import sys
import time
from pathlib import Path

from loopwatch.engine.client import Run
from loopwatch.engine.events import Noted
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.telemetry import Telemetry

from .made_runs import BUDGET_SECONDS, curve, engine_of

SAMPLES_EVERY, TEXT_EVERY = 0.25, 0.1
WORDS = re.findall(
    r"\w+", "the loss falls more slowly than before so a larger rate may help while noise stays below one sigma"
)


class Stream:
    """What is due at a rate, whenever one asks."""

    def __init__(self, per_second: float, every: float) -> None:
        self._rate, self._every, self._given, self._began = per_second, every, 0, time.monotonic()
        self._next = self._began + every

    def due(self) -> int:
        """How many since the last time; 0 until a batch is full."""
        now = time.monotonic()
        if now < self._next:
            return 0
        self._next += self._every
        count = int((now - self._began) * self._rate) - self._given
        self._given += count
        return count


def feed(folder: Path, *, experiment: int, samples: int, tokens: int, facts: float) -> None:
    """Write until stdin is closed."""
    ledger, telemetry = Ledger.of(folder), Telemetry.of(folder)
    chance, step, said, noted = random.Random(1), 0, 0, 0
    # The training began a while ago: a curve that is empty costs less than it will.
    before = 5 * max(samples, 1)
    telemetry.add_samples(experiment, 1, 5.0, curve(experiment, before, of=_steps(samples)))
    telemetry.flush()
    step = before
    points, words = Stream(samples, SAMPLES_EVERY), Stream(tokens, TEXT_EVERY)
    noting = Stream(facts, 1 / facts if facts else 1.0)
    print("feeding", flush=True)
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        if count := points.due():
            at = step / _steps(samples) * BUDGET_SECONDS
            telemetry.add_samples(experiment, 1, at, curve(experiment, count, first=step, of=_steps(samples)))
            step += count
        if count := words.due():
            said += count
            text = "".join(chance.choice(WORDS) + " " for _ in range(count))
            telemetry.add_thought(experiment, text + ("\n" if said % 100 < count else ""))
        telemetry.flush()
        for _ in range(noting.due()):
            noted += 1
            ledger.append(Noted(note=noted, text=f"try a smaller batch next, note {noted}", by="feeder"))
    ledger.close()
    telemetry.close()


def _steps(samples: int) -> int:
    return int(max(samples, 1) * BUDGET_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--experiment", type=int, required=True)
    parser.add_argument("--samples", type=int, default=0, help="per second")
    parser.add_argument("--tokens", type=int, default=0, help="per second")
    parser.add_argument("--facts", type=float, default=0, help="per second")
    chosen = parser.parse_args()
    with engine_of(Run(chosen.folder)):
        feed(
            chosen.folder,
            experiment=chosen.experiment,
            samples=chosen.samples,
            tokens=chosen.tokens,
            facts=chosen.facts,
        )


if __name__ == "__main__":
    main()
