"""What is said of agents that are source code, and of suites that grow."""

import pytest

from loopwatch.engine import agent_events as events
from loopwatch.engine.agent_events import RefusedTest, TestCase
from loopwatch.tui.ancestry import rescored, told

ONE = TestCase(input=1)


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (events.RoundBegan(round=2, code=("code-1", "code-3"), test=("test-1",)), "round 2: code-1, code-3 against test-1"),
        (events.TestsProposed(round=2, agent="test-1", tests=(ONE,)), "test-1 proposed 1 test"),
        (events.TestsProposed(round=2, agent="test-1", problem="it\ncrashed"), "test-1 proposed no tests: it crashed"),
        (
            events.TestsWeighed(
                round=2, agent="test-1", admitted=(ONE, ONE), refused=(RefusedTest(test=ONE, reason="the oracle says 2"),), breaks=1
            ),
            "2 tests of test-1 admitted, of which the best fails 1; 1 refused, the first because the oracle says 2",
        ),
        (events.TestsWeighed(round=2, agent="test-1"), "no tests of test-1 admitted"),
        (
            events.SuiteChanged(suite=3, round=2, size=48, digest=""),
            "suite changed: 48 tests from now on (suite 3), so that numbers of before are of other tests",
        ),
        (events.RoundEnded(round=2, scores={"code-1": 0.25, "test-1": 0.0}), "round 2 ended: code-1 +0.25, test-1 +0"),
        (
            events.Dropped(agent="code-3", because="broken", reason="call: it raised"),
            "code-3 is reverted, it does not pass the checks: call: it raised",
        ),
    ],
)  # fmt: skip
def test_what_happens_in_an_arena_is_told_in_one_line(fact: events.LineageFact, words: str) -> None:
    assert told(fact) == words


def test_a_fall_after_the_suite_grew_is_told_as_the_suites() -> None:
    fell = events.Rescored(experiment=1, suite=3, value=0.5, frozen=1.0)

    assert rescored(fell) == "suite changed: scored again, 0.5000 on suite 3, 1.0000 on the original one"
    assert (
        rescored(events.Rescored(experiment=1, suite=3, problem="it hung"))
        == "suite changed: no number on suite 3: it hung"
    )


def test_names_and_reasons_of_agents_cannot_move_the_cursor() -> None:
    hostile = "\x1b[2Jcode"

    for fact in (
        events.RoundBegan(round=1, code=(hostile,), test=(hostile,)),
        events.RoundEnded(round=1, scores={hostile: 1.0}),
        events.TestsWeighed(round=1, agent=hostile, refused=(RefusedTest(test=ONE, reason=hostile),)),
    ):
        assert "\x1b" not in told(fact)
