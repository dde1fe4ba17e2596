"""What streams, and whose it is."""

from pathlib import Path

from loopwatch.engine import events
from loopwatch.engine.client import Viewer
from loopwatch.tui.feeds import CurveFeeds

from .film import Film


def test_a_repeat_has_a_curve_while_it_trains_and_afterwards_the_experiment_has_its_own_again(tmp_path: Path) -> None:
    film = Film(tmp_path / "run")
    film.propose(1, "the baseline", diff="")
    film.run_to(1, 3.6, gain=None, kept=True)
    viewer = Viewer(film.run, name="test")
    curves = CurveFeeds(viewer)

    def shown() -> tuple[int, int]:
        viewer.poll()
        baseline = viewer.state.experiments[1]
        feed, _ = curves.fetch(baseline, viewer.state.shown_attempt(baseline), viewer.state.budget)
        return feed.attempt, len(feed.x)

    assert shown() == (1, 100)
    film.begin_repeat(1, 1, "noise", 5)
    assert shown() == (1001, 0)
    film.train(1, until=0.3, low=3.6, attempt=1001)
    assert shown() == (1001, 30)
    film.tell(events.RepeatMeasured(experiment=1, repeat=1, value=3.61, why="noise"))
    assert shown() == (1, 100)
    viewer.close()
