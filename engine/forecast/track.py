"""Curves on a common grid of the budget, so that runs can be compared at the same point.

A finished curve is smoothed from both sides; a live one is only averaged in narrow bins, and the finished ones are read
where those bins lie. So neither lags behind the other, however often each was logged.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import ENORMOUS, Curve

Floats = NDArray[np.float64]

POINTS = 40
"""Of the grid, evenly over the budget, the last one at its end."""

GRID: Floats = np.arange(1, POINTS + 1) / POINTS

CURVES = 256
"""That are remembered with their tracks, somewhat more than a run's history has; a curve may have thousands of readings."""

_HOLD = 1.5 / POINTS
"""How far beyond its last reading a curve is believed to stay where it was."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """A live series, averaged in the cells of the grid; empty cells are left out."""

    shares: Floats
    values: Floats
    counts: Floats


def bins(shares: tuple[float, ...], values: tuple[float, ...], until: float, *, scale: float = 1.0) -> Bins:
    """What of a series was finite and known at `until`, times `scale`."""
    x, y = np.array(shares), scale * np.array(values)
    known = (x <= until + 1e-9) & (np.abs(y) < ENORMOUS) & (x >= 0)
    x, y = x[known], y[known]
    cell = np.minimum((x * POINTS).astype(np.intp), POINTS - 1)
    counts = np.bincount(cell, minlength=POINTS)
    there = counts > 0
    counts = counts[there]
    return Bins(
        np.bincount(cell, x, POINTS)[there] / counts,
        np.bincount(cell, y, POINTS)[there] / counts,
        counts.astype(np.float64),
    )


@lru_cache(maxsize=CURVES)
def loss_track(curve: Curve) -> Floats:
    """The loss on the grid, on its own scale."""
    return _track(curve.shares, curve.losses)


@lru_cache(maxsize=CURVES)
def metric_track(curve: Curve) -> Floats:
    """The metric's intermediate values on the grid."""
    return _track(curve.metric_shares, curve.metrics)


def _track(shares: tuple[float, ...], values: tuple[float, ...]) -> Floats:
    """A series on the grid, smoothed over a twentieth of its points; NaN where it does not reach."""
    x, y = np.array(shares), np.array(values)
    known = np.abs(y) < ENORMOUS
    x, y = x[known], y[known]
    if not len(x):
        return np.full(POINTS, np.nan)
    width = max(1, len(x) // 20)
    if width > 1:
        sums_x, sums_y = np.cumsum(np.r_[0.0, x]), np.cumsum(np.r_[0.0, y])
        x, y = (sums_x[width:] - sums_x[:-width]) / width, (sums_y[width:] - sums_y[:-width]) / width
    on_grid: Floats = np.interp(GRID, x, y)
    on_grid[(x[0] - _HOLD > GRID) | (x[-1] + _HOLD + (width - 1) / 2 * _spacing(x) < GRID)] = np.nan
    return on_grid


def _spacing(x: Floats) -> float:
    return float(x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 0.0


def at(tracks: Floats, shares: Floats) -> Floats:
    """Tracks (rows) read between the grid's points: one column for each of `shares`."""
    place = np.clip(shares * POINTS - 1, 0, POINTS - 1)
    low = place.astype(np.intp)
    high = np.minimum(low + 1, POINTS - 1)
    part = place - low
    below, above = tracks[..., low], tracks[..., high]
    return np.where(part > 0, below + part * (above - below), below)
