"""The forecaster that decides by default: a learned prior on paired comparisons, corrected by the run's own record.

Each look compares the running experiment with the run's finished ones at the same point of the budget, never with a curve
that was extrapolated: schedules lower the learning rate at the end, and the best run's own shape knows that.

When it aborts. Let p be the probability that the experiment beats the best, given what was seen. While it is right, p is
a martingale, so for any rule that stops on it P(good and aborted) = E[p at the abort] (Doob's optional stopping theorem),
however many looks there were; looking often costs nothing of the error budget, aborting at a high p does. So the
boundary is one level for all looks, times sqrt(1 - share): what an abort saves shrinks with the share, and so does the
error that it is worth. The level is the error budget times LEVEL, fitted in cross-validation by source.
"""

import math
from dataclasses import dataclass

from .forecast import ERROR_BUDGET, Curve, Forecast, Setting
from .forecast_features import Outlook, see
from .forecast_field import Field, field
from .forecast_prior import Forest, prior
from .forecast_words import worded

LEVEL = 0.34
"""Of the error budget: the probability at which an abort at the very start would be made."""

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
        return LearnedWatch(setting, field(setting), self._forest, level)


@dataclass(frozen=True, slots=True, eq=False)
class LearnedWatch:
    """One experiment."""

    setting: Setting
    known: Field
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
        below = 0.0 if share < 0.5 and sight.rank < LEADING else self.level * math.sqrt(max(0.0, 1 - share))
        return worded(self.setting, share, mean, sd, p, below, abort=p < below)

    def _final(self, outlook: Outlook | None) -> tuple[float | None, float | None]:
        if outlook is None:
            return None, None
        sd = math.hypot(outlook.sd, self.setting.noise or 0.0)
        return self.known.sign * outlook.mean, sd


def _aborted_in_a_row(setting: Setting) -> int:
    latest_first = sorted(setting.history, key=lambda past: -past.number)
    return next((i for i, past in enumerate(latest_first) if past.ended != "aborted"), len(latest_first))
