"""A reviewer without a model: fixed rules over what happened, for loops that have no key. Pure.

It understands no code. It counts which kinds of edits were kept or broke something, and how long nothing was kept, and says what
follows from that: in words, and as hints that the offline proposer obeys.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from .events import FAILURES
from .state import Experiment, State

STUCK = 8
"""Experiments in a row of which none was kept, from where on the steps are too small."""
WINDOW = 20
"""So many of the last experiments say which kinds pay."""
NAME = "rules"

_KIND = re.compile(r"(\w+) edit in ")


@dataclass(frozen=True, slots=True)
class Advice:
    """What the rules make of an experiment."""

    issue_type: str
    severity: Literal["low", "medium", "high"]
    fix_suggestion: str
    confidence: float
    pattern_detected: str
    hints: Mapping[str, JsonValue]


def advice(state: State, experiment: Experiment) -> Advice:
    """What to do next, after an experiment that has its verdict."""
    told = [e for e in state.experiments.values() if e.verdict is not None and not e.is_baseline]
    last = told[-WINDOW:]
    broken, dry = _in_a_row(last, *FAILURES), _in_a_row(last, *FAILURES, "discarded", "aborted", "vetoed")
    kinds, pattern = _kinds(last), _pattern(last)
    if experiment.verdict in FAILURES:
        return Advice(
            "broken code",
            "high" if broken >= 3 else "medium",
            "make smaller edits, and more of the kind that did not break anything",
            _sure(broken),
            pattern,
            {"kinds": kinds, "step": 0.25, "edits": 1},
        )
    if experiment.verdict == "kept":
        return Advice(
            "none", "low", "go on in the same place, a little further", _sure(1), pattern, {"kinds": kinds, "step": 0.5}
        )
    if dry >= STUCK:
        return Advice(
            "stuck",
            "high",
            f"nothing of the last {dry} was kept: take larger steps, two changes at once",
            _sure(dry - STUCK + 1),
            pattern,
            {"kinds": {}, "step": 2.0, "edits": 2},
        )
    return Advice(
        "no gain",
        "low",
        "try another place, with steps as they are",
        _sure(dry),
        pattern,
        {"kinds": kinds, "step": 0.5},
    )


def _in_a_row(experiments: Sequence[Experiment], *verdicts: str) -> int:
    count = 0
    for experiment in reversed(experiments):
        if experiment.verdict not in verdicts:
            break
        count += 1
    return count


def _counted(experiments: Sequence[Experiment]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    tried: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    broke: Counter[str] = Counter()
    for experiment in experiments:
        for kind in set(_KIND.findall(experiment.mechanism)):
            tried[kind] += 1
            kept[kind] += experiment.verdict == "kept"
            broke[kind] += experiment.verdict in FAILURES
    return tried, kept, broke


def _kinds(experiments: Sequence[Experiment]) -> dict[str, JsonValue]:
    """How often each kind that was tried should be drawn: the more, the more of it was kept and the less of it broke."""
    tried, kept, broke = _counted(experiments)
    return {kind: round((1 + 4 * kept[kind]) / (1 + broke[kind]), 3) for kind in sorted(tried)}


def _pattern(experiments: Sequence[Experiment]) -> str:
    tried, kept, broke = _counted(experiments)
    said = [f"{kind}: {kept[kind]} of {tried[kind]} kept, {broke[kind]} broke" for kind in sorted(tried)]
    return f"of the last {len(experiments)} experiments, by kind of edit: {'; '.join(said)}" if said else ""


def _sure(cases: int) -> float:
    """How sure so many cases make: one half of one, towards one with more."""
    return round(cases / (cases + 1), 2)
