"""Replay finished experiments through forecasters: what each would have lost, and what it would have saved.

Covered: where the experiments come from (a run's own facts, or a file of curves), one row for each forecaster, and whether the
first of them keeps its promise on this data.
Not covered: how one loop is replayed (`replay`), and the words for a person.
"""

import gzip
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from .errors import ConfigError
from .forecast import FORECASTERS, Curve, Direction, Forecaster, Past, Reading, curve, forecaster
from .forecast.record import ENOUGH, ENOUGH_GOOD, Interval, wilson
from .forecast.replay import Replayed, replay
from .past import past_of, thinned
from .state import State
from .telemetry import Point

OURS = "learned"
"""The forecaster that is judged, when it is among those that are replayed; else the first of them."""

Judged = Literal["too_few", "broken", "idle", "unproved", "kept"]
"""What the data says of the promise:

too_few   fewer experiments or improvements than can say anything
broken    more false aborts than promised
idle      nothing was saved
unproved  no more false aborts than promised, but chance could hide more
kept      the whole 95 % interval lies within the promise
"""

Progress = Callable[[str, int, int], None]
"""Hears the forecaster that is at work, how many experiments were replayed, and of how many."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Experiments that followed each other, each having to beat the best before it."""

    experiments: tuple[Past, ...]
    direction: Direction
    noise: float | None = None
    margin_sigma: float = 0.0
    left_out: int = 0
    """Aborted in life: nobody knows how they would have ended."""


@dataclass(frozen=True, slots=True)
class Row:
    """One forecaster on all loops."""

    forecaster: str
    good: int
    """Experiments that would have improved, without the first of each loop."""
    false_aborts: int
    """Good ones aborted."""
    false_rate: Interval
    bad: int
    true_aborts: int
    """Bad ones aborted."""
    saved: float
    """Share of the whole budget."""
    ahead: int
    """Loops whose best is better than without aborts, at the time at which those have done half of their work."""
    behind: int
    """Loops whose best is worse then."""
    best: float | None
    """The best at that time, of a single loop."""
    best_without: float | None
    """The same without aborts."""


@dataclass(frozen=True, slots=True)
class BackTest:
    """The table."""

    loops: int
    experiments: int
    left_out: int
    promised: float
    """Of the experiments that would have improved, the share that may be aborted."""
    rows: tuple[Row, ...]
    judged: Row
    verdict: Judged
    enough: int = ENOUGH
    """Experiments without which the verdict is too_few."""
    enough_good: int = ENOUGH_GOOD
    """Improvements without which the verdict is too_few."""

    @property
    def to_prove(self) -> int:
        """Improvements that prove the promise when none of them is aborted: those at which Wilson's interval ends there."""
        return next(good for good in count(1) if wilson(0, good).high <= self.promised)


def backtest(
    loops: Sequence[Loop], names: Sequence[str], *, promised: float, progress: Progress = lambda *_: None
) -> BackTest:
    """Replay every loop through every named forecaster, all that there are when none is named.

    ConfigError for an unknown name, and when there is nothing to replay.
    """
    if unknown := [name for name in names if name not in FORECASTERS]:
        raise ConfigError(f"there is no forecaster {unknown[0]!r}; there are: {', '.join(FORECASTERS)}")
    made = [forecaster(name, error_budget=promised) for name in dict.fromkeys(names or FORECASTERS)]
    experiments = sum(len(loop.experiments) for loop in loops)
    if not experiments:
        raise ConfigError(
            "no experiment has run to its end yet, so there is nothing to replay; come back when a few have"
        )
    rows: list[Row] = []
    for each in made:
        replayed: list[Replayed] = []
        done = len(rows) * experiments
        for loop in loops:
            progress(each.name, done, len(made) * experiments)
            replayed.append(_replayed(loop, each))
            done += len(loop.experiments)
        rows.append(_row(each.name, loops, replayed))
    judged = next((row for row in rows if row.forecaster == OURS), rows[0])
    left_out = sum(loop.left_out for loop in loops)
    verdict = _verdict(judged, experiments, promised)
    return BackTest(len(loops), experiments, left_out, promised, tuple(rows), judged, verdict)


def loop_of(state: State, points: Callable[[int], Iterable[Point]], *, margin_sigma: float) -> Loop:
    """A run's judged experiments; `points` gives the curve of one."""
    if state.opened is None:
        return Loop((), "down")
    budget, metric = state.opened.budget, state.opened.metric
    found = [
        past
        for number, experiment in sorted(state.experiments.items())
        if (past := past_of(experiment, points(number), budget)) is not None
    ]
    whole = tuple(past for past in found if past.ended != "aborted")
    return Loop(whole, metric.direction, metric.noise, margin_sigma, left_out=len(found) - len(whole))


