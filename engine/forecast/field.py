"""The run's earlier experiments as rows on the grid: what a running one is compared with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import Past, Setting
from .track import POINTS, Floats, loss_track, metric_track

MOST = 120
"""Earlier experiments that are compared with: the best ones and the latest; more cost time and add little."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One series of every earlier experiment, and what became of each; lower is better throughout."""

    tracks: Floats
    finals: Floats
    """The metric at the end; NaN for those without."""
    best: int | None
    """The row of the best one."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The earlier experiments of a run."""

    loss: Rows
    """On the metric's scale where the logs show the factor."""
    metric: Rows
    factor: float | None
    """The usual factor from loss to metric."""
    sign: float
    """1 when the metric is better lower, else -1."""
    common: tuple[float, ...]
    """What can be said before the running experiment starts; `COMMON` names it."""


COMMON = ("finished", "since_best", "records", "failed", "spread", "skew", "gap_to_last")


def field(setting: Setting, *, everyone: bool = False) -> Field:
    """The earlier experiments of a run, as rows: those with a result, or everyone."""
    sign = 1.0 if setting.direction == "down" else -1.0
    history = sorted(setting.history, key=lambda past: past.number)
    factors = [past.curve.loss_to_metric for past in history if past.curve.loss_to_metric]
    usual = float(np.median(factors)) if factors else None
    finals = np.array([_final(past, sign) for past in history])
    rows = list(range(len(history))) if everyone else _chosen(finals)
    chosen = [history[row] for row in rows]
    best = int(np.nanargmin(finals[rows])) if np.isfinite(finals[rows]).any() else None
    losses = [loss_track(past.curve) * (past.curve.loss_to_metric or usual or 1.0) for past in chosen]
    metrics = [sign * metric_track(past.curve) for past in chosen]
    return Field(
        loss=Rows(np.array(losses).reshape(len(rows), POINTS), finals[rows], best),
        metric=Rows(np.array(metrics).reshape(len(rows), POINTS), finals[rows], best),
        factor=usual,
        sign=sign,
        common=_common(history, finals),
    )


def ratio(part: float, whole: float) -> float:
    """Part of a whole, kept within bounds: far is far. NaN where either is unknown."""
    if not (math.isfinite(part) and math.isfinite(whole)):
        return math.nan
    return min(10.0, max(-10.0, part / max(whole, 1e-9 * (abs(part) + 1e-12))))


def _final(past: Past, sign: float) -> float:
    return math.nan if past.final is None or not math.isfinite(past.final) else sign * past.final


def _common(history: Sequence[Past], finals: Floats) -> tuple[float, ...]:
    """How many finished, how long ago the best was, how often the best changed, and how the results are spread."""
    done = finals[np.isfinite(finals)]
    failed = math.log1p(sum(past.ended == "failed" for past in history))
    if not len(done):
        return 0.0, 0.0, 0.0, failed, math.nan, math.nan, math.nan
    records = np.minimum.accumulate(done)
    since_best = len(done) - 1 - int(np.argmin(done))
    ordered = np.sort(done)
    best, quarter, middle, high = (float(ordered[(part * len(ordered)) // 4]) for part in range(4))
    return (
        math.log1p(len(done)),
        math.log1p(since_best),
        math.log1p(int((np.diff(records) < 0).sum())),
        failed,
        ratio(quarter - best, high - best),
        ratio(middle - best, high - best),
        ratio(float(records[len(records) // 2]) - best, high - best),
    )


def _chosen(finals: Floats) -> list[int]:
    """Rows of at most MOST experiments with a result: half of them the best, the others the latest."""
    done = [int(row) for row in np.flatnonzero(np.isfinite(finals))]
    if len(done) <= MOST:
        return done
    leaders = sorted(done, key=lambda row: float(finals[row]))[: MOST // 2]
    others = sorted(set(done).difference(leaders))[-(MOST - MOST // 2) :]
    return sorted([*leaders, *others])
