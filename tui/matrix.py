"""What a comparison found: one row for each level on each task, with the spread over its repeats. Pure."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, Final

from loopwatch.engine.client import Hidden
from loopwatch.engine.state import State
from loopwatch.engine.task import Metric

from . import words

COLUMNS: Final = ("LEVEL", "START", "BEST", "HIDDEN", "GAIN THERE", "KEPT", "COST", "CPU")
TOLD_APART: Final = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
"""Standard errors of a difference, from where on two levels are told apart: one pair in twenty that is the same differs so much.

Student's t, from 1 degree of freedom on: few repeats know their own spread badly.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one cell."""

    task: str
    level: str
    repeat: int
    run: str
    ended: str
    experiments: int
    kept: int
    start: float | None
    """The baseline on the original suite, or by the task's own evaluation."""
    best: float | None
    """The best on the same."""
    hidden_start: float | None
    hidden: float | None
    """The best on tests that nobody had seen."""
    problem: str
    usd: float
    cpu_seconds: float
    seconds: float
    """That engines worked."""


def outcome(level: str, repeat: int, run: str, state: State, hidden: Hidden | None) -> Outcome:
    """What a run came to."""
    best, baseline = state.confirmed_experiment or state.best_experiment, state.baseline
    return Outcome(
        task=state.opened.task if state.opened else "",
        level=level,
        repeat=repeat,
        run=run,
        ended=state.stopped.because if state.stopped else "not ended",
        experiments=state.count(),
        kept=max(0, state.count("kept") - 1),
        start=baseline.frozen_score if baseline else None,
        best=_score(best),
        hidden_start=hidden.baseline if hidden else None,
        hidden=hidden.best if hidden else None,
        problem=hidden.problem if hidden else "",
        usd=state.spent.usd,
        cpu_seconds=_cpu_seconds(state),
        seconds=state.worked_seconds,
    )


def table(metric: Metric, outcomes: Sequence[Outcome]) -> list[str]:
    """The rows of one task, in the order in which its levels come."""
    levels = list(dict.fromkeys(one.level for one in outcomes))
    rows = [COLUMNS, *(_row(metric, [one for one in outcomes if one.level == level]) for level in levels)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def sentences(metric: Metric, outcomes: Sequence[Outcome]) -> list[str]:
    """What of it can be said, and what cannot: each level beside the first one."""
    levels = list(dict.fromkeys(one.level for one in outcomes))
    hidden = any(one.hidden is not None for one in outcomes)
    by_level = {level: _values(metric, [one for one in outcomes if one.level == level], hidden) for level in levels}
    first, told = levels[0], []
    for level in levels[1:]:
        told.append(_beside(level, by_level[level], first, by_level[first]))
    where = "on the hidden tests" if hidden else "by the task's own evaluation"
    repeats = max(one.repeat for one in outcomes)
    if repeats < 2:
        told.append("One repeat shows no spread, so nothing here is told apart: ask for more with --repeat.")
    return [f"Compared {where}, {repeats} repeat{'' if repeats == 1 else 's'}:", *told] if told else []


def as_json(metric: Metric, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """One task's part of the matrix."""
    return {"metric": metric.name, "direction": metric.direction, "cells": [asdict(one) for one in outcomes]}


def as_csv(outcomes: Iterable[Outcome]) -> str:
    """All cells, one line each."""
    rows = [asdict(one) for one in outcomes]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["task"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _score(experiment: Any) -> float | None:
    if experiment is None:
        return None
    frozen: float | None = experiment.frozen_score
    estimate: float | None = experiment.estimate
    return frozen if experiment.suite else estimate


def _cpu_seconds(state: State) -> float:
    trained = sum(e.finished.cpu_seconds for e in state.experiments.values() if e.finished)
    again = (r.measured.cpu_seconds for e in state.experiments.values() for r in e.repeats if r.measured)
    return trained + sum(again)


def _row(metric: Metric, cells: Sequence[Outcome]) -> tuple[str, ...]:
    gains = [
        metric.gain(one.hidden, one.hidden_start)
        for one in cells
        if one.hidden is not None and one.hidden_start is not None
    ]
    return (
        words.one_line(cells[0].level),
        _spread([one.start for one in cells]),
        _spread([one.best for one in cells]),
        _spread([one.hidden for one in cells]),
        _spread(gains, sign=True),
        _spread([float(one.kept) for one in cells]),
        words.dollars(sum(one.usd for one in cells)) if any(one.usd for one in cells) else "–",
        words.duration(sum(one.cpu_seconds for one in cells)),
    )


def _spread(values: Sequence[float | None], *, sign: bool = False) -> str:
    """A mean, with the standard deviation over the repeats where there are some."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    mean = f"{fmean(known):+.4g}" if sign else f"{fmean(known):.4g}"
    return f"{mean} ± {stdev(known):.2g}" if len(known) > 1 else mean


def _values(metric: Metric, cells: Sequence[Outcome], hidden: bool) -> list[float]:
    """Greater is better. Numbers of hidden tests and of others are never beside each other."""
    score = 1 if metric.direction == "up" else -1
    found = (one.hidden if hidden else one.best for one in cells)
    return [score * value for value in found if value is not None]


def _beside(level: str, ours: Sequence[float], first: str, theirs: Sequence[float]) -> str:
    if not ours or not theirs:
        return f"  {level} cannot be compared with {first}: there is no number."
    gain = fmean(ours) - fmean(theirs)
    if len(ours) < 2 or len(theirs) < 2:
        return f"  {level} came to {gain:+.4g} beside {first}, once."
    a, b = (stdev(some) ** 2 / len(some) for some in (ours, theirs))
    error = math.sqrt(a + b)
    freedom = error**4 / (a**2 / (len(ours) - 1) + b**2 / (len(theirs) - 1)) if error else 1.0  # by Welch
    if abs(gain) > TOLD_APART[min(int(freedom + 1e-6), len(TOLD_APART)) - 1] * error:
        return f"  {level} is {'better' if gain > 0 else 'worse'} than {first}: {gain:+.4g} ± {error:.2g}."
    return f"  {level} is not told apart from {first}: {gain:+.4g} ± {error:.2g}."
