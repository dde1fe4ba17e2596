"""Say which proposed games may enter the suite: well-formed, new, and playable.

Whether a game can be played is no opinion of one program: three players of different character try it, and a game is admitted when
two of them eat enough. They are no good players, and need not be: a game that only the best can play tells nothing about others.
One line of JSON is printed for each proposed test.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from game import MOVES, Cell, Game

SIDES = range(6, 17)
SEEDS = range(10**12, 2**53)
"""So many that a player cannot find the seed of a game by trying, and none that JSON would round."""
ENOUGH_APPLES = 5
MAJORITY = 2


class NotAdmitted(Exception):
    """The message is the reason."""


def settled(test: object) -> tuple[int, int, int]:
    """The seed, width and height of a proposed test."""
    game = test.get("input") if isinstance(test, dict) else None
    if not isinstance(game, dict) or set(game) != {"seed", "width", "height"}:
        raise NotAdmitted("the input of a game has a seed, a width and a height, and nothing else")
    seed, width, height = game["seed"], game["width"], game["height"]
    if not all(type(number) is int for number in (seed, width, height)):
        raise NotAdmitted("seed, width and height are whole numbers")
    if seed not in SEEDS:
        raise NotAdmitted(
            f"a seed is a number from {SEEDS[0]:,} to {SEEDS[-1]:,}, so that no player finds it by trying"
        )
    if width not in SIDES or height not in SIDES:
        raise NotAdmitted(
            f"a board is {SIDES[0]} to {SIDES[-1]} cells wide and as high, not {width:,} × {height:,}"[:200]
        )
    if test.get("expected") is not None:
        raise NotAdmitted("a game expects nothing: its score is what was eaten")
    return seed, width, height


def free_neighbours(game: Game) -> Iterator[tuple[str, Cell]]:
    """The moves that do not end the game, and where they lead."""
    (x, y), blocked = game.body[0], set(game.body[:-1])
    for name, (dx, dy) in MOVES.items():
        cell = (x + dx, y + dy)
        if 0 <= cell[0] < game.width and 0 <= cell[1] < game.height and cell not in blocked:
            yield name, cell


def hungry(game: Game) -> str | None:
    """Goes straight for the food, around its own body."""
    fx, fy = game.food
    return min(
        (name for name, _ in free_neighbours(game)),
        key=lambda name: abs(game.body[0][0] + MOVES[name][0] - fx) + abs(game.body[0][1] + MOVES[name][1] - fy),
        default=None,
    )


def cautious(game: Game) -> str | None:
    """Takes the shortest way to the food, if there is one; else goes to where most is free."""
    blocked = set(game.body[:-1])
    ways = {cell: name for name, cell in free_neighbours(game)}
    waiting, first = deque(ways), dict(ways)
    while waiting and game.food not in first:
        x, y = here = waiting.popleft()
        for dx, dy in MOVES.values():
            cell = (x + dx, y + dy)
            if cell not in first and cell not in blocked and 0 <= cell[0] < game.width and 0 <= cell[1] < game.height:
                first[cell] = first[here]
                waiting.append(cell)
    if game.food in first:
        return first[game.food]
    reached = list(first.values())
    return max(ways.values(), key=reached.count, default=None)


def patient(game: Game) -> str | None:
    """Sweeps the board row by row whatever the food does, and comes back along the first column.

    Of a board with an odd number of rows, the last one stays unswept.
    """
    (x, y), rows = game.body[0], game.height // 2 * 2
    if y >= rows:
        return "up"
    if x == 0:
        return "up" if y else "right"
    if y % 2 == 0:
        return "right" if x < game.width - 1 else "down"
    return "left" if x > 1 or y == rows - 1 else "down"


PLAYERS: tuple[Callable[[Game], str | None], ...] = (hungry, cautious, patient)


def eats_enough(player: Callable[[Game], str | None], game: Game) -> bool:
    while not game.end and game.apples < ENOUGH_APPLES:
        game.move(player(game))
    return game.apples >= ENOUGH_APPLES


def main() -> None:
    suite = json.loads(Path(os.environ.get("LOOPWATCH_SUITE", "games.json")).read_text())
    known = {(test["input"]["seed"], test["input"]["width"], test["input"]["height"]) for test in suite}
    for test in json.loads(Path(os.environ["LOOPWATCH_TESTS"]).read_text()):
        try:
            seed, width, height = settled(test)
            # A seed draws nearly the same apples on a board of nearly the same size.
            if any(seed == other for other, _, _ in known):
                raise NotAdmitted("there is a game with this seed already")
            fed = [player.__name__ for player in PLAYERS if eats_enough(player, Game(seed, width, height))]
            if len(fed) < MAJORITY:
                raise NotAdmitted(
                    f"only {len(fed)} of {len(PLAYERS)} reference players ate {ENOUGH_APPLES} apples; {MAJORITY} have to"
                )
        except NotAdmitted as reason:
            print(json.dumps({"ok": False, "reason": str(reason)}))
        else:
            known.add((seed, width, height))
            print(json.dumps({"ok": True, "input": {"seed": seed, "width": width, "height": height}, "expected": None}))


if __name__ == "__main__":
    main()
