"""The box in which a person is asked.

Covered: fixed height, so that nothing else moves by its length; scrolling inside; knowing when an answer may
count. Not covered: keys and decisions. Whoever handles them reads `armed` and takes `ask` (its id and
digest) along.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from loopwatch.tui.clean import cell_fit, reveal, wrap
from loopwatch.tui.palette import Inks, Role

from .pane import Pane, Title

GRACE_SECONDS = 0.5
"""A key pressed within this time was meant for what was there before."""


DEFAULT: Role = "text"


@dataclass(frozen=True)
class AskView:
    """What is asked. `id` and `digest` name it: another of either is another question."""

    id: str
    digest: str
    title: str
    lines: tuple[str | tuple[str, Role], ...]
    keys: str


class AskBox(Pane, can_focus=False):
    """A question in a heavy frame, hidden while there is none."""

    DEFAULT_CSS = "AskBox { max-height: 100%; display: none; }"
    heavy = True
    frame_role = "warn"

    def __init__(
        self,
        *,
        lines: int = 4,
        grace: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        ascii_only: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`lines` is how many lines of text are shown at once, `grace` how many seconds an ask must have
        been visible."""
        super().__init__(ascii_only=ascii_only, id=id, classes=classes)
        self.set_lines(lines)
        self._grace = grace
        self._clock = clock
        self._ask: AskView | None = None
        self._painted_at: float | None = None
        self._showing = 0
        self._top = 0

    def set_lines(self, lines: int) -> None:
        """Show so many lines of text at once."""
        self.styles.height = lines + 3

    @property
    def ask(self) -> AskView | None:
        """What is asked now."""
        return self._ask

    @property
    def armed(self) -> bool:
        """Whether an answer may count: this very ask has been on the screen for the grace period and still
        is."""
        if self._painted_at is None or not self._is_on_screen:
            return False
        return self._clock() - self._painted_at >= self._grace

    def show(self, ask: AskView | None) -> None:
        """Ask this, or nothing.

        A new title, as for the waiting time, is the same ask; anything else arms anew.
        """
        same = ask is not None and self._ask is not None and _content(ask) == _content(self._ask)
        self._ask = ask
        if not same:
            self._top = 0
            self.rearm()
        self.display = ask is not None
        self.set_title(self._heading())
        self.redraw()

    def rearm(self) -> None:
        """Start the grace period again at the next paint: after a dialog closed, or the terminal got the
        focus back."""
        self._painted_at = None
        self._showing += 1
        self.refresh()

    def move(self, lines: int) -> None:
        """Scroll the text; the keys stay."""
        rows = len(self._wrapped(self.inner_width))
        self._top = max(0, min(rows - self._text_height, self._top + lines))
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """Return a line, and note once this ask has been painted."""
        strip = super().render_line(y)
        if self._painted_at is None and self._ask is not None:
            self.call_after_refresh(self._note_painted, self._showing)
        return strip

    def foot(self) -> Title:
        """Return how many lines are out of sight."""
        more = len(self._wrapped(self.inner_width)) - self._top - self._text_height
        return [(f"{more} more line{'s' * (more > 1)}", "warn")] if more > 0 else ""

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """Draw the text in view, then the keys with the state of the box at their right."""
        if self._ask is None or not height:
            return []
        room = height - 1
        rows = self._wrapped(width)[self._top : self._top + room]
        lines = [[Segment(text, ink(role))] for text, role in rows]
        lines += [[] for _ in range(room - len(lines))]
        return [*lines, self._keys(self._ask, width, ink)]

    @property
    def _text_height(self) -> int:
        return max(1, self.inner_height - 1)

    @property
    def _is_on_screen(self) -> bool:
        return self.is_attached and self.display and bool(self.size.height) and self.screen.is_active

    def _keys(self, ask: AskView, width: int, ink: Inks) -> list[Segment]:
        on, off = ("*", "o") if self.ascii_only else ("●", "○")
        state = f"armed {on}" if self.armed else f"arming {off}"
        role: Role = "good" if self.armed else "quiet"
        room = width - cell_len(state) - 2
        keys = cell_fit(reveal(ask.keys), max(0, room), more="…")
        return [Segment(keys, ink("text", bold=True)), Segment("  "), Segment(state, ink(role, bold=True))]

    def _wrapped(self, width: int) -> list[tuple[str, Role]]:
        """The rows of the text.

        What a terminal would hide is spelt out: it may be what the question is about.
        """
        if self._ask is None:
            return []
        rows: list[tuple[str, Role]] = []
        for line in self._ask.lines:
            text, role = (line, DEFAULT) if isinstance(line, str) else line
            rows += [(row, role) for row in wrap(reveal(text), max(2, width))]
        return rows

    def _heading(self) -> Title:
        return [(reveal(self._ask.title), "warn")] if self._ask else ""

    def _note_painted(self, showing: int) -> None:
        """Start the grace period, unless the paint was of an earlier ask or hidden by another screen."""
        if self._painted_at is not None or showing != self._showing or not self._is_on_screen:
            return
        self._painted_at = self._clock()
        # A timer may fire a moment early; the box would then say "arming" until something else redraws it.
        self.set_timer(self._grace + 0.02, self.redraw)


def _content(ask: AskView) -> tuple[str, str, tuple[str | tuple[str, Role], ...], str]:
    return ask.id, ask.digest, ask.lines, ask.keys
