"""A run's own experiments as a forecaster wants them: curves over shares of the budget, with what became of each. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from .forecast import Curve, Ended, Past, Reading, curve
from .forecast.record import Outcome
from .state import Experiment, State
from .task import Budget
from .telemetry import Point

READINGS = 1000
"""What a curve is thinned to: far more than the places that curves are compared at."""


def reading(point: Point, budget: Budget) -> Reading:
    """One point of a live curve."""
    share = budget.share(at=point.at, step=point.step, progress=point.progress)
    return Reading(share, loss=point.loss, metric=point.metric, lr=point.lr)


def curve_of(points: Iterable[Point], attempt: int, budget: Budget) -> Curve:
    """The curve of one attempt."""
    return curve(thinned([reading(point, budget) for point in points if point.attempt == attempt]))


def thinned(readings: Sequence[Reading]) -> list[Reading]:
    """At most READINGS with a metric and as many without: one in so many of each kind, and the last."""
    every = {kind: math.ceil(count / READINGS) for kind, count in Counter(map(_has_metric, readings)).items()}
    passed: Counter[bool] = Counter()
    kept: list[Reading] = []
    for one in reversed(readings):
        kind = _has_metric(one)
        if passed[kind] % every[kind] == 0:
            kept.append(one)
        passed[kind] += 1
    return kept[::-1]


def ran(experiment: Experiment) -> bool:
    """Whether an experiment was judged on what it did, and not because somebody stopped the run or would not have it."""
    return bool(experiment.attempt) and experiment.verdict not in (None, "vetoed", "interrupted")


def past_of(experiment: Experiment, points: Iterable[Point], budget: Budget) -> Past | None:
    """A judged experiment; None for one that never ran, or was interrupted when the run was stopped."""
    if not ran(experiment):
        return None
    seen = curve_of(points, experiment.attempt, budget)
    if experiment.verdict in ("kept", "discarded"):
        return Past(experiment.number, seen, experiment.score)
    # A voided number is a fault of the measurement: nothing is compared with it.
    ended: Ended = "aborted" if experiment.verdict == "aborted" else "failed"
    return Past(experiment.number, seen, None, ended, max(seen.shares, default=0.0))


def outcomes(state: State) -> list[Outcome]:
    """What became of every experiment that the forecaster watched; those that a person ended say nothing about it."""
    return [_outcome(state, experiment) for experiment in state.experiments.values() if _counts(experiment)]


def _counts(experiment: Experiment) -> bool:
    watched = experiment.finished is not None and experiment.finished.looks > 0
    by_itself = experiment.suggested is not None and experiment.suggested.mode == "acts"
    return ran(experiment) and watched and not experiment.is_baseline and (experiment.verdict != "aborted" or by_itself)


def _has_metric(one: Reading) -> bool:
    return one.metric is not None


def _outcome(state: State, experiment: Experiment) -> Outcome:
    suggested = experiment.suggested
    ended = experiment.verdict != "aborted"
    gain = experiment.gain
    improved = (gain is not None and gain > state.margin) if ended else None
    return Outcome(
        experiment.number, suggested is not None, ended, improved, suggested.saves_seconds if suggested else 0.0
    )
