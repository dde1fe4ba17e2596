"""What holds now, for the keys that depend on it. Pure."""

from loopwatch.engine.state import State

from .headline import waits_for_service
from .keys import When


def moments(state: State, *, alive: bool, busy: bool, can_undo: bool) -> frozenset[When]:
    """The moments of the table of keys that hold.

    busy      an answer waits for its effect: the next one has to wait too
    can_undo  an answer can still be taken back
    """
    works = alive and not state.stopped
    now: set[When] = {"always", "working" if works else "dead"}
    if works and state.waiting and not busy:
        now.add(state.waiting.asked.gate)
    step = state.current.step if state.current else None
    if works and (state.repeating or (step in ("running", "proposing") and not state.paused_why)):
        now.add("running")
    if works and (step == "running" or state.repeating):
        now.add("training")
    if waits_for_service(state, alive=alive):
        now.add("service")
    if can_undo:
        now.add("undo")
    return frozenset(now)
