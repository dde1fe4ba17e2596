"""The machine's speed, and how far off is too far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine.judging import canary
from loopwatch.engine.judging.canary import far_off

SPEED = st.floats(1, 1e6)


@pytest.mark.parametrize(
    ("speeds", "ratio"),
    [
        ((100.0, 100.0), None),
        ((90.0, 110.0), None),
        ((85.0, 100.0), None),
        ((84.0, 100.0), 0.84),
        ((100.0, 116.0), 1.16),
        ((50.0, 140.0), 0.5),
        ((70.0, 140.0), 1.4),
    ],
)
def test_the_speed_that_is_furthest_off_is_told_when_it_is_too_far(
    speeds: tuple[float, float], ratio: float | None
) -> None:
    assert far_off(speeds, 100.0, 0.151) == ratio


@given(st.tuples(SPEED, SPEED), SPEED, st.floats(0.01, 0.99))
def test_what_is_far_off_is_further_than_the_tolerance_and_not_far_off_is_within(
    speeds: tuple[float, float], reference: float, tolerance: float
) -> None:
    ratio = far_off(speeds, reference, tolerance)
    distances = [abs(speed / reference - 1) for speed in speeds]

    assert (ratio is None) == (max(distances) <= tolerance)
    assert ratio is None or abs(ratio - 1) == max(distances)


@pytest.mark.parametrize("cpu", [True, False])
async def test_the_machine_has_a_speed(cpu: bool) -> None:
    assert await canary.speed(cpu=cpu) > 0
