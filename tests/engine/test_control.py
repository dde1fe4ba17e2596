"""The crippled control: what it trains, and what its number says of the metric."""

import pytest

from loopwatch.engine.judging.control import compared, crippled
from loopwatch.engine.task import Metric, load

DOWN = Metric(name="loss", direction="down")
UP = Metric(name="accuracy", direction="up")


@pytest.mark.parametrize(
    ("metric", "value", "baseline", "sigma", "said"),
    [
        (DOWN, 5.54, 3.39, 0.03, "clearly worse than the baseline's 3.3900 (by 2.1500, 72 σ)"),
        (UP, 0.10, 0.71, 0.002, "clearly worse than the baseline's 0.7100 (by 0.6100, 305 σ)"),
        (DOWN, 1.5, 1.0, None, "clearly worse than the baseline's 1.0000 (by 0.5000)"),
    ],
)
def test_a_model_that_did_not_learn_has_to_be_clearly_worse(
    metric: Metric, value: float, baseline: float, sigma: float | None, said: str
) -> None:
    worse, reason = compared(metric, value, baseline, sigma)

    assert worse
    assert reason.startswith("an untrained model scores ")
    assert said in reason


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        (DOWN, 1.026098, "exactly what the baseline does: the metric is constant, or does not mind the model"),
        (DOWN, 0.5, "better than the baseline's 1.0261 (by 0.5261, 26 σ): the metric may be upside down"),
        (UP, 1.4, "better than the baseline's 1.0261 (by 0.3739, 19 σ): the metric may be upside down"),
        (DOWN, 1.06, "hardly different from the baseline's 1.0261 (by 0.0339, 2 σ): the metric may not mind the model"),
        (DOWN, 1.01, "hardly different from the baseline's 1.0261 (by 0.0161, 1 σ): the metric may not mind the model"),
    ],
)
def test_a_metric_that_does_not_mind_is_constant_upside_down_or_about_something_else(
    metric: Metric, value: float, said: str
) -> None:
    worse, reason = compared(metric, value, 1.026098, 0.02)

    assert not worse
    assert reason.endswith(said)


@pytest.mark.parametrize("name", ["pretrain", "sine"])
def test_the_control_of_a_shipped_task_learns_nothing(name: str) -> None:
    task = load(name)

    changed = crippled(task, {"train.py": (task.folder / "train.py").read_text()})

    assert "\nLR = 0.0\n" in changed["train.py"]
