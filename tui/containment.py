"""How well experiments are contained, in words. Pure."""

from typing import Final

from loopwatch.engine import events
from loopwatch.engine.config import Tier
from loopwatch.engine.state import Experiment, State

from .words import after, one_line

CONTAINED: Final[dict[Tier | None, str]] = {
    "sealed": "sealed",
    "fenced": "fenced",
    "limits": "limited in what they use up, and not contained",
    "none": "not contained",
    None: "not known to be contained",
}
"""How experiments are kept in."""

UNCONTAINED: Final[frozenset[Tier | None]] = frozenset({"limits", "none"})


def tier(engine: events.EngineStarted) -> str:
    """How experiments are contained, as short as it goes: `fenced: 3 open`; "" where nobody knows."""
    if engine.sandbox is None or engine.sandbox in UNCONTAINED:
        return "" if engine.sandbox is None else "NOT CONTAINED"
    still = len(engine.not_protected)
    return engine.sandbox + (f": {still} open" if still else "")


def uncontained(engine: events.EngineStarted) -> str:
    """What a person must not overlook: that experiments are not contained, and what they can do; "" where they are."""
    if engine.sandbox not in UNCONTAINED:
        return ""
    least = "" if engine.sandbox == "none" else ", only limited in what they use up"
    return f"EXPERIMENTS ARE NOT CONTAINED{least}: they can {still_open(engine) or 'do whatever you can'}"


def still_open(engine: events.EngineStarted) -> str:
    """What experiments can do although they are contained."""
    return one_line("; ".join(one.removeprefix("experiments can ") for one in engine.not_protected))


def contained_in(experiment: Experiment, state: State) -> str:
    """How an experiment was contained, and what it could do all the same; "" where nobody said."""
    if experiment.sandbox is None:
        return ""
    engine = state.engine
    still = still_open(engine) if engine and engine.sandbox == experiment.sandbox else ""
    return CONTAINED[experiment.sandbox] + after(", but it can ", still)


def contained(engine: events.EngineStarted) -> str:
    """How experiments are contained, and what they can do all the same."""
    if engine.sandbox == "none":
        return "experiments are NOT contained: they can do whatever you can"
    return f"experiments are {CONTAINED[engine.sandbox]}" + after(", but can ", still_open(engine))
