from dataclasses import dataclass

from loopwatch.engine.forecast import Curve, Forecast, Past, Setting, forecaster
from loopwatch.engine.forecast.replay import replay, until

from .curves import SHARES, history, live


@dataclass(frozen=True)
class AbortsAll:
    """Aborts at the first look."""

    name: str = "aborts all"

    def watch(self, setting: Setting) -> "AbortsAll":
        return self

    def look(self, curve: Curve, share: float) -> Forecast:
        return Forecast(share, None, None, 0.0, 1.0, True, "no")


def ends(*finals: float) -> tuple[Past, ...]:
    return tuple(Past(number, live(end=final), final) for number, final in enumerate(finals))


def test_never_aborting_loses_and_saves_nothing() -> None:
    row = replay(history(12), forecaster("never"), direction="down")

    assert (row.false_aborts, row.true_aborts, row.saved) == (0, 0, 0.0)
    assert row.best_at_half == row.never_at_half


def test_the_first_experiment_is_never_aborted() -> None:
    row = replay(ends(3.0, 2.0, 4.0), AbortsAll(), direction="down")

    assert [turn.stop for turn in row.turns] == [None, 0.05, 0.05]


def test_an_aborted_result_stays_unknown_so_the_best_stays_stale() -> None:
    row = replay(ends(3.0, 2.0, 2.5), AbortsAll(), direction="down")

    assert [turn.good for turn in row.turns] == [False, True, True]
    assert row.false_aborts == 2


def test_a_gain_within_the_margin_is_no_improvement() -> None:
    row = replay(ends(3.0, 2.99, 2.5), forecaster("never"), direction="down", noise=0.1, margin_sigma=2)

    assert [turn.good for turn in row.turns] == [False, False, True]


def test_up_is_as_good_as_down() -> None:
    row = replay(ends(1.0, 3.0, 2.0), forecaster("never"), direction="up")

    assert [turn.good for turn in row.turns] == [False, True, False]


def test_what_was_aborted_in_life_is_left_out() -> None:
    cut = Past(9, until(live(end=1.0), 0.2), None, "aborted", 0.2)

    assert len(replay([*ends(3.0, 2.0), cut], forecaster("never"), direction="down").turns) == 2


def test_a_curve_until_a_share_holds_nothing_later() -> None:
    whole = Curve(SHARES, SHARES, (0.5, 1.0), (2.0, 1.0), (0.1, 0.9), (1.0, 0.0))

    cut = until(whole, 0.6)

    assert (len(cut.shares), cut.metrics, cut.lrs) == (60, (2.0,), (1.0,))
