"""Numbers, times, verdicts and outcomes in plain words, for the command line and the screen alike. Pure.

Every piece of text that came from a person, an agent or an experiment has passed `clean`: a sentence is one line that no
terminal obeys.
"""

import math
import time
from typing import Final

from loopwatch.engine import events
from loopwatch.engine.events import Outcome, Verdict
from loopwatch.engine.money import Spent
from loopwatch.engine.money import dollars as dollars
from loopwatch.engine.state import Experiment, Note, State
from loopwatch.engine.task import Budget, Metric

from .clean import clean

VERDICTS: Final[dict[Verdict, str]] = {
    "kept": "kept",
    "discarded": "discarded",
    "aborted": "aborted",
    "crashed": "crashed",
    "timed_out": "timed out",
    "no_metric": "no metric",
    "vetoed": "vetoed",
    "voided": "voided",
    "interrupted": "interrupted",
    "unproposed": "no proposal",
}

OUTCOMES: Final[dict[Outcome, str]] = {
    "proposed": "a proposal",
    "nothing": "no proposal",
    "cancelled": "cancelled",
    "refused": "the model refused",
    "truncated": "the answer was cut",
    "too_long": "the prompt is too long for the model",
    "invalid": "no edit that can be applied",
    "over_budget": "the money is used up",
    "bad_key": "the key does not work",
    "unavailable": "the service does not answer",
    "crashed": "the proposer failed",
}
"""How a proposer's turn ended."""

TURNS: Final[dict[Outcome, str]] = {
    "proposed": "proposed",
    "nothing": "no idea",
    "cancelled": "cancelled",
    "refused": "refused",
    "truncated": "cut off",
    "too_long": "too long",
    "invalid": "bad edit",
    "over_budget": "no money",
    "bad_key": "bad key",
    "unavailable": "no answer",
    "crashed": "failed",
}
"""The same in a column of a table."""

RECEIPTS: Final[dict[str | None, str]] = {
    "prompt": "in its prompt",
    "next request": "with its next request",
    "this turn": "in the middle of its turn",
    None: "",
}
"""When a note was read."""

NEAR: Final = 0.35
"""An earlier diff at a greater distance has too little in common to be worth a word."""

SHORTEST_REASON: Final = 12
"""Characters; of a reason that is cut to less nobody can guess the rest."""

LONG_WAIT_SECONDS: Final = 600
"""From here on the time of day says more than the seconds that are left."""


def one_line(text: str) -> str:
    """Text from outside as one clean line, its line breaks and tabs as spaces."""
    return clean(" ".join(text.split()))


def number(value: float | None) -> str:
    """A number with the digits that matter; – for none."""
    if value is None:
        return "–"
    return f"{value:.4g}" if value and (abs(value) < 0.01 or abs(value) >= 10_000) else f"{value:.4f}"


def spread(value: float | None) -> str:
    """How far numbers lie apart, of which two digits are known at best."""
    return "–" if value is None else f"{value:.2g}"


def spent(of: Spent) -> str:
    """What requests cost: `~` where part of it is an estimate, and what has no price is not passed off as nothing."""
    known, about = of.requests - of.unpriced, "~" if of.estimated else ""
    if of.unpriced <= 0:
        return about + dollars(of.usd)
    free = f"{tokens(of.prompt_tokens + of.output_tokens)} tokens, price unknown"
    return f"{about}{dollars(of.usd)} + unknown" if known > 0 else about + free


def spent_of_cap(state: State) -> str:
    """What a run has cost, and of how much."""
    cap, said = state.caps.run_usd, spent(state.spent)
    if cap is None:
        return said
    least = "≥" if state.spent.unpriced else ""
    return f"{said} of {dollars(cap)} ({least}{state.spent.usd / cap:.0%})"


def tokens(count: int) -> str:
    """A number of tokens, such as 12.3k."""
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"


def time_of_day(at: float, now: float) -> str:
    """When something will be, by this machine's clock; with its day when that is not today."""
    there = time.localtime(min(max(at, 0.0), 4e9))
    return time.strftime("%H:%M" if abs(at - now) < 20 * 3600 else "%d %b %H:%M", there)


def service(wait: events.BackedOff, now: float, *, room: int | None = None) -> str:
    """What is waited for, and until when; with `room`, the reason is cut and the countdown is not."""
    left = max(0, math.ceil(wait.until - now))
    again = f"again in {duration(left) if left >= 10 else f'{left} s'}"
    if left >= LONG_WAIT_SECONDS:
        again = f"again at {time_of_day(wait.until, now)}, in {duration(left)}"
    tries = f", try {wait.attempt + 1} of {wait.attempts}" if wait.attempts else ""
    why = one_line(wait.why) or "the service does not answer"
    if room is None or len(why) + len(again + tries) + 2 <= room:
        return f"{why}; {again}{tries}"
    why = why.rpartition(": ")[2] or why  # what a service says comes after what says it
    left_for_why = room - len(again + tries) - 3
    if left_for_why >= SHORTEST_REASON:
        short = why if len(why) <= left_for_why else f"{why[:left_for_why]}…"
        return f"{short}; {again}{tries}"
    return again + tries if len(again + tries) <= room else again


