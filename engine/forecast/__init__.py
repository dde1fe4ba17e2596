"""What a forecaster is told and what it answers: whether a running experiment is worth its time.

Covered: the facts that go in (curves, the run's earlier experiments, the best so far), the forecast that comes out, and
which forecasters there are. Pure, and light: numpy is loaded with a forecaster, not with this file.
Not covered: how a forecast is made (`learned` and its rivals), how many good experiments were lost
(`record`), and acting on it.

Time is a share of the experiment's budget, 0 to 1, so that no unit matters. Losses are better when lower; the metric has
a direction.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, NamedTuple, Protocol

Direction = Literal["down", "up"]
Ended = Literal["measured", "aborted", "failed"]

FORECASTERS = {
    "learned": "loopwatch.engine.forecast.learned:Learned",
    "power-law": "loopwatch.engine.forecast.power_law:PowerLaw",
    "best-curve": "loopwatch.engine.forecast.rivals:BestCurve",
    "halving": "loopwatch.engine.forecast.rivals:Halving",
    "median": "loopwatch.engine.forecast.rivals:Median",
    "never": "loopwatch.engine.forecast.rivals:Never",
}
"""Each is a class that takes the error budget."""

ERROR_BUDGET = 0.05
"""Of the experiments that would have improved on the best, the share that may be aborted."""

ENORMOUS = 1e30
"""A loss beyond this is as good as no number."""

RESTARTS = 3
"""A clock that falls back more often is disorder, not a restart."""


class Reading(NamedTuple):
    """What an experiment reported at one moment; None is not reported, NaN is a loss that was no number."""

    share: float
    """Of the budget that was used by then."""
    loss: float | None = None
    metric: float | None = None
    """An intermediate value of the task's metric."""
    lr: float | None = None
    """The learning-rate multiplier."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One experiment's readings, in order of time and each moment once; `curve` makes one of anything."""

    shares: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    """NaN where the loss was no finite number."""
    metric_shares: tuple[float, ...] = ()
    metrics: tuple[float, ...] = ()
    lr_shares: tuple[float, ...] = ()
    lrs: tuple[float, ...] = ()
    loss_to_metric: float | None = None
    """The factor that puts the loss on the metric's scale, where the log shows it early (another tokenizer, another factor)."""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier experiment of the run, with what is known of it."""

    number: int
    curve: Curve
    final: float | None
    """The metric that the evaluator measured; None when it was aborted or failed."""
    ended: Ended = "measured"
    stop: float = 1.0
    """The share of the budget it used."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known before an experiment starts. The order of `history` does not matter: experiments have numbers."""

    direction: Direction
    history: tuple[Past, ...] = ()
    best: float | None = None
    """The metric to beat."""
    noise: float | None = None
    """Standard deviation of the metric between identical runs, where it was measured."""
    margin_sigma: float = 0.0
    """How many of them an experiment must gain to be kept."""
    budget: float = 1.0
    unit: str = "s"
    """Of the budget, for the sentence."""

    @property
    def bar(self) -> float | None:
        """The metric that must be beaten: the best, and the margin beyond it."""
        if self.best is None:
            return None
        margin = self.margin_sigma * (self.noise or 0.0)
        return self.best - margin if self.direction == "down" else self.best + margin


@dataclass(frozen=True, slots=True)
class Forecast:
    """One look at a running experiment."""

    share: float
    """When, as a share of the budget."""
    mean: float | None
    """The final metric that is expected; None when nothing can be said."""
    sd: float | None
    p_better: float
    """Probability that the experiment beats the best by more than the margin."""
    abort_below: float
    """The probability below which this look aborts."""
    abort: bool
    reason: str
    """One sentence for a person."""
    saves: float = 0.0
    """Budget that an abort now would save, in the budget's unit."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where nine of ten final metrics should be."""
        if self.mean is None or self.sd is None:
            return None
        return self.mean - 1.645 * self.sd, self.mean + 1.645 * self.sd


class Watch(Protocol):
    """A forecaster that knows the setting and watches one experiment."""

    def look(self, curve: Curve, share: float) -> Forecast:
        """What is expected at this share of the budget. Pure: the same arguments give the same forecast.

        Readings after `share` are not looked at.
        """
        ...


class Forecaster(Protocol):
    """Anything that can say how an experiment will end."""

    @property
    def name(self) -> str:
        """As in `FORECASTERS`."""
        ...

    def watch(self, setting: Setting) -> Watch:
        """Prepare for one experiment; what can be computed before it starts is computed here."""
        ...


def forecaster(name: str, *, error_budget: float = ERROR_BUDGET) -> Forecaster:
    """The forecaster of this name; ValueError says which there are."""
    if name not in FORECASTERS:
        raise ValueError(f"there is no forecaster {name!r}; there are: {', '.join(FORECASTERS)}")
    module, _, attribute = FORECASTERS[name].partition(":")
    made: Forecaster = getattr(import_module(module), attribute)(error_budget=error_budget)
    return made


def curve(readings: Iterable[Reading], *, loss_to_metric: float | None = None) -> Curve:
    """The curve of readings as they were reported: clock restarts dropped, in order, of one moment the last one."""
    attempt = _last_attempt([reading for reading in readings if math.isfinite(reading.share)])
    losses = {r.share: r.loss if abs(r.loss) < ENORMOUS else math.nan for r in attempt if r.loss is not None}
    metrics = {r.share: r.metric for r in attempt if r.metric is not None and abs(r.metric) < ENORMOUS}
    lrs = {r.share: r.lr for r in attempt if r.lr is not None and math.isfinite(r.lr)}
    return Curve(*_sorted(losses), *_sorted(metrics), *_sorted(lrs), loss_to_metric=loss_to_metric)


def _last_attempt(readings: Sequence[Reading]) -> Sequence[Reading]:
    """What follows the last restart of the clock; disorder is left as it is."""
    shares = [reading.share for reading in readings]
    falls = [i for i in range(1, len(shares)) if shares[i] < shares[i - 1]]
    restarted = falls and len(falls) <= RESTARTS and all(_is_restart(shares, i) for i in falls)
    return readings[falls[-1] :] if restarted else readings


def _is_restart(shares: Sequence[float], i: int) -> bool:
    """A fall to less than half, from where the clock goes on; a single reading that came late goes back to where it was."""
    return shares[i] < 0.5 * shares[i - 1] and i + 1 < len(shares) and shares[i + 1] < shares[i - 1]


def _sorted(values: dict[float, float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    moments = sorted(values)
    return tuple(moments), tuple(values[moment] for moment in moments)
