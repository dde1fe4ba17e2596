"""What every app of ours does with its terminal: themes, signals, what is pasted, and an end that prints nothing raw."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial

from textual import events
from textual.app import App
from textual.screen import Screen

from . import words
from .palette import DARK_THEME, LIGHT_THEME


class Window(App[int]):
    """The base of an app; closing it stops nothing but itself."""

    TITLE = "loopwatch"
    CSS = "Screen { background: $background; color: $foreground; }"

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, first: Callable[[], Screen[None]]) -> None:
        """`first` makes the screen to begin with; `LOOPWATCH_THEME=light` asks for dark letters on a light ground."""
        super().__init__()
        self._make_first = first
        self.register_theme(DARK_THEME)
        self.register_theme(LIGHT_THEME)
        self.theme = "loopwatch-light" if os.environ.get("LOOPWATCH_THEME") == "light" else "loopwatch-dark"

    def on_mount(self) -> None:
        """Show the first screen, and leave the terminal as it was when somebody ends us."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Textual would die without giving the terminal back.
            loop.add_signal_handler(number, partial(self.exit, 128 + number))
        self.push_screen(self._make_first())

    async def on_event(self, event: events.Event) -> None:
        """What is pasted is as hostile as the page that it was copied from, and Textual would draw it as it is."""
        if isinstance(event, events.Paste):
            event.text = words.one_line(event.text)
        await super().on_event(event)

    @property
    def failure(self) -> Exception | None:
        """What ended the app, if it was no person."""
        return self._exception

    def show(self) -> int:
        """Run until the person leaves; returns the exit code of the viewer, or raises what ended it."""
        code = self.run()
        if self.failure:
            raise self.failure
        return code or 0

    def _print_error_renderables(self) -> None:
        """Nothing: Textual would print what went wrong, and the values around it, as raw as they are."""

    def _change_theme(self) -> None:
        self.theme = "loopwatch-light" if self.theme == "loopwatch-dark" else "loopwatch-dark"


def wants_ascii() -> bool:
    """Whether to draw without a character beyond ASCII: as `LOOPWATCH_ASCII` says, or the locale."""
    if chosen := os.environ.get("LOOPWATCH_ASCII"):
        return chosen != "0"
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    return "utf" not in locale.lower()
