"""What a run looks like now: the fold of its facts. Pure; viewers and engine use the same one.

state = State()
for entry in ledger.since(state.seq):
    state.apply(entry)
"""

import statistics
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, assert_never

from . import agent_events, events
from .agent_events import LineageFact
from .config import Caps, Tier
from .confirm import BARS
from .events import Answer, Asked, Entry, Mechanism, Verdict, Why
from .lineage import Lineage
from .money import Spent
from .noise import Noise, pooled, share_of_speed
from .policy import Gate
from .task import Budget, Metric
from .trust import Trust

Step = Literal["proposing", "proposed", "approved", "applied", "running", "finished", "measured", "judged", "settled"]

REPEATS = 1000
"""In the names of folders and logs, and in curves, an experiment's repeats are its attempts from here on: 0004-1002 is the second of #4."""

NO_FAULT = ("valid", "aborted", "unfair")
"""Outcomes of a repeat that say nothing against its code."""

SPEEDS = 4
"""The last measurements of the machine's speed that are known: those of two trainings."""


@dataclass(slots=True)
class Repeat:
    """Another training of an experiment's exact code."""

    number: int
    seed: int
    why: Why
    of: int | None = None
    """How many of this kind there are to be, where that is known."""
    began_at: float = 0
    """Its last start, in seconds since 1970."""
    measured: events.RepeatMeasured | None = None
    """None while it trains, or was left by a killed engine."""

    @property
    def attempt(self) -> int:
        """What it is called among its experiment's attempts."""
        return REPEATS + self.number

    @property
    def value(self) -> float | None:
        """Its number, where it may be believed."""
        return self.measured.value if self.measured and self.measured.outcome == "valid" else None


