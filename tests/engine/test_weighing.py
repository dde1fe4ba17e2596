"""Which proposed tests may enter a suite."""

import json
import math

import pytest
from pydantic import JsonValue

from loopwatch.engine.agent_events import RefusedTest, TestCase
from loopwatch.engine.arena.weighing import Sieve, Weighed, answered, asked, is_plain

OLD = TestCase(input={"a": 1, "b": [2]}, expected=1)
WRONG = TestCase(input=9, expected=19)


def case(value: object, expected: object = None) -> TestCase:
    return TestCase.model_validate({"input": value, "expected": expected})


def sieve(most: int = 9) -> Sieve:
    return Sieve([OLD], [RefusedTest(test=WRONG, reason="the oracle says 18")], most)


def told(found: Weighed) -> list[str]:
    return [refused.reason for refused in found.refused]


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (case({"b": [2], "a": 1}, 7), "a duplicate: a test with this input is there already"),
        (WRONG, "refused before: the oracle says 18"),
        (case("x" * 20_000), "it has 20,010 bytes; at most 8,000 are taken"),
    ],
)
def test_what_need_not_be_asked_about_is_refused_at_once(test: TestCase, reason: str) -> None:
    found = Weighed()

    assert asked([test], sieve(), found) == []
    assert told(found) == [reason]


def test_what_the_ledger_could_not_read_back_is_not_plain() -> None:
    deep: JsonValue = 1
    for _ in range(200):
        deep = [deep]

    assert not is_plain(case(deep))
    assert not is_plain(case(1, {"a": deep}))
    assert is_plain(case({"a": [{"b": [1, 2]}]}))


def test_a_test_that_was_refused_for_what_it_expects_may_come_again_with_something_else() -> None:
    right = case(9, 18)

    assert asked([right], sieve(), Weighed()) == [right]


@pytest.mark.parametrize(
    "reason", ["a duplicate: it was proposed twice", "the suite has 2 tests", "the task's check came to nothing"]
)
def test_what_was_refused_without_a_look_may_come_again(reason: str) -> None:
    again = Sieve([OLD], [RefusedTest(test=WRONG, reason=reason)], 9)

    assert asked([WRONG], again, Weighed()) == [WRONG]


def test_the_same_test_twice_in_one_proposal_counts_once() -> None:
    found = Weighed()

    assert asked([case(1, 2), case(1, 3)], sieve(), found) == [case(1, 2)]
    assert told(found) == ["a duplicate: it was proposed twice"]


def test_what_the_check_says_counts_for_each_test_and_its_form_is_what_enters() -> None:
    found, tests = Weighed(), [case(" A ", 1), case("b", 2), case("a", 3)]
    lines = [
        {"ok": True, "input": "a", "expected": 1},
        {"ok": False, "reason": "b is none"},
        {"ok": True, "input": "a"},
    ]
    output = "a warning\n" + "\n".join(map(json.dumps, lines))

    answered(tests, output, sieve(), found)

    assert found.admitted == [case("a", 1)]
    assert told(found) == ["b is none", "a duplicate: a test with this input is there already"]


@pytest.mark.parametrize("output", ["", '{"ok": true, "input": 1}', '{"ok": 1}\n' * 2])
def test_a_check_that_has_no_word_for_each_test_admits_none(output: str) -> None:
    found = Weighed()

    answered([case(1), case(2)], output, sieve(), found)

    assert found.admitted == []
    assert len(found.refused) == 2
    assert "the task's check said something of" in found.refused[0].reason


def test_a_form_that_cannot_be_written_down_does_not_enter() -> None:
    found = Weighed()

    answered([case(1)], '{"ok": true, "input": NaN}', sieve(), found)

    assert told(found) == ["it cannot be written down as it is"]


def test_a_full_suite_takes_no_more() -> None:
    found, narrow = Weighed(), sieve(most=2)
    tests = asked([case(1), case(2)], narrow, found)

    answered(tests, '{"ok": true, "input": 1}\n{"ok": true, "input": 2}', narrow, found)

    assert found.admitted == [case(1)]
    assert told(found) == ["the suite has 2 tests, as many as it may have"]


def test_a_long_reason_is_cut() -> None:
    found = Weighed()

    answered([case(1)], json.dumps({"ok": False, "reason": "x" * 5000}), sieve(), found)

    assert len(found.refused[0].reason) < 400


@pytest.mark.parametrize(
    ("value", "plain"), [([1, "ü", None, 0.5], True), (math.nan, False), ([math.inf], False), ("\ud800", False)]
)
def test_what_cannot_be_written_down_as_it_is_is_no_test(value: object, plain: bool) -> None:
    assert is_plain(TestCase.model_construct(input=value, expected=None, why="")) is plain  # type: ignore[arg-type]
