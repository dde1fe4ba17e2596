"""Check a proposal against 2,000 earlier experiments: is it the same as one, how near is the nearest, how many changes does it make.

    python -m benchmarks.novelty

Wall time of one process, with the shipped pretrain task's train.py (`large`: the same code three times over, some 770 lines).
`small` diffs change one to three lines, `rewrites` 20 to 120. The desk does all of this for each proposal, before it costs
anything; `brief` is the prompt after so many experiments.
"""

import random
import time
from collections.abc import Callable

from loopwatch.engine import novelty
from loopwatch.engine.editing.changes import changes
from loopwatch.engine.editing.edits import render
from loopwatch.engine.prompt.brief import Brief, compose
from loopwatch.engine.state import Experiment
from loopwatch.engine.task import load

from .figures import Aim, arguments, heading, note, tell

EXPERIMENTS = 2000
WHOLE = Aim(50)


def small(lines: list[str], dice: random.Random) -> list[str]:
    """One to three lines with another ending."""
    changed = set(dice.sample(range(len(lines)), dice.choice((1, 1, 2, 3))))
    return [f"{line}  # {dice.random():.3g}, {at}" if at in changed else line for at, line in enumerate(lines)]


def rewritten(lines: list[str], dice: random.Random) -> list[str]:
    """New code in place of some whole definitions."""
    begin, count = dice.randrange(len(lines) // 2), dice.randrange(20, 120)
    new = [f"value_{dice.randrange(99)} = {dice.random():.4f} * step({dice.randrange(9)})" for _ in range(count)]
    starts = [at for at, line in enumerate(lines) if line[:1].isalpha() and not lines[at - 1].strip()]
    first = max((at for at in starts if at <= begin), default=0)
    last = max((at for at in starts if at <= begin + count), default=begin)
    return [*lines[:first], *new, *lines[last:]]


def measure(name: str, source: str, change: Callable[[list[str], random.Random], list[str]], times: int) -> None:
    dice = random.Random(1)
    lines = source.split("\n")
    earlier = [render("train.py", source, "\n".join(change(lines, dice))) for _ in range(EXPERIMENTS)]
    history = {f"{number:064x}": number for number in range(EXPERIMENTS)}
    before = {"train.py": source}
    exact: list[float] = []
    near: list[float] = []
    counted: list[float] = []
    whole: list[float] = []
    for _ in range(times):
        after = {"train.py": "\n".join(change(lines, dice))}
        diff = render("train.py", source, after["train.py"])
        began = time.perf_counter()
        same = history.get(novelty.fingerprint(after)), novelty.fingerprint(before)
        found = time.perf_counter()
        nearest = novelty.nearest(diff, ((number, text) for number, text in enumerate(reversed(earlier))))
        compared = time.perf_counter()
        changes(before, after)
        ended = time.perf_counter()
        assert same
        assert nearest
        for values, spent in (
            (exact, found - began), (near, compared - found), (counted, ended - compared), (whole, ended - began),
        ):  # fmt: skip
            values.append(spent * 1000)
    tell(f"{name}: the whole check", whole, "ms", WHOLE, Aim(50, "p95"))
    tell("  of which: the same as an earlier one", exact, "ms")
    tell(f"  of which: the nearest of the last {novelty.LAST}", near, "ms")
    tell("  of which: counting changes", counted, "ms")
    note(f"the first, when nothing is remembered: {whole[0]:.1f} ms")


def brief(source: str, times: int) -> None:
    dice = random.Random(2)
    lines = source.split("\n")
    history = tuple(
        Experiment(
            number, step="settled", verdict="discarded", hypothesis="h " * 60, mechanism="m " * 60, reason="worse", by="judge",
            value=1 + number / 1e4, gain=-0.1, diff=render("train.py", source, "\n".join(small(lines, dice))),
        )
        for number in range(1, EXPERIMENTS + 1)
    )  # fmt: skip
    made = Brief(
        experiment=EXPERIMENTS + 1, revision=1, task=load("pretrain"), program="p " * 1000, sources={"train.py": source},
        history=history, best=1.0, notes=(), comment="", seed=1,
    )  # fmt: skip
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        prompt = compose(made)
        spent.append((time.perf_counter() - began) * 1000)
    tell(f"brief: a prompt of about {prompt.tokens:,} tokens", spent, "ms")


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    times = 20 if chosen.quick else 100
    heading(f"novelty: {EXPERIMENTS:,} earlier experiments")
    source = (load("pretrain").folder / "train.py").read_text(encoding="utf-8")
    measure("small diffs", source, small, times)
    measure("rewrites", source, rewritten, times)
    measure("small diffs, large", source * 3, small, times)
    measure("rewrites, large", source * 3, rewritten, times)
    brief(source, times)


if __name__ == "__main__":
    main()
