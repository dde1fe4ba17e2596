"""The crippled control: a training that cannot learn has to score clearly worse, or the metric measures something else. Pure."""

from collections.abc import Mapping

from ..editing.constants import set_constant
from ..task import Metric, Task
from .judge import show

ENOUGH_SIGMA = 3
WARNING = (
    "no control is declared, so nobody knows whether the metric minds what is trained; add to task.toml, say: "
    '[control] set = { "train.py" = { LR = 0.0 } }'
)


def crippled(task: Task, sources: Mapping[str, str]) -> dict[str, str]:
    """The files that the task's control changes, as they would be."""
    assert task.control is not None, "only a declared control can be trained"
    changed = {}
    for path, constants in task.control.set.items():
        text = sources[path]
        for name, value in constants.items():
            text = set_constant(text, name, value)
        changed[path] = text
    return changed


def compared(metric: Metric, value: float, baseline: float, sigma: float | None) -> tuple[bool, str]:
    """Whether a control's number is clearly worse than the baseline, and the sentence that says so."""
    worse = metric.gain(baseline, value)
    scores = f"an untrained model scores {show(value)}"
    off = f"{show(abs(worse))}, {abs(worse) / sigma:.0f} σ" if sigma else show(abs(worse))
    if worse > ENOUGH_SIGMA * (sigma or 0.0):
        return True, f"{scores}, clearly worse than the baseline's {show(baseline)} (by {off})"
    if worse == 0:
        return False, f"{scores}, exactly what the baseline does: the metric is constant, or does not mind the model"
    if worse < 0 and -worse > ENOUGH_SIGMA * (sigma or 0.0):
        return False, f"{scores}, better than the baseline's {show(baseline)} (by {off}): the metric may be upside down"
    return (
        False,
        f"{scores}, hardly different from the baseline's {show(baseline)} (by {off}): the metric may not mind the model",
    )
