import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.tui.widgets.spark import progress_bar, sparkline


def test_it_shows_the_best_so_far() -> None:
    assert sparkline([3.0, 9.0, 2.0, 5.0, 1.0], 5) == "██▅▅▁"
    assert sparkline([1.0, 0.0, 2.0], 3, direction="up") == "▁▁█"


@given(
    st.lists(st.none() | st.floats(), max_size=50),
    st.integers(0, 60),
    st.sampled_from(["down", "up"]),
    st.booleans(),
)
def test_it_is_as_wide_as_asked(values: list[float | None], width: int, direction: str, ascii_only: bool) -> None:
    line = sparkline(values, width, direction="up" if direction == "up" else "down", ascii_only=ascii_only)

    assert len(line) == width
    assert line.isascii() or not ascii_only


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=300), st.integers(2, 40))
def test_the_last_cell_shows_the_best_of_all(values: list[float], width: int) -> None:
    line = sparkline(values, width).rstrip()

    assert line[-1] == "▁"


@pytest.mark.parametrize(("ascii_only", "line"), [(False, "█⣶▁"), (True, "#!_")])
def test_what_is_doubtful_has_bars_of_its_own(ascii_only: bool, line: str) -> None:
    assert sparkline([3.0, 2.0, 1.0], 3, thin=[False, True, False], ascii_only=ascii_only) == line


@pytest.mark.parametrize(
    ("fraction", "bar"),
    [(0.0, "────"), (0.5, "━━──"), (1.0, "━━━━"), (7.0, "━━━━"), (-1.0, "────"), (math.nan, "────")],
)
def test_progress_is_told_by_the_weight_of_the_line(fraction: float, bar: str) -> None:
    assert progress_bar(fraction, 4) == bar


def test_progress_in_ascii() -> None:
    assert progress_bar(0.5, 4, ascii_only=True) == "==.."
