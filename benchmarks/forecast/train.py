"""Fit the shipped prior: python -m benchmarks.forecast.train CURVES.jsonl.gz engine/forecast_prior.json

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
from loopwatch.engine.forecast_features import NAMES, field, see
from loopwatch.engine.forecast_replay import CHECKS, until

from .curves import Episode, episodes

ORDERS = 7
CUT = (0.0, 0.5, 0.7)
"""The share of bad experiments that are cut short, by turns."""
CUT_AT = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7)
SETTINGS: dict[str, Any] = {
    "max_iter": 100,
    "learning_rate": 0.08,
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
        threshold = float(f"{node['num_threshold']:.7g}")
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
        for blind in (False, True) if has_metrics else (False,):
            yield from _of_order(episode.shuffled(order), CUT[order % len(CUT)], blind=blind)


def _of_order(episode: Episode, cut: float, *, blind: bool) -> Iterator[tuple[NDArray[np.float64], bool]]:
    dice = random.Random(f"{episode.name}/{cut}/{blind}")
    sign = 1 if episode.direction == "down" else -1
    history: list[Past] = []
    best: float | None = None
    for whole in episode.experiments:
        past = replace(whole, curve=replace(whole.curve, metric_shares=(), metrics=())) if blind else whole
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
        yield see(known, setting, past.curve, check / CHECKS).features


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
