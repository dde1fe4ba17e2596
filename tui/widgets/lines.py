"""A few lines of text with roles, without a frame: header, footer, notice.

A line that did not change is not painted again.
"""

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from loopwatch.tui.clean import cell_fit, clean, to_ascii
from loopwatch.tui.palette import Inks, Role, inks

Parts = Sequence[tuple[str, Role]]


class Lines(Widget, can_focus=False):
    """As many lines as it is high."""

    DEFAULT_CSS = "Lines { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        """`ascii_only` replaces whatever is beyond ASCII."""
        super().__init__(id=id)
        self._ascii_only = ascii_only
        self._lines: list[list[tuple[str, Role]]] = []

    def set_lines(self, lines: Sequence[Parts]) -> None:
        """Show these lines; they are cleaned."""
        new = [[(self._safe(text), role) for text, role in line] for line in lines]
        old, self._lines = self._lines, new
        if len(old) != len(new):
            self.refresh()
            return
        changed = [
            Region(0, y, self.size.width, 1)
            for y, (one, other) in enumerate(zip(old, new, strict=True))
            if one != other
        ]
        if changed and self.size.width:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """One line, cut and padded to the width."""
        ink = self._ink
        if y >= len(self._lines):
            return Strip.blank(self.size.width, ink())
        segments: list[Segment] = []
        room = self.size.width
        for text, role in self._lines[y]:
            cut = text if len(text) <= room else cell_fit(text, room, more="~" if self._ascii_only else "…")
            strip = Strip([Segment(cut, ink(role, bold=role in ("warn", "bad", "good", "accent")))])
            room -= strip.cell_length
            segments += list(strip)
            if room <= 0:
                break
        return Strip(segments).adjust_cell_length(self.size.width, ink())

    def _safe(self, text: str) -> str:
        cleaned = clean(text)
        return to_ascii(cleaned) if self._ascii_only else cleaned

    @property
    def _ink(self) -> Inks:
        theme = self.app.current_theme
        return inks(self.rich_style, dark=theme.dark, ansi=self.app.native_ansi_color)
