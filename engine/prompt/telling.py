"""How an experiment is told to a model: its numbers, its author's words, and why it ended as it did. Pure.

Each in one line, whatever the words; a diff is fenced.
"""

from collections.abc import Mapping, Sequence

from ..events import Verdict
from ..judging.judge import show
from ..state import Experiment
from ..task import Metric
from .quote import cut, fenced, line

BEST = 5
FAILURES = 16
DIFF_CHARACTERS = 6000

_WORDS: Mapping[Verdict, str] = {"timed_out": "timed out", "no_metric": "gave no metric", "unproposed": "not proposed"}
_FAILED: frozenset[Verdict] = frozenset({"crashed", "timed_out", "no_metric", "voided", "vetoed", "aborted"})


def entry(experiment: Experiment, metric: Metric) -> str:
    """An experiment in one line."""
    measured = f": {metric.name} {_numbers(experiment)}" if _has_number(experiment) else ""
    parts = [f"#{experiment.number} {_word(experiment)}{measured}"]
    if experiment.is_baseline:
        return f"{parts[0]} | the unmodified start"
    parts.append(f"hypothesis: {line(experiment.hypothesis, 300)}")
    parts.append(f"mechanism ({experiment.mechanism_held}): {line(experiment.mechanism, 400)}")
    if experiment.expected:
        parts.append(f"expected: {line(experiment.expected, 200)}")
    if experiment.explained and experiment.explained.theory:
        parts.append(f"theory since: {line(experiment.explained.theory, 300)}")
    if experiment.verdict not in ("kept", "discarded") or experiment.by != "judge" or experiment.quarantined:
        parts.append(f"why: {why(experiment)}")
    return " | ".join(parts)


def outcome(experiment: Experiment, metric: Metric) -> str:
    """The verdict on an experiment and its reason, without its idea."""
    measured = f", {metric.name} {_numbers(experiment)}" if _has_number(experiment) else ""
    return f"#{experiment.number} {_word(experiment)}{measured} | {why(experiment)}"


def best(history: Sequence[Experiment], metric: Metric) -> list[str]:
    """The five best that were measured, best first; where the suite has changed, of those that have a number on the newest."""
    measured = [e for e in history if e.verdict in ("kept", "discarded") and _has_number(e)]
    newest = max((e.suite for e in measured), default=0)
    measured = [e for e in measured if e.suite == newest]
    measured.sort(key=lambda e: metric.gain(e.score or 0.0, 0.0), reverse=True)
    return [entry(experiment, metric) for experiment in measured[:BEST]]


def failures(history: Sequence[Experiment]) -> list[str]:
    """What must not be tried again, newest first."""
    worse = (e for e in history if e.verdict in _FAILED or (e.verdict == "discarded" and (e.gain or 0) < 0))
    wrong = [e for e in worse if e.hypothesis]  # a thought that was cut short says nothing
    return [f"#{e.number} {_word(e)}: {line(e.hypothesis, 160)} | {why(e, 160)}" for e in wrong[: -FAILURES - 1 : -1]]


def diff(text: str) -> str:
    """A diff in a fence of its own."""
    return fenced(cut(text, DIFF_CHARACTERS), "diff")


def why(experiment: Experiment, limit: int = 300) -> str:
    """The reason of a verdict; of a long one also its end, where a traceback has its point."""
    said = line(experiment.told, 10_000)
    return said if len(said) <= limit else f"{said[: limit // 3]} … {said[limit // 3 - limit :]}"


def _has_number(experiment: Experiment) -> bool:
    return experiment.score is not None and (experiment.verdict == "kept" or not experiment.is_rejected)


def _numbers(experiment: Experiment) -> str:
    assert experiment.score is not None, "only what has a number is told with it"
    value = show(experiment.score) + _suite(experiment)
    if experiment.gain is None:
        return value
    sigma = "" if experiment.sigma is None else f", {experiment.sigma:+.1f} sigma"
    return f"{value} (gain {'+' if experiment.gain >= 0 else ''}{show(experiment.gain)}{sigma})"


def _suite(experiment: Experiment) -> str:
    """Of which tests a number is, where they have become more."""
    if not experiment.suite:
        return ""
    frozen = "" if experiment.frozen_score is None else f", {show(experiment.frozen_score)} on the original one"
    return f" on suite {experiment.suite}{frozen}"


def _word(experiment: Experiment) -> str:
    return _WORDS.get(experiment.verdict, experiment.verdict) if experiment.verdict else experiment.step
