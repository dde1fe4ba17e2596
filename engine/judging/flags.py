"""What makes a number hard to believe, each a plain sentence. Pure: results in, flags out.

A flag proves nothing and refuses nothing. It keeps a win from being believed before a person, or a repetition, has said so; so
each rule is one that honest loops hardly ever meet. `kind` is for programs, `text` for people.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import correlation, median
from typing import Literal, NamedTuple

from ..task import Metric

Kind = Literal["constant", "range", "curve", "relation", "jump", "creep", "touches"]

SAME = 3
"""Different programs with exactly one number."""
READINGS = 5
"""Of a loss, before two curves can be called the same."""
RELATED = 8
"""Results, before the loss is said to go with the metric."""
CORRELATION = 0.9
TOO_MANY_SIGMA = 10
TOO_MANY_MEDIANS = 10
OF_WHAT_WAS_LEARNED = 0.5
"""A gain as large as half of all that the baseline learned."""
STEPS = 4
"""Equal gains in a row; more where the metric itself only takes such steps."""
EQUAL = 0.01


class Flag(NamedTuple):
    """One reason for doubt."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """One measured program."""

    number: int
    value: float
    program: str = ""
    """The same for the same trained model, as far as one knows: a digest of the artefacts, or else of the code."""
    kept: bool = False
    losses: tuple[float, ...] = ()
    """What its training printed."""


def flags(
    metric: Metric,
    now: Result,
    past: Sequence[Result],
    *,
    best: Result | None,
    sigma: float | None = None,
    control: float | None = None,
    grown: bool = False,
) -> tuple[Flag, ...]:
    """What is odd about a result.

    past     the results before it, oldest first, the baseline among them
    best     the one to beat
    sigma    one standard deviation of identical trainings
    control  what a training without learning scored
    grown    whether tests were added that the best failed: then a win may take all that is left
    """
    found = [*_constant(now, past), *_range(metric, now, past)]
    if best is not None and metric.gain(now.value, best.value) > 0:
        win = _Win(metric, now, past, best, metric.gain(now.value, best.value), sigma, control, grown)
        found += [flag for rule in (_moved, _curve, _relation, _jump, _creep) for flag in rule(win)]
    return tuple(found)


class _Win(NamedTuple):
    metric: Metric
    now: Result
    past: Sequence[Result]
    best: Result
    gain: float
    sigma: float | None
    control: float | None
    grown: bool

    @property
    def kept(self) -> list[Result]:
        """The results that were kept, and this one."""
        return [*(result for result in self.past if result.kept), self.now]

    @property
    def kept_gains(self) -> list[float]:
        """By how much each kept one beat the one before; the last is this one's."""
        kept = self.kept
        return [self.metric.gain(b.value, a.value) for a, b in pairwise(kept)]


def _constant(now: Result, past: Sequence[Result]) -> Iterator[Flag]:
    same = [now]
    for result in reversed(past):
        if result.value != now.value:
            break
        same.append(result)
    # A number that has moved before is not constant; then chance and rounding have to be thought of.
    if (programs := _different(same)) >= (SAME if len(same) > len(past) else SAME + 2):
        yield Flag("constant", f"{programs} different programs in a row scored exactly {now.value:.10g}")


def _moved(win: _Win) -> Iterator[Flag]:
    same = [result for result in win.past if result.value == win.best.value]
    if (programs := _different(same)) >= SAME and 2 * len(same) >= len(win.past):
        yield Flag(
            "constant", f"{programs} different programs scored exactly {win.best.value:.10g}, and this one does not"
        )


def _different(results: Sequence[Result]) -> int:
    unnamed = sum(not result.program for result in results)
    return len({result.program for result in results if result.program}) + unnamed


def _range(metric: Metric, now: Result, past: Sequence[Result]) -> Iterator[Flag]:
    if not metric.plausible(now.value) or not math.isfinite(now.value):
        yield Flag("range", f"{now.value:g} is outside of what is possible")
    elif _positive_so_far(metric, past) and now.value <= 0:
        yield Flag("range", f"{now.value:g} is not above 0, and every number that was kept so far is")


