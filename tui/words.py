"""Facts, states and numbers in plain words, for the command line and the screen alike. Pure.

Every piece of text that came from a person, an agent or an experiment has passed `clean`: a sentence is one line that no
terminal obeys.
"""

import math
import time
from statistics import stdev
from typing import Final, Literal, assert_never

from loopwatch.engine import events
from loopwatch.engine.config import Tier
from loopwatch.engine.events import Answer, AnyFact, Outcome, Verdict, Why
from loopwatch.engine.money import Spent
from loopwatch.engine.money import dollars as dollars
from loopwatch.engine.policy import Gate
from loopwatch.engine.state import Experiment, Note, State, Waiting
from loopwatch.engine.task import Budget, Metric

from .clean import clean

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

CONTAINED: Final[dict[Tier | None, str]] = {
    "sealed": "sealed",
    "fenced": "fenced",
    "limits": "limited in what they use up, and not contained",
    "none": "not contained",
    None: "not known to be contained",
}
"""How experiments are kept in."""

UNCONTAINED: Final[frozenset[Tier | None]] = frozenset({"limits", "none"})

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

_TO_ANSWER: Final[dict[Gate, tuple[str, ...]]] = {
    "tool": ("allow", "deny -m WHY"),
    "apply": ("approve", "veto", "send-back -m WHY", "amend --diff FILE"),
    "run": ("let-run", "abort"),
    "verdict": ("accept", "keep", "discard", "one-more"),
}


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
    return OUTCOMES[ended.outcome] + rule + _after(": ", ended.detail)


def review(of: events.Reviewed) -> str:
    """A reviewer's advice in one line."""
    sure = f"{min(max(of.confidence, 0.0), 1.0):.0%} sure" if math.isfinite(of.confidence) else "unsure"
    pattern = _after("; pattern: ", of.pattern_detected)
    return f"{one_line(of.issue_type)} ({of.severity}, {sure})" + _after("; fix: ", of.fix_suggestion) + pattern


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
    return f"{said.mechanism}, by {clean(said.by)}" + _after(": ", said.theory) if said else "open"


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
            return f"engine {fact.pid} works on {clean(fact.host)}{kept_in}" + _after("; ", fact.recovered)
        case events.ProgramRead():
            return f"programme {'changed' if fact.diff else 'read'}: {one_line(fact.path)}"
        case events.Warned():
            return f"warning: {one_line(fact.text)}"
        case events.Paused():
            return f"paused by {clean(fact.by)}: {one_line(fact.why) or 'no experiment starts after this one'}"
        case events.ControlMeasured():
            return control(fact)
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
            return f"the forecaster may act from now on, by {clean(fact.by)}" + _after(": ", fact.why)
        case events.StopAsked():
            return f"{clean(fact.by)} asked to stop {'at once' if fact.now else 'after this experiment'}"
        case events.Stopped():
            return f"stopped: {one_line(fact.detail) or fact.because.replace('_', ' ')}"
        case _:
            return _told_of_experiment(fact)


def _told_of_experiment(fact: "ExperimentFact") -> str:
    match fact:
        case events.Proposing():
            again = f" again (revision {fact.revision})" if fact.revision > 1 else ""
            notes = f" with note {', '.join(map(str, fact.notes))} in its prompt" if fact.notes else ""
            return f"{clean(fact.proposer)} proposes{again}{notes}" + _after("; sent back because ", fact.comment)
        case events.Briefed():
            return f"read a brief of about {fact.tokens} tokens" + _after("; left out: ", ", ".join(fact.left_out))
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
            return f"mechanism {fact.mechanism} by {clean(fact.by)}" + _after(": ", fact.theory)
        case events.Reviewed():
            return f"reviewed by {clean(fact.by)}: {review(fact)}"
        case events.Proposed():
            return f"proposed: {one_line(fact.hypothesis)}" + _size(fact.added, fact.removed, fact.paths)
        case events.Asked():
            return (
                f"waits for a person at the {fact.gate} gate: {one_line(fact.question)}" + _odds(fact) + _silence(fact)
            )
        case events.Decided():
            return f"{_ANSWERS[fact.answer]} by {clean(fact.by)}" + _after(": ", fact.reason)
        case events.Applied():
            return "applied to the working folder"
        case events.Started():
            return "started" + (f" again, attempt {fact.attempt}" if fact.attempt > 1 else "") + f" (seed {fact.seed})"
        case events.AbortSuggested():
            return f"abort suggested at {fact.share:.0%}: {one_line(fact.reason)}{_MODES[fact.mode]}"
        case events.Finished():
            return f"ended after {duration(fact.wall_seconds)}: {one_line(fact.reason)}" + _after(", ", fact.detail)
        case events.Measured():
            found = number(fact.value) if fact.value is not None else "no number"
            trust = f" ({fact.trust})" if fact.trust and fact.value is not None else ""
            return f"measured: {found}{trust}" + _after("; ", fact.problem) + doubts(fact.flags)
        case events.AttemptLost():
            return f"attempt {fact.attempt} is repeated: {one_line(fact.why)}"
        case events.RepeatStarted():
            return f"trains again{_of(fact.repeat, fact.of)} {WHY[fact.why]} (seed {fact.seed})"
        case events.RepeatMeasured():
            what = "noise floor" if fact.why == "noise" else "repeat"
            return f"{what} {fact.repeat}{f' of {fact.of}' if fact.of else ''}: {repeated(fact)}"
        case events.Judged():
            return verdict(fact.verdict, fact.reason)
        case events.Settled():
            return f"settled; the best commit is {clean(fact.best_commit[:7])}"
        case _:
            assert_never(fact)


