"""Points to dots: a series of any length as one range per column, and lines of dots in braille or ASCII
cells.

Pure. 100,000 points cost a few milliseconds, all of them in C: bisect, sum, min and max.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

TOO_LARGE = 1e150
"""Beyond it a value counts as infinite: differences and squares of such numbers overflow."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Series(NamedTuple):
    """Measured points. `x` does not decrease; where `y` is not finite the line has a gap."""

    x: Sequence[float]
    y: Sequence[float]


class Bin(NamedTuple):
    """The points within one column: nothing between two of them is hidden, a spike of one point shows."""

    column: int
    first: float
    low: float
    high: float
    last: float
    mean: float


Bins = list[Bin | None]
"""None stands for a gap."""


def reduce(series: Series, columns: int, x_max: float) -> Bins:
    """Return the points of `series` by column, of an x axis from 0 to `x_max`.

    Points beyond it are in the last column.
    """
    return Reducer(columns, x_max).reduce(series)


class Reducer:
    """Reduces a growing series again and again, looking only at what is new since the last full column."""

    def __init__(self, columns: int, x_max: float) -> None:
        self.columns, self.x_max = columns, x_max
        self._settled: Bins = []
        self._column = 0
        self._start = 0
        self._of: Series | None = None

    def reduce(self, series: Series) -> Bins:
        """Return the bins of `series`, which is the one of the last time and longer, or another one."""
        count = min(len(series.x), len(series.y))
        if not self._goes_on(series, count):
            self._settled, self._column, self._start = [], 0, 0
        self._of = series
        x, y = series.x[self._start : count], series.y[self._start : count]
        if math.isfinite(sum(x)):
            return self._settle(x, y)
        pairs = [(one, other) for one, other in zip(x, y, strict=True) if math.isfinite(one)]
        fresh = self._bin_columns([one for one, _ in pairs], [other for _, other in pairs])
        return self._settled + [bin for _, _, bin in fresh]

    def _goes_on(self, series: Series, count: int) -> bool:
        known = self._of is not None and self._of.x is series.x and self._of.y is series.y
        return known and self._start <= count

    def _settle(self, x: Sequence[float], y: Sequence[float]) -> Bins:
        """Bin the new points; all columns but the last one will not change any more."""
        fresh = self._bin_columns(x, y)
        bins = self._settled + [bin for _, _, bin in fresh]
        if fresh:
            self._column, taken, _ = fresh[-1]
            self._start += taken
            self._settled = bins[:-1]
        return bins

    def _bin_columns(self, x: Sequence[float], y: Sequence[float]) -> list[tuple[int, int, Bin | None]]:
        """Each column that has points, with where they start and their bin."""
        found: list[tuple[int, int, Bin | None]] = []
        start = 0
        for column in range(self._column, self.columns):
            limit = self.x_max * (column + 1) / self.columns
            end = bisect_left(x, limit, start) if column < self.columns - 1 else len(x)
            if end > start:
                found.append((column, start, _bin(column, y[start:end])))
            start = end
            if start == len(x):
                break
        return found


def smoothed(bins: Bins, weight: float = 0.7) -> Bins:
    """Return the exponential moving average over columns, corrected for its start (as in Adam, Kingma and
    Ba 2015)."""
    result: Bins = []
    total = share = 0.0
    for bin in bins:
        if bin is None:
            result.append(None)
            continue
        total = weight * total + (1 - weight) * bin.mean
        share = weight * share + (1 - weight)
        value = total / share
        result.append(Bin(bin.column, value, value, value, value, value))
    return result


def _bin(column: int, values: Sequence[float]) -> Bin | None:
    total = sum(values)
    if not -TOO_LARGE < total < TOO_LARGE or not -TOO_LARGE < min(values) <= max(values) < TOO_LARGE:
        values = [value for value in values if -TOO_LARGE < value < TOO_LARGE]
        if not values:
            return None
        total = sum(values)
    return Bin(column, values[0], min(values), max(values), values[-1], total / len(values))


class Canvas:
    """One layer of dots over `width` by `height` cells: 2 by 4 dots in a braille cell, one in an ASCII
    cell."""

    def __init__(self, width: int, height: int, *, ascii_only: bool) -> None:
        self.width, self.height, self._ascii = width, height, ascii_only
        self.columns = width if ascii_only else width * 2
        self.rows = height if ascii_only else height * 4
        self.cells = bytearray(width * height)

    def dot(self, column: int, row: int) -> None:
        """Set a dot; outside there is none."""
        if not (0 <= column < self.columns and 0 <= row < self.rows):
            return
        if self._ascii:
            self.cells[row * self.width + column] = 1
        else:
            self.cells[(row >> 2) * self.width + (column >> 1)] |= _DOTS[row & 3][column & 1]

    def row_of(self, value: float, low: float, high: float) -> int:
        """The row of `value` when `high` is the top: -1 above it, `rows` below the bottom."""
        share = (high - value) / (high - low)
        return round(max(-1.0, min(share * (self.rows - 1), float(self.rows))))

    def line(self, bins: Bins, low: float, high: float, *, every: int = 1) -> None:
        """Draw `bins` as a joined line; with `every`, only each so manieth dot along it."""
        for count, (column, row) in enumerate(self._path(bins, low, high)):
            if count % every == 0:
                self.dot(column, row)

    def points(self, bins: Bins, low: float, high: float) -> None:
        """Draw a point of each column, not joined."""
        for bin in bins:
            if bin is not None:
                self.dot(bin.column, self.row_of(bin.first, low, high))

    def segment(self, start: tuple[int, int], end: tuple[int, int], *, every: int = 1) -> None:
        """Draw a straight line between two dots."""
        for count, (column, row) in enumerate(_between(start, end)):
            if count % every == 0:
                self.dot(column, row)

    def _path(self, bins: Bins, low: float, high: float) -> Iterator[tuple[int, int]]:
        pen: tuple[int, int] | None = None
        for bin in bins:
            if bin is None:
                pen = None
                continue
            first, last = self.row_of(bin.first, low, high), self.row_of(bin.last, low, high)
            if pen is not None:
                yield from _between(pen, (bin.column, first))
            if bin.low == bin.high:
                yield bin.column, first
            else:
                top, bottom = self.row_of(bin.high, low, high), self.row_of(bin.low, low, high)
                yield from ((bin.column, row) for row in range(top, bottom + 1))
            pen = (bin.column, last)


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots after `start` up to `end`, which is not to the left of it: each column goes on where the
    last one stopped."""
    steps = end[0] - start[0]
    rise = end[1] - start[1]
    row = start[1]
    for step in range(1, steps + 1):
        goal = start[1] + round(rise * step / steps)
        way = 1 if goal > row else -1
        for at in range(row + way, goal + way, way) if goal != row else (row,):
            yield start[0] + step, at
        row = goal
