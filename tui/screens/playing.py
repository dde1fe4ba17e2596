"""A full screen that plays recorded games, at any speed, forwards and move by move."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from .. import keys
from ..clean import wrap
from ..palette import Role
from ..replay import Replay
from ..widgets.board import Board
from ..widgets.games import Games
from ..widgets.lines import Lines
from ..widgets.page import Page

FRAME_CELLS: Final = 4
FRAME_LINES: Final = 2
"""The sides of a pane, with their margins."""
SPEEDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Moves in a second."""
TICK_SECONDS: Final = 0.05
REST_SECONDS: Final = 1.0
"""How long the end of a game is seen before the next one begins."""


class Playing(Screen[None]):
    """Shows one game after the other; the keys are those of the second table in keys.py."""

    CSS = """
    Playing { layout: vertical; overflow: hidden; }
    Playing #board { min-width: 30; max-height: 100%; }
    Playing #games { min-width: 24; }
    Playing #keys { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(name, f"play_{key.id}", key.label, tooltip=key.help, show=False)
        for key in keys.PLAYING
        for name in key.keys.split(",")
    ]

    def __init__(
        self,
        title: str,
        replays: Sequence[Replay],
        *,
        ascii_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
        leave: Callable[[], object] | None = None,
    ) -> None:
        """`title` says whose games these are; `leave` takes the place of going back to the screen below."""
        super().__init__()
        self._replays, self._clock = replays, clock
        self._leave = leave or self.dismiss
        self._heading = Lines(ascii_only=ascii_only, id="heading")
        self._heading.set_lines([[(title, "text")]])
        self._board = Board(ascii_only=ascii_only, id="board")
        self._games = Games([replay.game for replay in replays], ascii_only=ascii_only, id="games")
        self._keys = Page(title="Keys", keys="esc back", ascii_only=ascii_only, id="keys")
        self._footer = Lines(ascii_only=ascii_only, id="footer")
        self._at, self._speed = 0, SPEEDS.index(20)
        self._move = 0.0
        """Of the game; between two moves it is no whole number."""
        self._halted = False
        self._ended: float | None = None
        """When the game came to its end on the screen."""
        self._ticked = clock()

    def compose(self) -> ComposeResult:
        """The board beside the list of games, or beside the keys."""
        yield self._heading
        with Horizontal():
            yield self._board
            yield self._games
            yield self._keys
        yield self._footer

    def on_mount(self) -> None:
        """Begin to play."""
        self._keys.set_text("\n".join(_every_key()))
        self._begin(0)
        self.set_interval(TICK_SECONDS, self.tick)

    def tick(self) -> None:
        """Play on, as far as time has gone on."""
        now = self._clock()
        passed, self._ticked = now - self._ticked, now
        if self._halted:
            return
        if self._move < self._replay.moves:
            self._go_to(self._move + passed * SPEEDS[self._speed])
        elif self._ended is None:
            self._ended = now
        elif now - self._ended >= REST_SECONDS and self._at < len(self._replays) - 1:
            self._begin(self._at + 1)

    @property
    def _replay(self) -> Replay:
        return self._replays[self._at]

    def _begin(self, game: int) -> None:
        self._at = max(0, min(game, len(self._replays) - 1))
        self._games.show(self._at)
        width, height = self._replay.game.size
        self._board.styles.width, self._board.styles.height = 2 * width + FRAME_CELLS, height + FRAME_LINES
        self._go_to(0)

    def _go_to(self, move: float) -> None:
        self._move = max(0.0, min(move, float(self._replay.moves)))
        self._ended = None
        self._draw()

    def _draw(self) -> None:
        replay, move = self._replay, int(self._move)
        frame = replay.at(move)
        apples = "1 apple" if frame.apples == 1 else f"{frame.apples} apples"
        self._board.show(replay.game.size, frame, f"{apples} · {move}/{replay.moves}")
        speed = "paused" if self._halted else f"{SPEEDS[self._speed]}/s"
        self._board.set_title(f"game {self._at + 1} of {len(self._replays)} · {speed}")
        parts: list[tuple[str, Role]] = []
        for key in keys.PLAYING:
            if key.footer:
                parts += [(key.first, "accent"), (f" {key.label}  ", "quiet")]
        self._footer.set_lines([parts])

    # -- keys ----------------------------------------------------------------------------------------------------------

    def action_play_halt(self) -> None:
        """Stop, or go on."""
        self._halted = not self._halted
        self._draw()

    def action_play_faster(self) -> None:
        """More moves in a second."""
        self._set_speed(self._speed + 1)

    def action_play_slower(self) -> None:
        """Fewer moves in a second."""
        self._set_speed(self._speed - 1)

    def action_play_step(self) -> None:
        """One move on."""
        self._halted = True
        self._go_to(int(self._move) + 1)

    def action_play_step_back(self) -> None:
        """One move back."""
        self._halted = True
        self._go_to(int(self._move) - 1)

    def action_play_next_game(self) -> None:
        """The game after this one."""
        self._begin(self._at + 1)

    def action_play_previous_game(self) -> None:
        """The game before this one."""
        self._begin(self._at - 1)

    def action_play_first(self) -> None:
        """The first moment."""
        self._go_to(0)

    def action_play_last(self) -> None:
        """The last moment."""
        self._go_to(self._replay.moves)

    def action_play_help(self) -> None:
        """The keys in place of the list, or the list again."""
        self._keys.display = not self._keys.display
        self._games.display = not self._keys.display

    def action_play_back(self) -> None:
        """Out of the keys, or of the games."""
        if self._keys.display:
            self.action_play_help()
        else:
            self._leave()

    def _set_speed(self, speed: int) -> None:
        self._speed = max(0, min(speed, len(SPEEDS) - 1))
        self._draw()


def _every_key() -> list[str]:
    lines = []
    for key in keys.PLAYING:
        shown = " ".join(keys.SHOWN.get(name, name) for name in key.keys.split(","))
        first, *more = wrap(key.help, 30)
        lines += [f"{shown:<10}{first}", *(" " * 10 + rest for rest in more)]
    return lines
