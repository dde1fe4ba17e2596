"""The live curve: this experiment before the best one, on an axis that does not move.

Covered: any number of points, gaps, clipping to what matters, a forecast, a level, marks. Not covered: where
points come from, log axes.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from loopwatch.tui.clean import clean
from loopwatch.tui.palette import Inks, Role

from .pane import Pane, Title
from .raster import Bin, Bins, Canvas, Reducer, Series, smoothed
from .scale import Scale, choose, useful

__all__ = ["Curve", "Forecast", "Level", "Mark", "Series"]

SKIPPED = 0.25
"""The share at the start that does not set the y range: the first fall says little and hides the rest."""

ENOUGH = 15
"""Columns with points, below which nothing is skipped."""

DOTTED, SPARSE = 3, 5
"""Each third dot of the best curve, each fifth of a forecast: told apart without colour."""


class Level(NamedTuple):
    """A horizontal line: a target, or the value to beat."""

    value: float
    label: str = ""


class Mark(NamedTuple):
    """A vertical line: where something happened."""

    x: float
    label: str = ""


class Forecast(NamedTuple):
    """Where the curve is expected to end: between `low` and `high` at the end of the x axis."""

    low: float
    high: float


class _Layer(NamedTuple):
    """Dots with their style; `glyph` stands for them in ASCII."""

    canvas: Canvas
    role: Role
    bold: bool
    glyph: str


class _Picture(NamedTuple):
    """What `show` was given."""

    now: Series | None
    best: Series | None
    x_max: float
    x_label: str
    x_end: str
    smooth: bool
    level: Level | None
    forecast: Forecast | None
    marks: tuple[Mark, ...]


class Curve(Pane):
    """A chart of one running series, and optionally the best one behind it."""

    def __init__(
        self,
        *,
        title: Title = "",
        empty: str = "no measurement yet",
        ascii_only: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`empty` is what is shown when there is no finite point."""
        super().__init__(title=title, ascii_only=ascii_only, id=id, classes=classes)
        self._empty = clean(empty)
        self._picture = _Picture(None, None, 1.0, "", "", False, None, None, ())
        self._scale: Scale | None = None
        self._margin = 7
        self._reducers: dict[str, Reducer] = {}

    def show(
        self,
        *,
        now: Series | None,
        best: Series | None = None,
        title: Title = "",
        x_max: float = 1.0,
        x_label: str = "",
        x_end: str = "",
        smooth: bool = False,
        level: Level | None = None,
        forecast: Forecast | None = None,
        marks: Sequence[Mark] = (),
    ) -> None:
        """Draw `now` over `best` on an x axis from 0 to `x_max`, whose end is labelled `x_end` (or with the
        number).

        With `smooth` the lines are moving averages, and some points of `now` are faint dots behind. A series
        may grow in place between calls; its points must not change.
        """
        x_max = x_max if math.isfinite(x_max) and x_max > 0 else 1.0
        end = clean(x_end) or f"{x_max:g}"
        self._picture = _Picture(now, best, x_max, clean(x_label), end, smooth, level, forecast, tuple(marks))
        before = self._title
        self.set_title(title)
        if self._title == before:
            self.redraw()

    def reset(self) -> None:
        """Forget the y range and what was reduced: another experiment follows."""
        self._scale = None
        self._reducers.clear()
        self.redraw()

    def foot(self) -> Title:
        """Return which line is which."""
        now, best, faint = ("***", "...", "- -") if self.ascii_only else ("⠤⠤⠤", "⠄⠠", "⠄⠄⠄")
        parts: list[tuple[str, Role]] = []
        if self._picture.now is not None:
            parts += [(f"{now} now", "accent")]
        if self._picture.best is not None:
            parts += [("  ", "quiet"), (f"{best} best", "quiet")]
        if self._picture.level is not None and self._picture.level.label:
            parts += [("  ", "quiet"), (f"{faint} {clean(self._picture.level.label)}", "good")]
        if self._picture.forecast is not None:
            faint = ": :" if self.ascii_only else "⠄ ⠠"
            parts += [("  ", "quiet"), (f"{faint} forecast", "warn")]
        return parts

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """Draw labels, axis and dots."""
        axis_rows = 1 if height >= 5 else 0
        rows = height - axis_rows
        # The labels decide the width of the plot, which decides the labels: the margin of the last time is
        # the first guess.
        guess = max(1, width - self._margin - 1)
        now, best = self._bins(guess)
        bounds = self._bounds(now, best)
        if bounds is None or rows < 1 or width < 12:
            return [[]] * (height // 2) + [[Segment(self._empty[:width].center(width), ink("quiet"))]]
        self._scale = scale = choose(*bounds, rows, self._scale)
        labels = _labels(scale, rows)
        self._margin = margin = max(cell_len(label) for label in [*labels.values(), ""]) + 1
        plot = max(1, width - margin - 1)
        if plot != guess:
            now, best = self._bins(plot)
        layers = self._layers(now, best, plot, rows, scale)
        grid = self._grid(layers, plot, rows, ink)
        self._write_labels(grid, now, scale, layers[0].canvas, ink)
        corner, tick, wall = ("+", "+", "|") if self.ascii_only else ("└", "┤", "│")
        lines = []
        for row, cells in enumerate(grid):
            label = labels.get(row, "")
            start = label.rjust(margin - 1) + " " + (tick if label else wall)
            lines.append([Segment(start, ink("quiet")), *_runs(cells)])
        if axis_rows:
            lines.append([Segment(" " * margin + corner, ink("quiet")), *self._axis(plot, ink)])
        return lines

    def _bins(self, plot: int) -> tuple[Bins, Bins]:
        columns = plot if self.ascii_only else plot * 2
        return self._reduce("now", self._picture.now, columns), self._reduce("best", self._picture.best, columns)

    def _reduce(self, name: str, series: Series | None, columns: int) -> Bins:
        """The series by column, going on from the last time."""
        if series is None:
            return []
        reducer = self._reducers.get(name)
        if reducer is None or (reducer.columns, reducer.x_max) != (columns, self._picture.x_max):
            reducer = self._reducers[name] = Reducer(columns, self._picture.x_max)
        return reducer.reduce(series)

    def _bounds(self, now: Bins, best: Bins) -> tuple[float, float] | None:
        """The y range that holds what matters, the last value always."""
        lows: list[float] = []
        highs: list[float] = []
        start = SKIPPED * max((bin.column for bin in now or best if bin is not None), default=0)
        for bins in (smoothed(now), smoothed(best)) if self._picture.smooth else (now, best):
            kept = _from(bins, start)
            if span := useful([bin.low for bin in kept], [bin.high for bin in kept]):
                lows.append(span[0])
                highs.append(span[1])
        if not lows:
            return None
        last = next((bin.last for bin in reversed(now) if bin is not None), lows[0])
        low, high = min(*lows, last), max(*highs, last)
        return self._with_extras(low, high)

    def _with_extras(self, low: float, high: float) -> tuple[float, float]:
        """The range widened for a level or a forecast, unless they are so far off that the curve would be
        flat."""
        span = (high - low) or abs(high) * 0.1 or 1.0
        extras = [self._picture.level.value] if self._picture.level else []
        extras += list(self._picture.forecast) if self._picture.forecast else []
        near = [value for value in extras if low - span <= value <= high + span]
        return min([low, *near]), max([high, *near])

    def _layers(self, now: Bins, best: Bins, plot: int, rows: int, scale: Scale) -> list[_Layer]:
        """From the front to the back."""
        smooth = self._picture.smooth
        front, behind, raw, level, fan, marks = (Canvas(plot, rows, ascii_only=self.ascii_only) for _ in range(6))
        low, high = scale.low, scale.high
        front.line(smoothed(now) if smooth else now, low, high)
        behind.line(smoothed(best) if smooth else best, low, high, every=1 if self.ascii_only else DOTTED)
        if smooth:
            raw.points(now, low, high)
        if self._picture.level is not None and math.isfinite(self._picture.level.value):
            row = level.row_of(self._picture.level.value, low, high)
            level.segment((-1, row), (level.columns - 1, row), every=2)
        if self._picture.forecast is not None:
            self._draw_fan(fan, now, scale)
        for mark in self._picture.marks:
            if math.isfinite(mark.x):
                column = self._column(mark.x, marks)
                for row in range(0, marks.rows, 1 if self.ascii_only else 2):
                    marks.dot(column, row)
        return [
            _Layer(front, "accent", True, "*"),
            _Layer(behind, "quiet", False, "."),
            _Layer(fan, "warn", False, ":"),
            _Layer(level, "good", False, "-"),
            _Layer(marks, "frame", False, "|"),
            _Layer(raw, "frame", False, ","),
        ]

    def _draw_fan(self, canvas: Canvas, now: Bins, scale: Scale) -> None:
        """Draw the edges of the forecast, opening from the last point to the end of the axis."""
        last = next((bin for bin in reversed(now) if bin is not None), None)
        if last is None or self._picture.forecast is None:
            return
        start = last.column, canvas.row_of(last.last, scale.low, scale.high)
        for value in self._picture.forecast:
            if math.isfinite(value):
                goal = canvas.columns - 1, canvas.row_of(value, scale.low, scale.high)
                canvas.segment(start, goal, every=SPARSE)

    def _column(self, x: float, canvas: Canvas) -> int:
        return max(0, min(canvas.columns - 1, int(x / self._picture.x_max * canvas.columns)))

    def _grid(self, layers: list[_Layer], plot: int, rows: int, ink: Inks) -> list[list[Segment]]:
        """One segment for each cell: the dots of the layer in front."""
        styles = [ink(layer.role, bold=layer.bold) for layer in layers]
        blank = Segment(" ", ink("text"))
        grid = [[blank] * plot for _ in range(rows)]
        for layer, style in reversed(list(zip(layers, styles, strict=True))):
            for at, mask in enumerate(layer.canvas.cells):
                if mask:
                    glyph = layer.glyph if self.ascii_only else chr(0x2800 + mask)
                    grid[at // plot][at % plot] = Segment(glyph, style)
        return grid

    def _write_labels(self, grid: list[list[Segment]], now: Bins, scale: Scale, canvas: Canvas, ink: Inks) -> None:
        for mark in self._picture.marks:
            if mark.label and math.isfinite(mark.x):
                cell = self._column(mark.x, canvas) * canvas.width // canvas.columns
                _write(grid, 0, cell + 1, clean(mark.label), ink("quiet"))
        last = next((bin for bin in reversed(now) if bin is not None), None)
        if last is not None:
            self._write_last(grid, last, scale, canvas, ink)

    def _write_last(self, grid: list[list[Segment]], last: Bin, scale: Scale, canvas: Canvas, ink: Inks) -> None:
        """Write the last value beside its point, or where nothing is near it."""
        text = scale.label(last.last, digits=2)
        cell = last.column * canvas.width // canvas.columns
        row = canvas.row_of(last.last, scale.low, scale.high) * canvas.height // canvas.rows
        row = max(0, min(canvas.height - 1, row))
        end = canvas.width - len(text)
        places = [(row, cell + 2)]
        for distance in (1, 2, 3):
            places += [(row - distance, min(cell + 1, end)), (row + distance, min(cell + 1, end))]
        for at, column in places:
            if _write(grid, at, column, text, ink("accent", bold=True)):
                return

    def _axis(self, plot: int, ink: Inks) -> list[Segment]:
        """The x axis in one line: 0, what it measures, the end."""
        line = "-" if self.ascii_only else "─"
        start, middle, end = (
            "0 ",
            f" {self._picture.x_label} " if self._picture.x_label else "",
            f" {self._picture.x_end}",
        )
        space = plot - cell_len(start) - cell_len(middle) - cell_len(end)
        if space < 4:
            middle, space = "", plot - cell_len(start) - cell_len(end)
        left = max(0, space // 2)
        words, rule = ink("quiet"), ink("frame")
        return [
            Segment(start, words),
            Segment(line * left, rule),
            Segment(middle, words),
            Segment(line * max(0, space - left), rule),
            Segment(end, words),
        ]


def _from(bins: Bins, column: float) -> list[Bin]:
    """The bins from `column` on, or all of them while there are few."""
    present = [bin for bin in bins if bin is not None]
    later = [bin for bin in present if bin.column >= column]
    return later if len(later) >= ENOUGH else present


def _labels(scale: Scale, rows: int) -> dict[int, str]:
    """The labels of the y axis by row."""
    span = scale.high - scale.low
    return {round((scale.high - tick) / span * (rows - 1)): scale.label(tick) for tick in scale.ticks}


def _write(grid: list[list[Segment]], row: int, column: int, text: str, style: Style) -> bool:
    """Write `text` over empty cells; False, and nothing written, if there is no room or a character is not
    one cell."""
    if not 0 <= row < len(grid) or column < 0 or column + cell_len(text) > len(grid[row]):
        return False
    if any(cell.text != " " for cell in grid[row][column : column + cell_len(text)]):
        return False
    if cell_len(text) != len(text):
        return False
    for at, char in enumerate(text):
        grid[row][column + at] = Segment(char, style)
    return True


def _runs(cells: list[Segment]) -> list[Segment]:
    """Neighbouring cells of one style as one segment."""
    runs: list[Segment] = []
    text, style = "", cells[0].style if cells else None
    for cell in cells:
        if cell.style != style:
            runs.append(Segment(text, style))
            text, style = "", cell.style
        text += cell.text
    return [*runs, Segment(text, style)] if text else runs
