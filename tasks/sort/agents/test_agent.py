"""Propose lists that the present solution may sort slowly. Needs no model.

Kinds on which it was slow come more often, and sizes are drawn evenly by their order of magnitude. The same task and seed propose
the same lists.
"""

import math
import random
from collections import Counter

KINDS = ("files", "versions", "words", "numbers", "few", "ordered", "backwards", "nearly", "paths")
SMALLEST, LARGEST = 10, 600
FAILED_COUNTS = 3


def propose_tests(task, ask):
    chance = random.Random(f"{task['seed']}/{task.get('experiment', 0)}/{len(task['tests'])}")
    failed = Counter(test["input"]["kind"] for test in task["failed"])
    weights = [1 + FAILED_COUNTS * failed[kind] for kind in KINDS]
    proposed = []
    for _ in range(task["wanted"]):
        kind = chance.choices(KINDS, weights)[0]
        n = round(math.exp(chance.uniform(math.log(SMALLEST), math.log(LARGEST))))
        why = "the solution was slow on this kind" if failed[kind] else "a kind and a size that may be new"
        proposed.append(
            {"input": {"kind": kind, "n": n, "seed": chance.randrange(2**32)}, "expected": None, "why": why}
        )
    return proposed
