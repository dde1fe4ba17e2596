"""Arenas: code against tests, on a suite that grows. The agents are scripts; everything else is real."""

import sys
from typing import Any

import pytest

from loopwatch.engine import client
from loopwatch.engine.agent_events import (
    Adopted,
    Dropped,
    Fitness,
    Rescored,
    Rewritten,
    RoundBegan,
    RoundEnded,
    SuiteChanged,
    TestsProposed,
    TestsWeighed,
)
from loopwatch.engine.events import Judged, Measured
from tests.engine.quiz import quiz_in

from .story import Story

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are built on Linux")

CODER = """\
MOST = {most}


def propose(task, ask):
    text = "\\n".join([f"MOST = {{MOST}}", *task["files"]["solution.py"].splitlines()[1:], ""])
    return {{"hypothesis": f"up to {{MOST}}", "mechanism": "it says so", "expected": "", "files": {{"solution.py": text}}}}
"""
"""Doubles numbers up to a certain one."""

TESTER = """\
NUMBERS = [5, 7]


def propose_tests(task, ask):
    known = {test["input"] for test in task["tests"]}
    new = [number for number in NUMBERS if number not in known]
    wrong = {"input": 9, "expected": 19, "why": "a mistake"}
    again = {"input": 1, "expected": 2, "why": "an old one"}
    return [*({"input": number, "expected": 2 * number, "why": "larger"} for number in new), wrong, again]
"""
"""Knows two numbers that are too large for the first code; and says two things that are no new tests."""


def begin(story: Story, *, coder: str = CODER.format(most=8), tester: str = TESTER, **settings: Any) -> None:
    """Start an arena of scripted agents on a task whose code doubles numbers."""
    quiz_in(story.task, agents={"task_agent.py": coder, "test_agent.py": tester}, target=settings.pop("target", None))
    gates = {"rewrite": "auto", **settings.pop("gates", {})}
    story.begin([], **{"strategy": "arena:1v1", "sandbox": "fenced", "gates": gates, **settings})


def test_an_arms_race_falls_and_recovers_on_both_scores_until_the_adversary_has_nothing_left(story: Story) -> None:
    begin(story, target=1.0)

    stopped = story.ends()

    # The baseline solves the original suite, and that ends nothing.
    assert story.all(Measured, experiment=1)[0].value == 1.0
    assert stopped.because == "target"
    assert (
        stopped.detail
        == "the target is reached: score 1.0000, and a whole round of new tests brought none that it fails"
    )
    weighed, after = story.all(TestsWeighed)
    assert [test.input for test in weighed.admitted] == [5, 7]
    assert (weighed.breaks, weighed.lost) == (2, 2.0)
    assert [(refused.test.input, refused.reason) for refused in weighed.refused] == [
        (1, "a duplicate: a test with this input is there already"),
        (9, "the oracle says 18"),
    ]
    assert after.refused[0].reason == "refused before: the oracle says 18"
    assert [(fact.suite, fact.round, fact.size) for fact in story.all(SuiteChanged)] == [(1, 1, 6)]
    fell = story.sees(Rescored, experiment=1)
    assert (fell.suite, fell.frozen) == (1, 1.0)
    assert fell.value == pytest.approx(4 / 6)
    recovered = story.verdict(2)
    assert (recovered.verdict, recovered.value) == ("kept", 1.0)
    assert recovered.gain == pytest.approx(1 / 3)
    assert recovered.flags == ()
    assert story.state.experiments[2].frozen_score == 1.0
    assert [fact.scores for fact in story.all(RoundEnded)] == [{"code-1": pytest.approx(1 / 3), "test-1": 2 / 8}]
    # What the change is worth shows on the tests that it was made for.
    *_, ablation = client.retrial(story.run, "ablate")
    assert [change["lost"] for change in ablation["changes"]] == [pytest.approx(1 / 3)]


BRITTLE = """\
MOST = 8


def propose(task, ask):
    if task["notes"] and MOST != 8:
        raise ValueError("this is not me")
    text = "\\n".join([f"MOST = {MOST}", *task["files"]["solution.py"].splitlines()[1:], ""])
    return {"hypothesis": f"up to {MOST}", "mechanism": "it says so", "expected": "", "files": {"solution.py": text}}
"""
"""Does not pass a rehearsal once its constant is another one: the place where edits are made without a model."""


def test_a_tournament_that_is_killed_replaces_the_worst_once_and_reverts_a_copy_that_fails(story: Story) -> None:
    begin(story, coder=BRITTLE, strategy="arena:2x2:1", proposer="mutation", seed=1, stop={"experiments": 4})
    for kind, agent in ((TestsProposed, "test-1"), (Rewritten, "code-3")):
        story.sees(kind, agent=agent)
        story.kill()
        story.start()

    story.ends()

    (broken,) = story.all(Dropped)
    (copy,) = story.all(Rewritten, agent="code-3")
    assert (copy.parent, copy.by, copy.round) == ("code-1", "mutation", 1)
    assert (broken.agent, broken.because) == ("code-3", "broken")
    assert broken.reason == "call: task_agent.py, line 6: ValueError: this is not me"
    better = story.all(Adopted)[-1]
    assert (better.agent, better.replaces) == ("test-3", "test-2")
    assert better.against == Fitness(mean=0.0, n=1)
    assert [(fact.round, fact.code, fact.test) for fact in story.all(RoundBegan)] == [
        (1, ("code-1", "code-2"), ("test-1", "test-2")),
        (2, ("code-2", "code-1"), ("test-3", "test-1")),
    ]
    turns = [(1, "test-1"), (1, "test-2"), (2, "test-3"), (2, "test-1")]
    assert [(fact.round, fact.agent) for fact in story.all(TestsProposed)] == turns
    assert [(fact.round, fact.agent) for fact in story.all(TestsWeighed)] == turns
    assert [(fact.experiment, fact.suite) for fact in story.all(Rescored)] == [(1, 1)]
    assert [fact.experiment for fact in story.all(Judged)] == [1, 2, 3, 4]
    assert [e.agent for e in story.state.experiments.values()] == ["", "code-1", "code-2", "code-2"]


@pytest.mark.parametrize(
    ("has_suite", "why"),
    [
        (False, "task tiny cannot be played in an arena: it has no [suite]"),
        (True, "arena runs source code that agents have written, and does so only in a box"),
    ],
)
def test_an_arena_says_what_it_needs_before_anything_runs(story: Story, has_suite: bool, why: str) -> None:
    if has_suite:
        quiz_in(story.task)

    story.begin([], strategy="arena:1v1", sandbox="none")
    stopped = story.ends()

    assert stopped.because == "user_error"
    assert why in stopped.detail
    assert story.state.experiments == {}
