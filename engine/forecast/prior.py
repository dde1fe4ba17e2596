"""What was learned from other people's runs: a small forest of trees over `features`, as plain arrays.

`benchmarks/forecast/train.py` fits it and writes prior.json. It says how likely an experiment is to beat the best,
before the run's own record is asked. Gradient boosting: Friedman 2001, "Greedy function approximation".
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .features import NAMES
from .track import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """All trees' nodes in one row. A leaf leads to itself, so every tree takes as many steps as the deepest."""

    roots: NDArray[np.intp]
    feature: NDArray[np.intp]
    """Of the features twice over: first with what is missing below everything, then above everything."""
    threshold: Floats
    children: NDArray[np.intp]
    """Of node n: at 2n where the feature is at most the threshold, at 2n + 1 the other."""
    value: Floats
    start: float
    depth: int

    def log_odds(self, features: Floats) -> float:
        """Of beating the best."""
        # As they were when it was fitted; a rank is often exactly a threshold.
        features = features.astype(np.float32).astype(np.float64)
        missing = np.isnan(features)
        twice = np.concatenate([np.where(missing, -np.inf, features), np.where(missing, np.inf, features)])
        node = self.roots
        for _ in range(self.depth):
            above = twice.take(self.feature.take(node)) > self.threshold.take(node)
            node = self.children.take(2 * node + above)
        return self.start + float(self.value.take(node).sum())


@cache
def prior() -> Forest:
    """The forest that is shipped."""
    return forest(json.loads(Path(__file__).with_name("prior.json").read_text()))


def forest(stored: dict[str, Any]) -> Forest:
    """A forest as it is stored: {"names", "start", "trees": [[[feature, threshold, missing_left, left, right, value], ...]]}."""
    if tuple(stored["names"]) != NAMES:
        raise ValueError("prior.json was fitted on other features; run benchmarks/forecast/train.py again")
    sizes = [len(tree) for tree in stored["trees"]]
    roots = np.cumsum([0, *sizes[:-1]])
    nodes = np.array([node for tree in stored["trees"] for node in tree], dtype=np.float64)
    offset = np.repeat(roots, sizes)
    missing_right = nodes[:, 2] == 0
    return Forest(
        roots=roots,
        feature=nodes[:, 0].astype(np.intp) + len(NAMES) * missing_right,
        threshold=nodes[:, 1],
        children=(nodes[:, 3:5].astype(np.intp) + offset[:, None]).ravel(),
        value=nodes[:, 5],
        start=float(stored["start"]),
        depth=int(stored["depth"]),
    )
