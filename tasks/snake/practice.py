"""Try `solution.py` on a few public games: a snake that cannot play at all need not be measured.

Prints a step line for each game. What is written here counts for nothing; the games that count are not in this folder.
"""

import os
import sys
import traceback

from game import Game

SEEDS = range(8)
WIDTH = HEIGHT = 12


def play(seed: int) -> Game:
    import solution

    game = Game(seed, WIDTH, HEIGHT)
    while not game.end:
        seen = game.seen()
        game.move(solution.move(seen["head"], list(game.body), seen["food"], seen["size"], seen["direction"]))
    return game


def main() -> None:
    count = min(len(SEEDS), max(1, int(float(os.environ.get("LOOPWATCH_BUDGET", len(SEEDS))))))
    apples = 0
    for step, seed in enumerate(SEEDS[:count], 1):
        try:
            game = play(seed)
        except Exception:
            traceback.print_exc()
            sys.exit("FAIL: solution.py does not play")
        if game.end == "gave no move":
            sys.exit('FAIL: what solution.py returns is not "right", "left", "down" or "up"')
        apples += game.apples
        print(f"step {step:05d} ({100 * step / count:.1f}%) | apples: {apples / step:.2f} | {game.end}", flush=True)


if __name__ == "__main__":
    main()
