"""What others do, as small forecasters for the back-test: never abort, the best curve, the median, successive halving.

They promise no error rate, so they take the error budget and ignore it. Each looks at the metric where it was logged often
enough, else at the training loss.
"""

import math
from dataclasses import dataclass

import numpy as np

from . import ERROR_BUDGET, Curve, Forecast, Setting
from .field import Field, field
from .track import Floats, at, bins
from .words import worded

MEDIAN_STARTUP = 5
"""Finished experiments before the median pruner says anything; Optuna's default."""

HALVING_FACTOR = 3
"""Of the experiments at a rung, one in three goes on."""

RUNGS = (1 / 9, 1 / 3)

BEST_CURVE_FROM = 0.2
"""The share before which the best curve is not compared with."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The running experiment's level now, and those of the earlier ones at the same share; lower is better."""

    now: float
    earlier: Floats
    best: float


class Never:
    """Let everything run to its end."""

    name = "never"

    def __init__(self, *, error_budget: float = ERROR_BUDGET) -> None:
        self._error_budget = error_budget

    def watch(self, setting: Setting) -> "Never.Watching":
        """Nothing to prepare."""
        return self.Watching(setting)

    @dataclass(frozen=True, slots=True, eq=False)
    class Watching:
        """One experiment."""

        setting: Setting

        def look(self, curve: Curve, share: float) -> Forecast:
            """Go on."""
            return worded(self.setting, share, None, None, 0.5, 0.0, abort=False, why="never aborts")


class BestCurve:
    """Abort when worse than the best run at the same point, twice in a row."""

    name = "best-curve"

    def __init__(self, *, error_budget: float = ERROR_BUDGET) -> None:
        self._error_budget = error_budget

    def watch(self, setting: Setting) -> "BestCurve.Watching":
        """Put the history on the grid."""
        return self.Watching(setting, field(setting))

    @dataclass(frozen=True, slots=True, eq=False)
    class Watching:
        """One experiment."""

        setting: Setting
        known: Field

        def look(self, curve: Curve, share: float) -> Forecast:
            """Compare now and a twentieth of the budget ago."""
            before = compared(self.known, curve, share - 0.05)
            now = compared(self.known, curve, share)
            behind = [each is not None and each.now > each.best for each in (before, now)]
            abort = share - 0.05 >= BEST_CURVE_FROM - 1e-9 and all(behind)
            return _voted(self.setting, share, abort, "worse than the best run at the same point, twice in a row")


class Median:
    """Abort when worse than the median of the earlier ones at the same point (Golovin and others 2017, Vizier; Optuna)."""

    name = "median"

    def __init__(self, *, error_budget: float = ERROR_BUDGET) -> None:
        self._error_budget = error_budget

    def watch(self, setting: Setting) -> "Median.Watching":
        """Put the history on the grid."""
        return self.Watching(setting, field(setting))

    @dataclass(frozen=True, slots=True, eq=False)
    class Watching:
        """One experiment."""

        setting: Setting
        known: Field

        def look(self, curve: Curve, share: float) -> Forecast:
            """Compare with the median."""
            seen = compared(self.known, curve, share)
            enough = seen is not None and len(seen.earlier) >= MEDIAN_STARTUP
            abort = seen is not None and enough and seen.now > float(np.median(seen.earlier))
            return _voted(self.setting, share, abort, "worse than the median of the finished ones at this point")


class Halving:
    """Asynchronous successive halving (Li and others 2020, ASHA): of all that reached a rung, only the best third goes on."""

    name = "halving"

    def __init__(self, *, error_budget: float = ERROR_BUDGET) -> None:
        self._error_budget = error_budget

    def watch(self, setting: Setting) -> "Halving.Watching":
        """Put the history on the grid; a rung counts those that were aborted later as well."""
        return self.Watching(setting, field(setting, everyone=True))

    @dataclass(frozen=True, slots=True, eq=False)
    class Watching:
        """One experiment."""

        setting: Setting
        known: Field

        def look(self, curve: Curve, share: float) -> Forecast:
            """Compare at the last rung that was reached."""
            rung = max((rung for rung in RUNGS if rung <= share + 1e-9), default=None)
            seen = compared(self.known, curve, rung) if rung is not None else None
            abort = seen is not None and _place(seen) > math.ceil((len(seen.earlier) + 1) / HALVING_FACTOR)
            return _voted(self.setting, share, abort, f"not in the best third at {rung or 0:.0%} of the budget")


def compared(known: Field, curve: Curve, share: float) -> Compared | None:
    """Levels at a share of the budget; None without a best run to compare with."""
    metrics = bins(curve.metric_shares, curve.metrics, share, scale=known.sign)
    losses = bins(curve.shares, curve.losses, share, scale=curve.loss_to_metric or known.factor or 1.0)
    for live, rows in ((metrics, known.metric), (losses, known.loss)):
        if rows.best is None or not len(live.shares):
            continue
        levels = at(rows.tracks, live.shares[-1:])[:, 0]
        if math.isfinite(float(levels[rows.best])):
            return Compared(float(live.values[-1]), levels[np.isfinite(levels)], float(levels[rows.best]))
    return None


def _place(seen: Compared) -> int:
    return 1 + int((seen.earlier < seen.now).sum())


def _voted(setting: Setting, share: float, abort: bool, why: str) -> Forecast:
    """A forecast of those who only vote; they know no probability."""
    p = 0.0 if abort else 0.5
    return worded(setting, share, None, None, p, 0.5 if abort else 0.0, abort=abort, why=why if abort else "keeps up")
