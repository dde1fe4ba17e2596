import math
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment

from loopwatch.tui.widgets.curve import Curve, Forecast, Level, Mark, Series
from loopwatch.tui.widgets.raster import Bin, Canvas, Reducer, reduce, smoothed
from loopwatch.tui.widgets.scale import choose, useful

from .stage import SIZES, assert_fit_to_paint, on_stage, segments, text_of

NAN, INF = math.nan, math.inf
FALLING = [3 * math.exp(-at / 60) + 1 for at in range(300)]


def series(y: Sequence[float], of: int | None = None) -> Series:
    """Points spread over 0 to 1, or the first of so many."""
    return Series([at / (of or max(1, len(y))) for at in range(len(y))], y)


def dots(curve: Curve) -> int:
    return sum(bin(ord(char) - 0x2800).count("1") for char in text_of(curve) if "\u2800" <= char <= "\u28ff")


AWKWARD = {
    "nothing": [],
    "one point": [2.5],
    "all NaN": [NAN] * 50,
    "all infinite": [INF, -INF] * 20,
    "constant": [1.0] * 100,
    "zeros": [0.0] * 100,
    "a gap": [2.0] * 20 + [NAN] * 20 + [1.0] * 20,
    "a spike": [1.0] * 50 + [1e12] + [1.1] * 50,
    "enormous": [1e308, -1e308] * 30,
    "tiny": [1e-300 * at for at in range(50)],
    "nearly equal": [1e15 + at * 0.125 for at in range(50)],
    "negative": [-at / 7 for at in range(50)],
}


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("smooth", [False, True])
async def test_awkward_series_are_drawn_at_any_size(smooth: bool, ascii_only: bool) -> None:
    curve = Curve(ascii_only=ascii_only)

    async with on_stage(curve) as pilot:
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for y in AWKWARD.values():
                curve.show(now=series(y), best=series(y), smooth=smooth, level=Level(INF), forecast=Forecast(NAN, 1))
                assert_fit_to_paint(curve)


async def test_without_a_finite_point_it_says_so() -> None:
    curve = Curve(empty="no measurement yet")

    async with on_stage(curve):
        curve.show(now=series([NAN, INF]))

        assert "no measurement yet" in text_of(curve)


async def test_the_last_value_is_written_beside_its_point() -> None:
    curve = Curve()

    async with on_stage(curve):
        curve.show(now=series([3.0, 2.9, 2.731], of=6), title="val_bpb")

        assert "2.731" in text_of(curve)


async def test_the_axis_does_not_move_while_points_arrive() -> None:
    curve = Curve()
    y = [2 + math.sin(at) / 3 for at in range(500)]

    async with on_stage(curve):
        curve.show(now=series(y[:250], of=500))
        margins = {line[:8] for line in text_of(curve).splitlines()}
        for count in range(260, 500, 10):
            curve.show(now=series(y[:count], of=500))

        assert {line[:8] for line in text_of(curve).splitlines()} == margins


async def test_few_cells_are_painted_for_a_few_new_points() -> None:
    curve = Curve()

    async with on_stage(curve, (120, 40)):
        curve.show(now=series(FALLING[:200], of=300))
        before = [[*line] for line in segments(curve)]
        curve.show(now=series(FALLING[:202], of=300))
        after = segments(curve)

        assert sum(old != new for old, new in zip(before, after, strict=True)) <= 4


async def test_the_start_and_a_spike_do_not_squash_the_rest() -> None:
    curve = Curve()
    y = [100.0] * 3 + [2 - at / 300 for at in range(150)] + [1e9] + [1.5 - at / 300 for at in range(150)]

    async with on_stage(curve):
        curve.show(now=series(y))

        assert "1.8" in text_of(curve)
        assert "100" not in text_of(curve)


async def test_the_best_curve_is_told_by_its_dots_without_colour() -> None:
    now, best = Curve(), Curve()
    later = [value + 0.5 for value in FALLING]

    async with on_stage(now):
        now.show(now=series(FALLING))
        alone = dots(now)
    async with on_stage(best):
        best.show(now=None, best=series(later))

        assert 0 < dots(best) < 0.65 * alone
        assert "best" in text_of(best)


async def test_level_forecast_and_marks_are_named() -> None:
    curve = Curve()

    async with on_stage(curve, (100, 30)):
        curve.show(
            now=series(FALLING[:150], of=300),
            level=Level(1.1, "to beat"),
            forecast=Forecast(1.0, 1.2),
            marks=[Mark(0.3, "rule from here")],
            x_label="progress",
            x_end="100%",
        )
        text = text_of(curve)

    for word in ("now", "to beat", "forecast", "rule from here", "progress", "100%"):
        assert word in text


async def test_ascii_uses_other_glyphs_for_now_and_best() -> None:
    curve = Curve(ascii_only=True)

    async with on_stage(curve):
        curve.show(now=series(FALLING[:100], of=300), best=series(FALLING))
        text = text_of(curve)

    assert text.isascii()
    assert "***" in text
    assert "..." in text


