"""The curve of the experiment that is looked at, over the best one's, as points arrive."""

import math

from loopwatch.engine.client import Viewer
from loopwatch.engine.state import Experiment, State

from .. import view
from ..feeds import CurveFeeds, LookFeed
from ..widgets.curve import Curve


class Chart:
    """Fetches curves and looks of the forecaster, and hands them to the pane when there is more."""

    def __init__(self, viewer: Viewer, *, ascii_only: bool) -> None:
        """Fetches through `viewer`."""
        self._viewer, self._ascii = viewer, ascii_only
        self._curves = CurveFeeds(viewer)
        self._looks: LookFeed | None = None
        self._drawn: tuple[int | None, int, int | None] = (None, 0, None)

    def progress(self, experiment: Experiment) -> float | None:
        """How much of its budget an experiment had used at its last point, as far as that was fetched."""
        feed = self._curves.get(experiment.number, experiment.attempt)
        return feed.progress if feed else None

    def draw(self, pane: Curve, state: State, e: Experiment | None) -> None:
        """Show what is known of `e`, unless nothing has changed."""
        if state.opened is None:
            return
        best = state.best_experiment if state.best_experiment is not e else None
        attempt = state.shown_attempt(e) if e else 0
        now, grew = self._curves.fetch(e, attempt, state.budget) if e else (None, False)
        behind, _ = self._curves.fetch(best, best.attempt, state.budget) if best else (None, False)
        drawn = (e.number if e else None, attempt, best.number if best else None)
        if e and (self._looks is None or self._looks.experiment != e.number):
            self._looks = LookFeed(e.number)
        looked = self._looks.fetch(self._viewer) if self._looks else False
        if not grew and not looked and drawn == self._drawn:
            return
        if drawn != self._drawn:
            pane.reset()
            self._drawn = drawn
        ends = [1.0, *(feed.x[-1] for feed in (now, behind) if feed and feed.x and math.isfinite(feed.x[-1]))]
        looks = self._looks.looks if self._looks else []
        forecast = view.band(state, e, looks, behind.last if behind else None) if e else None
        pane.show(
            now=now.series if now else None,
            best=behind.series if behind else None,
            title=[("2 ", "quiet"), *view.curve_title(state, e, best, looks, ascii_only=self._ascii)],
            forecast=forecast[0] if forecast else None,
            level=forecast[1] if forecast else None,
            x_max=max(ends),
            x_label="budget",
            x_end=f"{max(ends):.0%}",
        )
