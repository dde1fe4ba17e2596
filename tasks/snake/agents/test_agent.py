"""Propose games of snake in which the present solution does badly. Needs no model.

A proposed game has a seed that was not there before, and a board near those on which the solution failed: once a weakness shows,
more games follow there. Every third game explores a board that was drawn from all. The same task and seed propose the same games.
"""

import random

SIDES = range(6, 17)
SEEDS = range(10**12, 2**53)
EXPLORES = 3
FARTHEST = 2
"""Cells by which a board may differ from one that was failed on, each way."""


def propose_tests(task, ask):
    chance = random.Random(f"{task['seed']}/{task.get('experiment', 0)}/{len(task['tests'])}")
    failed = boards(task["failed"])
    taken = {test["input"]["seed"] for test in [*task["tests"], *task["failed"]]}
    proposed = []
    while len(proposed) < task["wanted"]:
        seed = chance.choice(SEEDS)
        if seed in taken:
            continue
        taken.add(seed)
        if failed and len(proposed) % EXPLORES:
            near = chance.choice(failed)
            width, height = beside(near[0], chance), beside(near[1], chance)
            why = f"the solution failed on a board of {near[0]} × {near[1]}"
        else:
            width, height = chance.choice(SIDES), chance.choice(SIDES)
            why = "a board that was not tried yet" if (width, height) not in failed else "another game on a hard board"
        proposed.append({"input": {"seed": seed, "width": width, "height": height}, "expected": None, "why": why})
    return proposed


def boards(tests):
    """The boards of some games, one for each game: where more were failed, more are proposed."""
    return [(test["input"]["width"], test["input"]["height"]) for test in tests]


def beside(side, chance):
    return min(max(side + chance.randint(-FARTHEST, FARTHEST), SIDES[0]), SIDES[-1])
