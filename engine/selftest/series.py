"""Series of results that fool a loop, through the rules that a run is judged by: control, flags, repeats, proof.

    {"direction": "min" or "max",
     "baseline": [...],                      the same code on several seeds
     "control_bad": [...],                   a training that cannot learn
     "exps": [{"metric": ...,                what an experiment scored,
               "confirm": [...],             what it scores when it is trained again,
               "champion_rerun": [...]}]}    and what the best scores then

Where the rules want more trainings than a series has, it ends there.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import confirm
from ..confirm import Entrant
from ..judging import control
from ..judging.flags import Result, flags
from ..judging.judge import Field
from ..noise import Noise, pooled
from ..task import Metric

Number = float | int | str | None


@dataclass
class Code:
    """One state of the code."""

    first: float | None
    fresh: list[float] = field(default_factory=list)
    more: Iterator[float] = field(default_factory=lambda: iter(()))

    def entrant(self, sign: int) -> Entrant:
        """As the judge sees it."""
        return Entrant(tuple(sign * value for value in self.fresh), None if self.first is None else sign * self.first)


@dataclass
class Outcome:
    """What became of a series."""

    confirmed: int = 0
    kept: int = 0
    flags: list[str] = field(default_factory=list)
    why: str = ""


def judged(text: str) -> Outcome:
    """What the rules make of a series."""
    series = json.loads(text)
    metric = Metric(
        name="value",
        direction="up" if series.get("direction") == "max" else "down",
        low=series.get("low"),
        high=series.get("high"),
    )
    sign = 1 if metric.direction == "up" else -1
    told = Outcome()
    baseline = Code(None, _numbers(series["baseline"]))
    groups: list[list[float]] = [baseline.fresh]
    mean = math.fsum(baseline.fresh) / len(baseline.fresh)
    crippled = _numbers(series.get("control_bad", []))
    if crippled:
        worse, why = control.compared(metric, crippled[0], mean, pooled(groups).sigma)
        if not worse:
            told.flags.append("control")
            told.why = why
            return told
    best = confirmed = baseline
    past = [Result(1, baseline.fresh[0], kept=True)]
    for number, one in enumerate(series["exps"], 2):
        value = _number(one["metric"])
        if not math.isfinite(value):
            told.flags.append("range")
            continue
        code = Code(value, more=iter(_numbers(one.get("confirm", []))))
        if reruns := _numbers(one.get("champion_rerun", [])):
            confirmed.more = iter(reruns)
        groups.append(code.fresh)
        now = Result(number, value, program=str(one.get("program", "")))
        # The best is worth what its repeats say, not the number that it was chosen for.
        top = replace(next(result for result in reversed(past) if result.kept), value=sign * best.entrant(sign).mean)
        raised = flags(
            metric, now, past, best=top, sigma=pooled(groups).sigma, control=crippled[0] if crippled else None
        )
        told.flags += [flag.kind for flag in raised]
        told.why = raised[0].text if raised else told.why
        action = _settled(code, best, confirmed, groups, sign)
        if raised and not (action == "confirm" and code.fresh):
            action = "discard"  # quarantined: nobody is there who could be asked
        past.append(Result(number, value, now.program, kept=action in ("keep", "confirm")))
        if action == "confirm":
            told.confirmed, confirmed = told.confirmed + 1, code
        if action in ("keep", "confirm"):
            told.kept, best = told.kept + 1, code
    return told


def _settled(code: Code, best: Code, confirmed: Code, groups: list[list[float]], sign: int) -> confirm.Action:
    there = len(confirmed.fresh)
    while True:
        noise: Noise = pooled(groups)
        against = replace(confirmed.entrant(sign), beside=len(confirmed.fresh) - there)
        compared = Field(code.entrant(sign), best.entrant(sign), against, noise)
        action = compared.weighed.action
        again = {"repeat": code, "repeat_confirmed": confirmed}.get(action)
        value = next(again.more, None) if again else None
        if again is None:
            return action
        if value is None:  # as in a run that ends here
            return "keep"
        again.fresh.append(value)


def _numbers(values: Sequence[Number]) -> list[float]:
    return [_number(value) for value in values]


def _number(value: Any) -> float:
    """JSON knows no infinities; a series may name them."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
