"""Two pictures in one line: how the best result developed, and how far something is.

Pure text: whoever draws it adds the colour.
"""

import math
from collections.abc import Sequence
from typing import Literal

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.,-=+*#"
THIN, ASCII_THIN = "⣀⣤⣶⣿", ":;!|"
"""The same for what is doubtful: dotted beside full bars, and no character of theirs."""


def sparkline(
    values: Sequence[float | None],
    width: int,
    *,
    direction: Literal["down", "up"] = "down",
    ascii_only: bool = False,
    thin: Sequence[bool] = (),
) -> str:
    """Return the best value so far after each of `values`, as bars in exactly `width` cells; `thin` says which are doubtful.

    A value that is missing or not finite does not count. `direction` says which way is better; a bar is as
    high as its value either way.
    """
    best = _best_so_far(values, direction)
    if not best or width <= 0:
        return " " * max(0, width)
    low, high = min(best), max(best)
    # Several results in a cell show the last of them: the best of all so far.
    cells = min(width, len(best))
    shown = [(cell + 1) * len(best) // cells - 1 for cell in range(cells)]
    first = len(values) - len(best)
    line = ""
    for at in shown:
        doubtful = at + first < len(thin) and thin[at + first]
        bars = (ASCII_THIN if ascii_only else THIN) if doubtful else (ASCII_BARS if ascii_only else BARS)
        step = (high - low) / (len(bars) - 1) or 1.0
        line += bars[round((best[at] - low) / step)]
    return line.ljust(width)


def is_thin(bar: str) -> bool:
    """Whether a bar stands for something doubtful."""
    return bar in THIN + ASCII_THIN


def chances(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """Return the last `width` probabilities as bars, from 0 to 1 whatever they are."""
    bars = ASCII_BARS if ascii_only else BARS
    return "".join(bars[round(max(0.0, min(1.0, value)) * (len(bars) - 1))] for value in values[-width:])


def progress_bar(fraction: float, width: int, *, ascii_only: bool = False) -> str:
    """Return a bar of exactly `width` cells; anything below 0 or not a number is empty, above 1 is full."""
    done, left = ("=", ".") if ascii_only else ("━", "─")
    if math.isnan(fraction):
        fraction = 0.0
    cells = int(max(0.0, min(1.0, fraction)) * max(0, width))
    return done * cells + left * (max(0, width) - cells)


def _best_so_far(values: Sequence[float | None], direction: Literal["down", "up"]) -> list[float]:
    """The running best from the first finite value on.

    Halved, so that no difference of two of them overflows.
    """
    better = min if direction == "down" else max
    best: list[float] = []
    for value in values:
        if value is not None and math.isfinite(value):
            best.append(better(best[-1], value / 2) if best else value / 2)
        elif best:
            best.append(best[-1])
    return best
