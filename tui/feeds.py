"""What streams: one experiment's curve, reasoning and output, fetched piece by piece as they grow."""

import math
from collections import OrderedDict
from dataclasses import dataclass, field

from loopwatch.engine.client import Look, Thought, Viewer
from loopwatch.engine.state import Experiment
from loopwatch.engine.task import Budget

from .widgets.raster import Series

FEEDS_KEPT = 8

TOLD_KEPT = 20_000
"""Characters of what an agent did with its tools; only what it claimed at the end of its turn is looked for in them."""


@dataclass
class CurveFeed:
    """The loss of one attempt of an experiment, over the share of its budget."""

    experiment: int
    attempt: int
    seen: int = 0
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    complete: bool = False

    def fetch(self, viewer: Viewer, budget: Budget) -> bool:
        """Add what is new; whether anything was."""
        points = viewer.points(self.experiment, after=self.seen)
        for point in points:
            if point.attempt != self.attempt:
                continue
            value = point.loss if point.loss is not None else point.metric
            share = budget.share(at=point.at, step=point.step, progress=point.progress)
            # The axis only goes forward, whatever an experiment prints about its progress.
            self.x.append(max(share, self.x[-1] if self.x else 0.0))
            self.y.append(math.nan if value is None else value)
        if points:
            self.seen = points[-1].id
        return any(point.attempt == self.attempt for point in points)

    @property
    def series(self) -> Series | None:
        """The curve, or None when there is none yet."""
        return Series(self.x, self.y) if self.x else None

    @property
    def last(self) -> float | None:
        """The last value that is a number."""
        return next((value for value in reversed(self.y) if not math.isnan(value)), None)

    @property
    def progress(self) -> float | None:
        """How much of the budget the last point had used."""
        return min(1.0, self.x[-1]) if self.x else None


class CurveFeeds:
    """The curves that were looked at last, so that coming back to one fetches only what is new."""

    def __init__(self, viewer: Viewer) -> None:
        """Fetches through `viewer`."""
        self._viewer = viewer
        self._feeds: OrderedDict[tuple[int, int], CurveFeed] = OrderedDict()

    def get(self, experiment: int, attempt: int) -> CurveFeed | None:
        """What was fetched of an attempt, if anything."""
        return self._feeds.get((experiment, attempt))

    def fetch(self, experiment: Experiment, attempt: int, budget: Budget) -> tuple[CurveFeed, bool]:
        """An attempt's curve, and whether there is more of it than last time; a settled experiment's own does not grow."""
        place = experiment.number, attempt
        known = self._feeds.get(place)
        feed = self._feeds.setdefault(place, CurveFeed(*place))
        self._feeds.move_to_end(place)
        while len(self._feeds) > FEEDS_KEPT:
            self._feeds.popitem(last=False)
        if feed.complete:
            return feed, False
        grew = feed.fetch(self._viewer, budget)
        feed.complete = experiment.step == "settled" and attempt == experiment.attempt
        return feed, grew or known is None


@dataclass
class LookFeed:
    """What the forecaster expected of one experiment's last attempt, look by look."""

    experiment: int
    seen: int = 0
    looks: list[Look] = field(default_factory=list)

    def fetch(self, viewer: Viewer) -> bool:
        """Add what is new; whether anything was."""
        new = viewer.looks(self.experiment, after=self.seen)
        if new:
            self.seen = new[-1].id
            self.looks = [look for look in (*self.looks, *new) if look.attempt == new[-1].attempt]
        return bool(new)


@dataclass
class ThoughtFeed:
    """What was streamed for one experiment: thinking, words, tools, notices."""

    experiment: int
    seen: int = 0
    told: str = ""
    """The end of what an agent did with its tools."""

    def fetch(self, viewer: Viewer) -> list[Thought]:
        """What is new."""
        thoughts = viewer.thoughts(self.experiment, after=self.seen)
        if thoughts:
            self.seen = thoughts[-1].id
            tools = "".join(thought.text for thought in thoughts if thought.kind == "tool")
            self.told = (self.told + tools)[-TOLD_KEPT:]
        return thoughts
