"""The forecaster that decides by default: a learned prior on paired comparisons, corrected by the run's own record.

Each look compares the running experiment with the run's finished ones at the same point of the budget, never with a curve
that was extrapolated: schedules lower the learning rate at the end, and the best run's own shape knows that.

When it aborts. Let p be the probability that the experiment beats the best, given what was seen. While it is right, p is
a martingale, so for any rule that stops on it P(good and aborted) = E[p at the abort] (Doob's optional stopping theorem),
however many looks there were; looking often costs nothing of the error budget, aborting at a high p does. So the
boundary is one level for all looks, times sqrt(1 - share): what an abort saves shrinks with the share, and so does the
error that it is worth. Of all experiments a share π improves and a share A is aborted, so false aborts are at most
level·A/π of the good ones; with π about a tenth and A about a half that is the error budget at a level of a fifth of it.
Aborts happen well below the boundary, so the level may be higher: LEVEL times the error budget, chosen by cross-validation
that leaves episodes out. p is not exactly right, which is why aborts are audited (`record`).

Ville's inequality (1939) for the likelihood ratio would hold for every single experiment without A: abort when the odds
of being good fall below the error budget times the odds before. That is a level of half a percent, less than half of this one.

The learning rate: where both this experiment and the best one log its multiplier, the level shrinks by their ratio. The
development curves log none, so this is reasoned and not measured; it can only abort less. Speed needs no feature of its
own: everything is compared at the same share of the budget, and a slow experiment is simply further behind.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass

from . import ERROR_BUDGET, Curve, Forecast, Setting
from .features import Outlook, see
from .field import Field, field
from .prior import Forest, prior
from .words import worded

LEVEL = 0.28
"""Of the error budget: the probability below which an abort at the very start would be made."""

EARLIEST = 0.095
"""Nothing but a loss that is no number is judged before this share: compiling and warming up say nothing."""

STALE = 4
"""After this many aborts in a row the level is halved, and so on: with nothing finished, nothing new was learned, and one
false abort breeds others like it."""

LEADING = 0.2
"""Who is ahead of all but this share of the finished ones is not aborted in the first half of the budget, whatever the
prior says: late bloomers are flat until they fall, and no other family teaches what one looks like."""


class Learned:
    """The prior, and the run's history."""

    name = "learned"

    def __init__(self, *, error_budget: float = ERROR_BUDGET, forest: Forest | None = None) -> None:
        self._error_budget = error_budget
        self._forest = forest or prior()

    def watch(self, setting: Setting) -> "LearnedWatch":
        """Put the history on the grid."""
        level = self._error_budget * LEVEL / (1 + _aborted_in_a_row(setting) / STALE)
        return LearnedWatch(setting, field(setting), _leader(setting), self._forest, level)


@dataclass(frozen=True, slots=True, eq=False)
class LearnedWatch:
    """One experiment."""

    setting: Setting
    known: Field
    leader: Curve
    """The best one's."""
    forest: Forest
    level: float

    def look(self, curve: Curve, share: float) -> Forecast:
        """Compare with the finished ones at this share."""
        sight = see(self.known, curve, share)
        if not sight.finite:
            return worded(self.setting, share, None, None, 0.0, 1.0, abort=True, why="the loss is no longer a number")
        mean, sd = self._final(sight.outlook)
        if not sight.compared or share < EARLIEST:
            return worded(
                self.setting, share, mean, sd, 0.5, 0.0, abort=False, why="there is too little to compare yet"
            )
        p = 1 / (1 + math.exp(-self.forest.log_odds(sight.features)))
        below = 0.0 if share < 0.5 and sight.rank < LEADING else self._level(curve, share)
        return worded(self.setting, share, mean, sd, p, below, abort=p < below)

    def _level(self, curve: Curve, share: float) -> float:
        """The boundary now; lower where this experiment's learning rate has further to fall than the best one's had."""
        ours, theirs = _lr(curve, share), _lr(self.leader, share)
        patience = min(1.0, max(0.0, theirs) / ours) if ours and theirs is not None and ours > 0 else 1.0
        return self.level * patience * math.sqrt(max(0.0, 1 - share))

    def _final(self, outlook: Outlook | None) -> tuple[float | None, float | None]:
        if outlook is None:
            return None, None
        sd = math.hypot(outlook.sd, self.setting.noise or 0.0)
        return self.known.sign * outlook.mean, sd


def _leader(setting: Setting) -> Curve:
    sign = 1 if setting.direction == "down" else -1
    ended = [(sign * past.final, past.number, past.curve) for past in setting.history if past.final is not None]
    return min(ended, key=lambda each: each[:2])[2] if ended else Curve()


def _lr(curve: Curve, share: float) -> float | None:
    """The learning-rate multiplier at a share, where it was logged."""
    place = bisect_right(curve.lr_shares, share + 1e-9)
    return curve.lrs[place - 1] if place else None


def _aborted_in_a_row(setting: Setting) -> int:
    latest_first = sorted(setting.history, key=lambda past: -past.number)
    return next((i for i, past in enumerate(latest_first) if past.ended != "aborted"), len(latest_first))
