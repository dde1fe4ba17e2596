"""A long text to be read from its beginning: a prompt, say.

Covered: every character of it, long lines wrapped and hidden characters spelt out; where one is. Not covered: text that grows.
"""

from rich.segment import Segment

from loopwatch.tui.clean import reveal_lines, wrap
from loopwatch.tui.palette import Inks, Role

from .pane import Pane, Title

CHARACTERS_KEPT = 2_000_000
"""Far more than a model reads; beyond it the text is cut, and says so."""


class Page(Pane):
    """A text that stays as it is."""

    def __init__(self, *, title: Title = "", keys: str = "", ascii_only: bool = False, id: str | None = None) -> None:
        """`keys` says below the text what can be done."""
        super().__init__(title=title, ascii_only=ascii_only, id=id)
        self._keys = keys
        self._lines: list[str] = []
        self._rows: list[tuple[str, Role]] = []
        self._wrapped_at = 0
        self._top = 0

    def set_text(self, text: str) -> None:
        """Show this from its beginning."""
        self._lines = reveal_lines(text[:CHARACTERS_KEPT])
        if len(text) > CHARACTERS_KEPT:
            self._lines.append(f"({len(text) - CHARACTERS_KEPT} more characters are not shown)")
        self._top = 0
        self._wrap()
        self.redraw()

    def move(self, lines: int) -> None:
        """Scroll."""
        last = max(0, len(self._rows) - self.inner_height)
        self._top = max(0, min(last, self._top + lines))
        self.redraw()

    def on_resize(self) -> None:
        """Wrap again, and stay roughly at the same place."""
        share = self._top / len(self._rows) if self._rows else 0.0
        if self.inner_width != self._wrapped_at:
            self._wrap()
            self._top = int(share * len(self._rows))
        self.move(0)

    def foot(self) -> Title:
        """What can be done, and the place."""
        last = min(len(self._rows), self._top + self.inner_height)
        return [(f"{self._keys} · {last}/{len(self._rows)}", "quiet")]

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """Draw the rows in view."""
        return [[Segment(text, ink(role))] for text, role in self._rows[self._top : self._top + height]]

    def _wrap(self) -> None:
        self._wrapped_at = self.inner_width
        width = max(2, self._wrapped_at or 78)
        self._rows = [
            (row, "accent" if line.startswith("#") else "text") for line in self._lines for row in wrap(line, width)
        ]
