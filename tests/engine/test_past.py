"""A run's own experiments as a forecaster wants them."""

import math

import pytest

from loopwatch.engine import events
from loopwatch.engine.events import AnyFact, Verdict
from loopwatch.engine.forecast import Reading
from loopwatch.engine.past import READINGS, curve_of, outcomes, past_of, ran, reading, thinned
from loopwatch.engine.state import State
from loopwatch.engine.task import Budget
from loopwatch.engine.telemetry import Point
from tests.engine import facts
from tests.engine.facts import folded

STEPS = Budget(kind="steps", amount=200, wall_seconds=60)
SECONDS = Budget(kind="wall_seconds", amount=20, wall_seconds=60)


def point(step: int, *, at: float = 0, attempt: int = 1, progress: float | None = None, loss: float = 2.0) -> Point:
    return Point(step, 2, attempt, at, step, progress, loss, None, None, None)


def suggested(number: int, *, mode: str = "shadow") -> events.AbortSuggested:
    fact = {"experiment": number, "attempt": 1, "forecaster": "learned", "mode": mode, "share": 0.25}
    return events.AbortSuggested.model_validate({**fact, "p_better": 0.001, "saves_seconds": 9, "reason": "bad"})


def ended(number: int, verdict: Verdict, value: float | None = 2.0, *also: AnyFact) -> list[AnyFact]:
    """A whole life, with more facts while it ran."""
    life = facts.life(number, verdict, value)
    running = next(place for place, fact in enumerate(life) if isinstance(fact, events.Finished))
    return [*life[:running], *also, *life[running:]]


def run(*happened: AnyFact) -> State:
    return folded(facts.opened(keep="improve"), facts.engine(), *facts.life(1, "kept", 2.0), *happened)


@pytest.mark.parametrize(
    ("budget", "progress", "share"),
    [(STEPS, None, 0.25), (SECONDS, None, 0.5), (STEPS, 0.75, 0.75), (SECONDS, 0.75, 0.75)],
)
def test_how_much_was_used_is_what_was_printed_or_else_counted_in_the_budget_s_unit(
    budget: Budget, progress: float | None, share: float
) -> None:
    assert reading(point(50, at=10, progress=progress), budget).share == share


def test_a_curve_is_that_of_one_attempt() -> None:
    points = [point(10, loss=9), point(20, loss=8), point(10, attempt=2, loss=3), point(20, attempt=2, loss=math.nan)]

    second = curve_of(points, 2, STEPS)

    assert second.shares == (0.05, 0.1)
    assert second.losses[0] == 3
    assert math.isnan(second.losses[1])


@pytest.mark.parametrize(
    ("verdict", "value", "final", "became", "stop"),
    [
        ("kept", 1.5, 1.5, "measured", 1.0),
        ("discarded", 2.5, 2.5, "measured", 1.0),
        ("voided", 0.001, None, "failed", 0.25),
        ("voided", None, None, "failed", 0.25),
        ("crashed", None, None, "failed", 0.25),
        ("timed_out", None, None, "failed", 0.25),
        ("no_metric", None, None, "failed", 0.25),
        ("aborted", None, None, "aborted", 0.25),
    ],
)
def test_what_became_of_an_experiment_and_no_number_that_was_not_believed(
    verdict: Verdict, value: float | None, final: float | None, became: str, stop: float
) -> None:
    past = past_of(run(*ended(2, verdict, value)).experiments[2], [point(50)], STEPS)

    assert past is not None
    assert (past.number, past.final, past.ended, past.stop) == (2, final, became, stop)
    assert past.curve.losses == (2.0,)


@pytest.mark.parametrize(
    "happened",
    [facts.proposed(2), ended(2, "interrupted", None), [*facts.proposed(2), *facts.judged(2, "vetoed", None)]],
)
def test_what_did_not_run_to_a_verdict_of_its_own_is_no_past(happened: list[AnyFact]) -> None:
    state = run(*happened)

    assert not ran(state.experiments[2])
    assert past_of(state.experiments[2], [point(50)], STEPS) is None
    assert outcomes(state) == []


def test_an_experiment_that_failed_before_it_printed_anything_used_nothing() -> None:
    past = past_of(run(*ended(2, "crashed", None)).experiments[2], [], STEPS)

    assert past is not None
    assert past.stop == 0.0


def test_a_short_curve_is_not_thinned() -> None:
    readings = [Reading(n / READINGS, loss=2.0) for n in range(READINGS)]

    assert thinned(readings) == readings
    assert thinned([]) == []


def test_of_a_long_curve_remain_its_end_its_order_and_every_rare_value_of_the_metric() -> None:
    readings = [Reading(n / 10_000, loss=2.0, metric=1.0 if n % 1000 == 0 else None) for n in range(10_000)]

    kept = thinned(readings)

    assert len(kept) <= READINGS + 10
    assert kept == sorted(kept, key=lambda one: one.share)
    assert kept[-1] == readings[-1]
    assert [one.share for one in kept if one.metric is not None] == [n / 10 for n in range(10)]


def test_thinning_what_was_thinned_keeps_it_bounded() -> None:
    readings: list[Reading] = []
    for n in range(20):
        readings = thinned([*readings, *(Reading((1000 * n + m) / 20_000, loss=2.0, metric=1.0) for m in range(1000))])

    assert len(readings) <= READINGS


@pytest.mark.parametrize(
    ("verdict", "gain", "finished", "improved"),
    [
        ("kept", 0.5, True, True),
        ("discarded", 0.015, True, False),
        ("discarded", -0.5, True, False),
        ("crashed", None, True, False),
        ("aborted", None, False, None),
    ],
)
def test_an_outcome_is_an_improvement_only_beyond_the_noise_and_unknown_when_aborted(
    verdict: Verdict, gain: float | None, finished: bool, improved: bool | None
) -> None:
    life = ended(2, verdict, None, suggested(2, mode="acts"))
    judged = [fact.model_copy(update={"gain": gain}) if isinstance(fact, events.Judged) else fact for fact in life]

    (outcome,) = outcomes(run(*judged))

    assert (outcome.number, outcome.suggested, outcome.saved_seconds) == (2, True, 9)
    assert (outcome.finished, outcome.improved) == (finished, improved)


def test_what_a_person_ended_is_not_counted_for_the_forecaster() -> None:
    assert outcomes(run(*ended(2, "aborted", None, suggested(2)))) == []


def test_what_nobody_looked_at_is_no_outcome() -> None:
    unseen = [
        fact.model_copy(update={"looks": 0}) if isinstance(fact, events.Finished) else fact for fact in ended(2, "kept")
    ]

    assert outcomes(run(*unseen)) == []


def test_a_suggestion_belongs_to_its_attempt() -> None:
    lost = events.AttemptLost(experiment=2, attempt=1, why="the engine was killed")
    state = run(*ended(2, "kept", 1.5, suggested(2), lost, *facts.started(2, attempt=2)))

    assert [outcome.suggested for outcome in outcomes(state)] == [False]


def test_the_baseline_is_no_outcome_for_nobody_watched_it() -> None:
    assert outcomes(run()) == []
