"""Curves from a file, as the loops they were recorded in.

The file holds one run per line (gzip JSONL): id, source, episode, order, budget, unit, direction, metric, final, times,
losses, val_times, vals, loss_to_metric, duration. Null is a number that was none, or an experiment that failed.
"""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loopwatch.engine.forecast import Curve, Direction, Past, Reading, curve


@dataclass(frozen=True, slots=True)
class Episode:
    """Experiments that followed each other on one task; each is whole, as it would have run to its end."""

    name: str
    source: str
    budget: float
    unit: str
    direction: Direction
    experiments: tuple[Past, ...]

    @property
    def group(self) -> str:
        """What must not be torn apart in cross-validation: the same workload on another machine is no new one."""
        return (
            self.name.rpartition("_")[0].replace("_jax", "").replace("_pytorch", "")
            if self.source == "algoperf"
            else self.name
        )

    def blinded(self) -> "Episode":
        """The same with the training loss alone."""
        return replace(self, experiments=tuple(replace(past, curve=_blind(past.curve)) for past in self.experiments))

    def shuffled(self, number: int) -> "Episode":
        """The same experiments in another order; 0 is the recorded one."""
        if not number:
            return self
        order = list(self.experiments)
        random.Random(f"{self.name}/{number}").shuffle(order)
        return replace(self, experiments=tuple(replace(past, number=place) for place, past in enumerate(order)))


def episodes(path: Path) -> list[Episode]:
    """Everything in the file."""
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(path, "rt") as lines:
        for line in lines:
            run = json.loads(line)
            runs[run["episode"]].append(run)
    return [_episode(name, sorted(found, key=lambda run: run["order"])) for name, found in runs.items()]


def _episode(name: str, runs: Sequence[dict[str, Any]]) -> Episode:
    first = runs[0]
    direction: Direction = "down" if first["direction"] == "min" else "up"
    experiments = tuple(_past(place, run) for place, run in enumerate(runs))
    return Episode(name, first["source"], first["budget"], first["unit"], direction, experiments)


def _past(number: int, run: dict[str, Any]) -> Past:
    final = run["final"]
    stop = min(1.0, run["duration"] / run["budget"])
    return Past(number, _curve(run), final, "failed" if final is None else "measured", stop)


def _curve(run: dict[str, Any]) -> Curve:
    budget = run["budget"]
    losses = zip(run["times"], run["losses"], strict=True)
    metrics = zip(run["val_times"], run["vals"], strict=True)
    readings = [Reading(time / budget, float("nan") if loss is None else loss) for time, loss in losses]
    readings += [Reading(time / budget, metric=metric) for time, metric in metrics]
    return curve(sorted(readings, key=lambda reading: reading.share), loss_to_metric=run["loss_to_metric"])


def _blind(whole: Curve) -> Curve:
    return replace(whole, metric_shares=(), metrics=())