@dataclass(slots=True)
class Experiment:
    """One proposal's life so far."""

    number: int
    step: Step = "proposing"
    revision: int = 0
    proposer: str = ""
    agent: str = ""
    """The version of an agent that proposed it, where agents are source code."""
    author: str = ""
    hypothesis: str = ""
    mechanism: str = ""
    expected: str = ""
    diff: str = ""
    digest: str = ""
    parent: str = ""
    paths: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    fingerprint: str = ""
    """Of the code as it would be, after parsing."""
    changes: int = 1
    """How many separate changes it seems to make."""
    nearest: int | None = None
    distance: float | None = None
    """From the diff of `nearest`: 0 is the same change, 1 has nothing in common."""
    comment: str = ""
    """Why a person sent the last revision back."""
    brief: events.Briefed | None = None
    """The prompt of the last revision."""
    turn: events.TurnEnded | None = None
    """How the proposer's last turn ended."""
    spent: Spent = field(default_factory=Spent)
    waited_seconds: float = 0
    """For a service that did not answer, or a limit."""
    explained: events.Explained | None = None
    """What somebody said of the mechanism after the verdict."""
    review: events.Reviewed | None = None
    graded: events.Graded | None = None
    """What a judge model said last of its answers."""
    attempt: int = 0
    began_at: float = 0
    started_at: float = 0
    ended_at: float = 0
    sandbox: Tier | None = None
    """How well its last attempt was contained."""
    suggested: events.AbortSuggested | None = None
    """What the forecaster said of the last attempt, if it would have aborted it."""
    finished: events.Finished | None = None
    measured: events.Measured | None = None
    commit: str | None = None
    rescored: agent_events.Rescored | None = None
    """What it scored on the newest suite, where the suite has changed since it was measured."""
    rescored_at: float = 0
    scored_again: list[agent_events.Rescored] = field(default_factory=list)
    """What it scored on every suite since it was measured, oldest first."""
    decisions: list[events.Decided] = field(default_factory=list)
    since: float = 0
    """What was trained before this moment was trained on a machine that is not what it was."""
    repeats: list[Repeat] = field(default_factory=list)
    verdict: Verdict | None = None
    confirmed: bool = False
    """Kept, and told from luck; what is kept without is provisional."""
    value: float | None = None
    """Of the first training, the one that it was judged worth a look for."""
    gain: float | None = None
    sigma: float | None = None
    flags: tuple[str, ...] = ()
    """What makes its number hard to believe, each a sentence."""
    quarantined: bool = False
    """It would have been kept but for its flags."""
    reason: str = ""
    by: str = ""

    def decided(self, gate: Gate) -> events.Decided | None:
        """The last decision at a gate, for the revision at hand."""
        return next((fact for fact in reversed(self.decisions) if fact.gate == gate), None)

    @property
    def mechanism_held(self) -> Mechanism:
        """Whether the mechanism is what happened, as somebody said; open until somebody did."""
        return self.explained.mechanism if self.explained else "open"

    @property
    def first(self) -> float | None:
        """What the first training measured, as soon as it is known; on the newest suite that it was scored on."""
        if self.rescored:
            return self.rescored.value
        return self.measured.value if self.measured and self.measured.outcome == "valid" else None

    @property
    def fresh(self) -> tuple[float, ...]:
        """Its numbers on seeds or tests that it was not chosen for: all but the first, which is lucky where it was chosen."""
        repeated = self._repeated
        unchosen = self.rescored is not None or (self.is_baseline and self.started_at >= self.since)
        return (self.first, *repeated) if unchosen and self.first is not None else repeated

    @property
    def _repeated(self) -> tuple[float, ...]:
        """What its repeats scored on the suite that counts, and on the machine as it is."""
        since = max(self.since, self.rescored_at)
        return tuple(r.value for r in self.repeats if r.value is not None and r.began_at >= since)

    @property
    def values(self) -> tuple[float, ...]:
        """Every number that may be believed, the first one first."""
        return tuple(value for value in (self.first, *self._repeated) if value is not None)

    @property
    def estimate(self) -> float | None:
        """What it is worth: the mean of its repeats, or the one number there is."""
        if self.fresh:
            return statistics.mean(self.fresh)
        return self.value if self.value is not None and self.rescored is None else self.first

    @property
    def suite(self) -> int:
        """The suite that its number is of; 0 is the frozen original, or none."""
        return self.rescored.suite if self.rescored else self.measured.suite if self.measured else 0

    @property
    def score(self) -> float | None:
        """The number that it was judged by, or what it scored since on a suite of more tests."""
        return self.first if self.rescored else self.value

    @property
    def scores(self) -> tuple[float, ...]:
        """On each test of that suite, where the evaluator says so."""
        return self.rescored.scores if self.rescored else self.measured.scores if self.measured else ()

    @property
    def frozen_score(self) -> float | None:
        """What it scored on the frozen original suite, where there is another."""
        if self.rescored:
            return self.rescored.frozen
        if self.measured is None:
            return None
        return self.measured.frozen if self.measured.suite else self.measured.value

    @property
    def is_provisional(self) -> bool:
        """Whether it is kept, and may be luck."""
        return self.verdict == "kept" and not self.confirmed

    @property
    def failed_again(self) -> str:
        """Why its code gave no number when it was trained again, where that was its own fault; "" otherwise."""
        failed = (r.measured for r in self.repeats if r.measured and r.measured.outcome not in NO_FAULT)
        return next((measured.problem or measured.outcome for measured in failed), "")

    def trained_since(self, at: float) -> int:
        """How many of its repeats that gave a number began after this moment."""
        return sum(repeat.value is not None and repeat.began_at > at for repeat in self.repeats)

    def counted(self, why: Why) -> int:
        """How many repeats of a kind came to their end, with a number or without."""
        return sum(repeat.why == why and repeat.measured is not None for repeat in self.repeats)

    @property
    def trust(self) -> Trust | None:
        """How far its number can be trusted."""
        return self.measured.trust if self.measured else None

    @property
    def is_rejected(self) -> bool:
        """Whether its number was not believed."""
        if self.measured and (self.measured.invalid or not self.measured.comparable):
            return self.measured.invalid
        return self.quarantined or self.verdict == "voided"

    @property
    def told(self) -> str:
        """The reason of its verdict as whoever proposes hears it: not what gave a number away, since that is learned from too."""
        return "rejected: integrity" if self.is_rejected and self.verdict != "kept" else self.reason

    @property
    def is_baseline(self) -> bool:
        """Experiment 1 is the unmodified start."""
        return self.number == 1


