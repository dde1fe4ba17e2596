"""An experiment's curve as text, for stdout. The screen draws its own."""

import math
from collections.abc import Sequence
from typing import Final, Protocol

from loopwatch.engine.state import REPEATS

POINTS: Final = 400
"""Plotext's time grows with the points, and a terminal has no more columns than this to tell them apart."""

XY = tuple[float, float]


class Sample(Protocol):
    """What a curve needs of a stored sample."""

    @property
    def attempt(self) -> int:
        """Which attempt printed it."""

    @property
    def step(self) -> int:
        """How far training was."""

    @property
    def loss(self) -> float | None:
        """The loss at that step; NaN where the experiment printed no finite number."""


def thin(points: Sequence[XY], limit: int = POINTS) -> list[XY]:
    """At most `limit` points in order: of each stretch the first, the lowest, the highest and the last, so that no spike is lost."""
    if len(points) <= limit:
        return list(points)
    stretches = max(1, limit // 4)
    kept: list[XY] = []
    for number in range(stretches):
        begin, end = number * len(points) // stretches, (number + 1) * len(points) // stretches
        low = min(range(begin, end), key=lambda at: points[at][1])
        high = max(range(begin, end), key=lambda at: points[at][1])
        kept += [points[at] for at in sorted({begin, low, high, end - 1})]
    return kept


def losses(points: Sequence[Sample]) -> list[XY]:
    """The finite losses of the last attempt that is no repeat, by step."""
    last = max((point.attempt for point in points if point.attempt <= REPEATS), default=0)
    found = ((float(point.step), point.loss) for point in points if point.attempt == last)
    return [(step, loss) for step, loss in found if loss is not None and math.isfinite(loss)]


def draw(points: Sequence[XY], *, width: int = 78, height: int = 14) -> str:
    """A line chart without colours; "" for fewer than two points."""
    if len(points) < 2:
        return ""
    from plotext._figure import _figure_class

    # A figure of our own: the functions of the module all draw into one that is shared.
    figure = _figure_class()
    figure._limit_size(False, False)
    figure.plot_size(width, height)
    figure.theme("clear")
    steps, values = zip(*thin(points), strict=True)
    figure.plot(list(steps), list(values), marker="braille")
    figure.xlabel("step")
    chart: str = figure.build()
    return "\n".join(line.rstrip() for line in chart.replace("\x1b[0m", "").splitlines()).rstrip()
