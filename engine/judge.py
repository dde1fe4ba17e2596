"""Better, worse, or within the noise; suspicious or not. Pure: facts in, a judgement with one plain sentence out."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .events import Finished, Measured, Verdict
from .task import Metric

HOPELESS_AFTER = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the numbers say; a person may still override it."""

    verdict: Verdict
    reason: str
    value: float | None = None
    gain: float | None = None
    sigma: float | None = None
    quarantined: bool = False
    """It would have been kept but for what makes it hard to believe."""


def measurement(metric: Metric, printed: Sequence[str]) -> tuple[float | None, str]:
    """The number that the evaluator printed, and the problem with it ("" when it may be believed).

    `printed` are the values of the lines `NAME: VALUE`, in order. One plain ASCII decimal number is wanted, finite and in the
    plausible range; anything else is a problem, and never a win.
    """
    if not printed:
        return None, f"the evaluator printed no line {metric.name}: NUMBER"
    if len(printed) > 1:
        return None, f"the evaluator printed {metric.name} {len(printed)} times"
    text = printed[0]
    number = _number(text)
    if number is None:
        return None, f"the evaluator printed {metric.name}: {text[:40]}, which is no number"
    if not math.isfinite(number):
        return None, f"the evaluator printed {metric.name}: {text[:40]}, which is not finite"
    return number, _doubt(metric, number)


def judge(
    metric: Metric, *, measured: Measured, finished: Finished | None, best: float | None, margin_sigma: float
) -> Judgement:
    """The verdict on an experiment.

    best          the number to beat, in the metric's unit; None for the baseline
    margin_sigma  how many standard deviations of the metric's noise a gain must exceed
    """
    value = measured.value
    match measured.outcome:
        case "valid" if value is not None and (doubt := _doubt(metric, value)):
            return Judgement("voided", f"voided: {doubt}", value)
        case "valid" if value is not None:
            return _compare(metric, value, best, margin_sigma)
        case "valid":
            return Judgement("no_metric", f"no metric: {measured.problem}")
        case "voided":
            return Judgement("voided", f"voided: {measured.problem}", value)
        case "aborted" | "crashed" | "timed_out" | "no_metric" as outcome:
            words = {
                "aborted": "aborted",
                "crashed": "crashed",
                "timed_out": "timed out",
                "no_metric": "no metric",
            }[outcome]
            after = f" after {finished.wall_seconds:.0f} s" if finished and outcome != "no_metric" else ""
            return Judgement(outcome, f"{words}{after}: {measured.problem}")


def hopeless(losses: Sequence[float]) -> str:
    """Why an experiment that is still running cannot end well; "" when it may."""
    tail = losses[-HOPELESS_AFTER:]
    if len(tail) == HOPELESS_AFTER and not any(math.isfinite(loss) for loss in tail):
        return f"the loss was not a finite number in the last {HOPELESS_AFTER} reports"
    return ""


def _compare(metric: Metric, value: float, best: float | None, margin_sigma: float) -> Judgement:
    if best is None:
        return Judgement("kept", f"kept: the baseline is {show(value)}", value)
    gain = metric.gain(value, best)
    sigma = gain / metric.noise if metric.noise else None
    change = f"{show(best)} → {show(value)}"
    if gain > margin_sigma * (metric.noise or 0.0):
        return Judgement("kept", f"kept: {change}, {_above(sigma, metric.noise)}", value, gain, sigma)
    if gain > 0:
        return Judgement(
            "discarded",
            f"discarded: {change} is better by {show(gain)}, within the noise ({_sigmas(sigma)})",
            value,
            gain,
            sigma,
        )
    if gain == 0:
        return Judgement("discarded", f"discarded: {show(value)} is exactly the best so far", value, gain, sigma)
    return Judgement("discarded", f"discarded: {change} is worse by {show(-gain)}{_worse(sigma)}", value, gain, sigma)


def _above(sigma: float | None, noise: float | None) -> str:
    if sigma is not None:
        return f"{sigma:.1f} σ better than noise"
    return "the metric has no noise" if noise == 0 else "noise not measured"


def _sigmas(sigma: float | None) -> str:
    return "noise unknown" if sigma is None else f"{sigma:.1f} σ"


def _worse(sigma: float | None) -> str:
    return "" if sigma is None else f" ({-sigma:.1f} σ)"


def show(value: float) -> str:
    """A number as it stands in sentences: four digits that matter."""
    return f"{value:.4g}" if abs(value) < 0.01 or abs(value) >= 10_000 else f"{value:.4f}"


def _doubt(metric: Metric, value: float) -> str:
    if metric.plausible(value) and math.isfinite(value):
        return ""
    return f"{metric.name} {value:g} is outside the plausible range {_range(metric)}"


def _range(metric: Metric) -> str:
    low = "−∞" if metric.low is None else f"{metric.low:g}"
    high = "∞" if metric.high is None else f"{metric.high:g}"
    return f"{low} … {high}"


_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def _number(text: str) -> float | None:
    # float() also takes other scripts' digits and underscores, and rounds 1e-400 to nothing: no honest evaluator prints those.
    if not _NUMBER.fullmatch(text) and not _NOT_FINITE.fullmatch(text):
        return None
    number = float(text)
    vanished = number == 0 and any(digit in "123456789" for digit in text.lower().partition("e")[0])
    return None if vanished else number
