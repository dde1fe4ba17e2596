"""Better, worse, or within the noise; suspicious or not. Pure: facts in, a judgement with one plain sentence out."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..confirm import Entrant, Weighed, weigh
from ..events import Finished, Measured, Verdict
from ..noise import Noise
from ..task import Metric

HOPELESS_AFTER = 3

TOO_DEAR = "that costs too much"

SURE = 2.0
"""σ from where on a gain that is not confirmed is not called within the noise any more."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the numbers say; a person may still override it."""

    verdict: Verdict
    reason: str
    value: float | None = None
    gain: float | None = None
    sigma: float | None = None
    confirmed: bool = False
    """Told from luck."""
    p: float | None = None
    """The chance of such numbers if it were no better than the last confirmed one."""
    quarantined: bool = False
    """It would have been kept but for what makes it hard to believe."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a candidate is compared with, and by which rule. Scores, that is numbers of which the greater is better."""

    candidate: Entrant
    best: Entrant
    """What the search goes on from now."""
    confirmed: Entrant
    """The last confirmed one, perhaps the same."""
    noise: Noise
    strict: bool = False
    lines: int = 0
    """How many the candidate's code has more; negative when it has fewer."""
    failed: str = ""
    """Why a repeat of it gave no number; "" when each did."""

    @property
    def weighed(self) -> Weighed:
        """The next step, or the last one."""
        weighed = weigh(
            self.candidate, self.best, self.confirmed, self.noise, shorter=self.lines < 0, strict=self.strict
        )
        return replace(weighed, action="discard") if self.failed else weighed


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
    fault = _fault(metric, measured, finished)
    return fault or _compare(metric, measured.value or 0.0, best, margin_sigma)


def judge_field(metric: Metric, *, measured: Measured, finished: Finished | None, field: Field) -> Judgement:
    """The verdict on an experiment that was trained again where that was worth it."""
    if fault := _fault(metric, measured, finished):
        return fault
    weighed, ours, theirs = field.weighed, field.candidate, field.best
    gain = ours.mean - theirs.mean
    sigma = gain / field.noise.sigma if field.noise.sigma else None
    sign = 1 if metric.direction == "up" else -1
    new = show(sign * ours.mean)
    change = f"{show(sign * theirs.mean)} → {new}"
    seeds = f" on {len(ours.fresh)} + {len(field.confirmed.fresh)} seeds" if ours.fresh else ""
    shorter = f", with {_lines(-field.lines)} fewer" if field.lines < 0 else ""
    found = Judgement("discarded", "", measured.value, gain, sigma, p=weighed.p)
    if field.failed:
        return replace(found, reason=f"discarded: {change}, but trained again it gave no number: {field.failed}")
    if weighed.action == "confirm":
        kept = replace(found, verdict="kept", confirmed=True)
        if gain == 0:
            return replace(kept, reason=f"kept: {new} is exactly the best so far{shorter}")
        how = f", confirmed{seeds}{_chance(weighed.p)}" if seeds else ""
        return replace(kept, reason=f"kept: {change}, {_above(sigma, field.noise.sigma)}{how}")
    if weighed.action != "discard" and not field.strict:
        reason = f"kept for now: {change}, {_unsure(sigma)}{seeds}{shorter}"
        return replace(found, verdict="kept", reason=reason)
    if gain > 0:
        return replace(found, reason=f"discarded: {change} is better by {show(gain)}, {_unsure(sigma)}{seeds}")
    if gain == 0:
        return replace(found, reason=f"discarded: {new} is exactly the best so far")
    return replace(found, reason=f"discarded: {change} is worse by {show(-gain)}{_worse(sigma)}{seeds}")


def doubts(noise: Noise, values: Sequence[float], repeats: int) -> str:
    """What is odd about the baseline's own numbers; "" when nothing is."""
    if not noise.is_measured:
        return f"the baseline gave no second number in {repeats} repeats, so the noise is not known"
    if noise.declared and noise.low is not None and noise.high is not None and noise.sigma:
        if noise.low <= noise.declared <= noise.high:
            return ""
        interval = f"{show(noise.low)} to {show(noise.high)}"
        return f"the task declares a noise of {show(noise.declared)}; measured here: {show(noise.sigma)} ({interval})"
    if noise.declared == 0 and noise.sigma:
        return f"the task declares no noise, but its baseline gave {', '.join(map(show, values))}"
    if noise.declared != 0 and not noise.sigma:
        return f"{len(values)} trainings on different seeds all gave exactly {show(values[0])}: does the metric see the model?"
    return ""


def too_dear(judgement: Judgement, over: str) -> Judgement:
    """The verdict on a gain that costs more than the task allows."""
    gain = "" if judgement.gain is None else f" of {show(judgement.gain)}"
    reason = f"discarded: a gain{gain} {TOO_DEAR}: {over}"
    return replace(judgement, verdict="discarded", confirmed=False, reason=reason)


def unrivalled(judgement: Judgement) -> Judgement:
    """The verdict on a number where the best so far has none on the tests of now."""
    new = "" if judgement.value is None else f"{show(judgement.value)}, "
    reason = f"kept: {new}where the best so far comes to no number on the tests of now"
    return replace(judgement, confirmed=True, reason=reason)


def quarantined(judgement: Judgement, flags: Sequence[str]) -> Judgement:
    """The verdict on a gain that is hard to believe, until a person or a confirmation says otherwise."""
    what = judgement.reason.partition(": ")[2]
    reason = f"discarded: quarantined, {what}; but it is hard to believe: {'; '.join(flags)}"
    return replace(judgement, verdict="discarded", confirmed=False, quarantined=True, reason=reason)


def _fault(metric: Metric, measured: Measured, finished: Finished | None) -> Judgement | None:
    """The verdict on an attempt without a number that may be believed; None where there is one."""
    value = measured.value
    match measured.outcome:
        case "valid" if value is not None and (doubt := _doubt(metric, value)):
            return Judgement("voided", f"voided: {doubt}", value)
        case "valid" if value is not None:
            return None
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


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _chance(p: float | None) -> str:
    return "" if not p else " (p < 0.0001)" if p < 0.0001 else f" (p = {p:.1g})"


def _unsure(sigma: float | None) -> str:
    if sigma is None:
        return "noise not measured"
    return f"within noise: {sigma:.1f} σ" if abs(sigma) < SURE else f"{sigma:.1f} σ, not confirmed"


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
