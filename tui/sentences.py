"""What happened, fact by fact, each in one line that no terminal obeys. Pure."""

import time
from typing import Final, assert_never

from loopwatch.engine import agent_events, events
from loopwatch.engine.events import Answer, AnyFact, Why

from . import ancestry
from .certainty import repeated
from .clean import clean
from .containment import contained
from .words import (
    RECEIPTS,
    after,
    better,
    budget,
    control,
    dollars,
    doubts,
    drifted,
    duration,
    number,
    one_line,
    review,
    turn,
    verdict,
)

_ANSWERS: Final[dict[Answer, str]] = {
    "allow": "allowed",
    "deny": "denied",
    "approve": "approved",
    "veto": "vetoed",
    "amend": "amended",
    "send_back": "sent back",
    "let_run": "left running",
    "abort": "abort decided",
    "accept": "verdict accepted",
    "keep": "verdict overridden: keep",
    "discard": "verdict overridden: discard",
    "one_more": "one more training asked for",
}

WHY: Final[dict[Why, str]] = {
    "noise": "to measure the noise",
    "confirmation": "to tell a gain from luck",
    "incumbent": "beside what may replace it",
    "person": "because a person asked for one more",
    "drift": "because the machine's speed has changed",
}
"""Why something is trained again."""

_MODES: Final = {
    "shadow": " (in shadow: it only counts)",
    "audit": " (audited: it runs to its end, to see who is right)",
    "acts": "",
}


def sentence(fact: AnyFact) -> str:
    """What happened, in one line; an experiment's facts begin with its number."""
    experiment = events.experiment_of(fact)
    told = _told(fact)
    return told if experiment is None else f"#{experiment} {told}"


def _told(fact: AnyFact) -> str:
    match fact:
        case events.RunOpened():
            metric = f"{clean(fact.metric.name)}, {better(fact.metric)}"
            return f"run {clean(fact.run)} of task {clean(fact.task)}: {metric}; {budget(fact.budget)} an experiment"
        case events.EngineStarted():
            kept_in = f"; {contained(fact)}" if fact.sandbox else ""
            return f"engine {fact.pid} works on {clean(fact.host)}{kept_in}" + after("; ", fact.recovered)
        case events.ProgramRead():
            return f"programme {'changed' if fact.diff else 'read'}: {one_line(fact.path)}"
        case events.Warned():
            return f"warning: {one_line(fact.text)}"
        case events.Paused():
            return f"paused by {clean(fact.by)}: {one_line(fact.why) or 'no experiment starts after this one'}"
        case events.ControlStarted():
            return "what cannot learn is trained: it must score worse"
        case events.ControlMeasured():
            return control(fact)
        case events.Drifted():
            return drifted(fact)
        case events.Held():
            return f"held by {clean(fact.by)}: stopped where it is, and its clock with it"
        case events.Resumed():
            return f"resumed by {clean(fact.by)}"
        case events.PolicyChanged():
            return f"the {fact.gate} gate is now {clean(fact.policy)}, by {clean(fact.by)}"
        case events.CapsChanged():
            return f"it may spend {fact.caps.words}, by {clean(fact.by)}"
        case events.Noted():
            return f"note {fact.note} by {clean(fact.by)}: {one_line(fact.text)}"
        case events.NoteRead():
            return f"note {fact.note} was read {RECEIPTS[fact.where]}"
        case events.ReviewerMuted():
            return f"the reviewer is {'muted' if fact.muted else 'heard again'}, by {clean(fact.by)}"
        case events.ForecasterTrusted():
            return f"the forecaster may act from now on, by {clean(fact.by)}" + after(": ", fact.why)
        case events.StopAsked():
            return f"{clean(fact.by)} asked to stop {'at once' if fact.now else 'after this experiment'}"
        case events.Stopped():
            return f"stopped: {one_line(fact.detail) or fact.because.replace('_', ' ')}"
        case agent_events.LineageFact():
            return ancestry.told(fact)
        case _:
            return _told_of_experiment(fact)


