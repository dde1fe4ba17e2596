"""A list of games, with what was eaten in each."""

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment

from loopwatch.tui.palette import Inks

from ..replay import Game
from .pane import Pane

LONGEST_BAR: Final = 10


class Games(Pane):
    """One line for each; the one that is played is pointed at."""

    def __init__(self, games: Sequence[Game], *, ascii_only: bool = False, id: str | None = None) -> None:
        """At least one game."""
        super().__init__(title="Games", ascii_only=ascii_only, id=id)
        self._games = games
        self._most = max(1, *(game.apples for game in games), 0)
        self._at = 0

    def show(self, at: int) -> None:
        """Point at this one."""
        self._at = at
        self.redraw()

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """The games around the one that is played."""
        first = max(0, min(self._at - height // 2, len(self._games) - height))
        return [self._line(number, ink) for number in range(first, min(len(self._games), first + height))]

    def _line(self, number: int, ink: Inks) -> list[Segment]:
        game, here = self._games[number], number == self._at
        bar = "█" * round(LONGEST_BAR * game.apples / self._most)
        return [
            Segment("▸ " if here else "  ", ink("accent", cursor=here)),
            Segment(f"{number + 1:>3} ", ink("quiet", cursor=here)),
            Segment(f"{game.apples:>4} ", ink("text", cursor=here)),
            Segment(f"{bar:<{LONGEST_BAR}} ", ink("good", cursor=here)),
            Segment(game.end, ink("quiet", cursor=here)),
        ]
