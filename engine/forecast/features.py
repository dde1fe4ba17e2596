"""A running experiment beside the run's earlier ones, in numbers that have no unit.

Everything is a difference divided by a difference, or a rank: adding a constant to every loss or every metric, or
measuring time in other units, changes nothing. Losses are first put on the metric's scale where the logs show the factor.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import Curve
from .field import COMMON, Field, Rows, ratio
from .track import Bins, Floats, at, bins

RECENT = 0.1
"""The share of the budget over which "now" is averaged: one batch's loss is mostly noise."""

EARLIER = 0.35
"""How far back the trend is measured from."""

NEAR_TOP = 0.5
"""The share of finished experiments, the best of them, that count as leaders."""

BEGIN = 3
"""The point of the grid, a tenth of the budget, from which the best run's fall is measured."""

OF_SERIES = (
    "gap_drop", "gap_left", "gap_spread", "gap_half", "trend_drop", "trend_left", "rank", "rank_half", "overtook",
    "overtook_leader", "pairs", "z", "fit_sd", "fit_slope", "left", "noise", "rise", "order", "age", "density", "progress",
    "begun",
)  # fmt: skip
"""What is said of the loss and of the metric alike.

gap_*       behind the best run at the same point: of its whole fall, of the fall it had left, of the spread; gap_half earlier
trend_*     how the gap grew
rank*       the share of finished runs, of leaders, that were ahead at this point
overtook*   of the pairs of finished runs where one was as far behind at this point, the share that overtook; pairs: how many
z, fit_*    the best beside the end that a line through the finished runs foretells, in its standard deviations
left, begun the fall that the best run had left, of its fall since a tenth of the budget, since its first reading
order       how often the order at this point was the order at the end
"""

NAMES = ("share", *COMMON, "known_factor", *(f"l_{name}" for name in OF_SERIES), *(f"m_{name}" for name in OF_SERIES))

_L_RANK, _M_RANK = NAMES.index("l_rank"), NAMES.index("m_rank")


class Outlook(NamedTuple):
    """The final metric, lower better, as the run's own history foretells it."""

    mean: float
    sd: float


class Said(NamedTuple):
    """What one series says: `OF_SERIES`, and the end."""

    features: list[float]
    outlook: Outlook | None


_NOTHING = Said([math.nan] * len(OF_SERIES), None)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look sees."""

    features: Floats
    """In the order of `NAMES`; NaN where it cannot be said."""
    outlook: Outlook | None
    finite: bool
    """Whether the loss is still a number."""

    @property
    def rank(self) -> float:
        """The share of finished experiments that were ahead at this point, by the metric where it is logged, else by the loss."""
        by_loss, by_metric = float(self.features[_L_RANK]), float(self.features[_M_RANK])
        return by_loss if math.isnan(by_metric) else by_metric

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare with."""
        return not math.isnan(self.rank)


def see(known: Field, curve: Curve, share: float) -> Sight:
    """One look at a live curve."""
    losses = bins(curve.shares, curve.losses, share, scale=curve.loss_to_metric or known.factor or 1.0)
    metrics = bins(curve.metric_shares, curve.metrics, share, scale=known.sign)
    loss, metric = _compare(known.loss, losses, share), _compare(known.metric, metrics, share)
    flag = 1.0 if curve.loss_to_metric else 0.0
    features = np.array([share, *known.common, flag, *loss.features, *metric.features])
    return Sight(features, _joined(loss.outlook, metric.outlook), _finite(curve, share))


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """A live series and the finished ones, read at the same moments and averaged over the same ones."""

    live: Bins
    theirs: Floats
    now: float
    refs: Floats
    """The finished ones now."""
    recent: Floats


def _compare(rows: Rows, live: Bins, share: float) -> Said:
    """One series of the running experiment beside those of the earlier ones."""
    if rows.best is None or not len(live.shares):
        return _NOTHING
    leader = rows.tracks[rows.best]
    reached = np.flatnonzero(np.isfinite(leader))
    if not len(reached):
        return _NOTHING
    recent = live.shares > min(share - RECENT, live.shares[-1] - 1e-9)
    weights = live.counts[recent] / live.counts[recent].sum()
    theirs = at(rows.tracks, live.shares)
    pair = _Pair(live, theirs, float(weights @ live.values[recent]), theirs[:, recent] @ weights, recent)
    end = float(leader[reached[-1]])
    drop, left = float(leader[max(reached[0], BEGIN)]) - end, float(pair.refs[rows.best]) - end
    gap = pair.now - float(pair.refs[rows.best])
    differences = live.values - theirs[rows.best]
    trend = gap - _mean(differences, live.counts, ~recent & (live.shares > share - EARLIER))
    half = _mean(differences, live.counts, live.shares <= 0.6 * live.shares[-1])
    steps = np.abs(np.diff(differences))
    noise = float(np.median(steps)) if len(steps) > 2 else math.nan
    crowd = _crowd(rows, pair, gap)
    return Said(
        [
            *(ratio(gap, drop), ratio(gap, left), ratio(gap, crowd.spread), ratio(half, drop)),
            *(ratio(trend, drop), ratio(trend, left)),
            *crowd.features,
            *(ratio(left, drop), ratio(noise, abs(gap)), ratio(pair.now - float(live.values.min()), drop)),
            *(crowd.order, share - float(live.shares[-1])),
            math.log(len(live.shares) / max(1.0, len(reached) * share)),
            ratio(float(live.values[0]) - pair.now, drop),
            ratio(left, float(leader[reached[0]]) - end),
        ],
        crowd.outlook,
    )


