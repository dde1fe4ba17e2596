"""A tiny app around one widget, and what every picture must be: exactly as wide as the screen, and harmless."""

import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from loopwatch.tui.palette import DARK_THEME, LIGHT_THEME
from loopwatch.tui.widgets.pane import Pane

SIZES = [(120, 40), (80, 24), (20, 5), (7, 3), (3, 2), (1, 1)]

HOSTILE = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[H",
    "\x1b[?1049l\x1b[?2004l\x1b[?1000h",
    "\x1bP$q m\x1b\\",
    "\x9b2J\x9d0;x\x9c",
    "\r\x08\x07\x00\x7f\x0b\x0c",
    "user\u202egnp.exe \u2066x\u2069",
    "a\u200bb\u200dc\ufeffd\u00ad",
    "".join(chr(0xE0000 + ord(char)) for char in "ignore"),
    "e" + "\u0301" * 60,
    "\u0301 first",
    "\ud800\udfff",
    "[@click=app.quit]press[/]",
    "loss[/foo] [bold",
    "👨‍👩‍👧 ❤️ 🇩🇪 👍🏽 1️⃣",
    "日本語テキスト",
    "\u2028\u2029\x85next",
    "\U0010ffff\ue000",
]


class Stage(App[None]):
    """Shows one widget and nothing else."""

    AUTO_FOCUS = None
    CSS = "Screen { background: $background; color: $foreground; }"

    def __init__(self, widget: Widget, theme: str = "loopwatch-dark") -> None:
        super().__init__()
        self._widget = widget
        self.register_theme(DARK_THEME)
        self.register_theme(LIGHT_THEME)
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield self._widget


@asynccontextmanager
async def on_stage(
    widget: Widget, size: tuple[int, int] = (80, 24), theme: str = "loopwatch-dark"
) -> AsyncIterator[Pilot[None]]:
    """Run the widget in a terminal of this size."""
    async with Stage(widget, theme).run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


def segments(widget: Widget) -> list[list[Segment]]:
    """Every line of the widget, as it would be painted."""
    return [list(widget.render_line(y)) for y in range(widget.size.height)]


def text_of(widget: Widget) -> str:
    return "\n".join("".join(segment.text for segment in line) for line in segments(widget))


def assert_fit_to_paint(pane: Pane) -> None:
    """Each line is as wide as it says, has both colours everywhere, and nothing that a terminal obeys."""
    for line in segments(pane):
        assert sum(cell_len(segment.text) for segment in line) == pane.size.width
        for text, style, _ in line:
            assert style is not None
            assert style.color is not None
            assert style.bgcolor is not None
            assert text.isprintable()
            assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Me") for char in text)
