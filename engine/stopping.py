"""When a run ends by itself. Pure."""

from collections.abc import Callable

from .config import StopConditions, StopReason
from .judge import show
from .state import Experiment, State


def why_stop(
    state: State, conditions: StopConditions, *, hours: float, failed: Callable[[Experiment], bool]
) -> tuple[StopReason, str] | None:
    """The first condition that is met, with one plain sentence; None when the run goes on.

    hours  how long engines have been at this run; waits for services and limits, which are no work, do not count of them
    """
    judged = [e for e in state.experiments.values() if e.verdict is not None]
    if judged and judged[0].verdict != "kept":
        return (
            "baseline_failed",
            f"the baseline could not be measured, so there is nothing to compare with ({judged[0].reason}); "
            "mend the task and start a new run",
        )
    best = state.best_value
    if best is not None and (state.metric.reached(best) or _reached(state, conditions.target, best)):
        return "target", f"the target is reached: {state.metric.name} {show(best)}"
    if conditions.experiments is not None and len(judged) >= conditions.experiments:
        return "experiments", f"all {conditions.experiments} experiments are done"
    if conditions.hours is not None and hours - state.waited_seconds / 3600 >= conditions.hours:
        return "hours", f"{conditions.hours:g} hours are over"
    if conditions.failures is not None and _streak(judged, failed) >= conditions.failures:
        return (
            "failures",
            f"{conditions.failures} experiments in a row failed; the last one: {judged[-1].reason}",
        )
    if conditions.no_gain is not None and _streak(judged, lambda e: e.verdict != "kept") >= conditions.no_gain:
        return "no_gain", f"no gain in {conditions.no_gain} experiments in a row"
    return None


def _reached(state: State, target: float | None, best: float) -> bool:
    return target is not None and state.metric.gain(best, target) >= 0


def _streak(judged: list[Experiment], holds: Callable[[Experiment], bool]) -> int:
    streak = 0
    for experiment in reversed(judged):
        if not holds(experiment):
            break
        streak += 1
    return streak
