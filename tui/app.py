"""The terminal app: mission control, its command palette, and one screen. `watch` is its door."""

import gc
import time
from collections.abc import Callable, Iterable
from functools import partial

from textual.app import SystemCommand
from textual.screen import Screen

from loopwatch.engine.client import Run, Viewer

from .keys import KEYS
from .screens.mission import Mission
from .window import Window, wants_ascii


class MissionControl(Window):
    """A window on one run; closing it stops nothing."""

    ENABLE_COMMAND_PALETTE = True

    def __init__(self, run: Run, *, ascii_only: bool = False, clock: Callable[[], float] = time.time) -> None:
        """Looks at `run`; `ascii_only` draws without a character beyond ASCII; `clock` is what ages are counted to."""
        self.run_watched = run
        self.viewer = Viewer(run, name="screen")
        super().__init__(lambda: Mission(self.viewer, ascii_only=ascii_only, clock=clock))

    def on_ready(self) -> None:
        """The first picture is there."""
        self.call_after_refresh(_collect_garbage_again)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The key table, by name."""
        if isinstance(screen, Mission):
            for key in KEYS:
                if key.id not in ("palette", "up", "down"):
                    yield SystemCommand(f"{key.label}  ({key.first})", key.help, partial(screen.action_do, key.id))
        yield SystemCommand("light or dark", "change the colours", self._change_theme)


def watch(run: Run) -> int:
    """Show a run until the person leaves; returns the exit code of the viewer, not of the run, or raises what ended it."""
    app = MissionControl(run, ascii_only=wants_ascii())
    try:
        return app.show()
    finally:
        app.viewer.close()


def _collect_garbage_again() -> None:
    # Whoever starts the screen switches collection off: a tenth of the way to the first picture went into it.
    gc.freeze()
    gc.enable()
