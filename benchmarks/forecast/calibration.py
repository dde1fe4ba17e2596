"""Predicted probability against frequency, as text and as SVG."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from loopwatch.engine.forecast.record import Interval, wilson

EDGES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
FLOOR = 0.0005
SIZE = 420
MARGIN = 60


class Bin(NamedTuple):
    """Looks with a probability in one range."""

    predicted: float
    frequency: Interval
    looks: int


def calibrated(looks: Sequence[tuple[float, bool]]) -> list[Bin]:
    """Looks (probability, whether it improved), by probability. The looks of one experiment hang together."""
    found = []
    for low, high in itertools.pairwise(EDGES):
        inside = [look for look in looks if low <= look[0] < high or (high == look[0] == 1)]
        if inside:
            predicted = sum(p for p, _ in inside) / len(inside)
            found.append(Bin(predicted, wilson(sum(good for _, good in inside), len(inside)), len(inside)))
    return found


def as_text(found: Sequence[Bin]) -> str:
    """One line for each bin."""
    lines = ["predicted  frequency [95 % if looks were independent]  looks"]
    for each in found:
        share, low, high = each.frequency
        lines.append(
            f"{each.predicted:9.2%}  {share:9.2%} [{low:6.2%} … {high:6.2%}] {each.looks:8d}  {'█' * round(40 * share)}"
        )
    return "\n".join(lines)


def as_svg(found: Sequence[Bin], title: str) -> str:
    """Both axes logarithmic; on the diagonal, predicted is what happened."""
    whole = SIZE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" font-family="sans-serif" font-size="12">',
        f'<rect width="{whole}" height="{whole}" fill="white"/>',
        f'<text x="{whole / 2}" y="24" text-anchor="middle" font-size="14">{title}</text>',
        _line(FLOOR, FLOOR, 1, 1, "#999", dashed=True),
        _line(FLOOR, FLOOR, 1, FLOOR, "#333"),
        _line(FLOOR, FLOOR, FLOOR, 1, "#333"),
    ]
    for tick in (0.001, 0.01, 0.1, 1.0):
        parts.append(f'<text x="{_x(tick):.1f}" y="{MARGIN + SIZE + 18}" text-anchor="middle">{100 * tick:g} %</text>')
        parts.append(f'<text x="{MARGIN - 6}" y="{_y(tick) + 4:.1f}" text-anchor="end">{100 * tick:g} %</text>')
    for each in found:
        share, low, high = each.frequency
        parts.append(_line(each.predicted, low, each.predicted, high, "#1f6feb"))
        parts.append(f'<circle cx="{_x(each.predicted):.1f}" cy="{_y(share):.1f}" r="4" fill="#1f6feb"/>')
    parts.append(f'<text x="{whole / 2}" y="{whole - 18}" text-anchor="middle">predicted probability to improve</text>')
    parts.append(
        f'<text transform="translate(16 {whole / 2}) rotate(-90)" text-anchor="middle">how often it improved</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<line x1="{_x(x1):.1f}" y1="{_y(y1):.1f}" x2="{_x(x2):.1f}" y2="{_y(y2):.1f}" stroke="{colour}"{dash}/>'


def _x(share: float) -> float:
    return MARGIN + SIZE * _place(share)


def _y(share: float) -> float:
    return MARGIN + SIZE * (1 - _place(share))


def _place(share: float) -> float:
    return math.log(max(share, FLOOR) / FLOOR) / math.log(1 / FLOOR)
