"""What the engine adds to an experiment of `sine`: wall time that is neither proposing nor training nor evaluating.

    python -m benchmarks.overhead

Read from the facts of a real run: from one Proposing to the next, less Proposing to Proposed, less the wall seconds that the
keeper counted for the training and for the evaluation. The baseline, which starts cold, is left out.
"""

import os
import subprocess
import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from loopwatch.engine.events import Entry, Finished, Measured, experiment_of
from loopwatch.engine.ledger import Ledger

from .figures import Aim, arguments, heading, loopwatch, note, tell
from .made_runs import environment

AIM = Aim(100)


def run_sine(home: Path, experiments: int) -> list[Entry]:
    """A real run of the shipped task; its facts."""
    subprocess.run(
        [loopwatch(), "run", "sine", "--headless", "--experiments", str(experiments)],
        env={**os.environ, **environment(home)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    ledger = Ledger.of(next((home / "runs").iterdir()))
    try:
        return ledger.since()
    finally:
        ledger.close()


def lives(entries: list[Entry]) -> list[list[Entry]]:
    """The facts of each experiment after the baseline, each up to and with the next one's Proposing."""
    starts = [at for at, entry in enumerate(entries) if entry.fact.kind == "proposing"]
    return [entries[start : end + 1] for start, end in pairwise(starts[1:])]


def arrows(life: list[Entry]) -> dict[str, float]:
    """Milliseconds from fact to fact, less what the work itself took."""
    took: dict[str, float] = {}
    for before, after in pairwise(life):
        arrow = f"{before.fact.kind} → {after.fact.kind}"
        took[arrow] = took.get(arrow, 0.0) + (after.at - before.at - _own(after)) * 1000
    return took


def _own(entry: Entry) -> float:
    match entry.fact:
        case Finished(wall_seconds=seconds) | Measured(evaluate_seconds=seconds):
            return seconds
        case _:
            return 0.0


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    heading("overhead: the engine's own time per experiment of sine")
    with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
        found = lives(run_sine(Path(scratch), 12 if chosen.quick else 60))
    whole, parts = [], defaultdict(list)
    for life in found:
        took = arrows(life)
        proposing = took.pop("proposing → proposed", 0.0)
        whole.append(sum(took.values()))
        parts["proposing"].append(proposing)
        for arrow, milliseconds in took.items():
            parts[arrow].append(milliseconds)
    tell("engine overhead per experiment", whole, "ms", AIM)
    for arrow, times in parts.items():
        tell(f"  {arrow}", times, "ms")
    trained = [e.fact.wall_seconds * 1000 for life in found for e in life if isinstance(e.fact, Finished)]
    evaluated = [e.fact.evaluate_seconds * 1000 for life in found for e in life if isinstance(e.fact, Measured)]
    tell("training, not counted", trained, "ms")
    tell("evaluating, not counted", evaluated, "ms")
    per_second = [1 / (life[-1].at - life[0].at) for life in found]
    tell("experiments per second, all in all", per_second, "/s", digits=2)
    numbers = {experiment_of(entry.fact) for life in found for entry in life[:-1]}
    note(f"{len(numbers)} experiments, {sum(len(life) - 1 for life in found)} facts")


if __name__ == "__main__":
    main()