async def test_a_hundred_thousand_points_are_drawn_in_milliseconds() -> None:
    curve = Curve()
    x = [at / 100_000 for at in range(100_000)]
    y = [3 * math.exp(-value * 5) + math.sin(value * 900) / 10 for value in x]

    async with on_stage(curve, (100, 30)):
        x_now, y_now = x[:99_990], y[:99_990]
        started = time.process_time()
        for at in range(99_990, 100_000):
            x_now.append(x[at])
            y_now.append(y[at])
            curve.show(now=Series(x_now, y_now), best=Series(x, y))
        milliseconds = (time.process_time() - started) * 100

        assert milliseconds < 80


@given(
    st.lists(st.floats(), max_size=200),
    st.integers(1, 60),
    st.floats(0.1, 1e6),
)
def test_no_extreme_is_lost_by_reducing(y: list[float], columns: int, x_max: float) -> None:
    points = Series([at * x_max / max(1, len(y)) for at in range(len(y))], y)
    finite = [value for value in y if abs(value) < 1e150]

    bins = [bin for bin in reduce(points, columns, x_max) if bin is not None]

    assert all(0 <= bin.column < columns for bin in bins)
    assert [bin.column for bin in bins] == sorted({bin.column for bin in bins})
    assert min((bin.low for bin in bins), default=None) == min(finite, default=None)
    assert max((bin.high for bin in bins), default=None) == max(finite, default=None)


@given(st.lists(st.tuples(st.floats(0, 1.2), st.floats()), max_size=60), st.lists(st.integers(0, 60)))
def test_a_growing_series_is_reduced_as_if_it_were_new(points: list[tuple[float, float]], stops: list[int]) -> None:
    points = sorted(points, key=lambda point: point[0])
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x: list[float] = []
    y: list[float] = []
    reducer = Reducer(9, 1.0)
    for stop in sorted(stops):
        x += xs[len(x) : stop]
        y += ys[len(y) : stop]
        reducer.reduce(Series(x, y))
    x += xs[len(x) :]
    y += ys[len(y) :]

    assert repr(reducer.reduce(Series(x, y))) == repr(reduce(Series(xs, ys), 9, 1.0))


def test_points_without_a_place_are_left_out() -> None:
    bins = reduce(Series([0.1, NAN, 0.9, INF], [1.0, 2.0, 3.0, 4.0]), 10, 1.0)

    assert [bin.last for bin in bins if bin] == [1.0, 3.0]


def test_a_gap_is_not_bridged() -> None:
    canvas = Canvas(10, 3, ascii_only=True)
    level = [Bin(column, 1, 1, 1, 1, 1) for column in range(10)]

    canvas.line([*level[:3], None, *level[7:]], 0, 2)

    assert [at for at in range(10) if canvas.cells[10 + at]] == [0, 1, 2, 7, 8, 9]


def test_a_moving_average_starts_at_its_first_value() -> None:
    bins = smoothed([Bin(at, value, value, value, value, value) for at, value in enumerate([5.0, 5.0, 1.0])])

    values = [bin.mean for bin in bins if bin]
    assert values[:2] == pytest.approx([5, 5])
    assert 1 < values[2] < 5


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9), st.integers(1, 60))
def test_a_scale_holds_the_data_with_at_least_one_round_label(low: float, span: float, rows: int) -> None:
    scale = choose(low, low + span, rows)

    slack = max(scale.step, abs(low) * 1e-9)
    assert scale.low <= low + slack
    assert scale.high >= low + span - slack
    assert scale.low < scale.high
    assert scale.ticks


def test_a_scale_is_kept_while_it_fits() -> None:
    scale = choose(1.0, 2.0, 20)

    assert choose(1.1, 1.9, 20, scale) is scale
    assert choose(1.1, 1.2, 20, scale) is not scale
    assert choose(1.0, 3.0, 20, scale) is not scale


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [(0, 1, ["0.0", "0.5", "1.0"]), (2.70, 2.75, ["2.70", "2.72", "2.74"]), (-5, 5, ["-5", "0", "5"])],
)
def test_labels_are_round_and_have_the_digits_they_need(low: float, high: float, labels: list[str]) -> None:
    scale = choose(low, high, 12)

    assert [scale.label(tick) for tick in scale.ticks] == labels


def test_a_few_extremes_are_clipped_and_mild_ones_are_not() -> None:
    calm = [1.0 + at / 100 for at in range(100)]

    assert useful(calm, calm) == (1.0, 1.99)
    clipped = useful([*calm, 1.5], [*calm, 1e9])
    assert clipped is not None
    assert clipped[1] < 3


def test_one_style_is_one_segment() -> None:
    """Fewer segments are fewer bytes."""
    from loopwatch.tui.widgets.curve import _runs

    assert len(_runs([Segment("a"), Segment("b"), Segment("c")])) == 1