@dataclass(slots=True)
class Note:
    """What a person wrote to the proposer, and which prompt it entered."""

    number: int
    text: str
    by: str
    read_in: int | None = None
    """The experiment whose proposer read it."""
    where: Literal["prompt", "next request", "this turn"] | None = None
    """At its prompt, or while it worked: with its next request, or at once."""


@dataclass(slots=True)
class Bill:
    """One request to a model, and what is known of its cost."""

    asked: events.Requested
    at: float
    billed: events.Billed | None = None

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return self.billed is None or not self.billed.final


@dataclass(slots=True)
class Waiting:
    """A gate that waits for a person."""

    asked: Asked
    since: float

    @property
    def deadline(self) -> float | None:
        """When silence becomes an answer, in seconds since 1970."""
        return None if self.asked.seconds is None else self.since + self.asked.seconds


class Progress(NamedTuple):
    """How far the best is from the baseline."""

    best: float
    baseline: float
    original: bool
    """Whether these are scores on the original suite, because today's tests were not there when the baseline was scored last."""


@dataclass(slots=True)
class State:
    """A run, as its facts say."""

    seq: int = 0
    at: float = 0
    opened: events.RunOpened | None = None
    opened_at: float = 0
    engine: events.EngineStarted | None = None
    engine_started_at: float = 0
    worked_seconds: float = 0
    """How long engines worked before the present one."""
    experiments: dict[int, Experiment] = field(default_factory=dict)
    best: int | None = None
    """What the search goes on from; perhaps only provisionally."""
    best_confirmed: int | None = None
    """The last one that was told from luck: the headline."""
    best_commit: str = ""
    noise: Noise = field(default_factory=Noise)
    """How much identical trainings differ, pooled over everything that was repeated."""
    noise_from_speed: float | None = None
    """The share of its variance that goes with the machine's speed; None without a canary."""
    repeating: tuple[int, int] | None = None
    """The experiment and the repeat that train now."""
    waiting: Waiting | None = None
    notes: dict[int, Note] = field(default_factory=dict)
    gates: dict[str, str] = field(default_factory=dict)
    program: events.ProgramRead | None = None
    paused_by: str | None = None
    held_by: str | None = None
    trusted_by: str | None = None
    """Who let the forecaster act; None while it is in shadow."""
    paused_why: str = ""
    """What has to be mended before it can go on."""
    paused_because: Literal["bad_key", "money", "integrity"] | None = None
    caps: Caps = field(default_factory=Caps)
    """The most that may be spent."""
    cap_waived: bool = False
    """Near the run's cap it paused, and a person let it go on: up to the cap itself it does not pause again."""
    warned: set[str] = field(default_factory=set)
    """What a person was told once, and is not told again."""
    bills: dict[int, Bill] = field(default_factory=dict)
    """Every request to a model, by its number."""
    spent: Spent = field(default_factory=Spent)
    waited_seconds: float = 0
    """For services that did not answer and limits; not counted as work."""
    backing_off: events.BackedOff | None = None
    """What is waited for now."""
    backing_off_since: float = 0
    muted_by: str | None = None
    """Who muted the reviewer; None while it is heard."""
    stop_asked: events.StopAsked | None = None
    stopped: events.Stopped | None = None
    warnings: list[events.Warned] = field(default_factory=list)
    usual_speed: float | None = None
    """Of the machine, with which each training's is compared: the baseline's, until the machine drifts; None without a canary."""
    speeds: tuple[float, ...] = ()
    """The last ones that were measured, oldest first."""
    drifted_at: float = 0
    """What was trained before this moment is not compared with what is trained now."""
    trained: int = 0
    """Trainings that began since then."""
    lineage: Lineage = field(default_factory=Lineage)
    """Versions of agents, rounds, suites."""
    controlling: bool = False
    """Whether what cannot learn trains now."""
    control: events.ControlMeasured | None = None
    """What a training without learning scored."""
    excused: int = 0
    """Invalid reports up to this experiment were seen by a person, who let the run go on."""

    @property
    def run(self) -> str:
        """The run's name."""
        return self.opened.run if self.opened else ""

    @property
    def metric(self) -> Metric:
        """What is measured; only an opened run has one."""
        assert self.opened is not None
        return self.opened.metric

    @property
    def budget(self) -> Budget:
        """How long an experiment may train; only an opened run has one."""
        assert self.opened is not None
        return self.opened.budget

    @property
    def current(self) -> Experiment | None:
        """The experiment that has no settled verdict yet."""
        last = self.last
        return last if last is not None and last.step != "settled" else None

    @property
    def last(self) -> Experiment | None:
        """The newest experiment."""
        return self.experiments[max(self.experiments)] if self.experiments else None

    @property
    def baseline(self) -> Experiment | None:
        """Experiment 1."""
        return self.experiments.get(1)

    @property
    def best_experiment(self) -> Experiment | None:
        """The one that is kept and best."""
        return self.experiments[self.best] if self.best is not None else None

    @property
    def progress(self) -> Progress | None:
        """What the best and the baseline are worth; None while there are not two numbers on the same tests."""
        best, baseline = self.best_experiment, self.baseline
        if best is None or baseline is None or best is baseline:
            return None
        original = best.suite != baseline.suite
        numbers = (e.frozen_score if original else e.estimate for e in (best, baseline))
        now, before = numbers
        return None if now is None or before is None else Progress(now, before, original)

    @property
    def confirmed_experiment(self) -> Experiment | None:
        """The last confirmed one."""
        return self.experiments[self.best_confirmed] if self.best_confirmed is not None else None

    @property
    def best_value(self) -> float | None:
        """What the best so far is worth."""
        return self.best_experiment.estimate if self.best_experiment else None

    @property
    def confirmed_value(self) -> float | None:
        """What the last confirmed one is worth; of a run that confirms nothing, what the best is."""
        counts = self.opened is not None and self.opened.config.keep != "improve"
        return self.confirmed_experiment.estimate if counts and self.confirmed_experiment else self.best_value

    @property
    def margin(self) -> float:
        """What a gain must exceed to count, or to be looked at again, in the metric's unit."""
        assert self.opened is not None
        config = self.opened.config
        return (config.margin_sigma if config.keep == "improve" else BARS[0]) * (self.noise.sigma or 0.0)

    @property
    def repeat(self) -> Repeat | None:
        """The repeat that trains now."""
        if self.repeating is None:
            return None
        experiment, number = self.repeating
        return self.experiments[experiment].repeats[number - 1]

    def shown_attempt(self, experiment: Experiment) -> int:
        """Whose curve an experiment's is: that of the repeat that trains now, or of its own last attempt."""
        repeats_it = self.repeating is not None and self.repeating[0] == experiment.number
        return self.repeat.attempt if self.repeat and repeats_it else experiment.attempt

    @property
    def has_rounds(self) -> bool:
        """Whether it is an arena."""
        return self.opened is not None and self.opened.config.strategy.partition(":")[0] == "arena"

    @property
    def attended(self) -> bool:
        """Whether a person approves proposals, so that the run may wait for one; else it has to end."""
        return self.gates.get("apply") != "auto"

    def count(self, *verdicts: Verdict) -> int:
        """How many experiments have one of these verdicts; any verdict without arguments."""
        wanted = set(verdicts)
        return sum(
            1 for e in self.experiments.values() if e.verdict is not None and (not wanted or e.verdict in wanted)
        )

    def unread_notes(self) -> list[Note]:
        """The notes that no prompt contained yet."""
        return [note for note in self.notes.values() if note.read_in is None]

    def best_so_far(self) -> list[float]:
        """The best value after each judged experiment, oldest first, from the baseline on."""
        curve: list[float] = []
        for number in sorted(self.experiments):
            experiment = self.experiments[number]
            if experiment.verdict == "kept" and experiment.value is not None:
                worse = curve and self.metric.gain(experiment.value, curve[-1]) < 0
                curve.append(curve[-1] if worse else experiment.value)
            elif experiment.verdict is not None and curve:
                curve.append(curve[-1])
        return curve

    def apply(self, entry: Entry) -> None:
        """Fold one fact in."""
        last_at, self.seq, self.at = self.at, entry.seq, entry.at
        fact, at = entry.fact, entry.at
        match fact:
            case events.RunOpened():
                self.opened, self.opened_at, self.best_commit = fact, at, fact.base_commit
                self.noise = Noise(fact.metric.noise, declared=fact.metric.noise)
                self.gates, self.caps = dict(fact.config.gates.model_dump()), fact.config.caps
            case events.EngineStarted():
                if self.engine and not self.stopped:  # it was killed; its last fact is the last we know of it
                    self.worked_seconds += max(0.0, last_at - self.engine_started_at)
                self.engine, self.engine_started_at = fact, at
                self.stopped = self.stop_asked = self.held_by = self.backing_off = self.repeating = None
                self.controlling = False
            case events.Stopped():
                if self.engine and not self.stopped:  # else it could not even begin to work
                    self.worked_seconds += max(0.0, at - self.engine_started_at)
                self.stopped, self.waiting, self.held_by, self.backing_off = fact, None, None, None
                self.repeating, self.controlling = None, False
            case events.StopAsked():
                self.stop_asked = fact
            case events.ProgramRead():
                self.program = fact
            case events.Warned():
                self.warnings.append(fact)
                self.warned.add(fact.once)
            case events.Paused():
                self.paused_by, self.paused_why, self.paused_because = fact.by, fact.why, fact.because
            case events.Held():
                self.held_by = fact.by
            case events.Resumed():
                self.cap_waived = self.cap_waived or self.paused_because == "money"
                if self.paused_because == "integrity":
                    self.excused = max(self.experiments, default=0)
                self.paused_by = self.held_by = self.paused_because = None
                self.paused_why = ""
            case events.PolicyChanged():
                self.gates[fact.gate] = fact.policy
            case events.CapsChanged():
                self.caps, self.cap_waived, self.paused_because = fact.caps, False, None
            case events.Noted():
                self.notes[fact.note] = Note(fact.note, fact.text, fact.by)
            case events.NoteRead():
                self.notes[fact.note].read_in, self.notes[fact.note].where = fact.experiment, fact.where
            case events.ReviewerMuted():
                self.muted_by = fact.by if fact.muted else None
            case events.Requested():
                self.bills[fact.request] = Bill(fact, at)
            case events.Billed():
                self._bill(fact)
            case events.BackedOff():
                self.backing_off, self.backing_off_since = fact, at
            case events.WentOn():
                self.backing_off = None
                self.waited_seconds += fact.waited_seconds
                self.experiments[fact.experiment].waited_seconds += fact.waited_seconds
            case events.Asked():
                self.waiting = Waiting(fact, at)
            case events.ControlStarted():
                self.controlling = True
            case events.ControlMeasured():
                self.control, self.controlling = fact, False
            case events.Drifted():
                self._drift(fact)
            case events.ForecasterTrusted():
                self.trusted_by = fact.by
            case events.Proposing():
                self._proposing(fact, at)
            case LineageFact():
                self.lineage.apply(fact, at, after=max(self.experiments, default=0))
            case events.Decided(gate="rewrite"):
                self._allow(fact)
            case _:
                self._advance(self.experiments[fact.experiment], fact, at)

    def _proposing(self, fact: events.Proposing, at: float) -> None:
        experiment = self.experiments.setdefault(fact.experiment, Experiment(fact.experiment, began_at=at))
        experiment.step, experiment.revision, experiment.proposer, experiment.comment = (
            "proposing",
            fact.revision,
            fact.proposer,
            fact.comment,
        )
        experiment.agent = fact.agent
        experiment.turn = experiment.brief = None
        if self.waiting and self.waiting.asked.experiment == fact.experiment:  # asked by an agent that is gone
            self.waiting = None
        for number in fact.notes:
            self.notes[number].read_in, self.notes[number].where = fact.experiment, "prompt"

    def _allow(self, fact: events.Decided) -> None:
        version = self.lineage.versions[fact.agent]
        version.allowed, version.allowed_by = fact.answer == "allow", fact.by
        if self.waiting and self.waiting.asked.ask == fact.ask:
            self.waiting = None

    def _bill(self, fact: events.Billed) -> None:
        bill, experiment = self.bills[fact.request], self.experiments[fact.experiment]
        for spent in (self.spent, experiment.spent):
            if before := bill.billed:
                spent.add(before.usage, before.usd, estimated=before.estimated, sign=-1)
            spent.add(fact.usage, fact.usd, estimated=fact.estimated)
        bill.billed = fact

    def _advance(self, experiment: Experiment, fact: "ExperimentFact", at: float) -> None:
        match fact:
            case events.Briefed():
                experiment.brief = fact
            case events.TurnEnded():
                experiment.turn = fact
            case events.Explained():
                experiment.explained = fact
            case events.Reviewed():
                experiment.review = fact
            case events.Graded():
                experiment.graded = fact
            case events.Proposed():
                experiment.step, experiment.revision, experiment.author = (
                    "proposed",
                    fact.revision,
                    fact.author,
                )
                experiment.hypothesis, experiment.mechanism = fact.hypothesis, fact.mechanism
                experiment.diff, experiment.digest, experiment.parent = fact.diff, fact.digest, fact.parent
                experiment.paths, experiment.added, experiment.removed = fact.paths, fact.added, fact.removed
                experiment.expected, experiment.fingerprint = fact.expected, fact.fingerprint
                experiment.changes, experiment.nearest, experiment.distance = fact.changes, fact.nearest, fact.distance
                experiment.decisions.clear()
            case events.Decided():
                experiment.decisions.append(fact)
                if self.waiting and self.waiting.asked.ask == fact.ask:
                    self.waiting = None
                if fact.gate == "apply" and fact.answer == "approve":
                    experiment.step = "approved"
            case events.Applied():
                experiment.step = "applied"
            case events.Started():
                experiment.step, experiment.attempt, experiment.started_at = "running", fact.attempt, at
                self.trained += 1
                experiment.sandbox = fact.sandbox
                experiment.finished = experiment.measured = experiment.suggested = None
            case events.AbortSuggested():
                experiment.suggested = fact
            case events.Finished():
                experiment.step, experiment.finished = "finished", fact
                self._ran(experiment)
            case events.Measured():
                experiment.step, experiment.measured, experiment.flags = "measured", fact, fact.flags
                if experiment.is_baseline and fact.speed is not None and self.usual_speed is None:
                    self.usual_speed = fact.speed
                self.speeds = (*self.speeds, *fact.speeds)[-SPEEDS:]
                experiment.since = self.drifted_at
            case agent_events.Rescored():
                experiment.rescored, experiment.rescored_at = fact, at
                experiment.scored_again.append(fact)
            case events.RepeatStarted():
                if fact.repeat > len(experiment.repeats):
                    experiment.repeats.append(Repeat(fact.repeat, fact.seed, fact.why, fact.of))
                experiment.repeats[fact.repeat - 1].began_at = at
                self.repeating = (experiment.number, fact.repeat)
                self.trained += 1
            case events.RepeatMeasured():
                experiment.repeats[fact.repeat - 1].measured = fact
                self.speeds = (*self.speeds, *fact.speeds)[-SPEEDS:]
                if experiment.repeats[fact.repeat - 1].value is not None:
                    experiment.since = self.drifted_at
                self.repeating = self.held_by = None
                self._measure_noise()
            case events.AttemptLost():
                experiment.step, experiment.finished, experiment.measured = "applied", None, None
                self.speeds = (*self.speeds, *fact.speeds)[-SPEEDS:]
                self._ran(experiment)
            case events.Judged():
                self._judge(experiment, fact, at)
            case events.Settled():
                experiment.step, self.best_commit = "settled", fact.best_commit
            case _:
                assert_never(fact)

    def _ran(self, experiment: Experiment) -> None:
        """Nothing runs now: neither a hold nor the question whether to abort means anything any more."""
        self.held_by = None
        asked = self.waiting.asked if self.waiting else None
        if asked and asked.gate == "run" and asked.experiment == experiment.number:
            self.waiting = None

    def _judge(self, experiment: Experiment, fact: events.Judged, at: float) -> None:
        experiment.step, experiment.verdict, experiment.ended_at = "judged", fact.verdict, at
        experiment.value, experiment.gain, experiment.sigma = fact.value, fact.gain, fact.sigma
        experiment.reason, experiment.by = fact.reason, fact.by
        experiment.flags, experiment.quarantined = fact.flags or experiment.flags, fact.quarantined
        experiment.confirmed = fact.verdict == "kept" and (fact.confirmed or experiment.is_baseline)
        experiment.commit = fact.commit or experiment.commit
        if self.waiting and self.waiting.asked.experiment == experiment.number:
            self.waiting = None
        if fact.verdict == "kept":
            self.best = experiment.number
            if experiment.confirmed:
                self.best_confirmed = experiment.number

    def _measure_noise(self) -> None:
        """A number that was chosen because it looked good says nothing of the noise; the baseline's was not."""
        of_now = (e.fresh for e in self.experiments.values() if e.since == self.drifted_at)
        self.noise = pooled(of_now, self.metric.noise)
        if not self.noise.is_measured:
            self.noise = pooled((e.fresh for e in self.experiments.values()), self.metric.noise)
        self.noise_from_speed = share_of_speed(_paced(e) for e in self.experiments.values())

    def _drift(self, fact: events.Drifted) -> None:
        self.usual_speed, self.drifted_at = fact.speed or self.usual_speed, fact.since
        self.speeds, self.trained = (), 0
        for experiment in self.experiments.values():
            began = (r.began_at for r in experiment.repeats if r.value is not None)
            if max(experiment.started_at if experiment.first is not None else 0, *began, 0) >= fact.since:
                experiment.since = fact.since
        self._measure_noise()


def _paced(experiment: Experiment) -> list[tuple[float, float]]:
    """The value and the machine's speed of each repeat."""
    done = [
        r.measured for r in experiment.repeats if r.measured and r.value is not None and r.began_at >= experiment.since
    ]
    return [(m.value, m.speed) for m in done if m.value is not None and m.speed is not None]


ExperimentFact = (
    events.Briefed | events.TurnEnded | events.Explained | events.Reviewed | events.Graded
    | events.Proposed | events.Decided | events.Applied | events.Started | events.AbortSuggested | events.Finished | events.Measured
    | events.AttemptLost | agent_events.Rescored | events.RepeatStarted | events.RepeatMeasured | events.Judged | events.Settled
)  # fmt: skip

__all__ = ["Answer", "Bill", "Experiment", "Note", "Progress", "Repeat", "State", "Step", "Waiting"]
