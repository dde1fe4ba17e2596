"""How good the forecaster is on curves it was not fitted on: python -m benchmarks.forecast.validate CURVES.jsonl.gz

Closed loop: an aborted experiment's result stays unknown. The prior is fitted again for every fold, without the fold's
episodes ("episodes", five folds) or without the fold's whole family of sources ("families"). Needs scikit-learn.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopwatch.engine.forecast import ERROR_BUDGET, Forecaster
from loopwatch.engine.forecast_learned import Learned
from loopwatch.engine.forecast_prior import forest
from loopwatch.engine.forecast_record import wilson
from loopwatch.engine.forecast_replay import Replayed, replay

from .curves import Episode, episodes
from .train import fit, joined, rows

FOLDS = 5
ORDERS = 3


@dataclass(frozen=True, slots=True)
class Played:
    """One episode in one order."""

    episode: Episode
    order: int
    result: Replayed


def play(some: Iterable[Episode], forecaster: Forecaster, *, orders: int = ORDERS, blind: bool = False) -> list[Played]:
    """Every episode in several orders; blind is with the training loss alone."""
    played = []
    for episode in some:
        for order in range(orders):
            shown = episode.shuffled(order).blinded() if blind else episode.shuffled(order)
            played.append(Played(episode, order, replay(shown.experiments, forecaster, direction=episode.direction)))
    return played


def table(played: Sequence[Played]) -> str:
    """All of it, and family by family."""
    families = sorted({each.episode.source for each in played})
    lines = [f"{'':18} {'false aborts':>30}  bad aborted   at    saved   half-time best: better same worse"]
    lines.append(line("all", played))
    lines += [line(family, [each for each in played if each.episode.source == family]) for family in families]
    return "\n".join(lines)


def line(name: str, played: Sequence[Played]) -> str:
    """One row of figures."""
    results = [each.result for each in played]
    good, lost = sum(each.good for each in results), sum(each.false_aborts for each in results)
    bad, caught = sum(each.bad for each in results), sum(each.true_aborts for each in results)
    turns = [turn for each in results for turn in each.turns]
    stops = [turn.stop for turn in turns if turn.stop is not None and not turn.good]
    saved = 1 - sum(turn.used for turn in turns) / sum(turn.whole for turn in turns)
    share = wilson(lost, good)
    at = sum(stops) / len(stops) if stops else 0.0
    halves = [half(each) for each in played if len(each.result.turns) >= 5]
    wall = "  ".join(f"{halves.count(sign):4d}" for sign in (1, 0, -1))
    interval = f"{lost}/{good} = {share.share:6.1%} [{share.low:5.1%} … {share.high:5.1%}]"
    return f"{name:18} {interval:>30}  {caught / max(1, bad):8.1%}  {at:6.1%}  {saved:6.1%}   {wall:>30}"


def half(played: Played) -> int:
    """Better (1), the same or worse (-1) than never aborting, by the time in which that does half of its work."""
    ours, never = played.result.best_at_half, played.result.never_at_half
    if never is None or ours == never:
        return 0
    sign = 1 if played.episode.direction == "down" else -1
    return 1 if ours is not None and sign * ours < sign * never else -1


def folds(some: Sequence[Episode], by: str) -> list[list[Episode]]:
    """What is left out, each time."""
    if by == "families":
        return [[each for each in some if each.source == family] for family in sorted({each.source for each in some})]
    dealt: dict[str, int] = {}
    for family in sorted({each.source for each in some}):
        for place, group in enumerate(sorted({each.group for each in some if each.source == family})):
            dealt[group] = place % FOLDS
    return [[each for each in some if dealt[each.group] == fold] for fold in range(FOLDS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("curves", type=Path)
    parser.add_argument("--error-budget", type=float, default=ERROR_BUDGET)
    parser.add_argument("--by", choices=["episodes", "families"], action="append")
    chosen = parser.parse_args()
    known = episodes(chosen.curves)
    seen = {each.name: rows([each]) for each in known}
    for by in chosen.by or ["episodes", "families"]:
        full: list[Played] = []
        blind: list[Played] = []
        for left_out in folds(known, by):
            names = {each.name for each in left_out}
            fitted = json.loads(json.dumps(fit(joined([seen[each.name] for each in known if each.name not in names]))))
            forecaster = Learned(error_budget=chosen.error_budget, forest=forest(fitted))
            full += play(left_out, forecaster)
            blind += play(left_out, forecaster, blind=True)
        print(f"== without the fold's {by}, all that is logged\n{table(full)}")
        print(f"== without the fold's {by}, the training loss alone\n{table(blind)}", flush=True)


if __name__ == "__main__":
    main()
