"""The player: a process that loads `solution.py`, is shown games, and says a move for each.

The engine starts it in a room that holds no seeds, no rules that run and no other games; `evaluate.py` asks, a line of JSON at a
time, and believes nothing. What the solution prints goes to a log. Where it fails, or says what is no move, that game is over.
"""

import json
import os
import random
import resource
import sys
import traceback

LONGEST_MOVE = 10


def limit_seconds(seconds: int) -> None:
    """Die after so much processor time: the hard limit cannot be raised again."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def main() -> None:
    questions, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)

    limit_seconds(json.loads(questions.readline())["cpu_seconds"])
    random.seed(0)  # who plays by chance plays the same game every time
    import solution

    complained = False
    for line in questions:
        moves = []
        for seen in json.loads(line):
            try:
                name = solution.move(
                    tuple(seen["head"]),
                    [tuple(cell) for cell in seen["body"]],
                    tuple(seen["food"]),
                    tuple(seen["size"]),
                    seen["direction"],
                )
            except Exception:
                name = None
                if not complained:
                    traceback.print_exc()
                complained = True
            moves.append(name if isinstance(name, str) and len(name) <= LONGEST_MOVE else None)
        answers.write(json.dumps(moves) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.exit(main())
