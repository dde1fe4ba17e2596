import random
import sys
from collections.abc import Callable
from typing import Any

SIZE = 8
GAMES = 10
STEPS = {"UP": (-1, 0), "DOWN": (1, 0), "LEFT": (0, -1), "RIGHT": (0, 1)}


def play(move: Callable[..., str], seed: int) -> int:
    chance, snake, apples = random.Random(seed), [(4, 4)], 0
    food = (chance.randrange(SIZE), chance.randrange(SIZE))
    for _ in range(SIZE * SIZE * 2):
        row, column = STEPS[move(list(snake), food, SIZE, SIZE)]
        head = (snake[0][0] + row, snake[0][1] + column)
        if head in snake or not (0 <= head[0] < SIZE and 0 <= head[1] < SIZE):
            break
        snake.insert(0, head)
        if head != food:
            snake.pop()
            continue
        apples += 1
        food = chance.choice([(r, c) for r in range(SIZE) for c in range(SIZE) if (r, c) not in snake])
    return apples


if __name__ == "__main__":
    names: dict[str, Any] = {}
    with open(sys.argv[1]) as file:
        exec(compile(file.read(), sys.argv[1], "exec"), names)
    print(f"score:{sum(play(names['next_move'], seed) for seed in range(GAMES)) / GAMES:.2f}")
    print(f"games:{GAMES}")
