"""How the last experiment ran, against the best one, in a few lines for whoever proposes next. Pure.

Covered: time, memory, speed, what it printed of a GPU, the curve of its loss. Not covered: its verdict, and what it means.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from ..judging.judge import show
from ..past import reading
from ..state import Experiment, State
from ..task import Budget
from ..telemetry import Point

PLACES = (0.1, 0.25, 0.5, 0.75)
"""Shares of the budget at which the loss is told, besides its start and its end."""
TAIL = 0.1
"""Of the budget: the end, over which the slope is taken."""

_PRINTED = re.compile(
    r"^((?:gpu|vram|cuda|mfu|peak_vram|max_vram)[a-z0-9_]{0,30}) *[:=] *([0-9]{1,12}(?:\.[0-9]{1,6})?)\b", re.M | re.I
)


def diagnostics(state: State, points: Callable[[int], Sequence[Point]], log: Callable[[Experiment], str]) -> str:
    """The lines; "" before an experiment ran.

    points  an experiment's curve
    log     the end of what it printed; only a GPU's figures are taken from it, as claims
    """
    ran = [e for e in state.experiments.values() if e.verdict is not None and e.finished is not None]
    if not ran:
        return ""
    last, best = ran[-1], state.best_experiment
    other = best if best is not last else None
    figures = _figures(last, points(last.number), log(last))
    against = _figures(other, points(other.number), log(other)) if other else {}
    beside = f"; in brackets the best, #{other.number}" if other else ""
    lines = [f"How #{last.number} ran, the last one that did{beside}"]
    lines += [f"{name}: {figure}{f' ({against[name]})' if name in against else ''}" for name, figure in figures.items()]
    lines += told_curve([p for p in points(last.number) if p.attempt == last.attempt], state.budget)
    if suggested := last.suggested:
        lines.append(f"the forecaster would have ended it at {suggested.share:.0%} of the budget")
    return "\n".join(lines)


def _figures(experiment: Experiment, points: Sequence[Point], log: str) -> Mapping[str, str]:
    finished = experiment.finished
    if finished is None:
        return {}
    found = {"wall time": f"{finished.wall_seconds:.1f} s", "processor time": f"{finished.cpu_seconds:.1f} s"}
    if finished.peak_memory_mb:
        found["peak memory"] = f"{finished.peak_memory_mb:.0f} MB"
    speeds = [p.speed for p in points if p.attempt == experiment.attempt and p.speed is not None]
    if speeds:
        found["speed"] = f"{median(speeds):.4g} tokens/s"
    return found | {f"{name} (as it printed)": value for name, value in _PRINTED.findall(log)[-6:]}


def told_curve(points: Sequence[Point], budget: Budget) -> list[str]:
    """How the loss of one attempt went, in a line, and in another how often it was no number; none where it printed none."""
    told = [reading(point, budget) for point in points if point.loss is not None]
    losses = [(one.share, one.loss) for one in told if one.loss is not None and math.isfinite(one.loss)]
    bad = len(told) - len(losses)
    lines = []
    if losses:
        places = [
            f"{show(_at(losses, place))} at {place:.0%}" for place in PLACES if losses[0][0] < place < losses[-1][0]
        ]
        lines.append(
            f"training loss: {show(losses[0][1])} at first, {''.join(f'{one}, ' for one in places)}{_end(losses)}"
        )
    if bad:
        lines.append(f"the loss was not a number in {bad} of {len(told)} reports")
    return lines


def _at(losses: Sequence[tuple[float, float]], share: float) -> float:
    return next(loss for at, loss in losses if at >= share)


def _end(losses: Sequence[tuple[float, float]]) -> str:
    share, loss = losses[-1]
    tail = [pair for pair in losses if pair[0] >= share - TAIL]
    end = f"{show(loss)} at the end ({share:.0%} of the budget)"
    slope = _slope(tail)
    if slope is None:
        return end
    change = (
        f"falling by {show(-slope * TAIL)}" if slope < 0 else f"rising by {show(slope * TAIL)}" if slope else "flat, 0"
    )
    return f"{end}, {change} per tenth of the budget there"


def _slope(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Least squares; None for less than three places."""
    if len(pairs) < 3:
        return None
    x, y = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    spread = sum((share - x) ** 2 for share, _ in pairs)
    return sum((share - x) * (loss - y) for share, loss in pairs) / spread if spread else None
