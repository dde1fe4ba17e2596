"""Is the machine still the one that the numbers are of? Found from its speed, or from code that scores otherwise than it did. Pure.

A neighbour that comes and goes makes single trainings unfair, which are repeated. This is for what stays: then what the rest has to
beat is trained again, and only numbers from then on are compared. A machine that wanders is not followed at every step, since
each time costs trainings.
"""

from collections.abc import Sequence
from statistics import median

from ..confirm import FEWEST, Entrant
from ..events import Drifted
from ..state import SPEEDS, Experiment, State

SPACING = 20
"""Trainings from one drift to the next, at least; about seven of them are those that it costs."""


def drifted(state: State, tolerance: float) -> Drifted | None:
    """The fact that the machine is another one for good; None while it is not, or was found to be so only lately.

    tolerance  how far the speed may be off, as a share of it
    """
    if state.drifted_at and state.trained < SPACING:
        return None
    speed = settled(state.speeds, tolerance)
    if speed and state.usual_speed and abs(speed / state.usual_speed - 1) > tolerance:
        return Drifted(speed=speed, before=state.usual_speed, since=state.at)
    last = state.last
    if last is not None and last.step == "settled" and any(_moved(e, last, state) for e in state.experiments.values()):
        return Drifted(since=last.began_at)
    return None


def settled(speeds: Sequence[float], tolerance: float) -> float | None:
    """The speed that the last measurements agree on; None where there are too few, or they do not."""
    if len(speeds) < SPEEDS:
        return None
    middle = median(speeds)
    return middle if all(abs(speed / middle - 1) <= tolerance / 2 for speed in speeds) else None


def told(drift: Drifted) -> str:
    """What happened, for a person."""
    again = "what the rest has to beat is trained again, and only numbers from then on are compared with each other"
    if drift.speed and drift.before:
        return f"the machine now runs at {drift.speed / drift.before:.0%} of its former speed, and stays there: {again}"
    return f"code that was trained again scores otherwise than it did, so that the machine must have changed: {again}"


def to_train(state: State, wanted: int) -> Experiment | None:
    """Whose code has too few numbers since the machine drifted: first the confirmed one, then what the search goes on from.

    wanted  trainings of the confirmed one, as many as before the first proposal
    """
    if not state.drifted_at:
        return None
    for experiment, fewest in ((state.confirmed_experiment, wanted), (state.best_experiment, min(FEWEST, wanted))):
        if experiment and _lacks(experiment, fewest, state.drifted_at):
            return experiment
    return None


def _lacks(experiment: Experiment, fewest: int, since: float) -> bool:
    if experiment.started_at > since:
        return False  # it never had other numbers than those of now
    there = len(experiment.fresh) if experiment.since == since else 0
    again = [r for r in experiment.repeats if r.why == "drift" and r.began_at > since and r.measured]
    # What gives no number once is not tried for ever.
    return there < fewest and all(repeat.value is not None for repeat in again)


def _moved(experiment: Experiment, candidate: Experiment, state: State) -> bool:
    """Whether what was trained beside a candidate scored otherwise than it had before."""
    if experiment is candidate:
        return False
    beside = min(experiment.trained_since(candidate.began_at), len(experiment.fresh))
    entrant = Entrant(experiment.fresh, beside=beside)
    return entrant.now(state.noise) is not entrant
