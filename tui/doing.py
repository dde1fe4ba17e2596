"""What a run is doing, and what would answer it, in words. Pure."""

from typing import Final, Literal

from loopwatch.engine.policy import Gate
from loopwatch.engine.state import State, Waiting

from .clean import clean
from .sentences import WHY, of_how_many, sentence
from .words import after

StateWord = Literal[
    "starting", "proposing", "waiting", "running", "evaluating", "paused", "held", "stopping", "stopped", "dead"
]  # fmt: skip
"""What a run is doing:

starting    the engine prepares the task; there is no experiment yet
proposing   a proposer thinks, or its proposal is being checked
waiting     a gate waits for a person
running     an experiment trains
evaluating  the engine measures, judges and settles it
paused      no experiment starts until somebody resumes
held        the running experiment is stopped where it is
stopping    somebody asked the run to end, and it is about to
stopped     the engine ended the run, and said why
dead        no engine works on it although nobody ended it: it was killed, and can be resumed
"""

_TO_ANSWER: Final[dict[Gate, tuple[str, ...]]] = {
    "tool": ("allow", "deny -m WHY"),
    "apply": ("approve", "veto", "send-back -m WHY", "amend --diff FILE"),
    "run": ("let-run", "abort"),
    "verdict": ("accept", "keep", "discard", "one-more"),
    "rewrite": ("allow", "deny -m WHY"),
}


def state_word(state: State, *, alive: bool) -> StateWord:
    """What a run is doing, in one word."""
    if not alive:
        return "stopped" if state.stopped else "dead"
    if state.stopped or (state.stop_asked and not state.waiting):
        return "stopping"
    if state.engine is None or not state.experiments:
        return "paused" if state.paused_by and state.engine else "starting"
    if state.held_by:
        return "held"
    if state.waiting:
        return "waiting"
    return "running" if state.repeating or state.controlling else _working(state)


def _working(state: State) -> StateWord:
    current = state.current
    if current is None or (state.paused_why and current.step == "proposing"):
        return "paused" if state.paused_by else "proposing"
    match current.step:
        case "proposing" | "proposed":
            return "proposing"
        case "approved" | "applied" | "running":
            return "running"
        case "finished" | "measured" | "judged" | "settled":
            return "evaluating"


def now(state: State, *, alive: bool) -> str:
    """What a run is doing, in one sentence."""
    word, current = state_word(state, alive=alive), state.current
    at = f"#{current.number} " if current else ""
    if state.backing_off and word in ("proposing", "evaluating"):
        return sentence(state.backing_off)
    match word:
        case "starting":
            return "the engine prepares the task"
        case "proposing":
            return f"{at}{clean(current.proposer)} proposes" if current else "between two experiments"
        case "waiting":
            assert state.waiting is not None, "state_word() said so"
            return sentence(state.waiting.asked)
        case "running" if (repeat := state.repeat) and state.repeating:
            if repeat.why == "noise":
                return f"#{state.repeating[0]} noise floor: repeat {repeat.number} of {repeat.of} trains"
            return f"#{state.repeating[0]} trains again{of_how_many(repeat.number, repeat.of)} {WHY[repeat.why]}"
        case "running" if state.controlling:
            return "the control trains: what cannot learn must score worse"
        case "running":
            return f"{at}trains" + (f", attempt {current.attempt}" if current and current.attempt > 1 else "")
        case "evaluating":
            return f"{at}is measured and judged"
        case "paused":
            return f"paused by {clean(state.paused_by or '')}" + after(": ", state.paused_why)
        case "held":
            return f"{at}held by {clean(state.held_by or '')}"
        case "stopping":
            return sentence(state.stop_asked) if state.stop_asked else "the engine ends"
        case "stopped":
            assert state.stopped is not None, "state_word() said so"
            return sentence(state.stopped)
        case "dead":
            return "no engine works on it: it was killed, or never started; nothing is lost"


def to_answer(waiting: Waiting, run: str) -> str:
    """The commands that answer a gate."""
    first, *others = _TO_ANSWER[waiting.asked.gate]
    return f"loopwatch {first} {run}" + (f" (or: {', '.join(others)})" if others else "")
