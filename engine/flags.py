"""What makes a number hard to believe, each a plain sentence. Pure: results and a diff in, flags out.

A flag proves nothing and refuses nothing. It keeps a win from being believed before a person, or a repetition, has said so; so
each rule is one that honest loops hardly ever meet. `kind` is for programs, `text` for people.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import correlation, median
from typing import Literal, NamedTuple

from .events import Measured
from .state import Experiment, State
from .task import Metric, Task

Kind = Literal["constant", "range", "curve", "relation", "jump", "creep", "touches"]

SAME = 3
"""Different programs with exactly one number."""
READINGS = 5
"""Of a loss, before two curves can be called the same."""
RELATED = 8
"""Results, before the loss is said to go with the metric."""
CORRELATION = 0.9
TOO_MANY_SIGMA = 10
TOO_MANY_MEDIANS = 10
OF_WHAT_WAS_LEARNED = 0.5
"""A gain as large as half of all that the baseline learned."""
STEPS = 4
"""Equal gains in a row; more where the metric itself only takes such steps."""
EQUAL = 0.01
LONGEST_HISTORY = 100


class Flag(NamedTuple):
    """One reason for doubt."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """One measured program."""

    number: int
    value: float
    program: str = ""
    """The same for the same trained model, as far as one knows: a digest of the artefacts, or else of the code."""
    kept: bool = False
    losses: tuple[float, ...] = ()
    """What its training printed."""


def flags(
    metric: Metric,
    now: Result,
    past: Sequence[Result],
    *,
    best: Result | None,
    sigma: float | None = None,
    control: float | None = None,
) -> tuple[Flag, ...]:
    """What is odd about a result.

    past     the results before it, oldest first, the baseline among them
    best     the one to beat
    sigma    one standard deviation of identical trainings
    control  what a training without learning scored
    """
    found = [*_constant(now, past), *_range(metric, now, past)]
    if best is not None and metric.gain(now.value, best.value) > 0:
        win = _Win(metric, now, past, best, metric.gain(now.value, best.value), sigma, control)
        found += [flag for rule in (_moved, _curve, _relation, _jump, _creep) for flag in rule(win)]
    return tuple(found)


class _Win(NamedTuple):
    metric: Metric
    now: Result
    past: Sequence[Result]
    best: Result
    gain: float
    sigma: float | None
    control: float | None

    @property
    def kept(self) -> list[Result]:
        """The results that were kept, and this one."""
        return [*(result for result in self.past if result.kept), self.now]

    @property
    def kept_gains(self) -> list[float]:
        """By how much each kept one beat the one before; the last is this one's."""
        kept = self.kept
        return [self.metric.gain(b.value, a.value) for a, b in pairwise(kept)]


def _constant(now: Result, past: Sequence[Result]) -> Iterator[Flag]:
    same = [now]
    for result in reversed(past):
        if result.value != now.value:
            break
        same.append(result)
    # A number that has moved before is not constant; then chance and rounding have to be thought of.
    if (programs := _different(same)) >= (SAME if len(same) > len(past) else SAME + 2):
        yield Flag("constant", f"{programs} different programs in a row scored exactly {now.value:.10g}")


def _moved(win: _Win) -> Iterator[Flag]:
    same = [result for result in win.past if result.value == win.best.value]
    if (programs := _different(same)) >= SAME and 2 * len(same) >= len(win.past):
        yield Flag(
            "constant", f"{programs} different programs scored exactly {win.best.value:.10g}, and this one does not"
        )


def _different(results: Sequence[Result]) -> int:
    unnamed = sum(not result.program for result in results)
    return len({result.program for result in results if result.program}) + unnamed


def _range(metric: Metric, now: Result, past: Sequence[Result]) -> Iterator[Flag]:
    if not metric.plausible(now.value) or not math.isfinite(now.value):
        yield Flag("range", f"{now.value:g} is outside of what is possible")
    elif _positive_so_far(metric, past) and now.value <= 0:
        yield Flag("range", f"{now.value:g} is not above 0, and every number before it was")


def _positive_so_far(metric: Metric, past: Sequence[Result]) -> bool:
    unbounded = metric.direction == "down" and metric.low is None
    return unbounded and len(past) >= SAME and all(result.value > 0 for result in past)


def _curve(win: _Win) -> Iterator[Flag]:
    losses = win.now.losses
    twin = next((r for r in reversed(win.past) if len(losses) >= READINGS and r.losses == losses), None)
    if twin and win.metric.gain(win.now.value, twin.value) > 0:
        yield Flag("curve", f"its training printed exactly the losses of #{twin.number}, and it scored better")


