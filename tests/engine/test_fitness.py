"""What a version of an agent is worth: chance seldom wins, and what is truly better mostly does."""

from collections.abc import Callable
from random import Random

import pytest

from loopwatch.engine.agent_events import Fitness
from loopwatch.engine.agents.fitness import Unit, compare, of, turns, worth
from loopwatch.engine.events import TurnEnded
from loopwatch.engine.state import Experiment

TRIALS = 500


def wins(candidate: Callable[[Random], float], parent: Callable[[Random], float], *, each: int = 4) -> float:
    """How often a candidate takes its parent's place."""
    dice = Random(1)

    def fitness(gains: Callable[[Random], float]) -> Fitness:
        return of([gains(dice) for _ in range(each)])

    return sum(compare(fitness(candidate), fitness(parent), "σ").is_better for _ in range(TRIALS)) / TRIALS


def hits(share: float) -> Callable[[Random], float]:
    """An agent of whose experiments this share gains something, two standard deviations on the average."""
    return lambda dice: dice.expovariate(0.5) if dice.random() < share else 0.0


def test_a_rewrite_that_changes_nothing_seldom_wins() -> None:
    assert max(wins(hits(share), hits(share)) for share in (0.1, 0.3, 0.6, 1.0)) < 0.23


def test_a_rewrite_that_is_truly_better_mostly_wins() -> None:
    def always(mean: float) -> Callable[[Random], float]:
        return lambda dice: max(0.0, dice.gauss(mean, 1.0))

    assert wins(always(2.0), always(0.0)) > 0.9
    assert wins(hits(0.6), hits(0.2)) > 0.5
    assert wins(hits(0.6), hits(0.2), each=8) > wins(hits(0.6), hits(0.2))


@pytest.mark.parametrize("each", [2, 3, 4, 7, 50])
def test_one_lucky_experiment_is_never_enough(each: int) -> None:
    lucky = of([0.1 + each / 3, *[0.0] * (each - 1)])

    assert not compare(lucky, of([0.0] * each), "σ").is_better


def test_the_outcome_is_told_with_its_error() -> None:
    better, worse = of([1.5, 0.5, 1.0, 1.0]), of([1.2, 0.4, 0.8, 1.2])

    assert (
        compare(better, of([0.1, 0.0, 0.0, 0.0]), "σ").reason == "better than its parent: +0.97 ± 0.21 σ per experiment"
    )
    assert compare(better, worse, "σ").reason == "no better than its parent: +0.1 ± 0.28 σ per experiment"


def test_one_experiment_each_tells_nothing() -> None:
    assert compare(of([5.0]), of([0.0]), "σ").reason == "not told from its parent: too few experiments (1 against 1)"


def test_both_have_the_same_number_of_turns_in_an_order_that_follows_from_the_seed() -> None:
    order = turns("gen_000", "gen_001", 4, seed=7)

    assert order == turns("gen_000", "gen_001", 4, seed=7)
    assert all(set(order[at : at + 2]) == {"gen_000", "gen_001"} for at in range(0, 8, 2))
    assert len({turns("gen_000", "gen_001", 4, seed=seed) for seed in range(40)}) > 5


@pytest.mark.parametrize(
    ("experiment", "gained"),
    [
        (Experiment(2, verdict="kept", gain=0.3), 3.0),
        (Experiment(2, verdict="discarded", gain=0.05), 0.5),
        (Experiment(2, verdict="discarded", gain=-4.0), 0.0),
        (Experiment(2, verdict="crashed"), 0.0),
        (Experiment(2, verdict="vetoed", by="edit gate"), 0.0),
        (Experiment(2, verdict="discarded", gain=9.0, quarantined=True), 0.0),
        (Experiment(2, verdict="unproposed", turn=TurnEnded(experiment=2, revision=1, outcome="crashed")), 0.0),
        (Experiment(2, verdict="unproposed", turn=TurnEnded(experiment=2, revision=1, outcome="unavailable")), None),
        (Experiment(2, verdict="vetoed", by="anna"), None),
        (Experiment(2, verdict="interrupted"), None),
        (Experiment(2), None),
    ],
    ids=["kept", "some", "worse", "crashed", "refused", "not believed", "no proposal", "no service", "a veto", "a stop", "open"],
)  # fmt: skip
def test_what_an_experiment_gained_counts_and_what_is_nobodys_fault_does_not(
    experiment: Experiment, gained: float | None
) -> None:
    found = worth(experiment, Unit(0.1, "σ"))

    assert found == (None if gained is None else pytest.approx(gained))
