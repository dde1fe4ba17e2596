"""σ, its interval, and the distributions behind both."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine.noise import LARGE_FREEDOM, Noise, chi_bound, chi_tail, pooled, share_of_speed, t_bound, t_tail


@pytest.mark.parametrize(
    ("freedom", "bound"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (10, 2.2281), (400, 1.96)]
)
def test_the_bounds_of_students_distribution_are_those_of_the_tables(freedom: int, bound: float) -> None:
    assert t_bound(0.025, freedom) == pytest.approx(bound, abs=1e-4)


@pytest.mark.parametrize(
    ("freedom", "low", "high"),
    [(1, 0.00098, 5.0239), (2, 0.0506, 7.3778), (4, 0.4844, 11.1433), (5, 0.8312, 12.8325), (30, 16.7908, 46.9792)],
)
def test_the_bounds_of_chi_squared_are_those_of_the_tables(freedom: int, low: float, high: float) -> None:
    assert chi_bound(0.975, freedom) == pytest.approx(low, abs=1e-4)
    assert chi_bound(0.025, freedom) == pytest.approx(high, abs=1e-4)


@given(st.floats(-30, 30), st.integers(1, 2 * LARGE_FREEDOM))
def test_a_chance_is_a_chance_and_both_sides_make_one(t: float, freedom: int) -> None:
    assert 0 <= t_tail(t, freedom) <= 1
    assert t_tail(t, freedom) + t_tail(-t, freedom) == pytest.approx(1)


def test_from_many_degrees_of_freedom_on_the_approximations_take_over_without_a_step() -> None:
    assert t_tail(2, LARGE_FREEDOM - 1) == pytest.approx(t_tail(2, LARGE_FREEDOM), rel=0.02)
    assert chi_tail(330, LARGE_FREEDOM - 1) == pytest.approx(chi_tail(330, LARGE_FREEDOM), rel=0.1)


@pytest.mark.parametrize("value", [0.1, 0.7, 1 / 3, 24.35])
def test_equal_numbers_have_no_spread_at_all(value: float) -> None:
    assert pooled([[value] * 6]).sigma == 0


def test_one_group_gives_its_standard_deviation_with_a_wide_interval() -> None:
    noise = pooled([[1.0, 2.0, 3.0, 4.0, 5.0]])

    assert noise.sigma == pytest.approx(1.5811, abs=1e-4)
    assert noise.freedom == 4
    assert noise.low == pytest.approx(0.9473, abs=1e-4)
    assert noise.high == pytest.approx(4.5435, abs=1e-4)


def test_groups_of_different_quality_are_pooled_by_their_spread_alone() -> None:
    assert pooled([[1.0, 2.0], [101.0, 102.0], [7.0]]).sigma == pooled([[1.0, 2.0], [1.0, 2.0]]).sigma


def test_while_nothing_was_repeated_the_task_is_believed() -> None:
    assert pooled([[1.0]], declared=0.3) == Noise(0.3, declared=0.3)
    assert not pooled([[1.0]], declared=0.3).is_measured
    assert pooled([[1.0]]).sigma is None


def test_no_noise_is_absent_until_repeats_differ() -> None:
    assert pooled([[1.0, 1.0]], declared=0).is_absent
    assert not pooled([[1.0, 1.1]], declared=0).is_absent
    assert not pooled([[1.0, 1.0]], declared=0.1).is_absent


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    dice = random.Random(1)
    found = [pooled([[dice.gauss(0, 1) for _ in range(5)]]) for _ in range(1000)]

    assert 0.93 < sum(n.low <= 1 <= n.high for n in found if n.low and n.high) / len(found) < 0.97


def test_noise_that_goes_with_the_machines_speed_is_told_from_noise_that_does_not() -> None:
    dice = random.Random(1)
    speeds = [dice.uniform(90, 110) for _ in range(40)]
    along = [(2 - speed / 100, speed) for speed in speeds]
    across = [(dice.gauss(0, 1), speed) for speed in speeds]

    told, not_told = share_of_speed([along]), share_of_speed([across])

    assert told is not None
    assert not_told is not None
    assert told == pytest.approx(1)
    assert not_told < 0.1


@pytest.mark.parametrize("pairs", [[], [(1.0, 1.0)] * 3, [(1.0, 1.0)] * 9, [(float(i), 5.0) for i in range(9)]])
def test_where_too_little_is_known_of_the_speed_no_share_is_told(pairs: list[tuple[float, float]]) -> None:
    assert share_of_speed([pairs]) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9))
def test_sigma_lies_in_its_own_interval(values: list[float]) -> None:
    noise = pooled([values])

    assert noise.low is not None
    assert noise.high is not None
    assert noise.sigma is not None
    assert noise.low <= noise.sigma <= noise.high
    assert math.isfinite(noise.high)
