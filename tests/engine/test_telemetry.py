"""Curves and streamed text beside the ledger."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine.errors import LedgerError
from loopwatch.engine.records import Sample
from loopwatch.engine.telemetry import Telemetry


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Telemetry]:
    telemetry = Telemetry.of(tmp_path)
    yield telemetry
    telemetry.close()


@pytest.fixture
def viewer(tmp_path: Path, engine: Telemetry) -> Iterator[Telemetry]:
    telemetry = Telemetry.of(tmp_path)
    yield telemetry
    telemetry.close()


def test_nothing_is_seen_before_the_flush_and_all_of_it_after(engine: Telemetry, viewer: Telemetry) -> None:
    engine.add_samples(2, 1, 0.5, [Sample(step=step, loss=3.0 - step) for step in range(3)])
    engine.add_thought(2, "hm")
    before = (viewer.points(2), viewer.thoughts(2))

    engine.flush()

    assert before == ([], [])
    assert [(point.step, point.loss, point.attempt, point.at) for point in viewer.points(2)] == [
        (0, 3.0, 1, 0.5),
        (1, 2.0, 1, 0.5),
        (2, 1.0, 1, 0.5),
    ]
    assert [thought.text for thought in viewer.thoughts(2)] == ["hm"]


def test_every_number_of_a_sample_comes_back(engine: Telemetry, viewer: Telemetry) -> None:
    engine.add_samples(2, 3, 1.5, [Sample(step=7, progress=0.25, loss=2.5, metric=2.25, lr_multiplier=0.5, speed=1e6)])
    engine.flush()

    (point,) = viewer.points(2)
    assert point[1:] == (2, 3, 1.5, 7, 0.25, 2.5, 2.25, 0.5, 1e6)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_comes_back_as_nan(engine: Telemetry, viewer: Telemetry, loss: float) -> None:
    engine.add_samples(2, 1, 0, [Sample(step=1, loss=loss), Sample(step=2)])
    engine.flush()

    bad, absent = viewer.points(2)
    assert bad.loss is not None
    assert math.isnan(bad.loss)
    assert absent.loss is None


def test_other_numbers_that_are_not_finite_are_left_out(engine: Telemetry, viewer: Telemetry) -> None:
    engine.add_samples(
        2, 1, 0, [Sample(step=1, progress=math.inf, loss=1.0, metric=math.nan, lr_multiplier=math.nan, speed=math.inf)]
    )
    engine.flush()

    (point,) = viewer.points(2)
    assert (point.progress, point.loss, point.metric, point.lr, point.speed) == (None, 1.0, None, None, None)


def test_a_viewer_reads_on_from_where_it_was(engine: Telemetry, viewer: Telemetry) -> None:
    engine.add_samples(2, 1, 0, [Sample(step=1, loss=1.0)])
    engine.flush()
    seen = viewer.points(2)[-1].id
    engine.add_samples(3, 1, 0, [Sample(step=1, loss=9.0)])
    engine.add_samples(2, 1, 0, [Sample(step=2, loss=0.5)])
    engine.flush()

    assert [point.step for point in viewer.points(2, after=seen)] == [2]


def test_pieces_of_one_thought_become_one_row_per_flush(engine: Telemetry, viewer: Telemetry) -> None:
    for piece in ("I ", "think ", "so"):
        engine.add_thought(2, piece)
    engine.add_thought(3, "other")
    engine.add_thought(2, "; yes")
    engine.flush()

    assert [thought.text for thought in viewer.thoughts(2)] == ["I think so", "; yes"]
    assert [thought.text for thought in viewer.thoughts(3)] == ["other"]


def test_a_thought_that_is_no_unicode_is_kept_as_far_as_it_is(engine: Telemetry, viewer: Telemetry) -> None:
    engine.add_thought(2, "so \ud83d")
    engine.flush()

    assert [thought.text for thought in viewer.thoughts(2)] == ["so ?"]


def test_closing_writes_what_was_kept(tmp_path: Path, viewer: Telemetry) -> None:
    engine = Telemetry.of(tmp_path)
    engine.add_thought(1, "last words")
    engine.close()

    assert [thought.text for thought in viewer.thoughts(1)] == ["last words"]


def test_telemetry_that_cannot_be_read_is_a_ledger_error(tmp_path: Path) -> None:
    telemetry = Telemetry.of(tmp_path)
    telemetry.close()

    with pytest.raises(LedgerError, match="the ledger cannot be read"):
        telemetry.points(1)
    with pytest.raises(LedgerError, match="the ledger cannot be read"):
        telemetry.thoughts(1)
