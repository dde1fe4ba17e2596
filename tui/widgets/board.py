"""A board with a snake, drawn as a line, in cells of two columns, so that they are about as wide as high.

Head, body, tail, food and free cells differ in their characters, so that nothing is shown by colour alone. Of a board that is too
large, the part around the head is drawn.
"""

from itertools import pairwise
from typing import Final

from rich.segment import Segment

from loopwatch.tui.palette import Inks, Role

from ..replay import MOVES, Cell, Frame
from .pane import Pane, Title

Thing = tuple[str, Role]

HEAD: Final = "●"
FOOD: Final[Thing] = ("◆ ", "bad")
FREE: Final[Thing] = ("· ", "frame")
TO_THE_RIGHT: Final = "━"
LINES: Final = {
    "LR": "━", "DU": "┃", "DR": "┏", "DL": "┓", "RU": "┗", "LU": "┛", "L": "╸", "U": "╹", "R": "╺", "D": "╻",
}  # fmt: skip
"""By where a cell of the body has neighbours."""
IN_ASCII: Final = str.maketrans("●◆·━┃┏┓┗┛╸╹╺╻", "@o.-|++++-|-|")


class Board(Pane):
    """One moment of a game."""

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        """Is empty until it is shown a moment."""
        super().__init__(ascii_only=ascii_only, id=id)
        self._cells: Cell = (0, 0)
        self._moment = Frame((), None, 0)
        self._said: Title = ""

    def show(self, size: Cell, frame: Frame, said: Title) -> None:
        """Draw this moment of a game on a board of `size`."""
        self._cells, self._moment, self._said = size, frame, said
        self.redraw()

    def foot(self) -> Title:
        """Where in the game this is."""
        return self._said

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """The rows that there is room for."""
        (across, down), things = self._cells, _things(self._moment)
        head = self._moment.body[0] if self._moment.body else (0, 0)
        left, top = _first(head[0], across, width // 2), _first(head[1], down, height)
        rows = [
            [things.get((x, y), FREE) for x in range(left, min(across, left + width // 2))]
            for y in range(top, min(down, top + height))
        ]
        return [
            [
                Segment(text.translate(IN_ASCII) if self.ascii_only else text, ink(role, bold=role != "frame"))
                for text, role in row
            ]
            for row in rows
        ]


def _things(moment: Frame) -> dict[Cell, Thing]:
    """What lies where; the head above all else."""
    things: dict[Cell, Thing] = {moment.food: FOOD} if moment.food else {}
    sides = _sides(moment.body)
    for place, cell in reversed(list(enumerate(moment.body))):
        line = LINES.get(sides[place], FREE[0][0]) if place else HEAD
        things[cell] = (line + (TO_THE_RIGHT if "R" in sides[place] else " "), "good" if place else "accent")
    return things


def _sides(body: tuple[Cell, ...]) -> list[str]:
    """Of each cell, the letters of the sides on which the cells before and after it lie."""
    letters = {step: letter for letter, step in MOVES.items()}
    found = [""] * len(body)
    for place, (one, other) in enumerate(pairwise(body)):
        found[place] += letters.get((other[0] - one[0], other[1] - one[1]), "")
        found[place + 1] += letters.get((one[0] - other[0], one[1] - other[1]), "")
    return ["".join(sorted(set(letters))) for letters in found]


def _first(head: int, cells: int, room: int) -> int:
    """The first of the cells to draw, so that the head is in view."""
    return max(0, min(head - room // 2, cells - room))
