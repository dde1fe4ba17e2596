"""The rules of snake: a board, a snake of two cells, one apple at a time, and no chance that a seed does not decide.

A game is over when the snake leaves the board, bites itself, gives no move, starves, fills the board or has moved MOST_MOVES
times. Where the apples fall follows from the seed by a hash, so it is the same under every Python.
"""

import hashlib

MOVES = {"right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}
"""Cells are (x, y); (0, 0) is the upper left one."""
MOST_MOVES = 1500
STARVES_AFTER = 200
"""Moves without an apple."""

Cell = tuple[int, int]


class Game:
    """One game, from its first move to its end."""

    def __init__(self, seed: int, width: int, height: int) -> None:
        self.seed, self.width, self.height = seed, width, height
        self.body: list[Cell] = [(width // 2, height // 2), (width // 2 - 1, height // 2)]
        """The head comes first."""
        self.direction = "right"
        self.apples = self.moves = self.hungry = 0
        self.end = ""
        """Why the game is over; "" while it is not."""
        self.food = self._next_food()

    @property
    def score(self) -> float:
        """The share of the board that was filled, from 0 to 1."""
        return self.apples / (self.width * self.height - 2)

    def seen(self) -> dict[str, object]:
        """What a player may know: everything but where the next apples will fall."""
        return {
            "head": self.body[0],
            "body": self.body,
            "food": self.food,
            "size": (self.width, self.height),
            "direction": self.direction,
        }

    def move(self, name: object) -> None:
        """Go one cell on. What is no move ends the game."""
        if not isinstance(name, str) or name not in MOVES:
            self.end = "gave no move"
            return
        self.direction, self.moves, self.hungry = name, self.moves + 1, self.hungry + 1
        (x, y), (dx, dy) = self.body[0], MOVES[name]
        head = (x + dx, y + dy)
        if not (0 <= head[0] < self.width and 0 <= head[1] < self.height):
            self.end = "left the board"
        elif head in self.body[:-1]:  # the last cell is free by the time the head is there
            self.end = "bit itself"
        else:
            self._go_to(head)

    def _go_to(self, head: Cell) -> None:
        self.body.insert(0, head)
        if head == self.food:
            self.apples, self.hungry = self.apples + 1, 0
            if len(self.body) == self.width * self.height:
                self.end = "filled the board"
                return
            self.food = self._next_food()
        else:
            self.body.pop()
        if self.hungry == STARVES_AFTER:
            self.end = "starved"
        elif self.moves == MOST_MOVES:
            self.end = "ran out of moves"

    def _next_food(self) -> Cell:
        taken = set(self.body)
        free = [(x, y) for y in range(self.height) for x in range(self.width) if (x, y) not in taken]
        drawn = hashlib.sha256(f"{self.seed} {self.apples}".encode()).digest()
        return free[int.from_bytes(drawn[:8], "big") % len(free)]
