"""Make the points: noisy samples of a curve to train on, exact ones to be judged by.

Run once per run by the `prepare` command. The curve is fixed, so every run of this task,
on every machine, is about the same points.
"""

import json
import math
import os
import random
from pathlib import Path

TRAINING_POINTS = 240
HELD_OUT_POINTS = 201
NOISE = 0.1


def curve(x: float) -> float:
    return math.sin(3 * x) + 0.5 * math.sin(7 * x)


def main() -> None:
    chance = random.Random(0)
    xs = [chance.uniform(-1, 1) for _ in range(TRAINING_POINTS)]
    train = [(x, curve(x) + chance.gauss(0, NOISE)) for x in xs]
    grid = [2 * i / (HELD_OUT_POINTS - 1) - 1 for i in range(HELD_OUT_POINTS)]
    held_out = [(x, curve(x)) for x in grid]

    public = Path(os.environ.get("LOOPWATCH_DATA", "data/public"))
    hidden = Path(os.environ.get("LOOPWATCH_HIDDEN", "data/hidden"))
    for file, points in {public / "train.json": train, hidden / "val.json": held_out}.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(points))
    print(f"{len(train)} points to train on, {len(held_out)} held out")


if __name__ == "__main__":
    main()