class _Crowd(NamedTuple):
    """The running experiment among all finished ones."""

    features: tuple[float, ...]
    """rank ... fit_slope, as in `OF_SERIES`."""
    spread: float
    order: float
    outlook: Outlook | None


def _crowd(rows: Rows, pair: _Pair, gap: float) -> _Crowd:
    known = np.isfinite(pair.refs)
    refs, ends = pair.refs[known], rows.finals[known]
    many = len(refs)
    if not many:
        return _Crowd((math.nan,) * 8, math.nan, math.nan, None)
    spread = 1.4826 * float(np.median(np.abs(refs - np.median(refs))))
    top = np.argsort(ends, kind="stable")[: max(1, math.ceil(many * NEAR_TOP))]
    rank, rank_half = ((float((each < pair.now).sum()) + 0.5) / (len(each) + 1) for each in (refs, refs[top]))
    if many < 2:
        return _Crowd((rank, rank_half, *(math.nan,) * 6), spread, math.nan, None)
    apart = refs[:, None] - refs[None, top]
    better = ends[:, None] < ends[None, top]
    differ = apart != 0
    order = float((differ & (better == (apart < 0))).sum()) / max(1.0, float(differ.sum()))
    few = max(1, many // 5)
    overtook, pairs = _overtook(apart, better, max(gap, 0.0))
    overtook_leader, _ = _overtook(apart[:, :few], better[:, :few], 0.7 * gap)
    outlook, slope = _fitted(refs, ends, pair.now)
    floor = float(rows.finals[rows.best]) if rows.best is not None else math.nan
    z = (outlook.mean - floor) / outlook.sd
    sd = ratio(outlook.sd, float(np.median(ends)) - floor)
    return _Crowd((rank, rank_half, overtook, overtook_leader, math.log1p(pairs), z, sd, slope), spread, order, outlook)


def _overtook(
    apart: Floats, better: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", gap: float
) -> tuple[float, float]:
    """Of the pairs of which one was at least `gap` behind, the share that overtook, and how many there are."""
    behind = (apart >= gap) & (apart > 0)
    pairs = float(behind.sum())
    return (float((behind & better).sum()) + 0.5) / (pairs + 1), pairs


def _fitted(refs: Floats, ends: Floats, now: float) -> tuple[Outlook, float]:
    """The final metric from the series now, by a line through the finished experiments nearest to it, and its slope.

    Weighted least squares with a slope shrunk towards zero, and leave-one-out residuals: few experiments, a wide answer.
    """
    distance = np.abs(refs - now)
    weights = 1 / (1 + (distance / (float(np.median(distance)) + 1e-12)) ** 2)
    total = float(weights.sum())
    x0, y0 = float(weights @ refs) / total, float(weights @ ends) / total
    x, y = refs - x0, ends - y0
    xx = float(weights @ (x * x))
    stiff = xx + 0.5 * xx / len(refs) + 1e-12
    slope = float(weights @ (x * y)) / stiff
    hat = weights / total + weights * x * x / stiff
    residuals = (y - slope * x) / np.maximum(1 - hat, 0.1)
    size = math.sqrt(float(weights @ (residuals * residuals)) / total)
    many = total * total / float(weights @ weights)
    wide = math.sqrt(1 + 1 / many + (now - x0) ** 2 / stiff) * math.sqrt((many + 2) / max(many - 1, 0.5))
    spread = math.sqrt(float(weights @ (y * y)) / total)
    told = slope * math.sqrt(xx / total) / spread if spread > 0 else 0.0
    return Outlook(y0 + slope * (now - x0), size * wide + 1e-12), told


def _joined(one: Outlook | None, other: Outlook | None) -> Outlook | None:
    """Two outlooks in one, each as heavy as it is sure; they see the same experiment, so both are no surer than the surer."""
    if one is None or other is None:
        return one or other
    a, b = one.sd**-2, other.sd**-2
    return Outlook((a * one.mean + b * other.mean) / (a + b), min(one.sd, other.sd))


def _mean(values: Floats, counts: Floats, there: Floats) -> float:
    return float(counts[there] @ values[there] / counts[there].sum()) if there.any() else math.nan


def _finite(curve: Curve, share: float) -> bool:
    """False when the last two losses, or all, are no numbers."""
    seen = bisect_right(curve.shares, share + 1e-9)
    last = curve.losses[max(0, seen - 2) : seen]
    return not last or any(math.isfinite(loss) for loss in last)
