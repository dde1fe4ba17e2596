"""A framed box of lines that repaints only the cells that changed.

Covered: the frame with its title and foot, exact widths, styles, the last guard against control characters,
what to repaint, the mouse wheel. Not covered: key bindings; a screen calls `move`, `page`, `home` and `end`
of the pane that has the focus.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from loopwatch.tui.clean import cell_fit, clean, to_ascii
from loopwatch.tui.palette import Inks, Role, inks

WHEEL_LINES = 3

Title = str | Sequence[tuple[str, Role]]
"""Text, or its parts with the role of each."""


class Frame(NamedTuple):
    """The characters of a frame, clockwise from the top left corner, then the horizontal and the vertical
    line."""

    top_left: str
    top_right: str
    bottom_right: str
    bottom_left: str
    horizontal: str
    vertical: str


FRAMES = {
    (False, False): Frame(*"┌┐┘└─│"),
    (True, False): Frame(*"┏┓┛┗━┃"),
    (False, True): Frame(*"++++-|"),
    (True, True): Frame(*"####=#"),
}
"""By whether it is heavy, and whether it is ASCII."""


class Pane(Widget, can_focus=True):
    """The base of every pane: `draw` gives the lines inside the frame, `redraw` shows what has changed
    since."""

    DEFAULT_CSS = "Pane { height: 1fr; width: 1fr; }"
    ALLOW_SELECT = False
    heavy: ClassVar[bool] = False
    frame_role: ClassVar[Role] = "frame"

    def __init__(
        self,
        *,
        title: Title = "",
        ascii_only: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`ascii_only` draws frames, curves and marks without a character beyond ASCII."""
        super().__init__(id=id, classes=classes)
        self.ascii_only = ascii_only
        self._title = _parts(title)
        self._strips: list[Strip] = []

    # What a pane adds.

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """Return up to `height` lines of any width; they are cut and padded.

        Called for each redraw, so of fixed cost.
        """
        raise NotImplementedError

    def foot(self) -> Title:
        """Return the words at the right of the lower frame."""
        return ""

    # What a screen calls.

    def set_title(self, title: Title) -> None:
        """Change the words in the upper frame; they are cleaned."""
        parts = _parts(title)
        if parts != self._title:
            self._title = parts
            self.redraw()

    def move(self, lines: int) -> None:
        """Move the view or the cursor down, or up if negative."""

    def page(self, pages: int) -> None:
        """Move by what fits in the pane."""
        self.move(pages * max(1, self.inner_height - 1))

    def home(self) -> None:
        """Go to the first line."""
        self.move(-(10**9))

    def end(self) -> None:
        """Go to the last line."""
        self.move(10**9)

    # How it is drawn.

    @property
    def framed(self) -> bool:
        """Whether there is room for a frame."""
        return self.size.height >= 3 and self.size.width >= 6

    @property
    def inner_height(self) -> int:
        """The number of lines inside the frame."""
        return max(0, self.size.height - 2) if self.framed else self.size.height

    @property
    def inner_width(self) -> int:
        """The cells of a line inside the frame and its margins."""
        return max(0, self.size.width - 4) if self.framed else self.size.width

    def redraw(self) -> None:
        """Draw again, and repaint the cells that differ."""
        width, height = self.size
        old, self._strips = self._strips, self._make_strips() if width and height else []
        if len(old) != len(self._strips) or (old and old[0].cell_length != width):
            self.refresh()
            return
        changed = [
            Region(span[0], y, span[1] - span[0], 1)
            for y, (before, after) in enumerate(zip(old, self._strips, strict=True))
            if (span := changed_cells(before, after)) is not None
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """Return a line of the widget, frame included."""
        width, height = self.size
        if len(self._strips) != height or (height and self._strips[0].cell_length != width):
            self._strips = self._make_strips()
        if y >= len(self._strips):
            return Strip.blank(width, self._ink()("text"))
        return self._strips[y]

    def _ink(self) -> Inks:
        theme = self.app.current_theme
        return inks(self.rich_style, dark=theme.dark, ansi=theme.ansi)

    def _make_strips(self) -> list[Strip]:
        width, height = self.size
        ink = self._ink()
        blank = ink("text")
        lines = self.draw(self.inner_width, self.inner_height, ink)[: self.inner_height]
        lines += [[] for _ in range(self.inner_height - len(lines))]
        rows = [self.fit(line, self.inner_width, blank) for line in lines]
        if self.framed:
            rows = self._in_frame(rows, ink)
        return [Strip(row, width) for row in rows[:height]]

    def fit(self, line: Iterable[Segment], width: int, blank: Style) -> list[Segment]:
        """Return the segments of `line` in exactly `width` cells, without a character that a terminal
        obeys."""
        fitted: list[Segment] = []
        left = width
        for text, style, _ in line:
            if left <= 0:
                break
            safe = text if text.isprintable() else clean(text)
            safe = to_ascii(safe) if self.ascii_only else safe
            size = cell_len(safe)
            fitted.append(Segment(safe if size <= left else cell_fit(safe, left), style or blank))
            left -= size
        if left > 0:
            fitted.append(Segment(" " * left, blank))
        return fitted

    def _in_frame(self, rows: list[list[Segment]], ink: Inks) -> list[list[Segment]]:
        style = ink("accent" if self.has_focus else self.frame_role)
        frame = FRAMES[self.heavy, self.ascii_only]
        blank = ink("text")
        left, right = Segment(frame.vertical, style), Segment(frame.vertical, style)
        margin = Segment(" ", blank)
        inside = [[left, margin, *row, margin, right] for row in rows]
        width = self.size.width - 2
        bold = self.has_focus or self.heavy
        title = self._words(self._title, width - 2, ink, bold=bold)
        foot = self._words(_parts(self.foot()), width - 2, ink, bold=False)
        over = _fill(frame.horizontal, width - 1 - _cells(title), style)
        under = _fill(frame.horizontal, width - 1 - _cells(foot), style)
        line = Segment(frame.horizontal, style)
        top = [Segment(frame.top_left, style), line, *title, *over, Segment(frame.top_right, style)]
        bottom = [Segment(frame.bottom_left, style), *under, *foot, line, Segment(frame.bottom_right, style)]
        return [top, *inside, bottom]

    def _words(self, parts: Sequence[tuple[str, Role]], width: int, ink: Inks, *, bold: bool) -> list[Segment]:
        """The parts of a title with a space at both sides, cut with dots where they do not fit."""
        if not any(text for text, _ in parts) or width < 5:
            return []
        words = [Segment(text, ink(role, bold=bold)) for text, role in parts]
        room = width - 2
        if _cells(words) > room:
            words = [*self.fit(words, room - 1, ink("text")), Segment("…", ink("quiet"))]
        return self.fit([Segment(" "), *words, Segment(" ")], min(width, _cells(words) + 2), ink("text"))

    # When it is drawn.

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.redraw()

    def on_show(self) -> None:
        """Draw what was set while nobody could see it."""
        self.redraw()

    def on_focus(self) -> None:
        """Show the focus in frame and title."""
        self.redraw()

    def on_blur(self) -> None:
        """Show that the focus left."""
        self.redraw()

    def notify_style_update(self) -> None:
        """Draw again in the new theme."""
        super().notify_style_update()
        self._strips = []
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move on."""
        event.stop()
        self.move(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move back."""
        event.stop()
        self.move(-WHEEL_LINES)


def changed_cells(before: Strip, after: Strip) -> tuple[int, int] | None:
    """Return the first changed cell and the one after the last, or None if the lines are the same."""
    old, new = list(before), list(after)
    if old == new:
        return None
    start = _common_cells(old, new)
    end = after.cell_length - _common_cells(old[::-1], new[::-1], backwards=True)
    return (start, end) if start < end else (0, after.cell_length)


def _common_cells(old: list[Segment], new: list[Segment], *, backwards: bool = False) -> int:
    cells = 0
    for one, other in zip(old, new, strict=False):
        if one == other:
            cells += one.cell_length
            continue
        return cells + (_common_text(one.text, other.text, backwards) if one.style == other.style else 0)
    return cells


def _common_text(one: str, other: str, backwards: bool) -> int:
    """Cells of the common start (or end); nothing for text that is not ASCII, where a mark belongs to the
    letter before."""
    if not (one.isascii() and other.isascii()) and not _is_braille(one + other):
        return 0
    pairs = zip(reversed(one), reversed(other), strict=False) if backwards else zip(one, other, strict=False)
    count = 0
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return count


def _is_braille(text: str) -> bool:
    return all("\u2800" <= char <= "\u28ff" or char == " " for char in text)


def _parts(title: Title) -> tuple[tuple[str, Role], ...]:
    if isinstance(title, str):
        return ((clean(title), "text"),)
    return tuple((clean(text), role) for text, role in title)


def _cells(segments: Iterable[Segment]) -> int:
    return sum(segment.cell_length for segment in segments)


def _fill(char: str, count: int, style: Style) -> list[Segment]:
    return [Segment(char * count, style)] if count > 0 else []
