"""All forecasters on the same curves: python -m benchmarks.forecast.table CURVES.jsonl.gz

Closed loop, three orders of each episode. The shipped prior was fitted on the development curves, so on those the row
"learned" is in sample; `benchmarks.forecast.validate` says how it does on what it has not seen.
"""

import argparse
from pathlib import Path

from loopwatch.engine.forecast import FORECASTERS, forecaster

from .curves import episodes
from .validate import HEADING, ORDERS, line, play


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("curves", type=Path)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--train-only", action="store_true", help="the training loss alone")
    chosen = parser.parse_args()
    known = episodes(chosen.curves)
    print(HEADING)
    for name in FORECASTERS:
        print(line(name, play(known, forecaster(name), orders=chosen.orders, blind=chosen.train_only)), flush=True)


if __name__ == "__main__":
    main()
