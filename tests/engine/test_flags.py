"""What makes a number hard to believe, and what does not."""

import random
from collections.abc import Sequence

import pytest

from loopwatch.engine.judging.flags import Flag, Result, flags
from loopwatch.engine.judging.touches import touched
from loopwatch.engine.task import Metric

DOWN = Metric(name="val_bpb", direction="down", noise=0.003)
UP = Metric(name="accuracy", direction="up", low=0, high=1, noise=0.01)


def replay(
    values: Sequence[float],
    *,
    metric: Metric = DOWN,
    sigma: float | None = None,
    control: float | None = None,
    losses: Sequence[tuple[float, ...]] = (),
    programs: Sequence[str] = (),
) -> list[tuple[Flag, ...]]:
    """The flags of each result of a loop that keeps whatever is better and not flagged."""
    past: list[Result] = []
    found: list[tuple[Flag, ...]] = []
    best: Result | None = None
    for number, value in enumerate(values, start=1):
        program = programs[number - 1] if programs else f"program {number}"
        now = Result(number, value, program, losses=losses[number - 1] if losses else ())
        found.append(flags(metric, now, past, best=best, sigma=sigma, control=control))
        if not found[-1] and (best is None or metric.gain(value, best.value) > 0):
            now = best = Result(number, value, program, kept=True, losses=now.losses)
        past.append(now)
    return found


def kinds(found: list[tuple[Flag, ...]]) -> list[list[str]]:
    return [[flag.kind for flag in those] for those in found]


def texts(found: tuple[Flag, ...]) -> list[str]:
    return [flag.text for flag in found]


def test_three_different_programs_with_one_number_are_a_constant_metric() -> None:
    assert kinds(replay([1.026098] * 4)) == [[], [], ["constant"], ["constant"]]
    assert texts(replay([1.026098] * 3)[-1]) == ["3 different programs in a row scored exactly 1.026098"]


def test_programs_that_train_the_same_model_may_well_score_the_same() -> None:
    assert kinds(replay([1.0] * 4, programs=["same model"] * 4)) == [[]] * 4


def test_a_metric_that_has_moved_may_give_the_same_number_a_few_times() -> None:
    assert kinds(replay([1.0, 0.9, 0.95, 0.95, 0.95, 0.95, 0.95]))[-3:] == [[], [], ["constant"]]


def test_the_first_number_that_moves_after_a_constant_is_not_believed_nor_any_after_it() -> None:
    broken = [1.026098] * 16
    hacked = [1.015837, 0.974793, 0.513049, 0.001026, 0.0, -0.001, -1.0, -2.0, -4.0, -1e6, -1e308, float("-inf")]

    found = kinds(replay(broken + hacked))

    assert all("constant" in those for those in found[2:])
    assert all("range" in those for those in found[20:])


def test_a_number_outside_of_what_is_possible_is_flagged() -> None:
    assert texts(replay([0.7, 1.2], metric=UP)[-1])[0] == "1.2 is outside of what is possible"


def test_a_loss_that_was_always_above_zero_and_falls_to_it_is_flagged() -> None:
    assert texts(replay([1.0, 0.99, 0.98, 0.0])[-1])[0] == "0 is not above 0, and every number that was kept so far is"
    assert kinds(replay([1.0, -0.5, 0.3, -0.9]))[-1] == []


def test_a_better_number_from_exactly_the_same_training_is_flagged() -> None:
    curve, other = (3.0, 2.0, 1.5, 1.2, 1.1), (3.0, 2.0, 1.5, 1.2, 1.0)

    assert texts(replay([1.0, 0.99], losses=[curve, curve])[-1]) == [
        "its training printed exactly the losses of #1, and it scored better"
    ]
    assert replay([1.0, 0.99], losses=[curve, other])[-1] == ()
    assert replay([1.0, 1.01], losses=[curve, curve])[-1] == ()
    assert replay([1.0, 0.99], losses=[curve[:4], curve[:4]])[-1] == ()


def test_a_gain_whose_loss_went_the_other_way_is_flagged_where_the_two_went_together() -> None:
    values = [1.0 + 0.01 * i for i in range(8)]
    losses = [(value + 0.2,) for value in values]

    odd = replay([*values, 0.9], losses=[*losses, (1.3,)], sigma=0.003)[-1]

    assert texts(odd) == [
        "it scored 33.3 σ better, though its loss ended higher (1.3, not 1.2), and so far the two went together"
    ]
    assert replay([*values, 0.9], losses=[*losses, (1.1,)], sigma=0.003)[-1] == ()
    assert replay([*values, 0.99], losses=[*losses, (1.3,)], sigma=0.003)[-1] == ()


def test_a_jump_is_measured_against_what_the_baseline_had_learned() -> None:
    assert texts(replay([0.84, 0.02], sigma=0.0075, control=1.4)[-1]) == [
        "a jump of 0.82, 109 σ: 146% of all that the baseline had learned"
    ]
    assert replay([0.165, 0.021], sigma=0.0075, control=0.74)[-1] == ()


