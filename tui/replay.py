"""Recorded games, move by move. Reads one file; draws nothing.

A record was written where an agent's code was measured, so it is believed nothing: its size is bounded, its form is checked, and a
game is played again by the rules that can be seen: a snake goes one cell each move, and grows where the food is.
"""

from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopwatch.engine.errors import UserError

from . import words

LARGEST_BYTES: Final = 1 << 20
MOVES: Final = {"R": (1, 0), "L": (-1, 0), "D": (0, 1), "U": (0, -1)}

Side = Annotated[int, Field(ge=2, le=64)]
Place = Annotated[int, Field(ge=0, le=63)]
Cell = tuple[Place, Place]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Game(_Strict):
    """One game, as it was written down."""

    size: tuple[Side, Side]
    """Cells, across and down."""
    start: tuple[Cell, ...] = Field(min_length=1, max_length=4096)
    """The snake before its first move, the head first."""
    food: tuple[Cell, ...] = Field(max_length=4096)
    """Where it lay, one after the other."""
    moves: str = Field(pattern=r"\A[RLDU]*\z", max_length=20_000)
    apples: int = Field(ge=0, le=4096)
    score: float = Field(ge=0, le=1)
    end: str = Field(max_length=100)
    """Why it was over, in a few words."""


class Record(_Strict):
    """The games of one measurement."""

    record: Literal["snake"]
    of: int = Field(ge=1, le=100_000)
    """Games that were played; a long suite's last ones may not have been written down."""
    games: tuple[Game, ...] = Field(min_length=1, max_length=1000)


class Frame(NamedTuple):
    """What is on the board at one moment."""

    body: tuple[Cell, ...]
    """The head first; after the last move of a game it may lie outside, or on the body."""
    food: Cell | None
    apples: int


class Replay:
    """One game, of which any moment can be looked at."""

    def __init__(self, game: Game) -> None:
        """ValueError says what in the game cannot be."""
        self.game = game
        self._path = list(reversed(game.start))
        self._apples = [0]
        for letter in game.moves:
            (x, y), (dx, dy) = self._path[-1], MOVES[letter]
            self._path.append((x + dx, y + dy))
            eaten = self._apples[-1]
            self._apples.append(eaten + (eaten < len(game.food) and self._path[-1] == game.food[eaten]))
        if self._apples[-1] != game.apples:
            raise ValueError(f"says {game.apples} apples, and its moves eat {self._apples[-1]}")
        if any(not self._is_inside(cell) for cell in (*game.start, *game.food, *self._path[:-1])):
            raise ValueError("leaves its board before its end")

    @property
    def moves(self) -> int:
        """How many there are; the last moment has this number."""
        return len(self.game.moves)

    def at(self, move: int) -> Frame:
        """The board after so many moves."""
        head, apples = len(self.game.start) + move, self._apples[move]
        body = self._path[head - len(self.game.start) - apples : head]
        food = self.game.food[apples] if apples < len(self.game.food) else None
        return Frame(tuple(reversed(body)), food, apples)

    def _is_inside(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.game.size[0] and 0 <= cell[1] < self.game.size[1]


class DamagedRecord(UserError):
    """A record is not what an evaluator of ours writes."""


def read(file: Path) -> tuple[Record, tuple[Replay, ...]]:
    """The games of a record, each played through once; DamagedRecord says what is wrong with it."""
    try:
        with open(file, "rb") as opened:
            content = opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise DamagedRecord(f"{file} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_BYTES:
        raise DamagedRecord(f"{file} is larger than the {LARGEST_BYTES:,} bytes that a record may have")
    try:
        record = Record.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = words.one_line(".".join(str(part) for part in first["loc"])[:80]) or "the whole of it"
        raise DamagedRecord(f"{file} is damaged, or no record of games: {where}: {first['msg']}") from None
    return record, tuple(_played(file, number, game) for number, game in enumerate(record.games, 1))


def _played(file: Path, number: int, game: Game) -> Replay:
    try:
        return Replay(game)
    except ValueError as wrong:
        raise DamagedRecord(f"{file} is damaged: game {number} {wrong}") from None
