"""What a run knows of its experiments, as the flags see it."""

from typing import Any

import pytest

from loopwatch.engine.agent_events import Rescored, RoundBegan, SuiteChanged
from loopwatch.engine.events import AnyFact, ControlMeasured, Judged, Measured, Paused, Resumed, Settled
from loopwatch.engine.judging.doubts import doubts
from loopwatch.engine.prompt import telling
from loopwatch.engine.state import State
from loopwatch.engine.task import Task, load
from loopwatch.tui import certainty

from .facts import METRIC, entries, folded, life, measured, opened, proposed, started

CURVE = (3.0, 2.0, 1.5, 1.2, 1.1)


@pytest.fixture(scope="module")
def task() -> Task:
    return load("sine").model_copy(update={"metric": METRIC})


def no_losses(_experiment: int, _attempt: int) -> tuple[float, ...]:
    return ()


def running(value: float, *before: Any, diff: str | None = None, **more: Any) -> tuple[State, Measured]:
    """A run whose newest experiment was measured, after the baseline's 2.0 and whatever else."""
    number = 2 + len([fact for facts in before for fact in facts if isinstance(fact, Judged)])
    state = folded(opened(), *life(1), *(fact for facts in before for fact in facts))
    begun = proposed(number, diff=diff) if diff else proposed(number)
    for entry in entries(*begun, *started(number), first=state.seq + 1):
        state.apply(entry)
    return state, measured(number, value, **more)


def found(task: Task, state: State, fact: Measured, losses: Any = no_losses) -> list[str]:
    return [flag.kind for flag in doubts(state, state.experiments[fact.experiment], fact, task, losses)]


def test_models_that_are_the_same_to_the_byte_may_score_the_same(task: Task) -> None:
    same = [life(number, "discarded", 2.0) for number in (2, 3)]

    assert found(task, *running(2.0, *same)) == ["constant"]
    for facts in same:
        facts[-3] = facts[-3].model_copy(update={"artefacts": {"model": "digest"}})
    assert found(task, *running(2.0, *same, artefacts={"model": "digest"})) == []


def test_curves_are_compared_only_for_a_better_number(task: Task) -> None:
    def losses(_experiment: int, _attempt: int) -> tuple[float, ...]:
        return CURVE

    assert found(task, *running(1.99), losses) == ["curve"]
    assert found(task, *running(2.01), losses) == []


def test_what_a_diff_touches_counts_only_for_a_better_number(task: Task) -> None:
    seeds = "--- a/train.py\n+++ b/train.py\n@@ -1 +1,2 @@\n LR = 1\n+torch.manual_seed(7)\n"

    assert found(task, *running(1.99, diff=seeds)) == ["touches"]
    assert found(task, *running(2.01, diff=seeds)) == []


def test_a_jump_is_seen_against_the_control(task: Task) -> None:
    state, fact = running(1.0)
    assert found(task, state, fact) == []

    for entry in entries(ControlMeasured(attempt=1, value=3.0, clearly_worse=True, reason=""), first=state.seq + 1):
        state.apply(entry)

    assert found(task, state, fact) == ["jump"]


def test_the_baseline_is_never_doubted(task: Task) -> None:
    state = folded(opened(), *proposed(1), *started(1))

    assert doubts(state, state.experiments[1], measured(1, 9000.0), task, no_losses) == ()


def grown(*more: AnyFact) -> list[AnyFact]:
    """The suite became larger, and with it the baseline's loss."""
    return [
        RoundBegan(round=1, code=(), test=()),
        SuiteChanged(suite=1, round=1, size=9, digest=""),
        Rescored(experiment=1, suite=1, value=4.0, frozen=2.0),
        *more,
    ]


def test_a_win_on_a_suite_that_has_grown_is_no_jump_and_what_was_constant_before_is_not(task: Task) -> None:
    bounded = task.model_copy(update={"metric": METRIC.model_copy(update={"low": 0.0})})
    before = [life(2, "discarded", 2.0), life(3, "discarded", 2.0)]
    control = [ControlMeasured(attempt=1, value=3.0, clearly_worse=True, reason="")]

    assert found(bounded, *running(0.05, grown(), suite=1)) == []
    assert found(bounded, *running(0.05)) == ["jump"]
    assert found(bounded, *running(2.0, *before)) == ["constant"]
    assert found(bounded, *running(2.0, *before, grown(), suite=1)) == []
    assert found(bounded, *running(0.05, control, grown(), suite=1)) == []


def test_the_best_is_compared_with_the_baseline_on_the_same_tests_only() -> None:
    better = life(2, "kept", 1.0)
    on_today = [
        fact.model_copy(update={"suite": 1, "frozen": 1.5}) if isinstance(fact, Measured) else fact for fact in better
    ]

    assert folded(opened(), *life(1)).progress is None
    assert folded(opened(), *life(1), *better).progress == (1.0, 2.0, False)
    assert folded(opened(), *life(1), *grown(*on_today)).progress == (1.0, 4.0, False)
    assert folded(opened(), *life(1), *grown()[:2], *on_today).progress == (1.5, 2.0, True)
    certain = certainty.best(folded(opened(keep="improve"), *life(1), *grown()[:2], *on_today))
    assert certain.endswith("0.5000 (25.00%) better than the baseline's 2.0000 on the original tests")


def test_numbers_are_told_with_their_suite_and_only_those_of_the_newest_are_compared() -> None:
    state = folded(opened(), *life(1), *life(2, "discarded", 1.5), *grown())
    first, second = state.experiments.values()

    assert telling.outcome(first, METRIC) == "#1 kept, val_bpb 4.0000 on suite 1, 2.0000 on the original one | kept."
    assert telling.outcome(second, METRIC) == "#2 discarded, val_bpb 1.5000 | discarded."
    assert [line[:2] for line in telling.best([first, second], METRIC)] == ["#1"]


def test_a_number_that_was_not_believed_is_told_to_no_proposer() -> None:
    flagged = life(2, "discarded", 0.4)
    flagged[-2:] = [
        Judged(experiment=2, verdict="discarded", value=0.4, gain=1.6, flags=("a jump",), quarantined=True,
               reason="discarded: quarantined, 2.0 → 0.4; but it is hard to believe: a jump", by="judge"),
        Settled(experiment=2, best_commit="base"),
    ]  # fmt: skip
    state = folded(opened(), *life(1), *flagged)
    experiment = state.experiments[2]

    assert telling.outcome(experiment, METRIC) == "#2 discarded | rejected: integrity"
    assert telling.entry(experiment, METRIC).endswith("| why: rejected: integrity")
    assert [line[:2] for line in telling.best(list(state.experiments.values()), METRIC)] == ["#1"]
    assert experiment.reason.endswith("a jump")


def test_a_machine_that_was_too_slow_is_no_matter_of_integrity() -> None:
    slow = life(2, "voided", None)
    slow[-3] = measured(2, None, outcome="voided", problem="the machine was slow", comparable=False)

    assert folded(opened(), *life(1), *slow).experiments[2].told == "voided."


def test_going_on_after_the_breaker_excuses_what_was_reported_so_far() -> None:
    before = (opened(), *life(1), *life(2, "voided", None))

    assert folded(*before, Paused(by="loopwatch", because="integrity"), Resumed(by="anna")).excused == 2
    assert folded(*before, Paused(by="anna"), Resumed(by="anna")).excused == 0
