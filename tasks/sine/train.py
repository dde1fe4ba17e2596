"""Fit a curve with one layer of hidden units, by stochastic gradient descent in plain Python.

Everything here may be edited. What the outside relies on: the budget is read from the environment,
a step line is printed now and then, FAIL and exit code 1 say that training broke, and the model is
saved as {"activation": ..., "layers": [{"weights": [[...]], "biases": [...]}, ...]}.
"""

import json
import math
import os
import random
import sys
from pathlib import Path

HIDDEN = 12
LR = 0.01
MOMENTUM = 0.0
# How steep the hidden units are at the start, and so how quick a wiggle they can follow.
INIT_SCALE = 1.0
# The learning rate falls to zero over this last part of the budget.
WARMDOWN = 0.0

Point = tuple[float, float]


class Net:
    """y = Σ out[j] · tanh(steep[j] · x + shift[j]) + bias, and the velocity of each number."""

    def __init__(self, chance: random.Random) -> None:
        # The places where the units bend are spread evenly, so that a seed decides little.
        bends = [(2 * j + 1) / HIDDEN - 1 for j in range(HIDDEN)]
        self.steep = [INIT_SCALE * chance.gauss(1, 0.01) for _ in bends]
        self.shift = [-a * bend for a, bend in zip(self.steep, bends, strict=True)]
        self.out = [chance.gauss(0, 0.01) for _ in bends]
        self.bias = 0.0
        self.velocity = [0.0] * (3 * HIDDEN + 1)

    def learn(self, x: float, y: float, rate: float) -> float:
        """Take one step against the gradient of half the squared error; return the squared error."""
        active = [math.tanh(a * x + b) for a, b in zip(self.steep, self.shift, strict=True)]
        error = sum(w * h for w, h in zip(self.out, active, strict=True)) + self.bias - y
        velocity = self.velocity
        for j, (w, h) in enumerate(zip(self.out, active, strict=True)):
            slope = error * w * (1 - h * h)
            velocity[3 * j] = MOMENTUM * velocity[3 * j] - rate * error * h
            velocity[3 * j + 1] = MOMENTUM * velocity[3 * j + 1] - rate * slope * x
            velocity[3 * j + 2] = MOMENTUM * velocity[3 * j + 2] - rate * slope
            self.out[j] += velocity[3 * j]
            self.steep[j] += velocity[3 * j + 1]
            self.shift[j] += velocity[3 * j + 2]
        velocity[-1] = MOMENTUM * velocity[-1] - rate * error
        self.bias += velocity[-1]
        return error * error

    def save(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        hidden = {"weights": [[a] for a in self.steep], "biases": self.shift}
        output = {"weights": [self.out], "biases": [self.bias]}
        file.write_text(json.dumps({"activation": "tanh", "layers": [hidden, output]}))


def lr_multiplier(done: float) -> float:
    """What to multiply the learning rate with, when this part of the budget (0 to 1) is spent."""
    return min(1.0, (1 - done) / WARMDOWN) if WARMDOWN else 1.0


def main() -> None:
    points_file = Path(os.environ.get("LOOPWATCH_DATA", "data/public")) / "train.json"
    if not points_file.exists():
        sys.exit(f"train.py: there is no {points_file}; make it with: python data.py")
    points: list[Point] = [(x, y) for x, y in json.loads(points_file.read_text())]
    steps = int(float(os.environ.get("LOOPWATCH_BUDGET", "100")))
    chance = random.Random(int(os.environ.get("LOOPWATCH_SEED", "1")))
    net = Net(chance)

    # A step is one pass over the points, in a new order.
    for step in range(1, steps + 1):
        multiplier = lr_multiplier((step - 1) / steps)
        chance.shuffle(points)
        loss = sum(net.learn(x, y, LR * multiplier) for x, y in points) / len(points)
        if not loss < 1e6:
            print(f"FAIL: the loss is {loss:.3g} at step {step}", flush=True)
            sys.exit(1)
        print(
            f"step {step:05d} ({100 * step / steps:.1f}%) | loss: {loss:.4f} | lrm: {multiplier:.2f}",
            flush=True,
        )
    net.save(Path(os.environ.get("LOOPWATCH_OUT", "out")) / "model.json")


if __name__ == "__main__":
    main()