def _positive_so_far(metric: Metric, past: Sequence[Result]) -> bool:
    unbounded = metric.direction == "down" and metric.low is None
    return unbounded and len(past) >= SAME and all(result.value > 0 for result in past if result.kept)


def _curve(win: _Win) -> Iterator[Flag]:
    losses = win.now.losses
    twin = next((r for r in reversed(win.past) if len(losses) >= READINGS and r.losses == losses), None)
    if twin and win.metric.gain(win.now.value, twin.value) > 0:
        yield Flag("curve", f"its training printed exactly the losses of #{twin.number}, and it scored better")


def _relation(win: _Win) -> Iterator[Flag]:
    known = [(r.losses[-1], r.value) for r in win.past if r.losses and math.isfinite(r.losses[-1])]
    if len(known) < RELATED or not win.best.losses or not win.now.losses or not win.sigma:
        return
    losses, values = zip(*known, strict=True)
    if len(set(losses)) < SAME or len(set(values)) < SAME:
        return
    worse = win.now.losses[-1] > win.best.losses[-1]
    upside_down = -1 if win.metric.direction == "up" else 1
    if worse and win.gain > TOO_MANY_SIGMA / 2 * win.sigma and upside_down * correlation(losses, values) > CORRELATION:
        yield Flag(
            "relation",
            f"it scored {win.gain / win.sigma:.1f} σ better, though its loss ended higher ({win.now.losses[-1]:.4g}, not "
            f"{win.best.losses[-1]:.4g}), and so far the two went together",
        )


def _jump(win: _Win) -> Iterator[Flag]:
    if win.gain <= TOO_MANY_SIGMA * (win.sigma or 0.0):
        return
    usual = win.kept_gains[:-1]
    of_sigma = "" if not win.sigma else f", {win.gain / win.sigma:.0f} σ"
    if win.control is not None:
        baseline = win.past[0].value if win.past else win.best.value
        learned = win.metric.gain(baseline, win.control)
        if 0 < OF_WHAT_WAS_LEARNED * learned < win.gain:
            share = win.gain / learned
            yield Flag("jump", f"a jump of {win.gain:.4g}{of_sigma}: {share:.0%} of all that the baseline had learned")
    elif len(usual) >= SAME:
        # Where nobody knows the noise, the usual gains may be mostly noise themselves.
        too_many = TOO_MANY_MEDIANS * (1 if win.sigma else 3)
        if win.gain > max(*usual, too_many * median(usual)):
            times = win.gain / median(usual)
            yield Flag("jump", f"a jump of {win.gain:.4g}{of_sigma}, {times:.2g} times the usual gain")
    elif not win.grown and (left := _left(win)) is not None and win.gain > 0.9 * left:
        yield Flag("jump", f"a jump of {win.gain:.4g}{of_sigma}: {win.gain / left:.0%} of all that was left to gain")


def _left(win: _Win) -> float | None:
    """How much better the metric can become, where that is known; a loss that is above 0 is taken to end there."""
    metric, value = win.metric, win.best.value
    if metric.direction == "up":
        return None if metric.high is None else metric.high - value
    if metric.low is None and min(value, win.now.value) < 0:
        return None
    return value - (metric.low or 0.0)


def _creep(win: _Win) -> Iterator[Flag]:
    if win.metric.noise == 0:
        return  # what is counted takes equal steps
    gains, kept = win.kept_gains, win.kept
    step = gains[-1]
    finest = min((abs(a.value - b.value) for a in kept for b in win.past if a.value != b.value), default=step)
    wanted = STEPS if finest < (1 - EQUAL) * step else STEPS + 2
    if len(gains) >= wanted and all(abs(gain - step) <= EQUAL * step for gain in gains[-wanted:]):
        yield Flag("creep", f"the last {wanted} gains were all of the same size, {step:.4g}")
        return
    values = [result.value for result in kept[-STEPS - 1 :]]
    if len(values) > STEPS and all(math.isfinite(v) and v * values[0] > 0 for v in values):
        ratios = [b / a for a, b in pairwise(values)]
        if all(abs(math.log(ratio / ratios[-1])) <= EQUAL * abs(math.log(ratios[-1])) for ratio in ratios):
            yield Flag("creep", f"each of the last {STEPS + 1} kept numbers is {ratios[-1]:.4g} times the one before")
