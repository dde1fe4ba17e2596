"""When a run ends by itself. Pure."""

from collections.abc import Callable

from .config import StopConditions, StopReason
from .judging.judge import show
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
    if state.control and not state.control.clearly_worse:
        return (
            "control_failed",
            f"the control failed: {state.control.reason}; mend the metric or the [control] in task.toml and start a new run",
        )
    if not state.attended and (why := tripped(state, conditions)):
        return "integrity", why
    # An arena looks for itself: as long as its adversary has something left, what is reached on today's tests is no end.
    if not state.has_rounds and (words := reached(state, conditions)):
        return "target", words
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


def reached(state: State, conditions: StopConditions) -> str:
    """That the best is as good as was wanted, in a sentence; "" when it is not."""
    best, metric, wanted = state.confirmed_value, state.metric, conditions.target
    if best is None or not (metric.reached(best) or (wanted is not None and metric.gain(best, wanted) >= 0)):
        return ""
    return f"the target is reached: {metric.name} {show(best)}"


def tripped(state: State, conditions: StopConditions) -> str:
    """Why nothing is believed any more: the last reports are none that an honest training makes; "" while all is well."""
    measured = [e for e in state.experiments.values() if e.verdict and e.measured and e.number > state.excused]
    invalid = _streak(measured, lambda e: e.measured is not None and e.measured.invalid)
    if conditions.invalid is None or invalid < conditions.invalid:
        return ""
    numbers = ", ".join(f"#{e.number}" for e in measured[-invalid:])
    return f"{invalid} invalid reports in a row ({numbers}); the last one: {measured[-1].reason}"


def _streak(judged: list[Experiment], holds: Callable[[Experiment], bool]) -> int:
    streak = 0
    for experiment in reversed(judged):
        if not holds(experiment):
            break
        streak += 1
    return streak
