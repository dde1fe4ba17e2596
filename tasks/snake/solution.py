"""Play snake: say where to go next. Everything here may be edited.

What the outside relies on: `move` gets the head, the body (the head first, the tail last), the food, the size of the board and
the direction of the last move, and returns "right", "left", "down" or "up". Cells are (x, y), and (0, 0) is the upper left one.

This player weighs the four moves by a few terms, and takes the one with the largest sum.
"""

Cell = tuple[int, int]

# For each cell nearer to the food.
FOOD = 1.0
# For staying alive: neither off the board, nor into its own body.
ALIVE = 0.0
# For reaching the whole of the free board from there; half of it is worth half as much.
SPACE = 0.0
# For having as many free cells within reach as the body is long.
ROOM = 0.0
# For being able to reach its own tail.
TAIL = 0.0

MOVES = {"right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}


def move(head: Cell, body: list[Cell], food: Cell, size: Cell, direction: str) -> str:
    """The move that is worth most; of equals, the first in MOVES."""
    board = {(x, y) for x in range(size[0]) for y in range(size[1])}
    free = board - set(body[:-1])  # the tail moves on
    worth: dict[str, float] = {}
    reached: set[Cell] = set()
    for name, (dx, dy) in MOVES.items():
        cell = (head[0] + dx, head[1] + dy)
        worth[name] = -FOOD * distance(cell, food)
        if cell not in free:
            continue
        worth[name] += ALIVE
        if SPACE or ROOM or TAIL:
            # From two cells of one region, the same is reached.
            reached = reached if cell in reached else region(cell, free)
            worth[name] += SPACE * len(reached) / len(free)
            worth[name] += ROOM * (len(reached) >= len(body))
            worth[name] += TAIL * (body[-1] in reached)
    return max(worth, key=lambda name: worth[name])


def distance(one: Cell, other: Cell) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def region(start: Cell, free: set[Cell]) -> set[Cell]:
    """Every free cell that can be reached from `start`, which is one of them."""
    reached, waiting = {start}, [start]
    while waiting:
        x, y = waiting.pop()
        for cell in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if cell in free and cell not in reached:
                reached.add(cell)
                waiting.append(cell)
    return reached
