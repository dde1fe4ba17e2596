import math

import pytest

from loopwatch.engine.forecast import forecaster
from loopwatch.engine.forecast.record import Outcome, audited, proven, tally, wilson

from .curves import history, late_bloomers


def test_one_would_be_abort_in_twenty_is_audited() -> None:
    drawn = [audited("run", number) for number in range(20_000)]

    assert 0.04 < sum(drawn) / len(drawn) < 0.06


def test_the_draw_is_the_same_for_ever_and_another_in_another_run() -> None:
    first = [audited("one", number) for number in range(500)]

    assert [audited("one", number) for number in range(500)] == first
    assert [audited("two", number) for number in range(500)] != first


def test_nothing_is_audited_with_a_share_of_nothing_and_all_with_all() -> None:
    assert not any(audited("run", number, share=0.0) for number in range(100))
    assert all(audited("run", number, share=1.0) for number in range(100))


def test_wilsons_interval_is_the_one_in_the_books() -> None:
    share, low, high = wilson(13, 505)

    assert share == pytest.approx(0.0257, abs=1e-4)
    assert (low, high) == pytest.approx((0.0151, 0.0436), abs=2e-4)


def test_of_nothing_nothing_is_known() -> None:
    assert math.isnan(wilson(0, 0).share)
    assert wilson(0, 0)[1:] == (0.0, 1.0)


def test_the_tally_counts_what_was_seen_and_what_was_saved() -> None:
    aborted = [Outcome(number, suggested=True, finished=False, improved=None, saved_seconds=60) for number in range(19)]
    audit = Outcome(19, suggested=True, finished=True, improved=False, saved_seconds=60)
    others = [Outcome(number, suggested=False, finished=True, improved=number < 24) for number in range(20, 40)]

    counted = tally([*aborted, audit, *others])

    assert (counted.watched, counted.suggested, counted.aborted, counted.audited) == (40, 20, 19, 1)
    assert counted.saved_seconds == 19 * 60
    assert counted.base_rate.share == pytest.approx(4 / 21)
    assert counted.false_aborts.share == 0
    assert counted.false_aborts.high > 0.3
    assert "19 aborted, 19.0 min saved" in counted.sentence


def test_one_good_audited_abort_stands_for_all_that_nobody_saw() -> None:
    aborted = [Outcome(number, suggested=True, finished=False, improved=None) for number in range(18)]
    audits = [
        Outcome(18, suggested=True, finished=True, improved=True),
        Outcome(19, suggested=True, finished=True, improved=False),
    ]
    passed = [Outcome(number, suggested=False, finished=True, improved=True) for number in range(20, 30)]

    counted = tally([*aborted, *audits, *passed])

    assert counted.false_aborts.share == pytest.approx(0.5)


def test_without_an_audit_nothing_is_claimed() -> None:
    counted = tally([Outcome(1, suggested=True, finished=False, improved=None)])

    assert "not measured yet" in counted.sentence


def test_few_experiments_prove_nothing() -> None:
    proof = proven(history(6), forecaster("learned"), direction="down")

    assert not proof.proven
    assert "6 experiments ran to their end, 10 are needed" in proof.sentence


def test_a_forecaster_that_never_aborts_has_nothing_to_gain() -> None:
    proof = proven(history(30), forecaster("never"), direction="down")

    assert not proof.proven
    assert "nothing to gain" in proof.sentence


def test_a_forecaster_that_loses_improvements_stays_in_shadow() -> None:
    proof = proven(late_bloomers(30), forecaster("best-curve"), direction="down")

    assert not proof.proven
    assert proof.sentence.startswith("in shadow: back-test on 30 experiments")
    assert "more than 5%" in proof.sentence


def test_a_forecaster_that_saves_and_loses_nothing_may_decide() -> None:
    proof = proven(history(40), forecaster("learned"), direction="down")

    assert proof.proven
    assert proof.table is not None
    assert proof.table.false_aborts == 0
    assert proof.table.saved > 0
