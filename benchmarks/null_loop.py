"""How often is a gain announced that is none, and what does it cost to know? Simulated runs, judged by the product's own rule.

python -m benchmarks.null_loop            400 runs of each kind, about a minute
python -m benchmarks.null_loop --quick    40 runs, a few seconds

A training of a state of the code gives its true worth plus N(0, σ = 1). In the *null loop* no edit changes anything; a planted
gain is one edit of 60 that is truly better; in the *mixed loop* 10 % of the edits gain, 40 % lose, and the rest change nothing.
Everything counts as a training: the noise floor of 5 repeats too. The rule knows neither σ nor what the truth is.
"""

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from loopwatch.engine import confirm
from loopwatch.engine.confirm import Entrant, weigh
from loopwatch.engine.noise import Noise

from .figures import arguments

EXPERIMENTS = 60
FLOOR = 5
Draw = Callable[[random.Random, int], float]
"""The true gain of an edit: chance and the experiment's number in, σ out."""


@dataclass
class Code:
    """One state of the code, and what its trainings gave."""

    worth: float
    first: float | None = None
    fresh: list[float] = field(default_factory=list)

    def train(self, dice: random.Random) -> float:
        return dice.gauss(self.worth, 1)

    def entrant(self) -> Entrant:
        return Entrant(tuple(self.fresh), self.first)


@dataclass
class Night:
    """What came of one simulated run."""

    kept: float
    """The true worth of what the search ended with."""
    headline: float
    """The true worth of what it would announce."""
    claimed: float
    """What it would say that is worth."""
    false: int
    """Gains announced, or kept by a rule that announces whatever it keeps, that are none."""
    trainings: int
    experiments: int


def null(dice: random.Random, number: int) -> float:
    return 0.0


def planted(at: int, size: float) -> Draw:
    return lambda dice, number: size if number == at else 0.0


def mixed(size: float) -> Draw:
    def draw(dice: random.Random, number: int) -> float:
        lot = dice.random()
        return size if lot < 0.1 else -size if lot < 0.5 else 0.0

    return draw


def spread_out(dice: random.Random, number: int) -> float:
    """The mixed loop with sizes of all kinds: exponential with a mean of 1 σ."""
    lot = dice.random()
    return dice.expovariate(1) if lot < 0.1 else -dice.expovariate(1) if lot < 0.5 else 0.0


def ours(dice: random.Random, draw: Draw, *, experiments: float, trainings: float, strict: bool = False) -> Night:
    """The loop of the policies confirm and strict, over after so many experiments or trainings."""
    baseline = Code(0.0)
    baseline.fresh = [baseline.train(dice) for _ in range(1 + FLOOR)]
    best = confirmed = baseline
    groups, used, number, false = [baseline.fresh], 1 + FLOOR, 1, 0
    while number < experiments and used < trainings:
        number, used = number + 1, used + 1
        code = Code(best.worth + draw(dice, number))
        code.first = code.train(dice)
        groups.append(code.fresh)
        there = len(confirmed.fresh)
        while True:
            beside = len(confirmed.fresh) - there
            result = weigh(
                code.entrant(),
                best.entrant(),
                replace(confirmed.entrant(), beside=beside),
                noise_of(groups),
                strict=strict,
            )
            if result.is_final or used >= trainings:
                break
            again = code if result.action == "repeat" else confirmed
            again.fresh.append(again.train(dice))
            used += 1
        if result.action == "confirm":
            false += code.worth <= confirmed.worth
            confirmed = code
        if result.action in ("confirm", "keep"):
            best = code
    claimed = confirmed.entrant().mean - baseline.entrant().mean
    return Night(best.worth, confirmed.worth, claimed, false, used, number)


def noise_of(groups: Sequence[Sequence[float]]) -> Noise:
    """`pooled` without its interval, which takes longer than the rest of the simulation."""
    squares = sum((score - fmean(group)) ** 2 for group in groups if len(group) > 1 for score in group)
    freedom = sum(len(group) - 1 for group in groups if len(group) > 1)
    return Noise(math.sqrt(squares / freedom), freedom)


