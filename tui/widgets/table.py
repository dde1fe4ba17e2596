"""A table of many rows, of which only the visible ones cost anything.

Covered: columns that give way on narrow screens, a cursor that stays with its row when others arrive, the
mouse. Not covered: sorting and filtering; rows are shown in the order they come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from rich.segment import Segment
from textual import events
from textual.message import Message

from loopwatch.tui.clean import cell_fit, clean
from loopwatch.tui.palette import Inks, Role

from .pane import Pane, Title

GAP = 2
"""Cells between columns."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, its cells, and how readily it is left out."""

    title: str
    width: int
    align: Literal["left", "right"] = "left"
    priority: int = 0
    """0 stays for ever; the highest number goes first when the screen is narrow."""
    flexible: bool = False
    """Takes what is left over; `width` is then the least it is shown with."""


Cell = str | tuple[str, Role]
"""Text, or text with its role."""


PLAIN: Role = "text"


@dataclass(frozen=True)
class Row:
    """A row: a key that never changes, and one cell for each column."""

    key: str
    cells: tuple[Cell, ...]


class Table(Pane):
    """Rows with a cursor. Posts `Highlighted` when the cursor gets to another row, `Chosen` on a click."""

    class Highlighted(Message):
        """The cursor is on another row; `key` is None when there are no rows."""

        def __init__(self, table: "Table", key: str | None) -> None:
            super().__init__()
            self.table, self.key = table, key

        @property
        def control(self) -> "Table":
            """The table, so that a handler can be bound to its id."""
            return self.table

    class Chosen(Message):
        """A row was clicked."""

        def __init__(self, table: "Table", key: str) -> None:
            super().__init__()
            self.table, self.key = table, key

        @property
        def control(self) -> "Table":
            """The table, so that a handler can be bound to its id."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        title: Title = "",
        empty: str = "nothing yet",
        ascii_only: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`empty` is what is shown when there are no rows."""
        super().__init__(title=title, ascii_only=ascii_only, id=id, classes=classes)
        self._columns = tuple(columns)
        self._rows: list[Row] = []
        self._empty = clean(empty)
        self._cursor = 0
        self._top = 0
        self._pinned = False

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show `rows`. The cursor stays on its row if a person moved it there, and else on the first one."""
        before = self.selected
        self._rows = list(rows)
        self._cursor = self._find(before) if self._pinned and before is not None else 0
        self._show_cursor()
        self._tell(before)

    def set_row(self, row: Row) -> None:
        """Replace the row with the same key, if there is one."""
        for at, old in enumerate(self._rows):
            if old.key == row.key:
                self._rows[at] = row
                self.redraw()
                return

    def select(self, key: str) -> bool:
        """Put the cursor on the row with `key`; False if there is none."""
        at = next((at for at, row in enumerate(self._rows) if row.key == key), None)
        if at is not None:
            self._go(at)
        return at is not None

    def move(self, lines: int) -> None:
        """Move the cursor."""
        if self._rows:
            self._go(max(0, min(len(self._rows) - 1, self._cursor + lines)))

    def page(self, pages: int) -> None:
        """Move the cursor by what fits below the headings."""
        self.move(pages * max(1, self._visible - 1))

    def on_click(self, event: events.Click) -> None:
        """Choose the row under the mouse."""
        at = self._top + event.y - (1 if self.framed else 0) - self._headings
        if self._top <= at < min(len(self._rows), self._top + self._visible):
            self._go(at)
            self.post_message(self.Chosen(self, self._rows[at].key))

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._show_cursor()

    def foot(self) -> Title:
        """Return where the cursor is among the rows."""
        return [(f"{self._cursor + 1}/{len(self._rows)}", "quiet")] if self._rows else ""

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """Draw the headings and the rows that are in view."""
        shown = fit_columns(self._columns, width - 2)
        lines = [self._heading(shown, ink)] if self._headings else []
        if not self._rows:
            return [*lines, [Segment("  " + self._empty, ink("quiet"))]]
        for at in range(self._top, min(len(self._rows), self._top + height - len(lines))):
            lines.append(self._line(self._rows[at], shown, ink, cursor=at == self._cursor))
        return lines

    @property
    def _headings(self) -> int:
        return 1 if self.inner_height >= 3 else 0

    @property
    def _visible(self) -> int:
        return max(1, self.inner_height - self._headings)

    def _heading(self, shown: Sequence[tuple[int, int]], ink: Inks) -> list[Segment]:
        style = ink("quiet", bold=True)
        words = [self._cell(self._columns[at].title, at, width) for at, width in shown]
        return [Segment("  " + (" " * GAP).join(words), style)]

    def _line(self, row: Row, shown: Sequence[tuple[int, int]], ink: Inks, *, cursor: bool) -> list[Segment]:
        pointer = (">" if self.ascii_only else "▸") if cursor else " "
        line = [Segment(pointer + " ", ink("accent", cursor=cursor))]
        for number, (at, width) in enumerate(shown):
            cell = row.cells[at] if at < len(row.cells) else ""
            text, role = (cell, PLAIN) if isinstance(cell, str) else cell
            gap = " " * GAP if number else ""
            line.append(Segment(gap + self._cell(clean(text), at, width), ink(role, cursor=cursor)))
        return [*line, Segment(" " * self.inner_width, ink("text", cursor=cursor))]

    def _cell(self, text: str, at: int, width: int) -> str:
        return cell_fit(text, width, align=self._columns[at].align, more="…")

    def _find(self, key: str) -> int:
        """Where `key` is now, looked for near the cursor first: rows mostly arrive one by one."""
        near = range(max(0, self._cursor - 2), min(len(self._rows), self._cursor + 3))
        for at in chain(near, range(len(self._rows))):
            if self._rows[at].key == key:
                return at
        return max(0, min(self._cursor, len(self._rows) - 1))

    def _go(self, at: int) -> None:
        before = self.selected
        self._cursor = at
        self._pinned = at > 0
        self._show_cursor()
        self._tell(before)

    def _show_cursor(self) -> None:
        last_top = max(0, len(self._rows) - self._visible)
        self._top = max(self._cursor - self._visible + 1, min(self._top, self._cursor, last_top), 0)
        self.redraw()

    def _tell(self, before: str | None) -> None:
        if self.selected != before:
            self.post_message(self.Highlighted(self, self.selected))


def fit_columns(columns: Sequence[Column], width: int) -> list[tuple[int, int]]:
    """Return the places and widths of the columns that fit in `width` cells; the last resort is one
    column, cut."""
    shown = list(range(len(columns)))
    while len(shown) > 1 and _needed(columns, shown) > width:
        shown.remove(max(shown, key=lambda at: (columns[at].priority, at)))
    spare = max(0, width - _needed(columns, shown))
    sizes = {at: columns[at].width for at in shown}
    flexible = [at for at in shown if columns[at].flexible]
    for number, at in enumerate(flexible):
        share = spare // len(flexible)
        sizes[at] += share if number else spare - share * (len(flexible) - 1)
    if len(shown) == 1:
        sizes[shown[0]] = max(0, min(sizes[shown[0]], width))
    return [(at, sizes[at]) for at in shown]


def _needed(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return sum(columns[at].width for at in shown) + GAP * (len(shown) - 1)
