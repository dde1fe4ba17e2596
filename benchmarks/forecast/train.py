"""Fit the shipped prior: python -m benchmarks.forecast.train CURVES.jsonl.gz engine/forecast/prior.json

Needs scikit-learn, which loopwatch does not. Every episode is played in several orders, with some bad experiments cut
short as a loop would have cut them; every look is one row, and its label is whether the experiment beat the best.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loopwatch.engine.forecast import Past, Setting
from loopwatch.engine.forecast.features import NAMES, see
from loopwatch.engine.forecast.field import field
from loopwatch.engine.forecast.replay import CHECKS, until

from .curves import Episode, episodes

ORDERS = 11
WHOLE_ORDERS = 6
"""The other orders are of half of an episode's experiments."""
CUT = (0.0, 0.5, 0.7)
"""The share of bad experiments that are cut short, by turns."""
FAR = 1e30
"""Beyond every feature, and yet a number that JSON knows."""
CUT_AT = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7)
SETTINGS: dict[str, Any] = {
    "max_iter": 300,
    "learning_rate": 0.04,
    "max_features": 0.2,
    "max_leaf_nodes": 8,
    "max_depth": 5,
    "min_samples_leaf": 200,
    "l2_regularization": 5.0,
    "early_stopping": False,
    "random_state": 0,
}


class Rows(NamedTuple):
    """Looks, and whether each was at an experiment that beat the best."""

    features: NDArray[np.float32]
    good: NDArray[np.bool_]


def rows(played: Sequence[Episode]) -> Rows:
    """Every look at every experiment, in every order, with and without intermediate values of the metric."""
    found = [row for episode in played for row in _of_episode(episode)]
    return Rows(np.array([row[0] for row in found], np.float32), np.array([row[1] for row in found]))


def joined(parts: Sequence[Rows]) -> Rows:
    """Several in one."""
    return Rows(np.concatenate([part.features for part in parts]), np.concatenate([part.good for part in parts]))


def fit(known: Rows) -> dict[str, Any]:
    """A forest, in the form in which it is stored."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-not-found, unused-ignore]

    model = HistGradientBoostingClassifier(**SETTINGS).fit(known.features, known.good)
    trees = [_tree(predictor.nodes) for (predictor,) in model._predictors]
    return {
        "names": NAMES,
        "start": float(model._baseline_prediction[0][0]),
        "depth": SETTINGS["max_depth"],
        "trees": trees,
    }


def _tree(nodes: Any) -> list[list[float]]:
    def row(place: int, node: Any) -> list[float]:
        if node["is_leaf"]:
            return [0, 0.0, 0, place, place, float(f"{node['value']:.6g}")]
        # In full: thresholds lie on ranks and other fractions, and a rounded one puts half of the experiments on the other side.
        # An infinite one parts what is missing from what is not.
        threshold = min(float(node["num_threshold"]), FAR)
        return [
            int(node["feature_idx"]),
            threshold,
            int(node["missing_go_to_left"]),
            int(node["left"]),
            int(node["right"]),
            0.0,
        ]

    return [row(place, node) for place, node in enumerate(nodes)]


def _of_episode(episode: Episode) -> Iterator[tuple[NDArray[np.float64], bool]]:
    has_metrics = any(past.curve.metrics for past in episode.experiments)
    for order in range(ORDERS):
        shown = episode.shuffled(order)
        if order >= WHOLE_ORDERS:
            shown = _thinned(shown, order)
        for view in (shown, shown.blinded()) if has_metrics else (shown,):
            yield from _of_order(view, CUT[order % len(CUT)])


def _thinned(episode: Episode, order: int) -> Episode:
    """Half of the experiments: shorter histories, other bests."""
    dice = random.Random(f"{episode.name}/{order}/thin")
    return replace(episode, experiments=tuple(past for past in episode.experiments if dice.random() < 0.5))


def _of_order(episode: Episode, cut: float) -> Iterator[tuple[NDArray[np.float64], bool]]:
    dice = random.Random(f"{episode.name}/{cut}")
    sign = 1 if episode.direction == "down" else -1
    history: list[Past] = []
    best: float | None = None
    for past in episode.experiments:
        good = best is not None and past.final is not None and sign * past.final < sign * best
        if history:
            yield from ((features, good) for features in _looks(episode, history, best, past))
        if best is not None and not good and dice.random() < cut:
            share = dice.choice(CUT_AT)
            history.append(Past(past.number, until(past.curve, share), None, "aborted", share))
        else:
            history.append(past)
            best = past.final if best is None or good else best


def _looks(episode: Episode, history: list[Past], best: float | None, past: Past) -> Iterator[NDArray[np.float64]]:
    setting = Setting(episode.direction, tuple(history), best)
    known = field(setting)
    for check in range(1, CHECKS):
        if check / CHECKS >= past.stop - 1e-9:
            return
        yield see(known, past.curve, check / CHECKS).features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("curves", type=Path)
    parser.add_argument("prior", type=Path, help="where the forest is written")
    chosen = parser.parse_args()
    known = rows(episodes(chosen.curves))
    print(f"{len(known.good)} looks, {known.good.mean():.1%} at experiments that improved", flush=True)
    chosen.prior.write_text(json.dumps(fit(known), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
