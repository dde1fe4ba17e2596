"""An experiment's reasoning as it is streamed, and what becomes known beside it, each thing once."""

from collections.abc import Sequence

from loopwatch.engine.client import Thought, Viewer
from loopwatch.engine.state import Experiment, State

from .. import telling
from ..feeds import ThoughtFeed
from ..palette import Role
from ..widgets.tail import Tail


class Transcript:
    """Follows one experiment at a time."""

    def __init__(self, viewer: Viewer) -> None:
        """Fetches through `viewer`."""
        self._viewer = viewer
        self._thoughts: ThoughtFeed | None = None
        self._told: set[str] = set()
        self._speaker = ""

    def begin(self, pane: Tail, e: Experiment) -> None:
        """Follow `e` from now on; where that is another experiment than before, from its beginning."""
        if self._thoughts is None or self._thoughts.experiment != e.number:
            self._thoughts, self._told, self._speaker = ThoughtFeed(e.number), set(), e.proposer
            pane.clear()
            pane.heading(telling.reasoning_heading(e))
        pane.set_title(telling.reasoning_title(e))

    def draw(self, pane: Tail, state: State, e: Experiment | None) -> None:
        """Show what is new."""
        if e is not None and self._thoughts is not None and self._thoughts.experiment == e.number:
            thoughts = self._thoughts.fetch(self._viewer)
            self._say(pane, [thought for thought in thoughts if not telling.is_reviewers(thought, e)], e)
            self._add(pane, telling.reasoning_end(e, state, told=self._thoughts.told))
            self._say(pane, [thought for thought in thoughts if telling.is_reviewers(thought, e)], e)
            self._add(pane, telling.review_end(e, state))
        pane.flush()

    def _say(self, pane: Tail, thoughts: Sequence[Thought], e: Experiment) -> None:
        """What was streamed, each by whom it was."""
        for thought in thoughts:
            speaker, voice = telling.voice(thought, e)
            if speaker != self._speaker:
                self._speaker = speaker
                pane.heading(f"— {speaker} —", role="mark")
            pane.append(thought.text, voice=voice)

    def _add(self, pane: Tail, lines: Sequence[tuple[str, Role]]) -> None:
        """What is known by now, each line once."""
        for line, role in lines:
            if line not in self._told:
                self._told.add(line)
                pane.heading(line, role=role)