def turn(ended: events.TurnEnded) -> str:
    """How a proposer's turn ended, in a sentence."""
    rule = f" ({one_line(ended.category)})" if ended.category else ""
    return OUTCOMES[ended.outcome] + rule + after(": ", ended.detail)


def review(of: events.Reviewed) -> str:
    """A reviewer's advice in one line."""
    sure = f"{min(max(of.confidence, 0.0), 1.0):.0%} sure" if math.isfinite(of.confidence) else "unsure"
    pattern = after("; pattern: ", of.pattern_detected)
    return f"{one_line(of.issue_type)} ({of.severity}, {sure})" + after("; fix: ", of.fix_suggestion) + pattern


def receipt(note: Note) -> str:
    """Whether a note was read, when, and by whom."""
    if note.read_in is None:
        return "not read yet"
    return f"read in #{note.read_in}, {RECEIPTS[note.where]}" if note.where else f"read in #{note.read_in}"


def flags(experiment: Experiment, state: State) -> list[str]:
    """What a person should know of a proposal before they say yes."""
    found = [f"{experiment.changes} changes at once"] if experiment.changes > 1 else []
    if experiment.nearest is not None and experiment.distance is not None and experiment.distance <= NEAR:
        near = state.experiments.get(experiment.nearest)
        went = f" ({VERDICTS[near.verdict]})" if near and near.verdict else ""
        found.append(f"much like #{experiment.nearest}{went}, distance {experiment.distance:.2f}")
    return found + [one_line(flag) for flag in experiment.flags]


def trusted(experiment: Experiment | None) -> str:
    """How far an experiment's number can be trusted, to stand behind it; "" where nobody said."""
    return f", {experiment.trust}" if experiment and experiment.trust else ""


def outcome(experiment: Experiment) -> str:
    """An experiment's verdict with its reason; without a proposal, how its turn ended."""
    if experiment.verdict is None:
        return f"not judged yet, it is {experiment.step}"
    if experiment.verdict == "unproposed" and experiment.turn:
        told = turn(experiment.turn)
        return told if told.startswith(VERDICTS["unproposed"]) else f"{VERDICTS['unproposed']}: {told}"
    return verdict(experiment.verdict, experiment.reason)


def mechanism(experiment: Experiment) -> str:
    """Whether an experiment's mechanism held, who says so, and how they explain things now."""
    said = experiment.explained
    return f"{said.mechanism}, by {clean(said.by)}" + after(": ", said.theory) if said else "open"


def duration(seconds: float) -> str:
    """A length of time in its two greatest units, such as 2 h 05 min."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def clock(seconds: float) -> str:
    """A length of time that is counted up or down, as short as it goes: 1m05s."""
    whole = max(0, int(seconds))
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s" if whole >= 60 else f"{whole}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def better(metric: Metric) -> str:
    """Which way is better."""
    return "lower is better" if metric.direction == "down" else "higher is better"


def budget(of: Budget) -> str:
    """What one experiment may use."""
    match of.kind:
        case "cpu_seconds":
            return f"{of.amount:g} s of processor time"
        case "wall_seconds":
            return f"{of.amount:g} s"
        case "steps":
            return f"{of.amount:g} steps"


def doubts(flags: tuple[str, ...]) -> str:
    """What makes a number hard to believe, to stand behind a sentence."""
    return "; hard to believe: " + "; ".join(map(one_line, flags)) if flags else ""


def control(fact: events.ControlMeasured) -> str:
    """What a training that cannot learn scored."""
    return f"control: {one_line(fact.reason)}"


def drifted(fact: events.Drifted) -> str:
    """That the machine is not what it was."""
    ratio = f" at {fact.speed / fact.before:.0%} of its former speed" if fact.speed and fact.before else ""
    return (
        f"the machine has changed{ratio and ': it runs'}{ratio}; only numbers from now on are compared with each other"
    )


def verdict(judged: Verdict, reason: str) -> str:
    """A verdict with its reason, which begins with the verdict's word."""
    said, word = one_line(reason), VERDICTS[judged]
    return said if said.startswith(word) else word + after(": ", said)


def approved_by(experiment: Experiment) -> str | None:
    """Who let an experiment be applied: a person's name or a policy; None when nobody did, or nothing was applied."""
    if experiment.is_baseline:
        return None
    decided = experiment.decided("apply")
    return decided.by if decided and decided.answer in ("approve", "amend") else None


def after(between: str, text: str) -> str:
    """Text from outside behind what joins it to the rest; "" where there is none."""
    return between + one_line(text) if text.strip() else ""
