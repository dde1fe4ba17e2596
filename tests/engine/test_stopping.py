"""When a run ends by itself."""

from typing import Any

import pytest

from loopwatch.engine.config import StopConditions, StopReason
from loopwatch.engine.events import AnyFact, BackedOff, Verdict, WentOn
from loopwatch.engine.state import Experiment
from loopwatch.engine.stopping import reached, why_stop
from loopwatch.engine.task import Metric
from tests.engine import facts


def failed(experiment: Experiment) -> bool:
    return experiment.verdict == "crashed"


def reason(*lives: list[AnyFact], metric: Metric = facts.METRIC, **conditions: Any) -> tuple[StopReason, str] | None:
    state = facts.folded(
        facts.opened(metric, keep="improve"), facts.engine(), *(fact for life in lives for fact in life)
    )
    return why_stop(state, StopConditions.model_validate(conditions), hours=0, failed=failed)


def after(*verdicts: Verdict, **conditions: Any) -> tuple[StopReason, str] | None:
    """A kept baseline, then these."""
    values = {"kept": 1.9, "discarded": 2.1}
    lives = [facts.life(number, verdict, values.get(verdict)) for number, verdict in enumerate(verdicts, start=2)]
    return reason(facts.life(1), *lives, **conditions)


def test_a_run_without_conditions_goes_on() -> None:
    assert after("kept", "discarded", "crashed") is None


def test_a_run_that_has_not_begun_goes_on() -> None:
    assert reason(experiments=1, failures=1, no_gain=1) is None


def test_without_a_baseline_there_is_nothing_to_compare_with() -> None:
    assert reason(facts.life(1, "crashed", None)) == (
        "baseline_failed",
        "the baseline could not be measured, so there is nothing to compare with (crashed.); "
        "mend the task and start a new run",
    )


def test_the_baseline_counts_among_the_experiments() -> None:
    assert after("discarded", experiments=2) == ("experiments", "all 2 experiments are done")
    assert after("discarded", experiments=3) is None


def test_an_experiment_without_a_verdict_does_not_count() -> None:
    assert reason(facts.life(1), facts.proposed(2), experiments=2) is None


def test_hours_are_hours_of_work() -> None:
    state = facts.folded(facts.opened(), facts.engine(), *facts.life(1))
    half = StopConditions(hours=0.5)

    assert why_stop(state, half, hours=0.49, failed=failed) is None
    assert why_stop(state, half, hours=0.5, failed=failed) == ("hours", "0.5 hours are over")


def test_waits_for_limits_do_not_eat_the_hours() -> None:
    waits = BackedOff(experiment=2, why="limited", until=7200, attempt=1), WentOn(experiment=2, waited_seconds=1800)
    state = facts.folded(facts.opened(), facts.engine(), *facts.life(1), facts.proposed(2)[0], *waits)
    half = StopConditions(hours=0.5)

    assert why_stop(state, half, hours=0.99, failed=failed) is None
    assert why_stop(state, half, hours=1, failed=failed) == ("hours", "0.5 hours are over")


def test_the_task_s_own_target_ends_the_run() -> None:
    metric = facts.METRIC.model_copy(update={"target": 2.0})

    assert reason(facts.life(1), metric=metric) == ("target", "the target is reached: val_bpb 2.0000")


def test_a_target_of_the_run_ends_it_in_the_metric_s_direction() -> None:
    upwards = facts.METRIC.model_copy(update={"direction": "up"})

    assert after("kept", target=1.9) == ("target", "the target is reached: val_bpb 1.9000")
    assert after("kept", target=1.8) is None
    assert reason(facts.life(1), metric=upwards, target=2.1) is None
    assert reason(facts.life(1), metric=upwards, target=1.9) is not None


def test_an_arena_ends_at_its_target_by_itself() -> None:
    opened = facts.opened(strategy="arena:1v1", keep="improve")
    state = facts.folded(opened, facts.engine(), *facts.life(1), *facts.life(2, "kept", 1.8))
    conditions = StopConditions(target=1.9)

    assert why_stop(state, conditions, hours=0, failed=failed) is None
    assert reached(state, conditions) == "the target is reached: val_bpb 1.8000"
    assert reached(state, StopConditions(target=1.7)) == ""


def test_failures_in_a_row_end_the_run_and_the_last_one_is_told() -> None:
    assert after("crashed", "crashed", failures=2) == (
        "failures",
        "2 experiments in a row failed; the last one: crashed.",
    )


def test_one_that_works_ends_a_row_of_failures() -> None:
    assert after("crashed", "discarded", "crashed", failures=2) is None


def test_experiments_without_gain_end_the_run() -> None:
    assert after("discarded", "crashed", "vetoed", no_gain=3) == ("no_gain", "no gain in 3 experiments in a row")


def test_a_gain_ends_a_row_without_one() -> None:
    assert after("discarded", "kept", "discarded", no_gain=2) is None


@pytest.mark.parametrize("field", ["experiments", "hours", "failures", "no_gain"])
def test_a_condition_that_can_never_be_met_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        StopConditions.model_validate({field: 0})