def _relation(win: _Win) -> Iterator[Flag]:
    known = [(r.losses[-1], r.value) for r in win.past if r.losses and math.isfinite(r.losses[-1])]
    if len(known) < RELATED or not win.best.losses or not win.now.losses or not win.sigma:
        return
    losses, values = zip(*known, strict=True)
    if len(set(losses)) < SAME or len(set(values)) < SAME:
        return
    worse = win.now.losses[-1] > win.best.losses[-1]
    upside_down = -1 if win.metric.direction == "up" else 1
    if worse and win.gain > TOO_MANY_SIGMA / 2 * win.sigma and upside_down * correlation(losses, values) > CORRELATION:
        yield Flag(
            "relation",
            f"it scored {win.gain / win.sigma:.1f} σ better, though its loss ended higher ({win.now.losses[-1]:.4g}, not "
            f"{win.best.losses[-1]:.4g}), and so far the two went together",
        )


def _jump(win: _Win) -> Iterator[Flag]:
    if win.gain <= TOO_MANY_SIGMA * (win.sigma or 0.0):
        return
    usual = win.kept_gains[:-1]
    of_sigma = "" if not win.sigma else f", {win.gain / win.sigma:.0f} σ"
    if win.control is not None:
        baseline = win.past[0].value if win.past else win.best.value
        learned = win.metric.gain(baseline, win.control)
        if 0 < OF_WHAT_WAS_LEARNED * learned < win.gain:
            share = win.gain / learned
            yield Flag("jump", f"a jump of {win.gain:.4g}{of_sigma}: {share:.0%} of all that the baseline had learned")
    elif len(usual) >= SAME:
        # Where nobody knows the noise, the usual gains may be mostly noise themselves.
        too_many = TOO_MANY_MEDIANS * (1 if win.sigma else 3)
        if win.gain > max(*usual, too_many * median(usual)):
            times = win.gain / median(usual)
            yield Flag("jump", f"a jump of {win.gain:.4g}{of_sigma}, {times:.0f} times the usual gain")
    elif (left := _left(win.metric, win.best.value)) is not None and win.gain > 0.9 * left:
        yield Flag("jump", f"a jump of {win.gain:.4g}{of_sigma}: {win.gain / left:.0%} of all that was left to gain")


def _left(metric: Metric, value: float) -> float | None:
    """How much better the metric can become, where that is known; a loss is taken to end at 0."""
    if metric.direction == "up":
        return None if metric.high is None else metric.high - value
    return value - (metric.low or 0.0) if value > 0 else None


def _creep(win: _Win) -> Iterator[Flag]:
    if win.metric.noise == 0:
        return  # what is counted takes equal steps
    gains, kept = win.kept_gains, win.kept
    step = gains[-1]
    finest = min((abs(a.value - b.value) for a in kept for b in win.past if a.value != b.value), default=step)
    wanted = STEPS if finest < (1 - EQUAL) * step else STEPS + 2
    if len(gains) >= wanted and all(abs(gain - step) <= EQUAL * step for gain in gains[-wanted:]):
        yield Flag("creep", f"the last {wanted} gains were all of the same size, {step:.4g}")
        return
    values = [result.value for result in kept[-STEPS - 1 :]]
    if len(values) > STEPS and all(math.isfinite(v) and v * values[0] > 0 for v in values):
        ratios = [b / a for a, b in pairwise(values)]
        if all(abs(math.log(ratio / ratios[-1])) <= EQUAL * abs(math.log(ratios[-1])) for ratio in ratios):
            yield Flag("creep", f"each of the last {STEPS + 1} kept numbers is {ratios[-1]:.4g} times the one before")


