"""A run's own experiments as a forecaster wants them: curves over shares of the budget, with what became of each. Pure."""

from collections.abc import Iterable

from .forecast import Curve, Ended, Past, Reading, curve
from .forecast_record import Outcome
from .state import Experiment, State
from .task import Budget
from .telemetry import Point


def reading(point: Point, budget: Budget) -> Reading:
    """One point of a live curve."""
    share = budget.share(at=point.at, step=point.step, progress=point.progress)
    return Reading(share, loss=point.loss, metric=point.metric, lr=point.lr)


def curve_of(points: Iterable[Point], attempt: int, budget: Budget) -> Curve:
    """The curve of one attempt."""
    return curve(reading(point, budget) for point in points if point.attempt == attempt)


def past_of(experiment: Experiment, points: Iterable[Point], budget: Budget) -> Past | None:
    """A judged experiment; None for one that never ran, or was stopped before its end by anything but the forecaster."""
    if experiment.verdict is None or not experiment.attempt or experiment.verdict in ("vetoed", "interrupted"):
        return None
    seen = curve_of(points, experiment.attempt, budget)
    ended: Ended = (
        "measured" if experiment.value is not None else "aborted" if experiment.verdict == "aborted" else "failed"
    )
    stop = 1.0 if ended == "measured" else max(seen.shares, default=0.0)
    return Past(experiment.number, seen, experiment.value, ended, stop)


def outcomes(state: State) -> list[Outcome]:
    """What became of every experiment that the forecaster watched."""
    return [
        _outcome(state, experiment)
        for experiment in state.experiments.values()
        if experiment.verdict is not None and experiment.attempt and not experiment.is_baseline
    ]


def _outcome(state: State, experiment: Experiment) -> Outcome:
    suggested = experiment.suggested
    ended = experiment.verdict not in ("aborted", "interrupted")
    gain = experiment.gain
    improved = (gain is not None and gain > state.margin) if ended else None
    return Outcome(
        experiment.number, suggested is not None, ended, improved, suggested.saves_seconds if suggested else 0.0
    )
