"""Play finished experiments through a forecaster, as if it had decided: what would have been lost, and what saved.

Closed loop: an aborted experiment's result stays unknown, so the best, the history and every later decision are what the
loop would really have had. A false abort leaves a stale best behind, as in life.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import Curve, Direction, Forecaster, Past, Setting

CHECKS = 20
"""Looks per experiment are one fewer: every 1/CHECKS of the budget, not at its end."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What happened to one experiment in a replay."""

    number: int
    good: bool
    """Would have beaten the replay's own best by more than the margin."""
    stop: float | None
    """The share at which it was aborted."""
    used: float
    whole: float
    """The share it would have used."""
    final: float | None
    looks: tuple[tuple[float, float], ...] = ()
    """Share and probability, look by look."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One row of the back-test table."""

    name: str
    turns: tuple[Turn, ...]
    best_at_half: float | None
    """The best metric by the time in which never aborting does half of its experiments."""
    never_at_half: float | None
    """The same for never aborting."""

    @property
    def good(self) -> int:
        """Experiments that would have improved, without the first."""
        return sum(turn.good for turn in self.turns[1:])

    @property
    def bad(self) -> int:
        """The others."""
        return len(self.turns[1:]) - self.good

    @property
    def false_aborts(self) -> int:
        """Good ones aborted."""
        return sum(turn.good and turn.stop is not None for turn in self.turns)

    @property
    def true_aborts(self) -> int:
        """Bad ones aborted."""
        return sum(not turn.good and turn.stop is not None for turn in self.turns)

    @property
    def saved(self) -> float:
        """Share of the whole budget."""
        whole = sum(turn.whole for turn in self.turns)
        return 1 - sum(turn.used for turn in self.turns) / whole if whole else 0.0


def replay(
    experiments: Sequence[Past],
    forecaster: Forecaster,
    *,
    direction: Direction,
    noise: float | None = None,
    margin_sigma: float = 0.0,
    checks: int = CHECKS,
) -> Replayed:
    """Play experiments in their order. The first is the baseline and never aborted; those aborted in life are left out."""
    whole = [past for past in sorted(experiments, key=lambda past: past.number) if past.ended != "aborted"]
    turns: list[Turn] = []
    known: tuple[Past, ...] = ()
    best: float | None = None
    for past in whole:
        setting = Setting(direction, known, best, noise=noise, margin_sigma=margin_sigma)
        turn = _turn(past, setting, forecaster if known else None, checks)
        turns.append(turn)
        if turn.stop is None:
            known = (*known, past)
            best = past.final if turn.good or best is None else best
        else:
            known = (*known, Past(past.number, until(past.curve, turn.stop), None, "aborted", turn.stop))
    half = sum(turn.whole for turn in turns) / 2
    return Replayed(
        forecaster.name,
        tuple(turns),
        best_at_half=_best_by(turns, half, direction, never=False),
        never_at_half=_best_by(turns, half, direction, never=True),
    )


def until(curve: Curve, share: float) -> Curve:
    """The curve as it was known at a share of the budget."""
    losses, metrics, lrs = (
        bisect_right(moments, share + 1e-9) for moments in (curve.shares, curve.metric_shares, curve.lr_shares)
    )
    return replace(
        curve,
        shares=curve.shares[:losses],
        losses=curve.losses[:losses],
        metric_shares=curve.metric_shares[:metrics],
        metrics=curve.metrics[:metrics],
        lr_shares=curve.lr_shares[:lrs],
        lrs=curve.lrs[:lrs],
    )


def _turn(past: Past, setting: Setting, forecaster: Forecaster | None, checks: int) -> Turn:
    bar = setting.bar
    final = past.final
    good = bar is not None and final is not None and (final < bar if setting.direction == "down" else final > bar)
    looks: list[tuple[float, float]] = []
    stop = None
    watch = forecaster.watch(setting) if forecaster else None
    for check in range(1, checks):
        share = check / checks
        if watch is None or share >= past.stop - 1e-9:
            break
        forecast = watch.look(past.curve, share)
        looks.append((share, forecast.p_better))
        if forecast.abort:
            stop = share
            break
    return Turn(past.number, good, stop, past.stop if stop is None else stop, past.stop, final, tuple(looks))


def _better(direction: Direction, best: float | None, final: float | None) -> float | None:
    if final is None or not math.isfinite(final):
        return best
    if best is None:
        return final
    return min(best, final) if direction == "down" else max(best, final)


def _best_by(turns: Sequence[Turn], time: float, direction: Direction, *, never: bool) -> float | None:
    best, clock = None, 0.0
    for turn in turns:
        clock += turn.whole if never else turn.used
        if clock > time + 1e-9:
            break
        if never or turn.stop is None:
            best = _better(direction, best, turn.final)
    return best
