"""A running experiment beside the run's earlier ones, in numbers that have no unit.

Everything is a difference divided by a difference, or a rank: adding a constant to every loss or every metric, or
measuring time in other units, changes nothing. Losses are first put on the metric's scale where the logs show the factor.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .forecast import Curve, Past, Setting
from .forecast_track import POINTS, Bins, Floats, at, bins, loss_track, metric_track

RECENT = 0.1
"""The share of the budget over which "now" is averaged: one batch's loss is mostly noise."""

MOST = 120
"""Earlier experiments that are compared with: the best ones and the latest; more cost time and add little."""

NEAR_TOP = 0.5
"""The share of finished experiments, the best of them, that count as leaders."""

NAMES = (
    "share", "finished", "since_best", "records", "failed", "spread", "skew", "gap_to_last", "known_factor",
    "l_gap_drop", "l_gap_left", "l_gap_spread", "l_gap_half", "l_trend_drop", "l_trend_left", "l_rank", "l_rank_half", "l_overtook",
    "l_overtook_leader", "l_pairs", "l_z", "l_fit_sd", "l_fit_slope", "l_left", "l_noise", "l_rise", "l_order", "l_age", "l_density", "l_progress",
    "m_gap_drop", "m_gap_left", "m_gap_spread", "m_gap_half", "m_trend_drop", "m_trend_left", "m_rank", "m_rank_half", "m_overtook",
    "m_overtook_leader", "m_pairs", "m_z", "m_fit_sd", "m_fit_slope", "m_left", "m_noise", "m_rise", "m_order", "m_age", "m_density", "m_progress",
)  # fmt: skip


class Outlook(NamedTuple):
    """The final metric, lower better, as the run's own history foretells it from one series."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look sees."""

    features: Floats
    """In the order of `NAMES`; NaN where it cannot be said."""
    outlook: Outlook | None
    finite: bool
    """Whether the loss is still a number."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The earlier experiments that a running one is compared with: rows of tracks, and what became of them."""

    losses: Floats
    metrics: Floats
    finals: Floats
    """Lower better; NaN for those without."""
    best: int | None
    """The row of the best one."""
    factor: float | None
    """The usual factor from loss to metric."""
    sign: float
    common: Floats
    """The features that the running experiment has no part in."""


def field(setting: Setting) -> Field:
    """The earlier experiments of a run, as rows."""
    sign = 1.0 if setting.direction == "down" else -1.0
    history = sorted(setting.history, key=lambda past: past.number)
    factors = [past.curve.loss_to_metric for past in history if past.curve.loss_to_metric]
    usual = float(np.median(factors)) if factors else None
    finals = np.array([math.nan if past.final is None else sign * past.final for past in history])
    common = _common(history, finals)
    rows = _chosen(finals)
    finals = finals[rows]
    chosen = [history[row] for row in rows]
    losses = np.array(
        [loss_track(past.curve) * (past.curve.loss_to_metric or usual or 1.0) for past in chosen]
    ).reshape(len(rows), POINTS)
    metrics = np.array([sign * metric_track(past.curve) for past in chosen]).reshape(len(rows), POINTS)
    best = int(np.nanargmin(finals)) if np.isfinite(finals).any() else None
    return Field(losses, metrics, finals, best, usual, sign, common)


def see(known: Field, setting: Setting, curve: Curve, share: float) -> Sight:
    """One look at a live curve."""
    factor = curve.loss_to_metric or known.factor or 1.0
    series = bins(curve.shares, curve.losses, share)
    loss = Bins(series.shares, series.values * factor, series.counts)
    series = bins(curve.metric_shares, curve.metrics, share)
    metric = Bins(series.shares, known.sign * series.values, series.counts)
    l_features, l_outlook = _compare(known.losses, known.finals, known.best, loss, share)
    m_features, m_outlook = _compare(known.metrics, known.finals, known.best, metric, share)
    flag = 1.0 if curve.loss_to_metric else 0.0
    features = np.array([share, *known.common, flag, *l_features, *m_features])
    return Sight(features, _joined(l_outlook, m_outlook), _finite(curve, share))