def loops_in(path: Path) -> tuple[Loop, ...]:
    """The loops of a file of curves (.jsonl or .jsonl.gz), one experiment a line; ConfigError names the first bad line.

    A bad line is not skipped: every later experiment of its loop would be compared with another best.
    """
    episodes: dict[str | int, list[_Line]] = {}
    for number, text in enumerate(_texts(path), start=1):
        if text.strip():
            line = _line(path, number, text)
            episode = episodes.setdefault(line.episode, [])
            if episode and line.direction != episode[0].direction:
                raise _bad(path, number, f"direction is {line.direction}, unlike before in episode {line.episode}")
            episode.append(line)
    return tuple(_loop(lines) for lines in episodes.values())


class _Line(BaseModel):
    """One experiment. `final` must be there, null where it failed; what else a line holds is not looked at."""

    model_config = ConfigDict(frozen=True)

    episode: str | int
    order: FiniteFloat
    budget: Annotated[FiniteFloat, Field(gt=0)]
    direction: Literal["min", "max"]
    final: float | None
    times: tuple[FiniteFloat, ...]
    losses: tuple[float | None, ...]
    val_times: tuple[FiniteFloat, ...] = ()
    vals: tuple[float | None, ...] = ()
    loss_to_metric: Annotated[FiniteFloat, Field(gt=0)] | None = None
    duration: Annotated[FiniteFloat, Field(gt=0)] | None = None
    """When it really ended; else at the end of the budget, or at its last loss where it failed."""

    @model_validator(mode="after")
    def _paired(self) -> Self:
        for moments, values in (("times", "losses"), ("val_times", "vals")):
            if len(getattr(self, moments)) != len(getattr(self, values)):
                raise ValueError(f"{moments} and {values} must be equally long")
        return self

    @property
    def curve(self) -> Curve:
        """Over shares of the budget."""
        losses = zip(self.times, self.losses, strict=True)
        metrics = zip(self.val_times, self.vals, strict=True)
        readings = [Reading(time / self.budget, loss=math.nan if loss is None else loss) for time, loss in losses]
        readings += [Reading(time / self.budget, metric=value) for time, value in metrics]
        ordered = sorted(readings, key=lambda reading: reading.share)
        return curve(thinned(ordered), loss_to_metric=self.loss_to_metric)

    def past(self, number: int) -> Past:
        """As experiment `number` of its loop."""
        seen = self.curve
        final = self.final if self.final is not None and math.isfinite(self.final) else None
        end = 1.0 if final is not None else max(seen.shares, default=0.0)
        stop = end if self.duration is None else self.duration / self.budget
        return Past(number, seen, final, "failed" if final is None else "measured", min(1.0, stop))


def _texts(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no whole gzip file"
        raise ConfigError(f"{path} cannot be read: {why}; name a .jsonl or .jsonl.gz file") from None


def _line(path: Path, number: int, text: bytes) -> _Line:
    try:
        return _Line.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = f"{first['loc'][0]}: " if first["loc"] else ""
        raise _bad(path, number, field + first["msg"].removeprefix("Value error, ")) from None


def _bad(path: Path, number: int, why: str) -> ConfigError:
    return ConfigError(f"{path} line {number}: {why}; repair or delete it (loopwatch backtest --help has the fields)")


def _loop(lines: Iterable[_Line]) -> Loop:
    ordered = sorted(lines, key=lambda line: line.order)
    experiments = tuple(line.past(number) for number, line in enumerate(ordered, start=1))
    return Loop(experiments, "down" if ordered[0].direction == "min" else "up")


def _replayed(loop: Loop, with_: Forecaster) -> Replayed:
    return replay(loop.experiments, with_, direction=loop.direction, noise=loop.noise, margin_sigma=loop.margin_sigma)


def _row(name: str, loops: Sequence[Loop], replayed: Sequence[Replayed]) -> Row:
    good, false_aborts = sum(each.good for each in replayed), sum(each.false_aborts for each in replayed)
    turns = [turn for each in replayed for turn in each.turns]
    whole = sum(turn.whole for turn in turns)
    gains = [_gain(loop, each) for loop, each in zip(loops, replayed, strict=True)]
    return Row(
        forecaster=name,
        good=good,
        false_aborts=false_aborts,
        false_rate=wilson(false_aborts, good),
        bad=sum(each.bad for each in replayed),
        true_aborts=sum(each.true_aborts for each in replayed),
        saved=1 - sum(turn.used for turn in turns) / whole if whole else 0.0,
        ahead=sum(gain > 0 for gain in gains),
        behind=sum(gain < 0 for gain in gains),
        best=replayed[0].best_at_half if len(replayed) == 1 else None,
        best_without=replayed[0].never_at_half if len(replayed) == 1 else None,
    )


def _gain(loop: Loop, replayed: Replayed) -> float:
    """By how much the best at equal time is better than without aborts; infinite where only one of them has any."""
    best, without = replayed.best_at_half, replayed.never_at_half
    if best is None or without is None:
        return 0.0 if best is without else -math.inf if best is None else math.inf
    return without - best if loop.direction == "down" else best - without


def _verdict(row: Row, experiments: int, promised: float) -> Judged:
    if experiments < ENOUGH or row.good < ENOUGH_GOOD:
        return "too_few"
    if row.false_rate.share > promised:
        return "broken"
    if row.saved <= 0:
        return "idle"
    return "kept" if row.false_rate.high <= promised else "unproved"