def doubts(flags: tuple[str, ...]) -> str:
    """What makes a number hard to believe, to stand behind a sentence."""
    return "; hard to believe: " + "; ".join(map(one_line, flags)) if flags else ""


def control(fact: events.ControlMeasured) -> str:
    """What a training that cannot learn scored."""
    return f"control: {one_line(fact.reason)}"


def _of(repeat: int, of: int | None) -> str:
    return f", {repeat} of {of}" if of else ""


def trains_control(state: State) -> bool:
    """Whether the control seems to train, of which no fact says that it began: all before it is done, and nothing after it."""
    baseline = state.baseline
    if baseline is None or len(state.experiments) > 1 or baseline.step != "settled" or baseline.verdict != "kept":
        return False
    if state.control or state.repeating or state.paused_by or "control" in state.warned or not state.opened:
        return False
    if not baseline.repeats:
        return state.opened.config.noise_repeats == 0
    wanted = baseline.repeats[-1].of
    return wanted is not None and baseline.counted("noise") >= wanted


def noise(state: State) -> str:
    """How much identical trainings differ, and who says so."""
    known = state.noise
    if not known.is_measured:
        if known.declared is None:
            return "noise not measured, and the task declares none"
        return f"noise not measured; the task declares {number(known.declared) if known.declared else '0'}"
    if not known.sigma:
        return "no noise: all repeats gave exactly the same number"
    speed = state.noise_from_speed
    share = f", {speed:.0%} of its variance goes with the machine's speed" if speed is not None else ""
    interval = f"95 %: {spread(known.low)} to {spread(known.high)}"
    return f"noise σ = {spread(known.sigma)} ({interval}, {known.freedom} degrees of freedom){share}"


def repeats(experiment: Experiment) -> str:
    """What came of an experiment's repeats: their mean, and each."""
    done = [repeat.measured for repeat in experiment.repeats if repeat.measured]
    each = ", ".join(number(m.value) if m.value is not None else m.outcome.replace("_", " ") for m in done)
    seeds = f"{len(done)} fresh seed{'' if len(done) == 1 else 's'}"
    return f"{number(experiment.estimate)} on average; {seeds}: {each}" if done else "not yet"


def repeated(fact: events.RepeatMeasured) -> str:
    """What a repeat measured, or why it has no number."""
    return (number(fact.value) if fact.value is not None else "no number") + _after("; ", fact.problem)


def tries(experiment: Experiment, state: State) -> str:
    """What an experiment is worth beside the last confirmed one."""
    rival = state.confirmed_experiment
    against = f" against {_worth(rival)}" if rival and rival is not experiment else ""
    return _worth(experiment) + against


def _worth(experiment: Experiment) -> str:
    """The mean of an experiment's fresh numbers, how far they lie apart, and how many they are."""
    fresh, mean = experiment.fresh, f"#{experiment.number} {number(experiment.estimate)}"
    return f"{mean} ± {spread(stdev(fresh))} ({len(fresh)} seeds)" if len(fresh) > 1 else f"{mean} (1 training)"


def standing(experiment: Experiment) -> str:
    """Whether what is kept counts: confirmed or provisional; "" for what is not kept."""
    return "" if experiment.verdict != "kept" else "confirmed" if experiment.confirmed else "provisional"


def confirms(state: State) -> bool:
    """Whether what a run keeps is told from luck sooner or later; the classic loop never does."""
    return state.opened is not None and state.opened.config.keep != "improve"


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
    return CONTAINED[experiment.sandbox] + _after(", but it can ", still)