def rival(margin: float, confirms: int = 0) -> Callable[..., Night]:
    """Keep what beats the best number by a margin; with `confirms`, only if so many more trainings do so on average."""

    def run(dice: random.Random, draw: Draw, *, experiments: float, trainings: float) -> Night:
        worth, number, used, false = 0.0, 1, 1, 0
        began = best = dice.gauss(0, 1)
        while number < experiments and used < trainings:
            number, used = number + 1, used + 1
            gain = draw(dice, number)
            score = dice.gauss(worth + gain, 1)
            if score <= best + margin:
                continue
            if confirms:
                used += confirms
                score = fmean(dice.gauss(worth + gain, 1) for _ in range(confirms))
                if score <= best + margin:
                    continue
            false += gain <= 0
            worth, best = worth + gain, score
        return Night(worth, worth, best - began, false, used, number)

    return run


RULES: dict[str, Callable[..., Night]] = {
    "loopwatch, keep = confirm": ours,
    "loopwatch, keep = strict": lambda *args, **limits: ours(*args, **limits, strict=True),
    "keep if lower": rival(0),
    "keep if lower by 2 σ": rival(2),
    "0.5 σ, and the mean of 3 more": rival(0.5, confirms=3),
}


def nights(
    rule: str, draws: Sequence[Draw], *, experiments: float = math.inf, trainings: float = math.inf
) -> list[Night]:
    return [
        RULES[rule](random.Random(f"{rule} {place}"), draw, experiments=experiments, trainings=trainings)
        for place, draw in enumerate(draws)
    ]


def told(values: Sequence[float], digits: int = 2) -> str:
    """A mean with its 95 % interval."""
    error = 1.96 * statistics.stdev(values) / math.sqrt(len(values))
    return f"{fmean(values):.{digits}f} ± {error:.{digits}f}"


def main() -> None:
    count = 40 if arguments(__doc__).parse_args().quick else 400

    print(f"null loop: {count} runs of {EXPERIMENTS} experiments of which none changes anything")
    print(f"  {'':32}{'false gains a run':>20}{'median':>9}{'of them announced σ':>24}{'trainings/experiment':>24}")
    for rule in RULES:
        found = nights(rule, [null] * count, experiments=EXPERIMENTS)
        per_run = told([night.false for night in found], 3)
        per_experiment = told([night.trainings / night.experiments for night in found])
        median = statistics.median(night.false for night in found)
        print(f"  {rule:32}{per_run:>20}{median:>9g}{told([night.claimed for night in found]):>24}{per_experiment:>24}")
    print("  aim: ≤ 0.12 false gains, at ≤ 1.80 trainings per experiment\n")

    print(
        f"planted gain: one of {EXPERIMENTS - 1} edits, each place in turn; the share that is announced (kept, for the rivals)"
    )
    print(f"  {'':32}" + "".join(f"{f'{size:g} σ':>20}" for size in (1, 2, 3, 4)))
    for rule in RULES:
        shares = []
        for size in (1.0, 2.0, 3.0, 4.0):
            draws = [planted(2 + place % (EXPERIMENTS - 1), size) for place in range(count)]
            found = nights(rule, draws, experiments=EXPERIMENTS)
            shares.append(f"{fmean(night.headline >= size for night in found):.1%}")
        print(f"  {rule:32}" + "".join(f"{share:>20}" for share in shares))
    print("  aim: ≥ 95 % at 3 σ\n")

    print(
        "mixed loop: the true gain of what the search ends with / of what is announced, in σ, after equally many trainings"
    )
    loops = {
        "1 σ, 60": (mixed(1), 60),
        "1 σ, 100": (mixed(1), 100),
        "of all sizes, 100": (spread_out, 100),
        "2 σ, 100": (mixed(2), 100),
    }
    print(f"  {'':32}" + "".join(f"{name:>24}" for name in loops))
    for rule in RULES:
        cells = []
        for draw, trainings in loops.values():
            found = nights(rule, [draw] * count, trainings=trainings)
            cells.append(f"{told([night.kept for night in found])} / {fmean(night.headline for night in found):.2f}")
        print(f"  {rule:32}" + "".join(f"{cell:>24}" for cell in cells))
    print("  aim: not below keep if lower, with gains of 1 σ\n")
    print(
        f"rule: let go below {confirm.BARS} σ; proof from {confirm.WORTH} σ on, p < {confirm.ERROR}, ≤ {confirm.MOST} repeats"
    )


if __name__ == "__main__":
    main()
