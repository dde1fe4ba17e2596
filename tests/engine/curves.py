"""Made curves for the forecaster's tests: a loss that falls fast, then slowly, then once more at the end."""

import math
import random

from loopwatch.engine.forecast import Curve, Past

SHARES = tuple((i + 1) / 100 for i in range(100))


def live(*, end: float, seed: int = 0, noise: float = 0.005) -> Curve:
    dice = random.Random(f"{end} {seed}")
    return Curve(SHARES, tuple(end + 0.6 * _shape(share) + dice.gauss(0, noise) for share in SHARES))


def good_run() -> Curve:
    return live(end=1.98)


def history(count: int, *, seed: int = 0) -> tuple[Past, ...]:
    """The first is the worst, then ends between 2.0, the best, and 2.6."""
    dice = random.Random(seed)
    ends = [2.5 if not i else round(2.0 + 0.6 * dice.random(), 3) for i in range(count)]
    ends[-1] = 2.0
    return tuple(Past(i, live(end=end, seed=i), end) for i, end in enumerate(ends))


def run_of(number: int, *, flat_until: float, end: float) -> Past:
    """Flat at 3, then straight down."""
    losses = tuple(3.0 - (3.0 - end) * max(0.0, share - flat_until) / (1 - flat_until) for share in SHARES)
    return Past(number, Curve(SHARES, losses), end)


def late_bloomers(count: int) -> tuple[Past, ...]:
    """Each ends better than the one before it, and falls later."""
    return tuple(run_of(i, flat_until=0.3 + 0.6 * i / count, end=2.5 - i / count) for i in range(count))


def _shape(share: float) -> float:
    return 3 * math.exp(-share / 0.05) + 0.5 * (1 - share) + (0.5 if share < 0.7 else 0.5 * (1 - share) / 0.3)
