import math
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwatch.engine.forecast import FORECASTERS, Curve, Direction, Past, Reading, Setting, curve, forecaster

from .curves import SHARES, good_run, history, live, run_of

LOOKS = [0.1, 0.25, 0.5, 0.75, 0.95]


def looks(setting: Setting, running: Curve, *, name: str = "learned") -> list[bool]:
    watch = forecaster(name).watch(setting)
    return [watch.look(running, share).abort for share in LOOKS]


def test_a_hopeless_curve_is_aborted_and_the_sentence_says_why() -> None:
    setting = Setting("down", history(20), best=2.0, budget=60.0)

    forecast = forecaster("learned").watch(setting).look(live(end=4.0), 0.5)

    assert forecast.abort
    assert forecast.p_better < forecast.abort_below
    assert forecast.reason.startswith("would end at ")
    assert "best is 2.0" in forecast.reason
    assert forecast.reason.endswith("30 s saved")


def test_a_curve_as_good_as_the_best_is_left_alone() -> None:
    assert not any(looks(Setting("down", history(20), best=2.0), live(end=1.99)))


def test_a_curve_that_is_no_number_any_more_is_aborted_at_the_next_check() -> None:
    setting = Setting("down", history(3), best=2.0)
    running = replace(live(end=1.9), losses=tuple(math.nan if share > 0.3 else 2.0 for share in SHARES))
    watch = forecaster("learned").watch(setting)

    assert not watch.look(running, 0.3).abort
    assert watch.look(running, 0.35).abort
    assert "no longer a number" in watch.look(running, 0.35).reason


def test_one_bad_reading_among_good_ones_aborts_nothing() -> None:
    losses = list(live(end=1.9).losses)
    losses[50] = math.nan
    running = replace(live(end=1.9), losses=tuple(losses))

    assert not any(looks(Setting("down", history(20), best=2.0), running))


def test_a_curve_that_is_flat_and_then_drops_survives() -> None:
    bloomers = tuple(
        run_of(number, flat_until=0.55 + 0.02 * (number % 5), end=2.0 + 0.02 * number) for number in range(15)
    )
    late = curve([Reading(share, loss=3.0 if share < 0.6 else 3.0 - 1.1 * (share - 0.6) / 0.4) for share in SHARES])

    assert not any(looks(Setting("down", bloomers, best=2.0), late))


def test_without_history_nothing_is_aborted_and_nothing_is_promised() -> None:
    forecast = forecaster("learned").watch(Setting("down")).look(live(end=4.0), 0.5)

    assert not forecast.abort
    assert forecast.mean is None
    assert "too little to compare" in forecast.reason


def test_the_second_experiment_of_a_run_is_not_judged_finely() -> None:
    setting = Setting("down", history(1), best=2.0)

    assert not any(looks(setting, live(end=2.05)))


def test_more_history_makes_the_interval_narrower() -> None:
    few, many = (
        forecaster("learned").watch(Setting("down", history(n), best=2.0)).look(live(end=2.2), 0.5) for n in (3, 40)
    )

    assert few.sd is not None
    assert many.sd is not None
    assert many.sd < few.sd


def test_the_measured_noise_is_part_of_the_interval() -> None:
    quiet, loud = (
        forecaster("learned").watch(Setting("down", history(20), best=2.0, noise=noise)).look(live(end=2.2), 0.5)
        for noise in (None, 0.5)
    )

    assert quiet.sd is not None
    assert loud.sd == pytest.approx(math.hypot(quiet.sd, 0.5))


def test_a_metric_that_is_better_higher_gives_the_same_decisions() -> None:
    up = tuple(replace(past, final=-past.final) for past in history(20) if past.final is not None)

    for end in (1.95, 2.1, 2.6, 4.0):
        down_looks = looks(Setting("down", history(20), best=2.0), live(end=end))
        assert looks(Setting("up", up, best=-2.0), live(end=end)) == down_looks


@pytest.mark.parametrize("name", FORECASTERS)
def test_the_order_in_which_history_is_given_does_not_matter(name: str) -> None:
    shuffled = list(history(20))
    random.Random(1).shuffle(shuffled)

    for end in (1.9, 2.2, 3.0):
        there = Setting("down", history(20), best=2.0)
        assert looks(replace(there, history=tuple(shuffled)), live(end=end), name=name) == looks(
            there, live(end=end), name=name
        )


@pytest.mark.parametrize("name", FORECASTERS)
@pytest.mark.parametrize("direction", ["down", "up"])
def test_every_forecaster_answers_whatever_the_curve(name: str, direction: Direction) -> None:
    odd = [
        Curve(),
        curve([Reading(0.1, loss=math.nan)]),
        curve([Reading(0.1, loss=math.inf), Reading(0.2, loss=1e300)]),
        curve([Reading(0.2, metric=1.0)]),
        curve([Reading(share, loss=2.0) for share in SHARES]),
        live(end=2.0),
    ]
    broken = (
        Past(50, Curve(), 2.5),
        Past(51, odd[1], None, "failed", 0.2),
        Past(52, live(end=3.0), None, "aborted", 0.3),
        Past(53, odd[4], 2.0),
    )
    for setting in (
        Setting(direction),
        Setting(direction, broken, best=2.0),
        Setting(direction, broken[:1], best=2.5),
        Setting(direction, (*history(6), *broken), best=2.0),
    ):
        watch = forecaster(name).watch(setting)
        for running in odd:
            for share in (0.0, *LOOKS, 1.0):
                forecast = watch.look(running, share)
                assert 0.0 <= forecast.p_better <= 1.0
                assert forecast.reason


