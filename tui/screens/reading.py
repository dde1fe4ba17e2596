"""A full screen to read a prompt in: the one that an experiment had, and what the next one will be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from loopwatch.engine.errors import LoopwatchError

from ..keys import KEYS
from ..widgets.lines import Lines, Parts
from ..widgets.page import Page

LEAVE = ("back", "brief", "detach")
MOVES = ("down", "up", "page_down", "page_up", "first", "last", "next_pane")


@dataclass(frozen=True)
class Text:
    """Something to read."""

    title: str
    body: str


Source = Callable[[], Text]
"""Gets a text, which may take a while; LoopwatchError when there is none."""


class Reading(Screen[None]):
    """Shows one text after the other; the keys are those of the table in keys.py."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, "leave" if key.id in LEAVE else f"read('{key.id}')", key.label, show=False)
        for key in KEYS
        if key.id in LEAVE + MOVES
        for keys in key.keys.split(",")
    ]

    def __init__(self, sources: Sequence[Source], *, banner: Parts = (), ascii_only: bool = False) -> None:
        """Begins with the first of at least one; `banner` is what stays in sight above it."""
        super().__init__()
        self._banner = Lines(ascii_only=ascii_only)
        self._banner.display = bool(banner)
        self._banner.set_lines([banner])
        self._sources, self._at = tuple(sources), 0
        more = "tab the other prompt · " if len(self._sources) > 1 else ""
        self._page = Page(keys=f"{more}j k scroll · esc back", ascii_only=ascii_only)

    def compose(self) -> ComposeResult:
        """The text, below what must not be overlooked."""
        yield self._banner
        yield self._page

    def on_mount(self) -> None:
        """Fetch it."""
        self._page.focus()
        self._show()

    def action_leave(self) -> None:
        """Back to the run."""
        self.dismiss()

    def action_read(self, key: str) -> None:
        """Scroll, or go to the next text."""
        page = self._page
        match key:
            case "next_pane":
                self._at = (self._at + 1) % len(self._sources)
                self._show()
            case "down" | "up":
                page.move(1 if key == "down" else -1)
            case "page_down" | "page_up":
                page.page(1 if key == "page_down" else -1)
            case "first":
                page.home()
            case "last":
                page.end()

    def _show(self) -> None:
        source = self._sources[self._at]
        self._page.set_title("…")
        self._page.set_text("")
        self.run_worker(lambda: self._fetch(source), thread=True, exclusive=True)

    def _fetch(self, source: Source) -> None:
        try:
            found = source()
        except LoopwatchError as error:
            found = Text("there is no prompt to show", str(error))
        self.app.call_from_thread(self._fetched, source, found)

    def _fetched(self, source: Source, found: Text) -> None:
        if source is self._sources[self._at]:
            self._page.set_title(found.title)
            self._page.set_text(found.body)
