"""What counts as a number, and when a number counts as better."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine.confirm import Entrant
from loopwatch.engine.events import Measured
from loopwatch.engine.judging.judge import (
    HOPELESS_AFTER,
    Field,
    Judgement,
    doubts,
    hopeless,
    judge,
    judge_field,
    measurement,
    show,
    too_dear,
    unrivalled,
)
from loopwatch.engine.noise import Noise
from loopwatch.engine.task import Metric
from tests.engine import facts

DOWN = Metric(name="val_bpb", direction="down", low=0.3, high=8.5, noise=0.01)
UP = Metric(name="score", direction="up", low=0, high=1, noise=0.01)
ANY_FLOAT = st.floats()


def judgement(value: float | None, best: float | None, metric: Metric = DOWN, **more: Any) -> Judgement:
    measured = Measured(experiment=2, attempt=1, value=value, **more)
    return judge(metric, measured=measured, finished=facts.finished(2), best=best, margin_sigma=2)


def test_one_plain_number_in_range_is_a_measurement() -> None:
    assert measurement(DOWN, ["2.731204"]) == (2.731204, "")


@pytest.mark.parametrize(
    ("printed", "problem"),
    [
        ([], "the evaluator printed no line val_bpb: NUMBER"),
        (["2.0", "1.0"], "the evaluator printed val_bpb 2 times"),
        (["nan"], "the evaluator printed val_bpb: nan, which is not finite"),
        (["-inf"], "the evaluator printed val_bpb: -inf, which is not finite"),
        (["1e999"], "the evaluator printed val_bpb: 1e999, which is not finite"),
        (["٢.٥"], "the evaluator printed val_bpb: ٢.٥, which is no number"),
        (["\uff12.5"], "the evaluator printed val_bpb: \uff12.5, which is no number"),
        (["1_0"], "the evaluator printed val_bpb: 1_0, which is no number"),
        (["0x2"], "the evaluator printed val_bpb: 0x2, which is no number"),
        (["1e-400"], "the evaluator printed val_bpb: 1e-400, which is no number"),
        (["0.000e-9991"], "the evaluator printed val_bpb: 0.000e-9991, which is no number"),
        (["1e0400"], "the evaluator printed val_bpb: 1e0400, which is no number"),
        (["."], "the evaluator printed val_bpb: ., which is no number"),
        (["infinite"], "the evaluator printed val_bpb: infinite, which is no number"),
        (["good"], "the evaluator printed val_bpb: good, which is no number"),
        ([""], "the evaluator printed val_bpb: , which is no number"),
    ],
)
def test_what_is_no_number_is_a_problem_in_words(printed: list[str], problem: str) -> None:
    assert measurement(DOWN, printed) == (None, problem)


@pytest.mark.parametrize(
    ("metric", "text", "scope"),
    [
        (DOWN, "0.0", "0.3 … 8.5"),
        (DOWN, "-1", "0.3 … 8.5"),
        (DOWN, "9", "0.3 … 8.5"),
        (DOWN.model_copy(update={"high": None}), "0.1", "0.3 … ∞"),
        (UP.model_copy(update={"low": None}), "1.01", "−∞ … 1"),
    ],
)
def test_a_number_that_is_too_good_to_be_true_is_kept_with_its_problem(metric: Metric, text: str, scope: str) -> None:
    value, problem = measurement(metric, [text])

    assert value == float(text)
    assert problem == f"{metric.name} {float(text):g} is outside the plausible range {scope}"


@given(st.text())
def test_whatever_the_evaluator_prints_a_number_without_a_problem_is_finite_and_plausible(text: str) -> None:
    value, problem = measurement(DOWN, [text])

    assert problem or (value is not None and math.isfinite(value) and DOWN.plausible(value))


def test_a_gain_beyond_the_noise_is_kept_and_says_by_how_much() -> None:
    result = judgement(1.95, best=2.0)

    assert result.verdict == "kept"
    assert result.reason == "kept: 2.0000 → 1.9500, 5.0 σ better than noise"
    assert result.gain == pytest.approx(0.05)
    assert result.sigma == pytest.approx(5)


def test_a_gain_within_the_noise_is_discarded_and_says_so() -> None:
    result = judgement(1.99, best=2.0)

    assert result.verdict == "discarded"
    assert result.reason == "discarded: 2.0000 → 1.9900 is better by 0.0100, within the noise (1.0 σ)"


def test_a_worse_number_is_discarded_with_its_distance() -> None:
    result = judgement(2.05, best=2.0)

    assert result.verdict == "discarded"
    assert result.reason == "discarded: 2.0000 → 2.0500 is worse by 0.0500 (5.0 σ)"


def test_the_same_number_is_no_gain() -> None:
    result = judgement(2.0, best=2.0)

    assert (result.verdict, result.reason) == ("discarded", "discarded: 2.0000 is exactly the best so far")


def test_where_up_is_better_a_larger_number_is_kept() -> None:
    assert judgement(0.9, best=0.8, metric=UP).verdict == "kept"
    assert judgement(0.7, best=0.8, metric=UP).verdict == "discarded"


def test_without_a_known_noise_any_gain_is_kept_and_the_sentence_admits_it() -> None:
    result = judgement(1.9999, best=2.0, metric=DOWN.model_copy(update={"noise": None}))

    assert result.verdict == "kept"
    assert result.sigma is None
    assert result.reason.endswith("noise not measured")


def test_a_metric_without_noise_says_so() -> None:
    result = judgement(1.9999, best=2.0, metric=DOWN.model_copy(update={"noise": 0.0}))

    assert result.verdict == "kept"
    assert result.reason.endswith("the metric has no noise")


def test_the_baseline_is_kept_whatever_its_number() -> None:
    result = judgement(7.5, best=None)

    assert (result.verdict, result.reason) == ("kept", "kept: the baseline is 7.5000")
    assert result.gain is None


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("aborted", "aborted after 12 s: why"),
        ("crashed", "crashed after 12 s: why"),
        ("timed_out", "timed out after 12 s: why"),
        ("no_metric", "no metric: why"),
        ("voided", "voided: why"),
    ],
)
def test_an_attempt_without_a_valid_number_has_that_verdict(outcome: str, reason: str) -> None:
    result = judgement(None, best=2.0, outcome=outcome, problem="why")

    assert (result.verdict, result.reason) == (outcome, reason)


@given(value=ANY_FLOAT, best=st.floats(0.3, 8.5) | st.none())
def test_no_number_that_is_not_finite_and_plausible_is_ever_kept(value: float, best: float | None) -> None:
    result = judgement(value, best)

    assert result.verdict != "kept" or DOWN.low <= value <= DOWN.high  # type: ignore[operator]


@given(value=st.floats(0.3, 8.5), best=st.floats(0.3, 8.5))
def test_a_metric_and_its_negative_are_judged_alike(value: float, best: float) -> None:
    mirrored = DOWN.model_copy(update={"direction": "up", "low": -8.5, "high": -0.3})

    down, up = judgement(value, best), judgement(-value, -best, metric=mirrored)

    assert (down.verdict, down.gain, down.sigma) == (up.verdict, up.gain, up.sigma)


@given(value=st.floats(0.3, 8.5), best=st.floats(0.3, 8.5))
def test_of_two_numbers_at_most_one_beats_the_other(value: float, best: float) -> None:
    verdicts = {judgement(value, best).verdict, judgement(best, value).verdict}

    assert "discarded" in verdicts


def test_a_loss_that_stays_nan_is_hopeless() -> None:
    assert hopeless([2.0, *[math.nan] * HOPELESS_AFTER]) == "the loss was not a finite number in the last 3 reports"


@pytest.mark.parametrize(
    "losses", [[], [math.nan], [math.nan] * (HOPELESS_AFTER - 1), [math.nan, math.inf, 2.0], [math.nan, 2.0, math.nan]]
)
def test_a_loss_that_may_recover_is_not_hopeless(losses: list[float]) -> None:
    assert hopeless(losses) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(2.73120, "2.7312"), (0.00123456, "0.001235"), (123456.0, "1.235e+05"), (-0.5, "-0.5000")]
)
def test_numbers_in_sentences_have_four_digits_that_matter(value: float, text: str) -> None:
    assert show(value) == text


NOISE = Noise(0.01, freedom=20)
BASE = Entrant(fresh=(-2.0, -2.005, -1.995, -2.0, -2.0), beside=2)


def field(first: float, *fresh: float, **more: Any) -> Judgement:
    """The verdict on a val_bpb of `first`, and of `fresh` when trained again, where 2.0 is to be beaten."""
    candidate = Entrant(tuple(-value for value in fresh), -first)
    against = Field(candidate, BASE, BASE, more.pop("noise", NOISE), **more)
    measured = Measured(experiment=2, attempt=1, value=first)
    return judge_field(DOWN, measured=measured, finished=facts.finished(2), field=against)


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((1.95, 1.951, 1.949), "kept: 2.0000 → 1.9500, 5.0 σ better than noise, confirmed on 2 + 5 seeds (p < 0.0001)"),
        ((1.99, 1.992, 1.992), "kept for now: 2.0000 → 1.9920, within noise: 0.8 σ on 2 + 5 seeds"),
        ((1.999,), "discarded: 2.0000 → 1.9990 is better by 0.001, within noise: 0.1 σ"),
        ((1.98, 2.03), "discarded: 2.0000 → 2.0300 is worse by 0.0300 (3.0 σ) on 1 + 5 seeds"),
        ((2.05,), "discarded: 2.0000 → 2.0500 is worse by 0.0500 (5.0 σ)"),
    ],
)
def test_a_verdict_after_repeats_says_how_sure_it_is(numbers: tuple[float, ...], reason: str) -> None:
    found = field(*numbers)

    assert found.reason == reason
    assert found.confirmed == ("confirmed" in reason)
    assert found.value == numbers[0]


def test_a_candidate_that_fails_when_trained_again_is_not_kept() -> None:
    assert field(1.9, failed="exit code 1").verdict == "discarded"


def test_strictly_what_is_not_confirmed_is_not_kept() -> None:
    assert field(1.99, 1.992, 1.992, strict=True).verdict == "discarded"


def test_a_tie_with_fewer_lines_is_a_win_and_says_so() -> None:
    found = field(2.0, lines=-3, noise=Noise(0.0, declared=0.0))

    assert found.reason == "kept: 2.0000 is exactly the best so far, with 3 lines fewer"


def test_a_gain_that_costs_too_much_is_discarded_in_words() -> None:
    found = too_dear(field(1.95, 1.951, 1.949), "twice the time")

    assert (found.verdict, found.confirmed) == ("discarded", False)
    assert found.reason == "discarded: a gain of 0.0500 that costs too much: twice the time"


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (Noise(0.01, 4, 0.006, 0.03, declared=0.01), ""),
        (Noise(0.0, 4, 0.0, 0.0, declared=0.0), ""),
        (Noise(0.01, 4, 0.006, 0.03), ""),
        (Noise(0.01, 4, 0.006, 0.03, declared=0.1), "the task declares a noise of 0.1000; measured here: 0.0100 (0.006 to 0.0300)"),
        (Noise(0.01, 4, 0.006, 0.03, declared=0.0), "the task declares no noise, but its baseline gave 2.0000, 2.0000"),
        (Noise(0.0, 1, 0.0, 0.0), "2 trainings on different seeds all gave exactly 2.0000: does the metric see the model?"),
        (Noise(), "the baseline gave no second number in 5 repeats, so the noise is not known"),
    ],
)  # fmt: skip
def test_what_is_odd_about_the_noise_is_said(noise: Noise, said: str) -> None:
    assert doubts(noise, (2.0, 2.0), 5) == said


def test_any_number_beats_a_best_that_has_none_on_the_tests_of_now() -> None:
    found = unrivalled(judgement(2.5, None))

    assert (found.verdict, found.confirmed, found.gain) == ("kept", True, None)
    assert found.reason == "kept: 2.5000, where the best so far comes to no number on the tests of now"
