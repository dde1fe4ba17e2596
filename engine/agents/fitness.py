"""What a version of an agent is worth: what its experiments gained on the average, with the error of that. Pure.

Two versions are compared on the same budget and at the same difficulty: their experiments are done in turns, from the same best.
A gain counts in standard deviations of the noise; where there is no noise, as a share of the baseline. A loss costs nothing but
its experiment, for the code goes back.
"""

import math
from collections.abc import Iterable, Sequence
from random import Random
from statistics import fmean, stdev
from typing import NamedTuple

from ..agent_events import Fitness
from ..state import Experiment, State

_NO_FAULT = frozenset({"bad_key", "over_budget", "unavailable", "cancelled"})
"""Turns that ended so say nothing about the agent."""


class Unit(NamedTuple):
    """What gains are counted in."""

    size: float
    name: str


class Outcome(NamedTuple):
    """A candidate against its parent."""

    is_better: bool
    reason: str


def unit(state: State) -> Unit:
    """The noise, where there is some; else a hundredth of the baseline."""
    if state.noise.sigma:
        return Unit(state.noise.sigma, "σ")
    baseline = state.baseline.value if state.baseline else None
    if baseline:
        return Unit(abs(baseline) / 100, "% of the baseline")
    return Unit(1.0, state.metric.unit or state.metric.name)


def worth(experiment: Experiment, in_: Unit) -> float | None:
    """What an experiment gained; None for one that says nothing about who proposed it."""
    if experiment.verdict in (None, "interrupted"):
        return None
    if experiment.verdict == "vetoed" and experiment.by != "edit gate":
        return None
    if experiment.verdict == "unproposed" and experiment.turn and experiment.turn.outcome in _NO_FAULT:
        return None
    if experiment.gain is None or (experiment.is_rejected and experiment.verdict != "kept"):
        return 0.0
    return max(0.0, experiment.gain / in_.size)


def fitness(experiments: Iterable[Experiment], in_: Unit) -> Fitness:
    """The mean of what they gained, with its standard error."""
    gains = [gain for experiment in experiments if (gain := worth(experiment, in_)) is not None]
    return of(gains)


def of(gains: Sequence[float]) -> Fitness:
    """The mean of some gains, with its standard error."""
    error = stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else None
    return Fitness(mean=fmean(gains) if gains else 0.0, error=error, n=len(gains))


def compare(candidate: Fitness, parent: Fitness, in_: str) -> Outcome:
    """Whether the candidate is better by more than the error of the difference: one lucky experiment is never enough."""
    difference = candidate.mean - parent.mean
    if candidate.error is None or parent.error is None:
        return Outcome(False, f"not told from its parent: too few experiments ({candidate.n} against {parent.n})")
    error = math.hypot(candidate.error, parent.error)
    words = f"{difference:+.2g} ± {error:.2g} {in_} per experiment"
    # One experiment that gained something among others that gained nothing makes exactly this difference, but for rounding.
    if difference > error * (1 + 1e-9):
        return Outcome(True, f"better than its parent: {words}")
    return Outcome(False, f"no better than its parent: {words}")


def turns(parent: str, candidate: str, each: int, seed: int) -> tuple[str, ...]:
    """Who proposes when: in every pair both once, in an order that follows from the seed."""
    dice = Random(f"{seed}/{candidate}")
    order: list[str] = []
    for _ in range(each):
        pair = [parent, candidate]
        dice.shuffle(pair)
        order += pair
    return tuple(order)