def _common(history: list[Past], finals: Floats) -> list[float]:
    """finished, since_best, records, failed, spread, skew, gap_to_last."""
    done = finals[np.isfinite(finals)]
    failed = sum(past.ended == "failed" for past in history)
    if not len(done):
        return [0.0, 0.0, 0.0, float(failed), math.nan, math.nan, math.nan]
    records = np.minimum.accumulate(done)
    since = len(done) - 1 - int(np.argmin(done))
    ordered = np.sort(done)
    best, middle = ordered[0], ordered[len(ordered) // 2]
    quarter, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    spread = high - best
    early = records[len(records) // 2]
    return [
        math.log1p(len(done)),
        math.log1p(since),
        math.log1p(int((np.diff(records) < 0).sum())),
        math.log1p(failed),
        _ratio(quarter - best, spread),
        _ratio(middle - best, spread),
        _ratio(early - best, spread),
    ]


def _chosen(finals: Floats) -> list[int]:
    """Rows of at most MOST experiments with a result: half of them the best, the others the latest."""
    done = np.flatnonzero(np.isfinite(finals))
    if len(done) <= MOST:
        return [int(row) for row in done]
    leaders = done[np.argsort(finals[done], kind="stable")][: MOST // 2]
    latest = [row for row in done[::-1] if row not in set(leaders.tolist())][: MOST - MOST // 2]
    return sorted(int(row) for row in [*leaders, *latest])


def _compare(
    tracks: Floats, finals: Floats, best: int | None, live: Bins, share: float
) -> tuple[list[float], Outlook | None]:
    """One series (loss or metric) of the running experiment beside those of the earlier ones."""
    nothing = [math.nan] * 21
    if not len(live.shares):
        return nothing, None
    recent = live.shares > min(share - RECENT, live.shares[-1] - 1e-9)
    weights = live.counts[recent] / live.counts[recent].sum()
    now = float(weights @ live.values[recent])
    age = share - float(live.shares[-1])
    rise = now - float(live.values.min())
    own = float(live.values[0]) - now
    if best is None:
        return nothing, None
    theirs = at(tracks, live.shares)
    ref_now = theirs[:, recent] @ weights
    half = live.shares <= 0.6 * live.shares[-1]
    earlier = ~recent & (live.shares > share - 0.35)
    leader = tracks[best]
    reach = np.flatnonzero(np.isfinite(leader))
    if not len(reach):
        return nothing, None
    end = leader[reach[-1]]
    start = leader[max(reach[0], 3)]
    left = ref_now[best] - end
    drop = start - end
    gap = now - ref_now[best]
    differences = live.values - theirs[best]
    trend = math.nan
    if earlier.any():
        trend = gap - float(live.counts[earlier] @ differences[earlier] / live.counts[earlier].sum())
    noise = math.nan
    if len(differences) > 3:
        noise = float(np.median(np.abs(np.diff(differences))))
    known = np.isfinite(ref_now)
    refs, ends = ref_now[known], finals[known]
    n = len(refs)
    spread = math.nan
    rank = rank_half = overtook = overtook_leader = pairs = order = math.nan
    gap_half = math.nan
    if half.any():
        w = live.counts[half] / live.counts[half].sum()
        gap_half = float(w @ (live.values[half] - theirs[best][half]))
    outlook = None
    slope = math.nan
    if n:
        worth = np.argsort(ends, kind="stable")
        top = worth[: max(1, math.ceil(n * NEAR_TOP))]
        middle = float(np.median(refs))
        spread = float(np.median(np.abs(refs - middle))) * 1.4826
        rank = (float((refs < now).sum()) + 0.5) / (n + 1)
        rank_half = (float((refs[top] < now).sum()) + 0.5) / (len(top) + 1)
    if n >= 2:
        apart = refs[:, None] - refs[None, top]
        better = ends[:, None] < ends[None, top]
        behind = apart >= max(gap, 0.0)
        behind &= apart > 0
        pairs = float(behind.sum())
        overtook = (float((behind & better).sum()) + 0.5) / (pairs + 1)
        at_best = int(np.flatnonzero(worth[0] == top)[0])
        order = float((better & (apart < 0)).sum() + (~better & (apart > 0)).sum()) / max(
            1.0, float((apart != 0).sum())
        )
        few = top[: max(1, n // 5)]
        far = apart[:, : len(few)] >= 0.7 * gap
        far &= apart[:, : len(few)] > 0
        overtook_leader = (float((far & better[:, : len(few)]).sum()) + 0.5) / (float(far.sum()) + 1)
        outlook, slope = _fitted(refs, ends, now)
    floor = float(finals[best])
    z = sd = math.nan
    if outlook is not None:
        z = (outlook.mean - floor) / max(outlook.sd, 1e-12)
        wide = float(np.median(ends)) - floor
        sd = _ratio(outlook.sd, wide)
    features = [
        _ratio(gap, drop), _ratio(gap, left), _ratio(gap, spread), _ratio(gap_half, drop), _ratio(trend, drop), _ratio(trend, left),
        rank, rank_half, overtook, overtook_leader, math.log1p(pairs), z, sd, slope, _ratio(left, drop), _ratio(noise, abs(gap)), _ratio(rise, drop),
        order, age, math.log(len(live.shares) / max(1, len(reach) * share)), _ratio(own, drop),
    ]  # fmt: skip
    return features, outlook


def _fitted(refs: Floats, ends: Floats, now: float) -> tuple[Outlook, float]:
    """The final metric from the series now, by a line through the finished experiments nearest to it.

    Weighted least squares with a slope shrunk towards zero, and leave-one-out residuals: few experiments, a wide answer.
    """
    distance = np.abs(refs - now)
    width = float(np.median(distance)) + 1e-12
    w = 1 / (1 + (distance / width) ** 2)
    total = float(w.sum())
    x0, y0 = float(w @ refs) / total, float(w @ ends) / total
    x, y = refs - x0, ends - y0
    xx = float(w @ (x * x))
    ridge = 0.5 * xx / max(1, len(refs)) + 1e-12
    slope = float(w @ (x * y)) / (xx + ridge)
    hat = w / total + w * x * x / (xx + ridge)
    residuals = (y - slope * x) / np.maximum(1 - hat, 0.1)
    size = float(np.sqrt(w @ (residuals * residuals) / total))
    many = total * total / float(w @ w)
    sd = size * math.sqrt(1 + 1 / many + (now - x0) ** 2 / (xx + ridge)) * math.sqrt((many + 2) / max(many - 1, 0.5))
    spread = float(np.sqrt(w @ (y * y) / total))
    relative = slope * math.sqrt(xx / total) / spread if spread > 0 else 0.0
    return Outlook(y0 + slope * (now - x0), sd + 1e-12), relative


def _joined(one: Outlook | None, other: Outlook | None) -> Outlook | None:
    """Two outlooks in one, each as heavy as it is sure; they see the same experiment, so the sum is no surer than the surest."""
    if one is None or other is None:
        return one or other
    a, b = one.sd**-2, other.sd**-2
    return Outlook((a * one.mean + b * other.mean) / (a + b), min(one.sd, other.sd))


def _finite(curve: Curve, share: float) -> bool:
    """False when the last two losses, or all, are no numbers."""
    seen = [loss for moment, loss in zip(curve.shares, curve.losses, strict=True) if moment <= share + 1e-9][-2:]
    return not seen or any(math.isfinite(loss) for loss in seen)


def _ratio(part: float, whole: float) -> float:
    """Part of a whole, kept within bounds: far is far."""
    if not (math.isfinite(part) and math.isfinite(whole)):
        return math.nan
    return float(min(10.0, max(-10.0, part / max(whole, 1e-9 * (abs(part) + 1e-12)))))
