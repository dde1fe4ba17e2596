"""The table of a comparison, and what it says of the levels."""

from collections.abc import Sequence
from dataclasses import replace

from loopwatch.engine.task import Metric
from loopwatch.tui.matrix import Outcome, as_csv, as_json, sentences, table

APPLES = Metric(name="apples", direction="up", noise=0)
LOSS = Metric(name="loss", direction="down")


def outcomes(level: str, hidden: Sequence[float | None], *, best: float = 30) -> list[Outcome]:
    return [
        Outcome(
            task="snake",
            level=level,
            repeat=repeat,
            run=f"snake-{level}-{repeat}",
            ended="experiments",
            experiments=30,
            kept=3,
            start=7.0,
            best=best,
            hidden_start=6.0,
            hidden=value,
            problem="",
            usd=0.25,
            cpu_seconds=12,
            seconds=60,
        )
        for repeat, value in enumerate(hidden, start=1)
    ]


def test_each_level_is_a_row_with_its_spread_over_the_repeats() -> None:
    rows = table(APPLES, [*outcomes("simple", [20.0, 22.0]), *outcomes("arena:1v1", [30.0, 31.0])])

    assert [row.split()[0] for row in rows] == ["LEVEL", "simple", "arena:1v1"]
    assert "21 ± 1.4" in rows[1]
    assert "+15 ± 1.4" in rows[1]
    assert "$0.50" in rows[1]


def test_a_difference_beyond_its_error_tells_two_levels_apart() -> None:
    said = sentences(APPLES, [*outcomes("simple", [20.0, 22.0, 21.0]), *outcomes("arena:1v1", [30.0, 31.0, 29.0])])

    assert said[0] == "Compared on the hidden tests, 3 repeats:"
    assert said[1].strip().startswith("arena:1v1 is better than simple: +9")


def test_two_repeats_have_to_differ_more_than_many() -> None:
    few = [*outcomes("simple", [20.0, 22.0]), *outcomes("reviewer", [24.0, 26.0])]
    more = [*outcomes("simple", [20.0, 22.0] * 3), *outcomes("reviewer", [24.0, 26.0] * 3)]

    assert "is not told apart from" in sentences(APPLES, few)[1]
    assert "reviewer is better than simple" in sentences(APPLES, more)[1]


def test_less_is_better_where_the_metric_says_so() -> None:
    said = sentences(LOSS, [*outcomes("simple", [20.0, 22.0, 21.0]), *outcomes("reviewer", [30.0, 31.0, 29.0])])

    assert "reviewer is worse than simple" in said[1]


def test_a_difference_within_its_error_is_said_to_be_none() -> None:
    said = sentences(APPLES, [*outcomes("simple", [20.0, 30.0]), *outcomes("reviewer", [22.0, 30.0])])

    assert "reviewer is not told apart from simple" in said[1]


def test_one_repeat_tells_nothing_apart() -> None:
    said = sentences(APPLES, [*outcomes("simple", [20.0]), *outcomes("reviewer", [40.0])])

    assert "came to +20 beside simple, once" in said[1]
    assert "One repeat shows no spread" in said[-1]


def test_without_a_number_nothing_is_compared() -> None:
    cells = [*outcomes("simple", [20.0]), *(replace(one, best=None) for one in outcomes("reviewer", [None]))]

    assert "reviewer cannot be compared with simple" in sentences(APPLES, cells)[1]


def test_what_was_not_measured_on_the_hidden_tests_is_not_compared_by_another_number() -> None:
    said = sentences(APPLES, [*outcomes("simple", [20.0, 21.0]), *outcomes("reviewer", [None, 20.0], best=99)])

    assert "reviewer came to -0.5 beside simple" in said[1]


def test_every_cell_is_a_line_of_the_exports() -> None:
    cells = [*outcomes("simple", [20.0]), *outcomes("reviewer", [None])]

    assert as_csv(cells).splitlines()[0].startswith("task,level,repeat,run,")
    assert len(as_csv(cells).splitlines()) == 3
    assert as_json(APPLES, cells)["cells"][1]["hidden"] is None
