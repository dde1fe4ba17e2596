"""Who did what in a round, and who is replaced by whom."""

from dataclasses import replace

import pytest

from loopwatch.engine.agent_events import (
    Adopted,
    Dropped,
    Rewritten,
    Role,
    RoundBegan,
    RoundEnded,
    TestCase,
    TestsProposed,
    TestsWeighed,
)
from loopwatch.engine.arena.population import Form, Pair, due, order, replacements, scores, standings, turn
from loopwatch.engine.events import AnyFact, Verdict
from loopwatch.engine.lineage import Lineage
from loopwatch.engine.state import Experiment
from tests.stories.story import fold

FORM = Form.read("4x2:2")
CODE, TEST = ("code-1", "code-2", "code-3", "code-4"), ("test-1", "test-2")


def written(name: str, parent: str = "", round_: int = 0) -> Rewritten:
    role: Role = "code" if name.startswith("code") else "test"
    return Rewritten(agent=name, role=role, parent=parent, by="seed", files={}, digest=name, round=round_)


def lineage(*facts: AnyFact) -> Lineage:
    """A population that began, and what happened to it."""
    first: list[AnyFact] = [fact for name in (*CODE, *TEST) for fact in (written(name), Adopted(agent=name))]
    return fold([(float(at), fact) for at, fact in enumerate([*first, *facts])]).lineage


def round_of(number: int, **gains: float) -> list[AnyFact]:
    """A round that ended; `code_1=2.0` is a score, and whoever is not named scored nothing."""
    found = {name: gains.get(name.replace("-", "_"), 0.0) for name in (*CODE, *TEST)}
    return [RoundBegan(round=number, code=CODE, test=TEST), RoundEnded(round=number, scores=found)]


def experiment(number: int, agent: str, verdict: Verdict | None = "discarded", gain: float | None = None) -> Experiment:
    return Experiment(number, agent=agent, verdict=verdict, gain=gain)


@pytest.mark.parametrize(
    ("argument", "form", "wanted"),
    [
        ("1v1", Form(1, 1, None), 8),
        ("1v1:5", Form(1, 1, None), 8),
        ("4x4", Form(4, 4, 3), 2),
        ("2x9:1", Form(2, 9, 1), 1),
    ],
)
def test_a_form_says_how_many_take_part_and_how_many_tests_are_wanted_of_each(
    argument: str, form: Form, wanted: int
) -> None:
    assert Form.read(argument) == form
    assert form.wanted == wanted


def test_a_code_agent_scores_what_it_gained_in_this_round_and_a_test_agent_what_the_best_lost_of_what_it_was_asked_for() -> (
    None
):
    test = TestCase(input=1)
    found = lineage(
        RoundBegan(round=1, code=CODE, test=TEST),
        TestsProposed(round=1, agent="test-1", tests=(test, test)),
        TestsWeighed(round=1, agent="test-1", admitted=(test, test), breaks=2, lost=1.5),
        TestsProposed(round=1, agent="test-2", problem="it crashed"),
    )
    assert found.round is not None
    found.round.after = 5
    done = [
        experiment(5, "code-1", "kept", 100.0),
        experiment(6, "code-1", "kept", 2.0),
        experiment(7, "code-2", "discarded", 1.0),
        experiment(8, "code-3", "kept", None),
        experiment(9, "", "kept", 3.0),
        replace(experiment(10, "code-4", "kept", None), value=5.0),  # the best had no number
    ]

    assert scores(found.round, done, wanted=4) == {
        "code-1": 2.0, "code-2": 0.0, "code-3": 0.0, "code-4": 5.0, "test-1": 1.5 / 4, "test-2": 0.0,
    }  # fmt: skip


def test_every_code_agent_has_one_turn_in_a_round_and_again_where_it_was_interrupted() -> None:
    round_ = lineage(RoundBegan(round=1, code=("code-1", "code-2"), test=TEST)).round
    assert round_ is not None
    round_.after = 1

    assert turn(round_, [experiment(1, "code-1")]) == "code-1"
    assert turn(round_, [experiment(2, "code-1", "interrupted")]) == "code-1"
    assert turn(round_, [experiment(2, "code-1"), experiment(3, "code-2", "vetoed")]) is None


def test_the_worst_is_replaced_by_the_very_best_and_in_a_tie_whoever_stood_longer_stays() -> None:
    assert replacements({"a": 0.1, "b": 0.4, "c": 0.3, "d": 0.2}) == (Pair("a", "b"), Pair("d", "c"))
    assert replacements({"a": 0.0, "b": 0.0}) == (Pair("b", "a"),)
    assert replacements({"a": 1.0, "b": 2.0, "c": 3.0}) == (Pair("a", "c"),)
    assert replacements({"a": 0.0}) == ()


def test_agents_stand_by_the_mean_of_the_last_rounds_that_they_took_part_in_whoever_is_oldest_first() -> None:
    late = RoundBegan(round=3, code=("code-9", "code-1"), test=TEST)
    found = lineage(
        *round_of(1, code_1=90.0), *round_of(2, code_1=1.0), written("code-9"), late,
        RoundEnded(round=3, scores={"code-1": 2.0, "code-9": 4.0}),
    )  # fmt: skip

    assert list(standings(found, FORM, "code").items()) == [("code-1", 1.5), ("code-9", 4.0)]


def test_everybody_begins_a_round_now_and_then() -> None:
    assert [order(("a", "b", "c"), round_)[0] for round_ in (1, 2, 3, 4)] == ["a", "b", "c", "a"]
    assert order(("a", "b", "c"), 2) == ("b", "c", "a")


def test_places_are_due_every_so_many_rounds_one_after_the_other() -> None:
    one = lineage(*round_of(1, code_4=1.0))
    two = [*round_of(1, code_4=1.0), *round_of(2, code_3=4.0)]

    assert due(one, FORM, "code") is None
    assert due(lineage(*two), FORM, "code") == Pair("code-2", "code-3")
    assert due(lineage(*two), FORM, "test") == Pair("test-2", "test-1")
    assert due(lineage(*two), Form.read("1v1"), "code") is None
    copy = written("code-5", "code-3", round_=2)
    assert due(lineage(*two, copy), FORM, "code") == Pair("code-2", "code-3")  # nobody has said yet what becomes of it
    taken = [*two, copy, Adopted(agent="code-5", replaces="code-2")]
    assert due(lineage(*taken), FORM, "code") == Pair("code-1", "code-4")
    broken = [*taken, written("code-6", "code-4", round_=2), Dropped(agent="code-6", because="broken")]
    assert due(lineage(*broken), FORM, "code") is None
    assert due(lineage(*broken, RoundBegan(round=3, code=CODE, test=TEST)), FORM, "test") is None