def contained(engine: events.EngineStarted) -> str:
    """How experiments are contained, and what they can do all the same."""
    if engine.sandbox == "none":
        return "experiments are NOT contained: they can do whatever you can"
    return f"experiments are {CONTAINED[engine.sandbox]}" + _after(", but can ", still_open(engine))


def verdict(judged: Verdict, reason: str) -> str:
    """A verdict with its reason, which begins with the verdict's word."""
    said, word = one_line(reason), VERDICTS[judged]
    return said if said.startswith(word) else word + _after(": ", said)


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
    return "running" if state.repeating or trains_control(state) else _working(state)


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
            return f"#{state.repeating[0]} trains again{_of(repeat.number, repeat.of)} {WHY[repeat.why]}"
        case "running" if trains_control(state):
            return "the control trains: what cannot learn must score worse"
        case "running":
            return f"{at}trains" + (f", attempt {current.attempt}" if current and current.attempt > 1 else "")
        case "evaluating":
            return f"{at}is measured and judged"
        case "paused":
            return f"paused by {clean(state.paused_by or '')}" + _after(": ", state.paused_why)
        case "held":
            return f"{at}held by {clean(state.held_by or '')}"
        case "stopping":
            return sentence(state.stop_asked) if state.stop_asked else "the engine ends"
        case "stopped":
            assert state.stopped is not None, "state_word() said so"
            return sentence(state.stopped)
        case "dead":
            return "no engine works on it: it was killed, or never started; nothing is lost"


def counts(state: State) -> str:
    """How the experiments went, such as `12 experiments: 4 kept, 8 discarded`."""
    judged = state.count()
    doubt = {
        "kept": sum(e.is_provisional for e in state.experiments.values()) if confirms(state) else 0,
        "discarded": sum(e.quarantined for e in state.experiments.values()),
    }
    which = {"kept": "provisional", "discarded": "doubted"}
    parts = [
        f"{state.count(key)} {word}" + (f" ({doubt[key]} {which[key]})" if doubt.get(key) else "")
        for key, word in VERDICTS.items()
        if state.count(key)
    ]
    return f"{judged} experiment{'' if judged == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")


def best(state: State) -> str:
    """The best experiment and how far it is from the baseline."""
    found, baseline = state.best_experiment, state.baseline
    if found is None or found.value is None:
        return "nothing kept yet"
    said = f"#{found.number} with {number(state.best_value)}"
    sure = state.confirmed_experiment
    if found.is_provisional and sure and confirms(state):
        return f"{said} provisional; confirmed: #{sure.number} with {number(state.confirmed_value)}"
    if found.is_baseline or baseline is None or baseline.value is None:
        return f"{said}, the baseline"
    said += " confirmed" if found.confirmed and confirms(state) else ""
    now, before = found.estimate or 0.0, baseline.estimate or 0.0
    gain = state.metric.gain(now, before)
    share = f" ({abs(gain / before):.2%})" if before else ""
    return (
        f"{said}, {number(abs(gain))}{share} {'better' if gain >= 0 else 'worse'} than the baseline's {number(before)}"
    )


def approved_by(experiment: Experiment) -> str | None:
    """Who let an experiment be applied: a person's name or a policy; None when nobody did, or nothing was applied."""
    if experiment.is_baseline:
        return None
    decided = experiment.decided("apply")
    return decided.by if decided and decided.answer in ("approve", "amend") else None


def to_answer(waiting: Waiting, run: str) -> str:
    """The commands that answer a gate."""
    first, *others = _TO_ANSWER[waiting.asked.gate]
    return f"loopwatch {first} {run}" + (f" (or: {', '.join(others)})" if others else "")


def _odds(fact: events.Asked) -> str:
    return _after("; ", fact.detail) if fact.gate == "verdict" else ""


def _silence(fact: events.Asked) -> str:
    if fact.seconds is None or fact.on_silence is None:
        return ""
    return f" (after {duration(fact.seconds)} without an answer: {fact.on_silence.replace('_', ' ')})"


def _size(added: int, removed: int, paths: tuple[str, ...]) -> str:
    return f" (+{added} −{removed} in {', '.join(map(one_line, paths))})" if paths else ""


def _after(between: str, text: str) -> str:
    return between + one_line(text) if text.strip() else ""


ExperimentFact = (
    events.Proposing | events.Briefed | events.Requested | events.Billed | events.BackedOff | events.WentOn
    | events.TurnEnded | events.Explained | events.Reviewed | events.Proposed | events.Asked | events.Decided
    | events.Applied | events.Started
    | events.AbortSuggested | events.Finished | events.Measured | events.AttemptLost
    | events.RepeatStarted | events.RepeatMeasured | events.Judged | events.Settled
)  # fmt: skip
