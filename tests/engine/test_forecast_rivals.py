import numpy as np
import pytest

from loopwatch.engine.forecast import Setting, forecaster
from loopwatch.engine.forecast.power_law import fit

from .curves import SHARES, history, live


def test_a_power_law_is_found_again() -> None:
    shares = np.array(SHARES)

    found = fit(shares, 0.7 * shares**-0.5 + 2.0)

    assert found is not None
    assert found.at(1.0) == pytest.approx(2.7, abs=0.05)
    assert found.at(2.0) == pytest.approx(0.7 * 2**-0.5 + 2.0, abs=0.1)


def test_four_points_are_too_few_for_a_power_law() -> None:
    assert fit(np.array([0.1, 0.2, 0.3, 0.4]), np.array([4.0, 3.0, 2.5, 2.2])) is None


def test_the_power_law_cannot_see_that_the_loss_falls_at_the_end() -> None:
    watch = forecaster("power-law").watch(Setting("down", history(20), best=2.0))

    forecast = watch.look(live(end=1.98), 0.6)

    assert forecast.abort
    assert forecast.mean is not None
    assert forecast.mean > 2.1


@pytest.mark.parametrize(("name", "share"), [("best-curve", 0.5), ("median", 0.5), ("halving", 0.35)])
def test_the_rivals_abort_what_is_far_behind_and_keep_what_is_ahead(name: str, share: float) -> None:
    watch = forecaster(name).watch(Setting("down", history(20), best=2.0))

    assert watch.look(live(end=3.5), share).abort
    assert not watch.look(live(end=1.8), share).abort


def test_the_median_pruner_waits_for_five_finished_experiments() -> None:
    watch = forecaster("median").watch(Setting("down", history(4), best=2.0))

    assert not watch.look(live(end=3.5), 0.5).abort


def test_never_never_aborts() -> None:
    watch = forecaster("never").watch(Setting("down", history(20), best=2.0))

    assert not any(watch.look(live(end=9.0), share).abort for share in SHARES)
