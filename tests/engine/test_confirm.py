"""When a gain is let go, kept, or confirmed: after each training one decision."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.null_loop import null, ours, planted
from loopwatch.engine.confirm import ERROR, MOST, Entrant, chance_real, proof, weigh
from loopwatch.engine.noise import Noise, pooled

NOISE = Noise(1.0, freedom=20)
BASE = Entrant(fresh=(0.0, 0.5, -0.5, 0.3, -0.3, 0.0), beside=2)
NUMBERS = st.floats(-100, 100)


def action(first: float, *fresh: float, noise: Noise = NOISE, **more: bool) -> str:
    return weigh(Entrant(fresh, first), BASE, BASE, noise, **more).action


def test_a_first_number_that_is_no_better_is_let_go_at_once() -> None:
    assert action(0.1) == "discard"
    assert action(-3.0) == "discard"


def test_a_first_number_proves_nothing_however_good_it_is() -> None:
    assert action(50.0) == "repeat"


def test_what_does_not_come_again_is_let_go() -> None:
    assert action(2.0, -1.5) == "discard"
    assert action(500.0, -3.0) == "discard"


def test_what_comes_again_is_kept_and_what_comes_again_and_again_is_confirmed() -> None:
    assert action(1.0, 1.0) == "repeat"
    assert action(1.0, 1.0, 0.8) == "keep"
    assert action(5.0, 5.0, 4.8) == "confirm"


def test_a_gain_that_looks_real_is_repeated_until_it_is_proved_or_the_repeats_are_used_up() -> None:
    assert action(1.8, 1.8, 1.7) == "repeat"
    assert action(1.8, *[1.6] * MOST, noise=Noise(2.5, freedom=20)) == "keep"


def test_the_confirmed_one_is_trained_too_where_it_has_fewer_repeats() -> None:
    alone = Entrant(fresh=(0.0,))

    assert weigh(Entrant((2.0, 2.0), 2.0), alone, alone, NOISE).action == "repeat_confirmed"


def test_nothing_is_confirmed_before_what_it_has_to_beat_was_trained_beside_it() -> None:
    candidate = Entrant((3.1, 2.9, 3.0), 3.0)

    assert weigh(candidate, BASE, replace(BASE, beside=1), NOISE).action == "repeat_confirmed"
    assert weigh(candidate, BASE, BASE, NOISE).action == "confirm"


def test_a_machine_that_has_changed_is_no_gain() -> None:
    moved = Entrant(fresh=(0.0, 0.1, -0.1, 0.0, 3.0, 3.1), beside=2)
    candidate = Entrant((3.1, 2.9, 3.0), 3.0)

    found = weigh(candidate, moved, moved, NOISE)

    assert found.action != "confirm"
    assert found.p is not None
    assert found.p > ERROR


def test_a_machine_that_has_changed_is_seen_though_its_step_looks_like_noise() -> None:
    scores = (2.00, 2.01, 1.99, 2.01, 1.99, 2.30, 2.31)

    assert Entrant(scores, beside=2).now(pooled([scores])).fresh == (2.30, 2.31)
    assert Entrant(scores[:5], beside=2).now(pooled([scores[:5]])).fresh == scores[:5]
    assert Entrant((1.0, 1.0, 1.0, 2.0, 2.0), beside=2).now(pooled([(1.0, 1.0, 1.0, 2.0, 2.0)])).fresh == (2.0, 2.0)


def test_small_gains_in_a_row_are_confirmed_together() -> None:
    best = Entrant(fresh=(2.2, 2.0, 1.8))

    assert weigh(Entrant((3.1, 2.9, 3.0), 3.0), best, BASE, NOISE).action == "confirm"
    assert weigh(Entrant((3.1, 2.9, 3.0), 3.0), best, best, NOISE).action == "keep"


def test_with_the_strict_rule_what_is_not_confirmed_is_let_go() -> None:
    assert action(1.0, 1.0, 0.8, strict=True) == "discard"
    assert action(5.0, 5.0, 4.8, strict=True) == "confirm"


def test_a_tie_goes_to_the_shorter_code() -> None:
    assert action(0.0) == "discard"
    assert action(0.0, shorter=True) == "repeat"
    assert action(0.0, 0.0, 0.1, shorter=True) == "keep"
    assert action(-0.5, shorter=True) == "discard"


def test_where_the_task_says_that_there_is_no_noise_one_number_is_enough() -> None:
    none = Noise(0.0, declared=0.0)

    assert action(0.2, noise=none) == "confirm"
    assert action(0.0, noise=none) == "discard"
    assert action(0.0, noise=none, shorter=True) == "confirm"


def test_where_repeats_never_differed_one_more_is_enough() -> None:
    still = Noise(0.0, freedom=5)

    assert action(0.2, noise=still) == "repeat"
    assert action(0.2, 0.2, noise=still) == "confirm"


def test_where_nobody_knows_the_noise_two_repeats_show_some() -> None:
    assert action(0.2, noise=Noise()) == "repeat"
    assert action(0.2, 0.2, noise=Noise()) == "repeat"


def test_the_chance_that_it_is_real_is_a_half_for_what_is_the_same() -> None:
    assert chance_real(Entrant((0.0, 0.0), 1.0), BASE, NOISE) == pytest.approx(0.5)
    assert chance_real(Entrant((), 9.0), BASE, NOISE) == pytest.approx(1, abs=1e-5)
    assert chance_real(Entrant((), 9.0), BASE, Noise()) is None


@given(first=NUMBERS, fresh=st.lists(NUMBERS, max_size=MOST), sigma=st.floats(1e-3, 10), scale=st.floats(0.1, 10))
def test_the_unit_of_the_metric_decides_nothing(first: float, fresh: list[float], sigma: float, scale: float) -> None:
    here = weigh(Entrant(tuple(fresh), first), BASE, BASE, Noise(sigma, 9))
    scaled = Entrant(tuple(scale * score for score in BASE.fresh))
    there = weigh(
        Entrant(tuple(scale * score for score in fresh), scale * first), scaled, scaled, Noise(scale * sigma, 9)
    )

    assert here.sigma is not None
    assert there.sigma == pytest.approx(here.sigma, abs=1e-6)


@given(first=NUMBERS, fresh=st.lists(NUMBERS, max_size=MOST + 3), freedom=st.integers(1, 50))
def test_nothing_is_confirmed_without_proof_and_repeating_comes_to_an_end(
    first: float, fresh: list[float], freedom: int
) -> None:
    candidate, noise = Entrant(tuple(fresh), first), Noise(1.0, freedom)
    found = weigh(candidate, BASE, BASE, noise)
    p = proof(candidate, BASE, noise)

    assert found.action != "confirm" or (p is not None and p < ERROR)
    assert found.is_final or len(fresh) < MOST


def test_a_hundred_nights_of_pure_noise_announce_next_to_nothing_and_cost_little() -> None:
    nights = [ours(random.Random(seed), null, experiments=60, trainings=1e9) for seed in range(100)]

    assert sum(night.false for night in nights) / len(nights) <= 0.12
    assert sum(night.trainings for night in nights) / sum(night.experiments for night in nights) <= 1.8


def test_a_gain_of_three_sigma_is_all_but_always_found_and_confirmed() -> None:
    nights = [
        ours(random.Random(seed), planted(2 + seed % 59, 3.0), experiments=60, trainings=1e9) for seed in range(100)
    ]

    assert sum(night.headline >= 3 for night in nights) >= 90