def _told_of_experiment(fact: "ExperimentFact") -> str:
    match fact:
        case events.Proposing():
            again = f" again (revision {fact.revision})" if fact.revision > 1 else ""
            notes = f" with note {', '.join(map(str, fact.notes))} in its prompt" if fact.notes else ""
            agent = f" by {clean(fact.agent)}" if fact.agent else ""
            return f"{clean(fact.proposer)} proposes{agent}{again}{notes}" + after("; sent back because ", fact.comment)
        case events.Briefed():
            return f"read a brief of about {fact.tokens} tokens" + after("; left out: ", ", ".join(fact.left_out))
        case events.Requested():
            return f"request {fact.request} to {clean(fact.model)}, about {fact.prompt_tokens} tokens"
        case events.Billed():
            return f"request {fact.request} used {fact.usage.total} tokens: {dollars(fact.usd)}" + (
                " (estimated)" if fact.estimated else ""
            )
        case events.BackedOff():
            tries = f", try {fact.attempt + 1} of {fact.attempts}" if fact.attempts else ""
            until = time.strftime("%H:%M:%S", time.localtime(min(max(fact.until, 0.0), 4e9)))
            return f"waits for the service: {one_line(fact.why)}; again at {until}{tries}"
        case events.WentOn():
            return f"went on after {duration(fact.waited_seconds)}"
        case events.TurnEnded():
            return f"turn ended: {turn(fact)}"
        case events.Explained():
            return f"mechanism {fact.mechanism} by {clean(fact.by)}" + after(": ", fact.theory)
        case events.Reviewed():
            return f"reviewed by {clean(fact.by)}: {review(fact)}"
        case events.Graded():
            return graded(fact)
        case events.Proposed():
            return f"proposed: {one_line(fact.hypothesis)}" + _size(fact.added, fact.removed, fact.paths)
        case events.Asked():
            return (
                f"waits for a person at the {fact.gate} gate: {one_line(fact.question)}" + _odds(fact) + _silence(fact)
            )
        case events.Decided():
            which = f"{clean(fact.agent)} " if fact.agent else ""
            return f"{which}{_ANSWERS[fact.answer]} by {clean(fact.by)}" + after(": ", fact.reason)
        case events.Applied():
            return "applied to the working folder"
        case events.Started():
            return "started" + (f" again, attempt {fact.attempt}" if fact.attempt > 1 else "") + f" (seed {fact.seed})"
        case events.AbortSuggested():
            return f"abort suggested at {fact.share:.0%}: {one_line(fact.reason)}{_MODES[fact.mode]}"
        case events.Finished():
            return f"ended after {duration(fact.wall_seconds)}: {one_line(fact.reason)}" + after(", ", fact.detail)
        case events.Measured():
            found = number(fact.value) if fact.value is not None else "no number"
            trust = f" ({fact.trust})" if fact.trust and fact.value is not None else ""
            return f"measured: {found}{trust}" + after("; ", fact.problem) + doubts(fact.flags)
        case events.AttemptLost():
            return f"attempt {fact.attempt} is repeated: {one_line(fact.why)}"
        case agent_events.Rescored():
            return ancestry.rescored(fact)
        case events.RepeatStarted():
            return f"trains again{of_how_many(fact.repeat, fact.of)} {WHY[fact.why]} (seed {fact.seed})"
        case events.RepeatMeasured():
            what = "noise floor" if fact.why == "noise" else "repeat"
            return f"{what} {fact.repeat}{f' of {fact.of}' if fact.of else ''}: {repeated(fact)}"
        case events.Judged():
            return verdict(fact.verdict, fact.reason)
        case events.Settled():
            return f"settled; the best commit is {clean(fact.best_commit[:7])}"
        case _:
            assert_never(fact)


def graded(fact: events.Graded) -> str:
    """What a judge model made of the answers, beside what patterns make of them."""
    votes = f"{fact.votes} votes each" if fact.votes > 1 else "one vote each"
    apart = f", which are ±{number(fact.spread)} apart" if fact.spread is not None else ""
    spoiled = f", {fact.spoiled} of them spoiled" if fact.spoiled else ""
    return f"judged by {clean(fact.by)}, {votes}{apart}{spoiled}: {number(fact.value)}; by patterns {number(fact.evaluated)}"


def of_how_many(repeat: int, of: int | None) -> str:
    """Which one of how many, where that is known."""
    return f", {repeat} of {of}" if of else ""


def _odds(fact: events.Asked) -> str:
    return after("; ", fact.detail) if fact.gate == "verdict" else ""


def _silence(fact: events.Asked) -> str:
    if fact.seconds is None or fact.on_silence is None:
        return ""
    return f" (after {duration(fact.seconds)} without an answer: {fact.on_silence.replace('_', ' ')})"


def _size(added: int, removed: int, paths: tuple[str, ...]) -> str:
    return f" (+{added} −{removed} in {', '.join(map(one_line, paths))})" if paths else ""


ExperimentFact = (
    events.Proposing | events.Briefed | events.Requested | events.Billed | events.BackedOff | events.WentOn
    | events.TurnEnded | events.Explained | events.Reviewed | events.Graded | events.Proposed | events.Asked | events.Decided
    | events.Applied | events.Started
    | events.AbortSuggested | events.Finished | events.Measured | events.AttemptLost
    | agent_events.Rescored | events.RepeatStarted | events.RepeatMeasured | events.Judged | events.Settled
)  # fmt: skip