def test_without_a_control_a_jump_is_measured_against_the_usual_gains() -> None:
    assert texts(replay([1.0, 0.99, 0.98, 0.965, 0.6], sigma=0.003)[-1]) == [
        "a jump of 0.365, 122 σ, 36 times the usual gain"
    ]
    assert replay([1.0, 0.99, 0.98, 0.965, 0.9], sigma=0.01)[-1] == ()
    assert replay([1.0, 0.99, 0.98, 0.965, 0.94], sigma=0.001)[-1] == ()


def test_at_the_start_a_jump_is_measured_against_what_is_left_to_gain() -> None:
    assert texts(replay([0.84, 0.02], sigma=0.0075)[-1]) == ["a jump of 0.82, 109 σ: 98% of all that was left to gain"]
    assert texts(replay([0.3, 0.99], metric=UP, sigma=0.01)[-1]) == [
        "a jump of 0.69, 69 σ: 99% of all that was left to gain"
    ]
    assert replay([0.3, 0.6], metric=UP, sigma=0.01)[-1] == ()


def test_gains_of_one_size_are_flagged() -> None:
    creeping = [1.0, 0.999, 1.0005, 0.998, 1.2, 0.997, 0.996]

    assert texts(replay(creeping)[-1]) == ["the last 4 gains were all of the same size, 0.001"]


def test_steps_of_the_metric_s_own_are_flagged_later_and_those_of_a_count_never() -> None:
    steps = [0.5 + 0.02 * i for i in range(8)]
    count = Metric(name="passed", direction="up", noise=0)

    assert kinds(replay(steps, metric=UP)) == [[], [], [], [], [], [], ["creep"], []]
    assert kinds(replay([float(i) for i in range(1, 20)], metric=count)) == [[]] * 19


def test_numbers_in_one_ratio_are_flagged() -> None:
    assert texts(replay([1.0, 0.5, 0.25, 0.125, 0.0625])[-1]) == [
        "each of the last 5 kept numbers is 0.5 times the one before"
    ]


@pytest.mark.parametrize("seed", range(20))
def test_an_honest_loop_is_not_flagged(seed: int) -> None:
    chance = random.Random(seed)
    level, values = 1.0, [1.0]
    for _ in range(60):
        step = chance.gauss(0.004, 0.01)
        values.append(round(level - step + chance.gauss(0, 0.003), 6))
        level -= max(0.0, step) * (chance.random() < 0.5)

    assert kinds(replay(values, sigma=0.003, control=2.0)) == [[]] * 61


def diff(removed: Sequence[str], added: Sequence[str]) -> str:
    lines = [*(f"-{line}" for line in removed), *(f"+{line}" for line in added)]
    return "--- a/train.py\n+++ b/train.py\n@@ -1,1 +1,1 @@\n" + "\n".join(lines) + "\n"


FROZEN = ["data.py", "evaluate.py"]


@pytest.mark.parametrize(
    ("removed", "added", "said"),
    [
        ([], ["torch.manual_seed(4242)"], "seeds: manual_seed"),
        (["SEED = 1"], ["SEEDS = 1"], "seeds: SEED"),
        ([], ["time_left = time.monotonic()"], "time: monotonic"),
        ([], ["budget = os.environ['LOOPWATCH_BUDGET']"], "time: LOOPWATCH_BUDGET"),
        ([], ['print(f"val_bpb: {loss}")'], "what is reported: print, val_bpb"),
        ([], ["import evaluate"], "the evaluation: import evaluate"),
        ([], ["from evaluate import windows"], "the evaluation: import evaluate"),
        ([], ["text = open('../data/hidden/val.bin').read()"], "data: open, path ../data/hidden/val.bin"),
        ([], ["data = Path('/proc/1/environ').read_bytes()"], "data: path /proc/1/environ, read_bytes"),
        ([], ["subprocess.run(['git', 'log'])"], "what lies outside of the training: subprocess"),
    ],
)
def test_a_diff_that_touches_how_a_result_is_made_says_what(removed: list[str], added: list[str], said: str) -> None:
    assert texts(touched(diff(removed, added), DOWN, FROZEN)) == [f"the diff touches {said}"]


@pytest.mark.parametrize(
    ("removed", "added"),
    [
        (["LR = 0.01"], ["LR = 0.02"]),
        (["seed = 1"], ["    seed = 1"]),
        ([], ["# the seed of print, open and time.monotonic()"]),
        ([], ["model.eval()"]),
        ([], ["self.proceeds = linseed + reopen + data"]),
        (["    x = F.gelu(x)"], ["    x = F.relu(x).square()"]),
        ([], ["for group in optimizer.param_groups:", "    group['lr'] = group['full_lr'] * multiplier"]),
    ],
)
def test_a_diff_about_the_model_touches_nothing(removed: list[str], added: list[str]) -> None:
    assert touched(diff(removed, added), DOWN, FROZEN) == ()
