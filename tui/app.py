"""The terminal app: themes, signals, the command palette, and one screen. `watch` is its door."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Iterable
from functools import partial

from textual import events
from textual.app import App, SystemCommand
from textual.screen import Screen

from loopwatch.engine.client import Run, Viewer

from . import words
from .keys import KEYS
from .palette import DARK_THEME, LIGHT_THEME
from .screens.mission import Mission


class MissionControl(App[int]):
    """A window on one run; closing it stops nothing."""

    TITLE = "loopwatch"
    CSS = "Screen { background: $background; color: $foreground; }"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, run: Run, *, ascii_only: bool = False, clock: Callable[[], float] = time.time) -> None:
        """Looks at `run`; `ascii_only` draws without a character beyond ASCII; `clock` is what ages are counted to."""
        super().__init__()
        self._clock = clock
        self.run_watched = run
        self.viewer = Viewer(run, name="screen")
        self._ascii = ascii_only
        self.register_theme(DARK_THEME)
        self.register_theme(LIGHT_THEME)
        self.theme = "loopwatch-light" if os.environ.get("LOOPWATCH_THEME") == "light" else "loopwatch-dark"

    def on_mount(self) -> None:
        """Show the run, and leave the terminal as it was when somebody ends us."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Textual would die without giving the terminal back.
            loop.add_signal_handler(number, partial(self.exit, 128 + number))
        self.push_screen(Mission(self.viewer, ascii_only=self._ascii, clock=self._clock))
        self.call_after_refresh(_collect_garbage_again)

    async def on_event(self, event: events.Event) -> None:
        """What is pasted is as hostile as the page that it was copied from, and Textual would draw it as it is."""
        if isinstance(event, events.Paste):
            event.text = words.one_line(event.text)
        await super().on_event(event)

    @property
    def failure(self) -> Exception | None:
        """What ended the app, if it was no person."""
        return self._exception

    def _print_error_renderables(self) -> None:
        """Nothing: Textual would print what went wrong, and the values around it, as raw as they are."""

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The key table, by name."""
        if isinstance(screen, Mission):
            for key in KEYS:
                if key.id not in ("palette", "up", "down"):
                    yield SystemCommand(f"{key.label}  ({key.first})", key.help, partial(screen.action_do, key.id))
        yield SystemCommand("light or dark", "change the colours", self._change_theme)

    def _change_theme(self) -> None:
        self.theme = "loopwatch-light" if self.theme == "loopwatch-dark" else "loopwatch-dark"


def watch(run: Run) -> int:
    """Show a run until the person leaves; returns the exit code of the viewer, not of the run, or raises what ended it."""
    app = MissionControl(run, ascii_only=_wants_ascii())
    try:
        code = app.run()
    finally:
        app.viewer.close()
    if app.failure:
        raise app.failure
    return code or 0


def _collect_garbage_again() -> None:
    # Whoever starts the screen switches collection off: a tenth of the way to the first picture went into it.
    gc.freeze()
    gc.enable()


def _wants_ascii() -> bool:
    if chosen := os.environ.get("LOOPWATCH_ASCII"):
        return chosen != "0"
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    return "utf" not in locale.lower()
