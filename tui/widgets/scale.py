"""Which part of the y axis to show, and its round numbers. Pure: values in, a scale out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

ROWS_PER_TICK = 4
LEAST_FILL = 0.6
"""A scale is kept while the data fills this share of it: an axis that moves with each point cannot be
read."""

TRIMMED = 0.02
"""The share of extreme values at either side that may be clipped when they would squash the rest."""


@dataclass(frozen=True)
class Scale:
    """A range with the distance between its labels."""

    low: float
    high: float
    step: float

    @property
    def ticks(self) -> list[float]:
        """The multiples of the step within the range."""
        first, last = math.ceil(self.low / self.step - 1e-6), math.floor(self.high / self.step + 1e-6)
        return [number * self.step for number in range(first, min(last, first + 100) + 1)]

    def label(self, value: float, *, digits: int = 0) -> str:
        """Return `value` with the decimals that a label needs, and `digits` more."""
        decimals = max(0, -math.floor(math.log10(self.step) + 1e-9)) + digits
        if f"{self.step:e}"[2] not in "0.":  # steps such as 2.5 need one more
            decimals += digits == 0
        text = f"{value:.{decimals}f}" if decimals <= 7 and abs(value) < 1e6 else f"{value:.{2 + digits}e}"
        return text.removeprefix("-") if text.strip("-0.") == "" else text


def useful(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float] | None:
    """Return the range worth showing of values between `lows` and `highs`: all of it, unless a few would
    squash the rest."""
    if not lows:
        return None
    ordered_lows, ordered_highs = sorted(lows), sorted(highs)
    low, high = ordered_lows[0], ordered_highs[-1]
    if len(lows) < 20:
        return low, high
    trim = max(1, int(len(lows) * TRIMMED))
    core_low, core_high = ordered_lows[trim], ordered_highs[-1 - trim]
    core = core_high - core_low
    if core > 0 and high - core_high > core / 2:
        high = core_high + core / 10
    if core > 0 and core_low - low > core / 2:
        low = core_low - core / 10
    return low, high


def choose(low: float, high: float, rows: int, previous: Scale | None = None) -> Scale:
    """Return round bounds around `low` to `high`, or `previous` while it still fits well."""
    if high - low <= max(1e-200, abs(low) * 1e-9, abs(high) * 1e-9):
        margin = max(abs(high) * 0.05, 1e-6)
        low, high = low - margin, high + margin
    span = high - low
    if previous is not None and _still_fits(previous, low, high):
        return previous
    step = _round_step(span / max(2, rows // ROWS_PER_TICK))
    half = step / 2
    return Scale(math.floor(low / half + 1e-6) * half, math.ceil(high / half - 1e-6) * half, step)


def _still_fits(scale: Scale, low: float, high: float) -> bool:
    holds = scale.low <= low and high <= scale.high
    return holds and high - low >= LEAST_FILL * (scale.high - scale.low)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= rough * (1 - 1e-9))
