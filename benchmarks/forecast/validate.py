"""How good the forecaster is on curves it was not fitted on: python -m benchmarks.forecast.validate CURVES.jsonl.gz

Closed loop: an aborted experiment's result stays unknown. The prior is fitted again for every fold, without the fold's
episodes ("episodes", five folds) or without the fold's whole family of sources ("families"). Needs scikit-learn.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopwatch.engine.forecast import ERROR_BUDGET, Forecaster
from loopwatch.engine.forecast.learned import Learned
from loopwatch.engine.forecast.prior import forest
from loopwatch.engine.forecast.record import wilson
from loopwatch.engine.forecast.replay import Replayed, replay

from .calibration import as_svg, as_text, calibrated
from .curves import Episode, episodes
from .train import fit, joined, rows

HEADING = (
    f"{'':18} {'false aborts [Wilson 95 %]':>32}  bad aborted     at   saved   best at half-time: better  same worse"
)
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
    lines = [HEADING, line("all", played)]
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
    return f"{name:18} {interval:>32}  {caught / max(1, bad):11.1%} {at:6.1%} {saved:7.1%}   {wall:>35}"


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


def looks(played: Iterable[Played]) -> list[tuple[float, bool]]:
    """Every look's probability and whether the experiment improved; of a forecaster that never aborts."""
    turns = [turn for each in played for turn in each.result.turns]
    # A half is what is said when there is nothing to say yet.
    return [(p, turn.good) for turn in turns for _, p in turn.looks if p != 0.5]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("curves", type=Path)
    parser.add_argument("--error-budget", type=float, default=ERROR_BUDGET)
    parser.add_argument("--by", choices=["episodes", "families"], action="append")
    parser.add_argument("--calibration", type=Path, help="where the calibration plot is written (SVG)")
    chosen = parser.parse_args()
    known = episodes(chosen.curves)
    seen = {each.name: rows([each]) for each in known}
    for by in chosen.by or ["episodes", "families"]:
        full: list[Played] = []
        blind: list[Played] = []
        watched: list[Played] = []
        for left_out in folds(known, by):
            names = {each.name for each in left_out}
            fitted = forest(fit(joined([seen[each.name] for each in known if each.name not in names])))
            forecaster = Learned(error_budget=chosen.error_budget, forest=fitted)
            full += play(left_out, forecaster)
            blind += play(left_out, forecaster, blind=True)
            watched += play(left_out, Learned(error_budget=0, forest=fitted), orders=1)
        print(f"== without the fold's {by}, all that is logged\n{table(full)}")
        print(f"== without the fold's {by}, the training loss alone\n{table(blind)}")
        found = calibrated(looks(watched))
        print(f"== without the fold's {by}, calibration of every look\n{as_text(found)}", flush=True)
        if chosen.calibration and by == "episodes":
            chosen.calibration.write_text(as_svg(found, "Calibration on episodes left out"))


if __name__ == "__main__":
    main()
