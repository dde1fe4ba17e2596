"""Random search: one declared hyperparameter per experiment, drawn on its scale. The field's baseline policy.

No model, no key, no memory: an agent that does not beat this has found nothing.
"""

import math
from random import Random as Dice

from ..config import AgentSettings
from ..editing import constants, edits
from ..errors import EditRefused, NothingToPropose, ProposerFailed
from ..task import Hyperparameter
from . import Brief, Proposal, Steering, Turn

Value = float | int | str | bool

DRAWS = 1000
"""Most are of no cost: a value that was drawn before is not tried again."""
REFUSALS = 200


class Random:
    """Draws from the ranges that task.toml declares."""

    steering: Steering = "next experiment"

    def __init__(self, argument: str = "", settings: AgentSettings | None = None) -> None:
        """Takes no argument and needs no settings."""

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        """One constant on one line, drawn anew; the same seed and number draw the same."""
        if not brief.task.hyperparameter:
            raise NothingToPropose(
                f"task {brief.task.name} declares no [[hyperparameter]], so random search has nothing to vary; declare some in task.toml"
            )
        dice = Dice(f"{brief.seed}/{brief.experiment}/{brief.revision}")
        tried: set[tuple[str, Value]] = set()
        refusals: list[str] = []
        for _ in range(DRAWS):
            parameter = dice.choice(brief.task.hyperparameter)
            source = brief.sources.get(parameter.file, "")
            now = _now(parameter, source)
            value = _sample(parameter, dice, now)
            if value == now or (parameter.name, value) in tried:
                continue
            tried.add((parameter.name, value))
            proposal = Proposal(
                hypothesis=f"{parameter.name} {now!r} → {value!r} improves {brief.task.metric.name}",
                mechanism=f"none: drawn at random from {_range(parameter)}",
                diff=edits.render(parameter.file, source, constants.set_constant(source, parameter.name, value)),
            )
            try:
                turn.check(proposal)
            except EditRefused as refused:
                refusals.append(f"{parameter.name} = {value!r}: {refused}")
                if len(refusals) == REFUSALS:
                    break
                continue
            turn.hear("text", f"Random search: {parameter.name} is {now!r}; drawing from {_range(parameter)}.\n")
            turn.hear("text", f"Drew {value!r}.\n")
            return proposal
        names = ", ".join(sorted({parameter.name for parameter in brief.task.hyperparameter}))
        last = f" (the last refusal: {refusals[-1]})" if refusals else ""
        raise NothingToPropose(f"random search found no untried value of {names}{last}; widen a range in task.toml")


def _now(parameter: Hyperparameter, source: str) -> object:
    try:
        return constants.constant(source, parameter.name)
    except EditRefused as problem:
        raise ProposerFailed(f"{parameter.file}: {problem}") from None


def _sample(parameter: Hyperparameter, dice: Dice, now: object) -> Value:
    if parameter.choices:
        return dice.choice(parameter.choices)
    assert parameter.low is not None, "task.toml was checked: without choices there is a range"
    assert parameter.high is not None, "task.toml was checked: without choices there is a range"
    if parameter.scale == "log":
        value = math.exp(dice.uniform(math.log(parameter.low), math.log(parameter.high)))
    else:
        value = dice.uniform(parameter.low, parameter.high)
    if parameter.type == "int":
        return min(max(round(value), math.ceil(parameter.low)), math.floor(parameter.high))
    # Three digits are easier to read; rounding must not leave the range, nor bring back the value of now in a narrow one.
    rounded = min(max(float(f"{value:.3g}"), parameter.low), parameter.high)
    return value if rounded == now else rounded


def _range(parameter: Hyperparameter) -> str:
    if parameter.choices:
        return ", ".join(repr(choice) for choice in parameter.choices)
    return f"{parameter.low:g} … {parameter.high:g} ({parameter.scale})"
