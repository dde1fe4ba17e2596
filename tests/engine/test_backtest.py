"""Where the experiments of a back-test come from, its rows, and what it says of the promise."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine import events
from loopwatch.engine.backtest import Loop, backtest, loop_of, loops_in
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.forecast import Past, Reading, curve
from loopwatch.engine.state import State
from loopwatch.engine.telemetry import Point
from tests.engine import facts

SHARES = [step / 20 for step in range(1, 21)]


def level(experiment: int, loss: float) -> list[Point]:
    """A flat curve over the whole budget of a hundred steps."""
    return [
        Point(step, experiment, 1, float(step), step, None, loss, None, None, None) for step in range(5, 105, 5)
    ]  # fmt: skip


LEVELS = {1: 2.0, 2: 2.5, 3: 1.5, 4: 1.8, 5: 1.4, 6: 1.0, 7: 1.3}


def a_run() -> State:
    """A baseline of 3, then: better but with the worse curve; better; worse; better within the noise; aborted; not believed."""
    return facts.folded(
        facts.opened(),
        facts.engine(),
        *facts.life(1, value=3.0),
        *facts.life(2, value=2.9),
        *facts.life(3, value=2.8),
        *facts.life(4, "discarded", 3.1),
        *facts.life(5, "discarded", 2.79),
        *facts.life(6, "aborted", None),
        *facts.life(7, "voided", 0.5),
    )


def points(experiment: int) -> list[Point]:
    return level(experiment, LEVELS[experiment])


def loop(finals: Iterable[float], *, sign: float = 1.0, direction: Any = "down") -> Loop:
    """Flat curves at the final metric, or at its mirror image."""
    made = [
        Past(number, curve(Reading(share, loss=sign * final) for share in SHARES), final)
        for number, final in enumerate(finals, start=1)
    ]
    return Loop(tuple(made), direction)


def up_and_down(pairs: int) -> list[float]:
    """A baseline, then better and worse by turns."""
    return [10.0, *(value for step in range(1, pairs + 1) for value in (10.0 - step / 100, 12.0))]


def test_a_run_that_nothing_is_aborted_in_has_its_own_figures() -> None:
    table = backtest([loop_of(a_run(), points, margin_sigma=2)], ["never"], promised=0.05)

    (row,) = table.rows
    assert (table.loops, table.experiments, table.left_out) == (1, 6, 1)
    assert (row.good, row.false_aborts, row.bad, row.true_aborts) == (2, 0, 3, 0)
    assert (row.saved, row.best, row.best_without, row.ahead, row.behind) == (0, 2.8, 2.8, 0, 0)
    assert row.false_rate == pytest.approx((0, 0, 0.6576), abs=1e-3)


def test_the_best_curve_loses_what_improves_late_and_saves_three_quarters_of_each() -> None:
    table = backtest([loop_of(a_run(), points, margin_sigma=2)], ["best-curve"], promised=0.05)

    (row,) = table.rows
    assert (row.good, row.false_aborts, row.bad, row.true_aborts) == (2, 1, 3, 1)
    assert row.saved == pytest.approx(2 * 0.75 / 6)
    assert (row.best, row.best_without) == (2.8, 2.8)
    assert row.false_rate == pytest.approx((0.5, 0.0945, 0.9055), abs=1e-3)


def test_a_number_that_was_not_believed_is_no_number_to_beat() -> None:
    made = loop_of(a_run(), points, margin_sigma=2)

    assert [(past.number, past.final, past.ended) for past in made.experiments if past.number > 4] == [
        (5, 2.79, "measured"),
        (7, None, "failed"),
    ]


def test_loops_are_replayed_one_by_one_and_added_up() -> None:
    one = backtest([loop([3.0, 2.0, 4.0])], ["best-curve"], promised=0.05).rows[0]
    two = backtest([loop([3.0, 2.0, 4.0])] * 2, ["best-curve"], promised=0.05).rows[0]

    assert (one.good, one.bad, one.true_aborts) == (1, 1, 1)
    assert (two.good, two.bad, two.true_aborts) == (2, 2, 2)
    assert one.saved == pytest.approx(two.saved) == pytest.approx(0.25)
    assert (one.best_without, two.best_without) == (3.0, None)


def test_who_saves_time_on_bad_ones_is_ahead_at_equal_time() -> None:
    table = backtest([loop([3.0, 4.0, 2.0, 4.0])], ["best-curve", "never"], promised=0.05)

    saving, never = table.rows
    assert (saving.best, saving.best_without, saving.ahead) == (3.0, 3.0, 0)
    assert (never.ahead, never.behind) == (0, 0)

    longer = backtest([loop([3.0, 4.0, 4.0, 2.0, 4.0, 4.0])], ["best-curve"], promised=0.05).rows[0]
    assert (longer.best, longer.best_without, longer.ahead, longer.behind) == (2.0, 3.0, 1, 0)


@pytest.mark.parametrize(
    ("made", "name", "verdict"),
    [
        (loop([3.0]), "best-curve", "too_few"),
        (loop(up_and_down(4)), "best-curve", "too_few"),
        (loop([10.0] * 30), "best-curve", "too_few"),
        (loop(up_and_down(6)), "best-curve", "unproved"),
        (loop(up_and_down(6)), "never", "idle"),
        (loop(up_and_down(6), sign=-1), "best-curve", "broken"),
        (loop(up_and_down(80)), "best-curve", "kept"),
    ],
)
def test_the_verdict_says_what_the_data_can_say(made: Loop, name: str, verdict: str) -> None:
    assert backtest([made], [name], promised=0.05).verdict == verdict


def test_ours_is_judged_wherever_it_stands_and_else_the_first() -> None:
    made = [loop([3.0, 2.0, 4.0])]

    assert backtest(made, ["never", "learned"], promised=0.05).judged.forecaster == "learned"
    assert backtest(made, ["median", "never"], promised=0.05).judged.forecaster == "median"


def test_a_promise_of_one_in_twenty_takes_seventy_three_improvements_to_prove() -> None:
    assert backtest([loop([3.0])], ["never"], promised=0.05).to_prove == 73


def test_a_forecaster_named_twice_is_one_row() -> None:
    table = backtest([loop([3.0])], ["never", "median", "never"], promised=0.05)

    assert [row.forecaster for row in table.rows] == ["never", "median"]


def test_a_forecaster_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="there is no forecaster 'nose'; there are: learned, power-law"):
        backtest([loop([3.0])], ["never", "nose"], promised=0.05)


@pytest.mark.parametrize("state", [State(), facts.folded(facts.opened(), *facts.life(1, "aborted", None))])
def test_a_run_of_which_nothing_ended_is_told_to_come_back(state: State) -> None:
    made = loop_of(state, lambda _: [], margin_sigma=2)

    with pytest.raises(ConfigError, match="no experiment has run to its end yet"):
        backtest([made], ["never"], promised=0.05)


def test_progress_is_told_before_each_loop_over_all_forecasters() -> None:
    heard: list[tuple[str, int, int]] = []

    backtest(
        [loop([3.0, 2.0]), loop([3.0])],
        ["never", "median"],
        promised=0.05,
        progress=lambda name, done, total: heard.append((name, done, total)),
    )

    assert heard == [("never", 0, 6), ("never", 2, 6), ("median", 3, 6), ("median", 5, 6)]


def test_a_vetoed_proposal_is_no_experiment() -> None:
    vetoed = events.Judged(experiment=2, verdict="vetoed", reason="no", by="anna")
    state = facts.folded(facts.opened(), *facts.life(1), *facts.proposed(2), vetoed)

    made = loop_of(state, points, margin_sigma=2)

    assert ([past.number for past in made.experiments], made.left_out) == ([1], 0)


# A file of curves.


def line(order: int, final: float | None, **more: Any) -> dict[str, Any]:
    """One experiment of ten seconds, whose loss is five and then four."""
    return {
        "id": f"a/{order}", "episode": "a", "order": order, "budget": 10.0, "direction": "min", "final": final,
        "times": [4.0, 8.0], "losses": [5.0, 4.0], **more,
    }  # fmt: skip


def written(path: Path, *lines: dict[str, Any] | str) -> Path:
    texts = [each if isinstance(each, str) else json.dumps(each) for each in lines]
    data = "".join(f"{text}\n" for text in texts).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["curves.jsonl", "curves.jsonl.gz"])
def test_a_file_s_experiments_are_taken_in_their_order_episode_by_episode(tmp_path: Path, name: str) -> None:
    path = written(
        tmp_path / name,
        line(7, 2.0),
        line(1, 0.5, episode="b", direction="max"),
        "",
        line(3, 3.0, vals=[3.5], val_times=[6.0], loss_to_metric=0.5),
    )

    a, b = loops_in(path)

    assert [(past.number, past.final) for past in a.experiments] == [(1, 3.0), (2, 2.0)]
    assert (a.direction, b.direction, a.left_out) == ("down", "up", 0)
    first = a.experiments[0].curve
    assert (first.shares, first.losses, first.loss_to_metric) == ((0.4, 0.8), (5.0, 4.0), 0.5)
    assert (first.metric_shares, first.metrics) == ((0.6,), (3.5,))


@pytest.mark.parametrize(
    ("given", "final", "ended", "stop"),
    [
        (line(1, 2.0), 2.0, "measured", 1.0),
        (line(1, 2.0, duration=9.0), 2.0, "measured", 0.9),
        (line(1, 2.0, duration=11.0), 2.0, "measured", 1.0),
        (line(1, None), None, "failed", 0.8),
        (line(1, None, duration=8.5), None, "failed", 0.85),
        (line(1, None, times=[], losses=[]), None, "failed", 0.0),
        (line(1, float("nan")), None, "failed", 0.8),
        (line(1, None, losses=[5.0, None]), None, "failed", 0.8),
    ],
)
def test_an_experiment_ends_where_its_line_says(
    tmp_path: Path, given: dict[str, Any], final: float | None, ended: str, stop: float
) -> None:
    ((past,),) = [made.experiments for made in loops_in(written(tmp_path / "curves.jsonl", given))]

    assert (past.final, str(past.ended)) == (final, ended)
    assert past.stop == pytest.approx(stop)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "Invalid JSON"),
        ("[1, 2]", "Input should be an object"),
        ('{"episode": "a"}', "order: Field required"),
        (line(2, 2.0, direction="down"), "direction: Input should be 'min' or 'max'"),
        (line(2, 2.0, direction="max"), "direction is max, unlike before in episode a"),
        (line(2, 2.0, budget=0), "budget: Input should be greater than 0"),
        (line(2, 2.0, times=[1.0]), "times and losses must be equally long"),
        (line(2, 2.0, vals=[1.0]), "val_times and vals must be equally long"),
        (line(2, 2.0, times=[1.0, None]), "times: Input should be a valid number"),
        (line(2, 2.0, times=[1.0, float("inf")]), "times: Input should be a finite number"),
        ('{"episode": "\xff', "Invalid JSON"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_the_way_out(
    tmp_path: Path, bad: dict[str, Any] | str, said: str
) -> None:
    path = written(tmp_path / "curves.jsonl", line(1, 2.0), bad, line(3, 1.0))

    with pytest.raises(ConfigError) as caught:
        loops_in(path)

    assert f"{path} line 2: " in str(caught.value)
    assert said in str(caught.value)
    assert "repair or delete it" in str(caught.value)


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: No such file or directory; name a \.jsonl"):
        loops_in(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("kept", [slice(5, None), slice(None, -9)], ids=["its head", "its tail"])
def test_a_gzip_file_without_its_head_or_its_tail_cannot_be_read(tmp_path: Path, kept: slice) -> None:
    path = written(tmp_path / "curves.jsonl.gz", line(1, 2.0), line(2, 1.0))
    path.write_bytes(path.read_bytes()[kept])

    with pytest.raises(ConfigError, match=r"curves\.jsonl\.gz cannot be read: it is no whole gzip file"):
        loops_in(path)


def test_an_empty_file_has_nothing_to_replay(tmp_path: Path) -> None:
    path = written(tmp_path / "curves.jsonl")

    with pytest.raises(ConfigError, match="nothing to replay"):
        backtest(loops_in(path), ["never"], promised=0.05)
