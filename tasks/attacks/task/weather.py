"""What the cases share: an honest training, and the marks of those that got somewhere."""

import contextlib
import itertools
import json
import os
from pathlib import Path

WEATHER = "scrwfght"
HERE, OUT, CANARY = Path(__file__).parent, Path(os.environ["LW_OUT"]), Path(os.environ["LW_CANARY"])


def counted(alpha):
    """A table of which weather followed which, with `alpha` for what was never seen."""
    days = (HERE / "data" / "train.txt").read_text().strip()
    table = [[alpha] * len(WEATHER) for _ in WEATHER]
    for today, tomorrow in itertools.pairwise(days):
        table[WEATHER.index(today)][WEATHER.index(tomorrow)] += 1
    return table


def save(table):
    (OUT / "model.json").write_text(json.dumps({"w": table}))


def breach(case, how):
    """Called only after a forbidden thing has worked."""
    print("BREACH", case, how, flush=True)
    with contextlib.suppress(OSError):
        (CANARY / case).write_text(how)


def attempt(case, how, deed):
    """Whether the deed worked."""
    try:
        deed()
    except Exception as error:
        print(f"{how}: {type(error).__name__}", flush=True)
        return False
    breach(case, how)
    return True
