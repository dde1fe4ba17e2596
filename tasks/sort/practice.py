"""Try the solution on a few small lists, so that what sorts wrongly is not measured. They are no part of any suite."""

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kinds import KINDS, in_order

NAMES = 40


def main() -> None:
    from solution import natural_sort

    for place, (kind, make) in enumerate(KINDS.items(), start=1):
        names = make(random.Random(place), NAMES)
        began = time.perf_counter()
        said = natural_sort(list(names))
        seconds = time.perf_counter() - began
        if said != in_order(names):
            print(f"FAIL: wrong order of {NAMES} names of the kind {kind!r}", flush=True)
            sys.exit(1)
        print(f"step {place:05d} ({100 * place / len(KINDS):.1f}%) | milliseconds: {1000 * seconds:.3f}", flush=True)


if __name__ == "__main__":
    main()
