"""How good the forecaster is on this run: what was promised, what was measured, what was saved.

Covered: which would-be aborts are audited (run to the end, so that false aborts can be seen at all), the tally with a
Wilson interval, and whether a forecaster has earned the right to decide. Pure bookkeeping.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from . import ERROR_BUDGET, Direction, Forecaster, Past
from .replay import Replayed, replay

AUDIT = 0.05
"""One would-be abort in twenty runs to its end."""

ENOUGH_GOOD = 3
"""Improvements that a back-test must contain before it can prove anything."""

ENOUGH = 10
"""Experiments that a back-test must contain."""


class Interval(NamedTuple):
    """A share and how well it is known: 95 %."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one experiment that the forecaster watched."""

    number: int
    suggested: bool
    """Whether a look said abort."""
    finished: bool
    """Whether it ran to its end all the same: audited, in shadow, or overruled by a person."""
    improved: bool | None
    """Whether it beat the best; None when it was aborted and nobody knows."""
    saved_seconds: float = 0.0
    """What the abort saved, or would have saved."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The forecaster's record on a run."""

    promised: float
    watched: int
    suggested: int
    aborted: int
    audited: int
    """Suggested, and yet run to the end."""
    audited_good: int
    """Of these, the ones that improved: each a false abort seen."""
    improved: int
    """All that were seen to improve."""
    saved_seconds: float
    false_aborts: Interval
    """Of the experiments that would have improved, the share that was, or would have been, aborted."""
    base_rate: Interval
    """Of the experiments seen to their end, the share that improved."""

    @property
    def sentence(self) -> str:
        """What a person reads."""
        measured = f"{self.false_aborts.share:.0%} ({self.false_aborts.low:.0%} … {self.false_aborts.high:.0%})"
        seen = (
            f"false aborts {measured}, promised ≤ {self.promised:.0%}"
            if self.audited
            else "false aborts not measured yet"
        )
        minutes = f"{self.saved_seconds / 60:.1f} min saved"
        return f"{self.aborted} aborted, {minutes}; {seen}; {self.audited} of {self.suggested} suggested aborts ran to the end"


def audited(run: str, number: int, *, share: float = AUDIT) -> bool:
    """Whether a would-be abort of this experiment runs to its end. The same for ever: a hash of run and number, no dice."""
    digest = hashlib.sha256(f"loopwatch audit\n{run}\n{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def wilson(hits: float, of: float, *, z: float = 1.959964) -> Interval:
    """A share with its 95 % interval (Wilson 1927, "Probable inference, the law of succession, and statistical inference")."""
    if of <= 0:
        return Interval(math.nan, 0.0, 1.0)
    p = hits / of
    scale = 1 + z * z / of
    middle = (p + z * z / (2 * of)) / scale
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / scale
    return Interval(p, max(0.0, middle - half), min(1.0, middle + half))


def tally(outcomes: Iterable[Outcome], *, promised: float = ERROR_BUDGET) -> Tally:
    """What was measured, of everything that was watched.

    The audited aborts stand for all: with a share g of them good, the aborts nobody saw end hold about g good ones each.
    So false aborts are (suggested · g) of (suggested · g + the good ones never suggested). The interval is Wilson's on the
    number of good ones really seen: what was not seen makes nothing surer.
    """
    all_ = list(outcomes)
    suggested = [outcome for outcome in all_ if outcome.suggested]
    seen = [outcome for outcome in suggested if outcome.finished]
    seen_good = sum(outcome.improved is True for outcome in seen)
    passed_good = sum(outcome.improved is True for outcome in all_ if not outcome.suggested)
    rate = seen_good / len(seen) if seen else 0.0
    lost = rate * len(suggested)
    known_good = seen_good + passed_good
    share = lost / (lost + passed_good) if lost + passed_good else 0.0
    ended = [outcome for outcome in all_ if outcome.improved is not None]
    return Tally(
        promised=promised,
        watched=len(all_),
        suggested=len(suggested),
        aborted=len(suggested) - len(seen),
        audited=len(seen),
        audited_good=seen_good,
        improved=known_good,
        saved_seconds=sum(outcome.saved_seconds for outcome in suggested if not outcome.finished),
        false_aborts=wilson(share * known_good, known_good),
        base_rate=wilson(sum(outcome.improved is True for outcome in ended), len(ended)),
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a forecaster may leave shadow mode on this run."""

    proven: bool
    sentence: str
    table: Replayed | None = None


def proven(
    history: Iterable[Past],
    forecaster: Forecaster,
    *,
    direction: Direction,
    error_budget: float = ERROR_BUDGET,
    noise: float | None = None,
    margin_sigma: float = 0.0,
) -> Proof:
    """A back-test on the run's own finished experiments; an improvement exceeds `margin_sigma` times the `noise`.

    It proves that nothing is badly wrong here, not that the error budget holds: with few improvements the interval in the
    sentence is wide, and the rest rests on the curves that the prior was validated on.
    """
    past = [each for each in sorted(history, key=lambda each: each.number) if each.ended != "aborted"]
    if len(past) < ENOUGH:
        return Proof(False, f"in shadow: {len(past)} experiments ran to their end, {ENOUGH} are needed for a back-test")
    row = replay(past, forecaster, direction=direction, noise=noise, margin_sigma=margin_sigma)
    most = wilson(row.false_aborts, row.good).high
    lost = f"{row.false_aborts} of {row.good} improvements lost (95 %: at most {most:.0%} are)"
    tested = f"back-test on {len(past)} experiments: {lost}, {row.saved:.0%} of the budget saved"
    if row.good < ENOUGH_GOOD:
        return Proof(False, f"in shadow: {tested}; {ENOUGH_GOOD} improvements are needed", row)
    if row.false_aborts > error_budget * row.good:
        return Proof(False, f"in shadow: {tested}; that is more than {error_budget:.0%}", row)
    if row.saved <= 0:
        return Proof(False, f"in shadow: {tested}; there is nothing to gain", row)
    return Proof(True, f"proven: {tested}", row)
