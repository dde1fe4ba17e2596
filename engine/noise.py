"""How much a metric differs between identical trainings: σ with its interval, pooled over everything that was repeated. Pure.

A group is one state of the code, trained on several seeds. Only the spread within groups counts, so groups of different
quality may be pooled; a number that was chosen because it looked good has no place in one.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

DECLARED_FREEDOM = 10
"""A task's own figure for the noise is trusted like one that was measured with so many degrees of freedom."""

CERTAINTY = 0.95
"""Of the interval that is told."""

FEWEST_PAIRS = 5
"""Repeats with a known speed of the machine, before a share of the noise is put down to it."""

LARGE_FREEDOM = 300
"""From here on Student's distribution is taken for the normal one."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What is known of the spread of identical trainings."""

    sigma: float | None = None
    """One standard deviation, in the metric's unit; None where nobody knows."""
    freedom: int = 0
    """Degrees of freedom behind it; 0 where it was not measured."""
    low: float | None = None
    """The 95 % interval of σ; None where it was not measured."""
    high: float | None = None
    declared: float | None = None
    """What the task says."""

    @property
    def is_measured(self) -> bool:
        """Whether σ comes from this run's own repeats."""
        return self.freedom > 0

    @property
    def is_absent(self) -> bool:
        """Whether the task says that identical trainings give identical numbers, and nothing contradicts it."""
        return self.declared == 0 and not self.sigma

    def without(self, squares: float) -> "Noise":
        """Had one group been two: without the squares that lie between those, and the degree of freedom that they had."""
        if self.freedom < 2 or self.sigma is None:
            return self
        rest = max(0.0, self.sigma**2 * self.freedom - squares) / (self.freedom - 1)
        return replace(self, sigma=math.sqrt(rest), freedom=self.freedom - 1, low=None, high=None)

    @property
    def weight(self) -> int:
        """The degrees of freedom to reckon with."""
        return self.freedom or DECLARED_FREEDOM


def pooled(groups: Iterable[Sequence[float]], declared: float | None = None) -> Noise:
    """The noise behind groups of identical trainings; the task's own figure while nothing was repeated."""
    squares, freedom = 0.0, 0
    for group in groups:
        if len(group) > 1:
            mean = statistics.mean(group)  # exact: what is equal must have no spread at all
            squares += sum((value - mean) ** 2 for value in group)
            freedom += len(group) - 1
    if not freedom:
        return Noise(declared, declared=declared)
    outside = (1 - CERTAINTY) / 2
    return Noise(
        sigma=math.sqrt(squares / freedom),
        freedom=freedom,
        low=math.sqrt(squares / chi_bound(outside, freedom)),
        high=math.sqrt(squares / chi_bound(1 - outside, freedom)),
        declared=declared,
    )


def share_of_speed(groups: Iterable[Sequence[tuple[float, float]]]) -> float | None:
    """The share of the variance, 0 to 1, that goes with the machine's speed; None where too little is known.

    groups  of identical trainings: (value, speed) of each
    """
    values, speeds, freedom = [], [], -1
    for group in groups:
        if len(group) > 1:
            value, speed = (statistics.fmean(column) for column in zip(*group, strict=True))
            values += [pair[0] - value for pair in group]
            speeds += [pair[1] - speed for pair in group]
            freedom += len(group) - 1
    along, across = sum(v * v for v in values), sum(s * s for s in speeds)
    if len(values) < FEWEST_PAIRS or freedom < 1 or not along or not across:
        return None
    explained = sum(v * s for v, s in zip(values, speeds, strict=True)) ** 2 / (along * across)
    # A line through a few points explains something by chance alone.
    return max(0.0, 1 - (1 - explained) * (freedom + 1) / freedom)


def t_tail(t: float, freedom: int) -> float:
    """The chance that Student's t is greater than `t`."""
    if freedom >= LARGE_FREEDOM:
        return math.erfc(t / math.sqrt(2)) / 2
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    # The finite sums for whole degrees of freedom.
    term, total = (cosine, cosine) if odd else (1.0, 1.0)
    if freedom == 1:
        total = 0.0
    for step in range(2 + odd, freedom - 1, 2):
        term *= cosine * cosine * (step - 1) / step
        total += term
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, (1 - inside) / 2))


def chi_tail(x: float, freedom: int) -> float:
    """The chance that χ² is greater than `x`."""
    if freedom >= LARGE_FREEDOM:  # Wilson and Hilferty: the cube root is all but normal
        spread = 2 / (9 * freedom)
        return math.erfc(((x / freedom) ** (1 / 3) - 1 + spread) / math.sqrt(2 * spread)) / 2
    half, odd = x / 2, freedom % 2
    term, total = (math.sqrt(half) / math.gamma(1.5), 0.0) if odd else (1.0, 0.0)
    for step in range(1, (freedom - odd) // 2 + 1):
        total += term
        term *= half / (step + odd / 2)
    return min(1.0, math.exp(-half) * total + odd * math.erfc(math.sqrt(half)))


def t_bound(chance: float, freedom: int) -> float:
    """What Student's t is greater than with this chance."""
    return _bound(lambda t: t_tail(t, freedom), chance, low=-1e6, high=1e6)


def chi_bound(chance: float, freedom: int) -> float:
    """What χ² is greater than with this chance."""
    return _bound(lambda x: chi_tail(x, freedom), chance, low=0.0, high=20.0 * freedom + 100)


def _bound(tail: Callable[[float], float], chance: float, *, low: float, high: float) -> float:
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > chance else (low, middle)
    return (low + high) / 2
