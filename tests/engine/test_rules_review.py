"""The reviewer without a model: what it says follows from what happened."""

import pytest

from loopwatch.engine import events
from loopwatch.engine.events import AnyFact, Verdict
from loopwatch.engine.rules_review import STUCK, advice
from loopwatch.engine.state import Experiment, State
from tests.engine.facts import engine, folded, judged, opened, proposed

DRY: tuple[Verdict, str] = ("discarded", "constant")


def after(*verdicts: tuple[Verdict, str]) -> tuple[State, Experiment]:
    facts: list[AnyFact] = [opened(), engine(), *proposed(1), *judged(1, "kept", value=3.0)]
    for number, (verdict, kind) in enumerate(verdicts, start=2):
        begun, made = proposed(number)
        assert isinstance(made, events.Proposed)
        mechanism = f"none: drawn at random, {kind} edit in train.py:LR; 0 of 0 earlier edits of this kind were kept"
        facts += [begun, made.model_copy(update={"mechanism": mechanism}), *judged(number, verdict, value=3.0)]
    state = folded(*facts)
    return state, state.experiments[max(state.experiments)]


def test_what_broke_is_answered_with_smaller_edits_of_other_kinds() -> None:
    found = advice(*after(("kept", "constant"), ("crashed", "operator"), ("crashed", "operator")))

    kinds = found.hints["kinds"]
    assert isinstance(kinds, dict)
    assert found.issue_type == "broken code"
    assert kinds["constant"] > kinds["operator"]  # type: ignore[operator]
    assert "operator: 0 of 2 kept, 2 broke" in found.pattern_detected


def test_a_long_time_without_a_gain_is_answered_with_larger_steps() -> None:
    found = advice(*after(*[DRY] * STUCK))

    assert (found.issue_type, found.severity) == ("stuck", "high")
    assert found.hints["edits"] == 2


@pytest.mark.parametrize("count", [1, STUCK - 1])
def test_a_few_without_a_gain_are_nothing_to_worry_about(count: int) -> None:
    found = advice(*after(*[DRY] * count))

    assert found.issue_type == "no gain"
    assert 0 < found.confidence < 1


def test_code_that_says_nothing_of_its_kind_shows_no_pattern() -> None:
    state, last = after(("kept", ""))
    last.mechanism = "warmup lets the optimiser settle"

    assert advice(state, last).pattern_detected == ""