@settings(max_examples=30, deadline=None)
@given(
    shift=st.floats(-5, 5),
    end=st.floats(1.5, 4),
    seed=st.integers(0, 5),
)
def test_adding_a_constant_to_losses_and_metrics_changes_no_decision(shift: float, end: float, seed: int) -> None:
    def moved(whole: Curve) -> Curve:
        return replace(whole, losses=tuple(loss + shift for loss in whole.losses))

    past = history(12, seed=seed)
    moved_past = tuple(replace(each, curve=moved(each.curve), final=(each.final or 0) + shift) for each in past)
    watch = forecaster("learned").watch(Setting("down", past, best=2.0))
    moved_watch = forecaster("learned").watch(Setting("down", moved_past, best=2.0 + shift))
    running = live(end=end, seed=seed)

    for share in LOOKS:
        here, there = watch.look(running, share), moved_watch.look(moved(running), share)
        assert there.p_better == pytest.approx(here.p_better, abs=0.02)
        if abs(here.p_better - here.abort_below) > 0.02:
            assert there.abort == here.abort


@settings(max_examples=30, deadline=None)
@given(budget=st.floats(1e-3, 1e6), unit=st.sampled_from(["s", "steps", "checkpoints"]))
def test_the_unit_of_time_changes_no_decision(budget: float, unit: str) -> None:
    for end in (1.9, 2.2, 4.0):
        usual = looks(Setting("down", history(12), best=2.0), live(end=end))
        assert looks(Setting("down", history(12), best=2.0, budget=budget, unit=unit), live(end=end)) == usual


@settings(max_examples=30, deadline=None)
@given(doubled=st.sets(st.integers(0, 99)), late=st.integers(0, 99), seed=st.integers(0, 99))
def test_points_that_come_twice_or_in_disorder_change_nothing(doubled: set[int], late: int, seed: int) -> None:
    readings = [Reading(share, loss=loss) for share, loss in zip(SHARES, live(end=2.3).losses, strict=True)]
    shuffled = [*readings, *(readings[i] for i in doubled)]
    random.Random(seed).shuffle(shuffled)
    one_late = [*readings[:late], *readings[late + 1 : late + 9], readings[late], *readings[late + 9 :]]

    assert curve(shuffled) == curve(readings)
    assert curve(one_late) == curve(readings)


@settings(max_examples=20, deadline=None)
@given(missing=st.sets(st.integers(0, 99), max_size=60), end=st.sampled_from([1.8, 4.5]))
def test_missing_points_do_not_change_a_clear_decision(missing: set[int], end: float) -> None:
    whole = live(end=end)
    kept = [i for i in range(len(SHARES)) if i not in missing]
    thinned = replace(whole, shares=tuple(SHARES[i] for i in kept), losses=tuple(whole.losses[i] for i in kept))
    setting = Setting("down", history(20), best=2.0)

    assert any(looks(setting, thinned)) == (end > 2.0)


def test_after_a_restart_of_the_clock_only_the_last_attempt_counts() -> None:
    first = [Reading(share, loss=9.0) for share in SHARES[:40]]
    second = [Reading(share, loss=loss) for share, loss in zip(SHARES, live(end=2.0).losses, strict=True)]

    assert curve([*first, *second]) == live(end=2.0)


def test_what_comes_after_the_look_is_not_looked_at() -> None:
    setting = Setting("down", history(20), best=2.0)
    diverges = replace(
        live(end=1.9),
        losses=tuple(50.0 if share > 0.52 else loss for share, loss in zip(SHARES, live(end=1.9).losses, strict=True)),
    )

    here, there = (forecaster("learned").watch(setting).look(running, 0.5) for running in (live(end=1.9), diverges))

    assert here == there


def test_a_loss_on_another_scale_is_compared_on_the_metrics_scale() -> None:
    known = tuple(replace(past, curve=replace(past.curve, loss_to_metric=1.0)) for past in history(20))
    other = replace(good_run(), losses=tuple(3 * loss for loss in good_run().losses), loss_to_metric=1 / 3)

    assert not any(looks(Setting("down", known, best=2.0), other))


def test_a_learning_rate_that_has_yet_to_fall_buys_patience() -> None:
    known = tuple(
        replace(past, curve=replace(past.curve, lr_shares=(0.0, 0.4), lrs=(1.0, 0.2))) for past in history(20)
    )
    watch = forecaster("learned").watch(Setting("down", known, best=2.0))

    lowered, high = (watch.look(replace(live(end=2.4), lr_shares=(0.0,), lrs=(lr,)), 0.6) for lr in (0.2, 0.8))

    assert high.p_better == lowered.p_better
    assert high.abort_below == pytest.approx(lowered.abort_below / 4)


def test_aborts_in_a_row_make_the_next_one_harder() -> None:
    aborted = tuple(Past(100 + i, live(end=3.0), None, "aborted", 0.2) for i in range(4))
    fresh, stale = (
        forecaster("learned").watch(Setting("down", (*history(20), *more), best=2.0)).look(live(end=2.4), 0.6)
        for more in ((), aborted)
    )

    assert stale.abort_below == pytest.approx(fresh.abort_below / 2)


def test_who_leads_early_is_not_aborted_in_the_first_half() -> None:
    watch = forecaster("learned").watch(Setting("down", history(20), best=2.0))

    assert watch.look(live(end=1.9), 0.3).abort_below == 0


def test_an_unknown_forecaster_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"there is no forecaster 'oracle'; there are: learned, power-law"):
        forecaster("oracle")


def test_naming_the_forecasters_loads_no_numpy() -> None:
    script = "import sys, loopwatch.engine.forecast; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