# -- diffs -------------------------------------------------------------------------------------------------------------

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEXT = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_NUMBERS_ARE_REPORTED = frozenset({"print", "stdout", "stderr", "logging", "LOOPWATCH_OUT"})
_CLOCKS = frozenset(
    {"LOOPWATCH_BUDGET", "LOOPWATCH_BUDGET_KIND", "clock", "clock_gettime", "datetime", "monotonic", "monotonic_ns",
     "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "setitimer", "sleep", "thread_time"}
)  # fmt: skip
_FILES = frozenset(
    {"LOOPWATCH_DATA", "LOOPWATCH_HIDDEN", "from_file", "fromfile", "glob", "hidden", "iterdir", "listdir", "memmap", "open",
     "read_bytes", "read_text", "rglob", "scandir", "stdlib", "sysconfig", "walk"}
)  # fmt: skip
_BACK_DOORS = frozenset(
    {"LOOPWATCH_WORKSPACE", "__import__", "_getframe", "ctypes", "eval", "exec", "importlib", "inspect", "meta_path", "runpy",
     "settrace", "subprocess"}
)  # fmt: skip


def touched(diff: str, metric: Metric, frozen: Sequence[str] = ()) -> tuple[Flag, ...]:
    """What a diff touches that decides how a result is made or told, rather than how good it is."""
    names = {path.removesuffix(".py").replace("/", ".") for path in frozen if path.endswith(".py")}
    kinds: dict[str, list[str]] = {}
    for word in sorted(_changed_words(diff, names)):
        if what := _what(word, metric, names):
            kinds.setdefault(what, []).append(word)
    if not kinds:
        return ()
    return (Flag("touches", "the diff touches " + "; ".join(f"{what}: {', '.join(w)}" for what, w in kinds.items())),)


def _what(word: str, metric: Metric, frozen: set[str]) -> str:
    if word.startswith("import ") or word in _BACK_DOORS or word == "eval":
        return "the evaluation" if word.removeprefix("import ") in frozen else "what lies outside of the training"
    if word == metric.name or word in _NUMBERS_ARE_REPORTED:
        return "what is reported"
    if "seed" in word.lower().split("_"):
        return "seeds"
    if word in _CLOCKS:
        return "time"
    if word in _FILES or word.startswith(("path ", "/")):
        return "data"
    return ""


def _changed_words(diff: str, frozen: set[str]) -> set[str]:
    """The words of which there are more or fewer after the diff; a line that only moved changes none."""
    counts: Counter[str] = Counter()
    in_hunk = False
    for line in diff.splitlines():
        if line.startswith("@@"):
            in_hunk = True
        elif line.startswith(("diff --git", "--- ")) and not in_hunk:
            continue
        elif line.startswith("diff --git"):
            in_hunk = False
        elif in_hunk and line[:1] in ("+", "-"):
            for word in _words(line[1:], frozen):
                counts[word] += 1 if line[0] == "+" else -1
    return {word for word, count in counts.items() if count}


def _words(line: str, frozen: set[str]) -> Iterator[str]:
    texts = _TEXT.findall(line)
    code = _TEXT.sub(" ", line)
    code = code.partition("#")[0]
    yield from _WORD.findall(code)
    for found in re.findall(r"\b(?:import|from)\s+([A-Za-z_][\w.]*)", code):
        if found in frozen:
            yield f"import {found}"
    for text in texts:
        inside = text[1:-1]
        yield from (word for word in _WORD.findall(inside) if word.startswith("LOOPWATCH_") or "_" in word)
        if inside.startswith(("/", "..")) or inside in frozen or inside.removesuffix(".py") in frozen:
            yield f"path {inside[:40]}"


# -- experiments -------------------------------------------------------------------------------------------------------


def of(
    state: State,
    experiment: Experiment,
    measured: Measured,
    task: Task,
    losses: Callable[[int, int], tuple[float, ...]],
) -> tuple[Flag, ...]:
    """What is odd about an experiment that was measured.

    losses  what an attempt of an experiment printed
    """
    if measured.value is None or experiment.is_baseline:
        return ()
    best, metric = state.best_experiment, task.metric
    is_win = best is not None and metric.gain(measured.value, state.best_value or 0.0) > 0
    known = [e for e in state.experiments.values() if e.verdict in ("kept", "discarded") and not e.quarantined]
    past = [_result(e, losses if is_win else _nothing) for e in known[-LONGEST_HISTORY:] if e.value is not None]
    now = Result(
        experiment.number,
        measured.value,
        _program(experiment, measured),
        losses=losses(experiment.number, measured.attempt),
    )
    # The best is worth what its repeats say, not the number that it was chosen for.
    to_beat = next(
        (replace(r, value=state.best_value or r.value) for r in past if best and r.number == best.number), None
    )
    control = state.control.value if state.control else None
    found = flags(metric, now, past, best=to_beat, sigma=state.noise.sigma, control=control)
    return found + (touched(experiment.diff, metric, task.frozen) if is_win else ())


def _result(experiment: Experiment, losses: Callable[[int, int], tuple[float, ...]]) -> Result:
    assert experiment.value is not None
    program = _program(experiment, experiment.measured)
    printed = losses(experiment.number, experiment.attempt)
    return Result(experiment.number, experiment.value, program, experiment.verdict == "kept", printed)


def _program(experiment: Experiment, measured: Measured | None) -> str:
    """Programs that train the same model are one."""
    artefacts = measured.artefacts if measured else {}
    return " ".join(sorted(artefacts.values())) or experiment.fingerprint or str(experiment.number)


def _nothing(_experiment: int, _attempt: int) -> tuple[float, ...]:
    return ()
