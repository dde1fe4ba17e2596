"""A machine that is not what it was: found, said, measured again, and not followed at every step."""

from collections.abc import Sequence

import pytest

from loopwatch.engine import events
from loopwatch.engine.events import AnyFact, Why
from loopwatch.engine.judging.drift import SPACING, drifted, settled, to_train, told
from loopwatch.engine.state import State
from tests.engine import facts
from tests.engine.facts import folded

TOLERANCE = 0.15
FLOOR = (2.00, 2.01, 1.99, 2.01, 1.99)
SLOWER = (80.0, 81.0)
"""What was measured before and after a training."""


def repeated(
    experiment: int, *values: float | None, why: Why = "noise", first: int = 1, speeds: Sequence[float] = ()
) -> list[AnyFact]:
    """Repeats of an experiment; None is one that came to no number."""
    told: list[AnyFact] = []
    for number, value in enumerate(values, start=first):
        outcome = "valid" if value is not None else "crashed"
        told += [
            events.RepeatStarted(experiment=experiment, repeat=number, seed=number, why=why),
            events.RepeatMeasured(
                experiment=experiment, repeat=number, why=why, value=value, outcome=outcome, speeds=tuple(speeds)
            ),
        ]
    return told


BASELINE = [
    facts.opened(),
    facts.engine(),
    *facts.proposed(1),
    facts.decided(1),
    *facts.started(1),
    facts.finished(1),
    facts.measured(1, 2.0, speed=100.0, speeds=(100.0, 101.0)),
    *facts.judged(1),
    *repeated(1, *FLOOR, speeds=(99.0, 100.0)),
]


def lost(*speeds: tuple[float, float]) -> list[AnyFact]:
    """A second experiment, with attempts that were lost at these speeds."""
    told: list[AnyFact] = [*facts.proposed(2), facts.decided(2)]
    for attempt, pair in enumerate(speeds, start=1):
        told += facts.started(2, attempt=attempt)
        told.append(events.AttemptLost(experiment=2, attempt=attempt, why="unfair", speeds=pair))
    return told


def found(*more: AnyFact) -> tuple[events.Drifted, State]:
    state = folded(*BASELINE, *more)
    drift = drifted(state, TOLERANCE)
    assert drift is not None
    return drift, state


def after(drift: events.Drifted, *before: AnyFact, then: Sequence[AnyFact] = ()) -> State:
    return folded(*BASELINE, *before, drift, *then)


def test_a_machine_that_became_slower_for_good_is_found_after_two_lost_attempts() -> None:
    drift, state = found(*lost(SLOWER, (79.0, 80.0)))

    assert (drift.speed, drift.before, drift.since) == (80.0, 100.0, state.at)
    assert told(drift).startswith("the machine now runs at 80% of its former speed, and stays there: ")


@pytest.mark.parametrize(
    "speeds",
    [
        [SLOWER],
        [SLOWER, (80.0, 100.0)],
        [(60.0, 80.0), (60.0, 80.0)],
        [(90.0, 91.0), (90.0, 89.0)],
        [SLOWER, SLOWER, (100.0, 100.0)],
    ],
    ids=["one training", "back again", "a restless neighbour", "within the tolerance", "as before"],
)
def test_what_does_not_stay_or_is_little_is_no_drift(speeds: list[tuple[float, float]]) -> None:
    assert drifted(folded(*BASELINE, *lost(*speeds)), TOLERANCE) is None


def test_without_a_canary_there_is_no_speed_to_change() -> None:
    assert settled((), TOLERANCE) is None
    assert drifted(folded(facts.opened(), facts.engine(), *facts.life(1)), TOLERANCE) is None


def test_from_then_on_the_new_speed_is_the_usual_one_and_only_new_numbers_are_compared() -> None:
    before = lost(SLOWER, SLOWER)
    drift, _ = found(*before)

    at_once = after(drift, *before)
    later = after(drift, *before, then=repeated(1, 2.5, 2.6, 2.4, why="drift", first=6))

    assert at_once.usual_speed == later.usual_speed == 80.5
    assert at_once.noise.freedom == 5  # until there is something new
    assert drifted(at_once, TOLERANCE) is None
    assert later.experiments[1].fresh == (2.5, 2.6, 2.4)
    assert later.best_value == pytest.approx(2.5)
    assert later.noise.freedom == 2
    assert later.noise.sigma == pytest.approx(0.1)


def test_a_confirmed_program_that_scores_otherwise_beside_a_candidate_is_a_drift_too() -> None:
    beside = repeated(1, 2.3, 2.31, why="incumbent", first=6)
    candidate = [*facts.life(2, "kept", 2.31)[:-2], *beside, *facts.judged(2, "discarded", 2.31)]

    drift, before = found(*candidate)
    state = after(drift, *candidate)

    assert drift.speed is None
    assert drift.since == before.experiments[2].began_at
    assert "scores otherwise than it did" in told(drift)
    assert state.experiments[1].fresh == (2.3, 2.31)
    assert state.usual_speed == 100.0
    assert drifted(state, TOLERANCE) is None


def test_a_confirmed_program_that_scores_as_before_is_none() -> None:
    beside = repeated(1, 2.02, 1.98, why="incumbent", first=6)
    candidate = [*facts.life(2, "kept", 1.9)[:-2], *beside, *facts.judged(2, "discarded", 1.9)]

    assert drifted(folded(*BASELINE, *candidate), TOLERANCE) is None


def test_the_confirmed_one_is_trained_again_first_and_then_what_the_search_goes_on_from() -> None:
    provisional = facts.life(2, "kept", 1.9)
    drift = events.Drifted(speed=80.0, before=100.0, since=2000.0)
    confirmed, best = repeated(1, 2.5, 2.6, 2.4, why="drift", first=6), repeated(2, 2.4, 2.4, why="drift")

    def next_of(*then: AnyFact) -> int | None:
        state = State()
        for entry in facts.entries(*BASELINE, *provisional):
            state.apply(entry)
        for entry in facts.entries(drift, *then, first=1001):
            state.apply(entry)
        experiment = to_train(state, 3)
        return experiment.number if experiment else None

    assert next_of() == next_of(*confirmed[:4]) == 1
    assert next_of(*confirmed) == next_of(*confirmed, *best[:2]) == 2
    assert next_of(*confirmed, *best) is None


def test_what_gives_no_number_any_more_is_not_trained_for_ever() -> None:
    drift, state = found(*lost(SLOWER, SLOWER))

    crashed = after(drift, *lost(SLOWER, SLOWER), then=repeated(1, 2.5, None, why="drift", first=6))

    assert to_train(state, 3) is None  # before anything drifted
    assert to_train(crashed, 3) is None


def test_a_machine_that_wanders_is_not_followed_at_every_step() -> None:
    drift = events.Drifted(speed=80.0, before=100.0, since=1000.0)
    soon = repeated(1, *[2.0] * 5, why="drift", first=6, speeds=(120.0, 120.0))
    late = repeated(1, *[2.0] * SPACING, why="drift", first=6, speeds=(120.0, 120.0))

    assert drifted(folded(*BASELINE, drift, *soon), TOLERANCE) is None
    assert drifted(folded(*BASELINE, drift, *late), TOLERANCE) is not None
