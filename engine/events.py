"""Every fact of a run, frozen, in the past tense.

An experiment's life is one line of facts:

    Proposing → (Briefed → Requested → Billed → TurnEnded) → Proposed → (Asked → Decided) → Applied
    → Started → Finished → Measured → (Asked → Decided) → Judged → Settled

and each arrow is one transaction, so that a killed engine has exactly one place to go on from. What happens to agents that are
source code, and to suites of tests, is in `agent_events`. Times are not in the facts but
beside them, in `Entry.at` (seconds since 1970, UTC).
"""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, JsonValue, TypeAdapter

from .agent_events import (
    Adopted,
    AgentRestored,
    Checked,
    Dropped,
    Rescored,
    Rewritten,
    RoundBegan,
    RoundEnded,
    SuiteChanged,
    TestsProposed,
    TestsWeighed,
)
from .config import Caps, RunConfig, StopReason, Tier
from .fact import Fact
from .money import Usage
from .policy import Gate
from .task import Budget, Metric
from .trust import Trust

Verdict = Literal[
    "kept", "discarded", "aborted", "crashed", "timed_out", "no_metric", "vetoed", "voided", "interrupted", "unproposed"
]
FAILURES: frozenset[Verdict] = frozenset({"crashed", "timed_out", "no_metric", "voided", "unproposed"})

Answer = Literal[
    "allow",
    "deny",
    "approve",
    "veto",
    "amend",
    "send_back",
    "let_run",
    "abort",
    "accept",
    "keep",
    "discard",
    "one_more",
]

Why = Literal["noise", "confirmation", "incumbent", "person", "drift"]
"""Why a state of the code was trained again:

noise         to see how much identical trainings differ, before the first proposal
confirmation  to tell a gain from luck
incumbent     the confirmed one, next to a candidate that is being confirmed
person        a person asked for one more at the verdict gate
drift         the machine has another speed than before
"""


Mechanism = Literal["confirmed", "refuted", "open"]
"""Whether what was said to cause a change is what happened, apart from whether the metric liked it."""

Outcome = Literal[
    "proposed", "nothing", "cancelled", "refused", "truncated", "too_long", "invalid", "over_budget", "bad_key",
    "unavailable", "crashed",
]  # fmt: skip
"""How a proposer's turn ended:

proposed     there is a proposal
nothing      it ended its turn without one
cancelled    a person or a stop cut it short
refused      the model would not answer, and says which of its rules forbids it
truncated    its answer was cut at the limit of output tokens
too_long     the prompt does not fit the model, even with half of its history
invalid      its edit does not apply, does not compile or may not be made, after all repair turns
over_budget  the next request could have cost more than the run may spend
bad_key      there is no key, or the service does not take it
unavailable  the service did not answer, after all retries
crashed      the proposer itself failed
"""


Caller = Literal["proposer", "reviewer", "meta", "tester", "judge"]
"""Who sends a request to a model: meta rewrites agents, a tester proposes tests."""


Heard = Literal["thinking", "text", "tool", "notice"]
"""What a piece of streamed text is: the model's thinking, its words, what an agent does with its tools, or what loopwatch
says of the talk (a retry, a repair, a refusal)."""


class RunOpened(Fact):
    """A run began to exist: what it is about, and what was chosen."""

    kind: Literal["run_opened"] = "run_opened"
    run: str
    task: str
    metric: Metric
    budget: Budget
    config: RunConfig
    base_commit: str
    repository: str | None = None
    """The user's repository that kept commits are published to."""


class EngineStarted(Fact):
    """An engine process took the run."""

    kind: Literal["engine_started"] = "engine_started"
    pid: int
    host: str
    versions: dict[str, str]
    not_protected: tuple[str, ...] = ()
    """What this machine or this configuration does not protect against: each was tried, and worked."""
    sandbox: Tier | None = None
    """How well it contains experiments."""
    sandbox_of: str = ""
    """Of what that is built, in words."""
    recovered: str = ""
    """What a killed engine had left behind, in words."""


class ProgramRead(Fact):
    """program.md was read for the first time, or a person changed it."""

    kind: Literal["program_read"] = "program_read"
    path: str
    text: str
    diff: str = ""


class Warned(Fact):
    """Something a person should know, that stops nothing."""

    kind: Literal["warned"] = "warned"
    text: str
    experiment: int | None = None
    once: str = ""
    """What it is about, where a run is told of that only once."""


class Paused(Fact):
    """No experiment will be started after this one."""

    kind: Literal["paused"] = "paused"
    by: str
    why: str = ""
    """What a person has to mend before it can go on; "" when a person just wants a pause."""
    because: Literal["bad_key", "money", "integrity"] | None = None


class Held(Fact):
    """The running experiment is stopped where it is, its clock with it."""

    kind: Literal["held"] = "held"
    by: str
    experiment: int


class Resumed(Fact):
    """A pause or a hold ended."""

    kind: Literal["resumed"] = "resumed"
    by: str


class PolicyChanged(Fact):
    """A gate has another policy from now on."""

    kind: Literal["policy_changed"] = "policy_changed"
    gate: Gate
    policy: str
    by: str


class CapsChanged(Fact):
    """From now on so much may be spent."""

    kind: Literal["caps_changed"] = "caps_changed"
    caps: Caps
    by: str


class Noted(Fact):
    """A person wrote a note to the proposer."""

    kind: Literal["noted"] = "noted"
    note: int
    text: str
    by: str


class NoteRead(Fact):
    """A note reached whoever proposes before the next prompt did."""

    kind: Literal["note_read"] = "note_read"
    note: int
    experiment: int
    where: Literal["this turn", "next request"]


class ReviewerMuted(Fact):
    """What the reviewer says stays out of the briefs from now on, or enters them again."""

    kind: Literal["reviewer_muted"] = "reviewer_muted"
    muted: bool
    by: str


class StopAsked(Fact):
    """Somebody asked the run to stop."""

    kind: Literal["stop_asked"] = "stop_asked"
    by: str
    now: bool = False
    """At once: the running experiment is stopped too."""
    signal: int | None = None


class Stopped(Fact):
    """The engine ended the run, and says why."""

    kind: Literal["stopped"] = "stopped"
    because: StopReason
    detail: str
    signal: int | None = None


class Proposing(Fact):
    """A proposer was asked for an experiment."""

    kind: Literal["proposing"] = "proposing"
    experiment: int
    revision: int
    proposer: str
    agent: str = ""
    """The version of an agent that proposes, where agents are source code."""
    notes: tuple[int, ...] = ()
    """The notes that entered this prompt."""
    comment: str = ""
    """Why a person sent the last revision back."""


class Briefed(Fact):
    """The prompt that a proposer was given is in `RUN/briefs/DIGEST.txt`."""

    kind: Literal["briefed"] = "briefed"
    experiment: int
    revision: int
    digest: str
    tokens: int
    """How long it is, estimated."""
    left_out: tuple[str, ...] = ()


class Requested(Fact):
    """A request to a model was about to be sent."""

    kind: Literal["requested"] = "requested"
    experiment: int
    request: int
    """Numbered from 1 in each run."""
    role: Caller
    model: str
    prompt_tokens: int
    """An estimate."""
    worst_usd: float | None = None
    """The most that it can cost; None for a model without a price."""


class Billed(Fact):
    """What a request used so far; of several facts about one request the last counts."""

    kind: Literal["billed"] = "billed"
    experiment: int
    request: int
    usage: Usage
    usd: float | None = None
    """None: there is no price for this model."""
    estimated: bool = False
    """Part of the tokens is a guess, because the request was cut."""
    final: bool = True


class BackedOff(Fact):
    """A service does not answer now, and is asked again at a certain time."""

    kind: Literal["backed_off"] = "backed_off"
    experiment: int
    why: str
    until: float
    """Seconds since 1970."""
    attempt: int
    attempts: int | None = None
    """How many there will be; None: as many as it takes."""


class WentOn(Fact):
    """The wait for a service ended."""

    kind: Literal["went_on"] = "went_on"
    experiment: int
    waited_seconds: float


class TurnEnded(Fact):
    """A proposer's turn ended, in one of the ways that `Outcome` lists."""

    kind: Literal["turn_ended"] = "turn_ended"
    experiment: int
    revision: int
    outcome: Outcome
    detail: str = ""
    category: str = ""
    """The rule that a model named when it refused."""


class Explained(Fact):
    """After the verdict somebody said whether the mechanism held: a claim, beside the metric's verdict."""

    kind: Literal["explained"] = "explained"
    experiment: int
    mechanism: Mechanism
    theory: str = ""
    """How the author would explain things from now on."""
    by: str


class Graded(Fact):
    """A judge model said which facts hold in an experiment's answers; from then on that is its number."""

    kind: Literal["graded"] = "graded"
    experiment: int
    attempt: int
    by: str
    votes: int
    """On each answer; most of them decide."""
    answers: int
    value: float
    evaluated: float
    """What the evaluator's own patterns make of the same answers."""
    spread: float | None = None
    """Standard deviation of the numbers that single votes come to: the judge's own noise; None with one vote."""
    unanimous: float
    """The share of the facts on which all votes agree."""
    spoiled: int = 0
    """Votes that were refused or made no sense; each counts as no."""
    digest: str = ""
    """SHA-256 of what was judged, as the evaluator recorded it."""


class Reviewed(Fact):
    """A reviewer said what it makes of an experiment: advice, which decides nothing."""

    kind: Literal["reviewed"] = "reviewed"
    experiment: int
    by: str
    issue_type: str
    severity: Literal["low", "medium", "high"]
    fix_suggestion: str
    confidence: float
    """0 to 1, as the reviewer says."""
    pattern_detected: str = ""
    hints: dict[str, JsonValue] = Field(default_factory=dict)
    """What follows for a proposer that takes hints, from a reviewer that gives some."""
    digest: str = ""
    """Of the prompt that the reviewer was given, in `RUN/briefs/DIGEST.txt`."""


class Proposed(Fact):
    """A diff, durable before anything is done with it. Claims are the author's."""

    kind: Literal["proposed"] = "proposed"
    experiment: int
    revision: int
    author: str
    hypothesis: str
    mechanism: str
    diff: str
    digest: str
    """SHA-256 of the diff: what a person saw is what is applied."""
    parent: str
    """The commit that the diff applies to."""
    paths: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    expected: str = ""
    """What the author expects of the metric, and what would refute the hypothesis."""
    fingerprint: str = ""
    """Of the code as it would be, after parsing: the same for the same code."""
    changes: int = 1
    """How many separate changes it seems to make; more than one is a flag, not a reason to refuse."""
    nearest: int | None = None
    """The earlier experiment whose diff is most like this one."""
    distance: float | None = None
    """From that one: 0 is the same change, 1 has nothing in common."""


class Asked(Fact):
    """A gate waits for a person."""

    kind: Literal["asked"] = "asked"
    ask: str
    experiment: int
    gate: Gate
    question: str
    detail: str = ""
    """At the tool gate: the diff or the command that an agent asks for."""
    digest: str
    policy: str
    seconds: float | None = None
    """Silence for this long is answered by the policy; None waits for ever."""
    on_silence: Answer | None = None
    suggestion: Answer | None = None
    """What the engine would do."""
    agent: str = ""
    """At the rewrite gate: the new version of an agent."""


class Decided(Fact):
    """A gate opened or closed: by a person, a policy or a clock."""

    kind: Literal["decided"] = "decided"
    ask: str | None = None
    experiment: int
    gate: Gate
    answer: Answer
    by: str
    person: bool = False
    reason: str = ""
    digest: str = ""
    amended: str = ""
    """At the tool gate: what a person wrote in place of the agent's own detail."""
    agent: str = ""
    """At the rewrite gate: the new version of an agent."""


class Applied(Fact):
    """The working folder holds the proposal."""

    kind: Literal["applied"] = "applied"
    experiment: int
    digest: str


class Started(Fact):
    """An attempt was about to be spawned."""

    kind: Literal["started"] = "started"
    experiment: int
    attempt: int
    seed: int
    warm: bool = False
    """A spare interpreter was waiting for it."""
    sandbox: Tier | None = None
    """How well it was contained; what got out of that all the same, `EngineStarted` says."""


class AbortSuggested(Fact):
    """A look of the forecaster said that the running attempt is not worth its time; once per attempt."""

    kind: Literal["abort_suggested"] = "abort_suggested"
    experiment: int
    attempt: int
    forecaster: str
    mode: Literal["shadow", "audit", "acts"]
    """shadow: it only counts. audit: it runs to its end, to see whether the forecaster was right. acts: the gate was asked."""
    share: float
    """Of the budget that was used."""
    mean: float | None = None
    """The final metric that was expected."""
    sd: float | None = None
    p_better: float
    saves_seconds: float
    reason: str


class ForecasterTrusted(Fact):
    """The forecaster left its shadow: from now on its suggestions go to the run gate."""

    kind: Literal["forecaster_trusted"] = "forecaster_trusted"
    by: str
    why: str = ""


class Evidence(Fact):
    """Something was changed that an experiment may not change, and this is what was found in its place."""

    what: Literal["frozen file", "git data", "data", "engine's files"]
    path: str
    digest: str = ""
    """SHA-256 of the bytes that were found; "" where nothing was, or no file."""


class Finished(Fact):
    """An attempt's whole process tree is gone."""

    kind: Literal["finished"] = "finished"
    experiment: int
    attempt: int
    reason: str
    exit_code: int | None = None
    signal: int | None = None
    wall_seconds: float = 0
    cpu_seconds: float = 0
    peak_memory_mb: float = 0
    log_bytes: int = 0
    looks: int = 0
    """How often the forecaster looked at it."""
    evidence: tuple[Evidence, ...] = ()
    """What of the engine's own files was changed meanwhile."""
    clock_seconds: float = 0
    """By how much the machine's clock was set meanwhile."""
    detail: str = ""
    log_digest: str = ""
    """SHA-256 of the log, as it was kept."""


class Measured(Fact):
    """The engine's own evaluation of an attempt."""

    kind: Literal["measured"] = "measured"
    experiment: int
    attempt: int
    value: float | None = None
    problem: str = ""
    """Why there is no number, or why it may not be believed."""
    outcome: Literal["valid", "aborted", "crashed", "timed_out", "no_metric", "voided"] = "valid"
    evaluate_seconds: float = 0
    trust: Trust | None = None
    """How far the number can be trusted; None where there is none."""
    artefacts: dict[str, str] = Field(default_factory=dict)
    """What was measured: the SHA-256 of each file that the engine took."""
    log_digest: str = ""
    """SHA-256 of the evaluator's log; "" when it was not asked."""
    evidence: tuple[Evidence, ...] = ()
    """What shows that the experiment changed something that it may not; then it is voided."""
    invalid: bool = False
    """What was reported is nothing that an honest training reports: there is evidence, or a number that cannot be."""
    flags: tuple[str, ...] = ()
    """What makes the number hard to believe, each a sentence."""
    speed: float | None = None
    """The machine's speed around the run, in the canary's unit; None without a canary."""
    speeds: tuple[float, ...] = ()
    """Every time that it was measured, oldest first: before the run and after it."""
    suite: int = 0
    """What it was scored on; 0 is the task's own evaluation, or its frozen original suite."""
    frozen: float | None = None
    """On the frozen original suite, where `value` is on one that grew."""
    scores: tuple[float, ...] = ()
    """Per test of the suite, 0 to 1, where the evaluator says so."""
    comparable: bool = True
    """False: the machine was too fast or too slow to compare with the baseline, and the run is repeated."""


class ControlStarted(Fact):
    """A training that cannot learn was about to be spawned."""

    kind: Literal["control_started"] = "control_started"
    attempt: int


class ControlMeasured(Fact):
    """A training that cannot learn was measured, to see whether the metric minds."""

    kind: Literal["control_measured"] = "control_measured"
    attempt: int
    value: float | None = None
    clearly_worse: bool
    """Than the baseline; otherwise the run does not go on."""
    reason: str
    artefacts: dict[str, str] = Field(default_factory=dict)
    wall_seconds: float = 0
    cpu_seconds: float = 0
    logs: dict[str, str] = Field(default_factory=dict)
    """The SHA-256 of each of its logs, by name."""


class AttemptLost(Fact):
    """An attempt came to nothing through no fault of the proposal; there will be another."""

    kind: Literal["attempt_lost"] = "attempt_lost"
    experiment: int
    attempt: int
    why: str
    speeds: tuple[float, ...] = ()
    """As in `Measured`."""


class RepeatStarted(Fact):
    """The exact code of an experiment was about to be trained again, on a seed that the engine drew."""

    kind: Literal["repeat_started"] = "repeat_started"
    experiment: int
    repeat: int
    """Numbered from 1 in each experiment; one that a killed engine left is started again with its number and seed."""
    seed: int
    why: Why
    of: int | None = None
    """How many of this kind there are to be, where that is known beforehand."""


class RepeatMeasured(Fact):
    """What came of a repeat."""

    kind: Literal["repeat_measured"] = "repeat_measured"
    experiment: int
    repeat: int
    why: Why = "confirmation"
    of: int | None = None
    value: float | None = None
    outcome: Literal["valid", "aborted", "crashed", "timed_out", "no_metric", "voided", "unfair"] = "valid"
    """unfair: the machine was too fast or too slow to compare."""
    problem: str = ""
    wall_seconds: float = 0
    cpu_seconds: float = 0
    speed: float | None = None
    """The machine's speed, as in `Measured`."""
    speeds: tuple[float, ...] = ()
    """As in `Measured`, of each time that it was tried."""
    logs: dict[str, str] = Field(default_factory=dict)
    """The SHA-256 of each of its logs, by name."""


class Drifted(Fact):
    """The machine is not what it was, for good: from here on only numbers of now are compared with each other."""

    kind: Literal["drifted"] = "drifted"
    speed: float | None = None
    """Of the machine from now on; None where not its speed tells, but code that scores otherwise than it did."""
    before: float | None = None
    """The speed that numbers were compared at until now."""
    since: float
    """Trainings that began after this moment are of now; in seconds since 1970."""


class Judged(Fact):
    """An experiment's one verdict."""

    kind: Literal["judged"] = "judged"
    experiment: int
    verdict: Verdict
    value: float | None = None
    gain: float | None = None
    """Against the best at that time, in the metric's unit; positive is better. None for the baseline and without a number."""
    sigma: float | None = None
    """The gain in standard deviations of the noise; None where that is unknown."""
    confirmed: bool = False
    """Kept, and repeated until it was told from luck; without, what is kept is provisional."""
    p: float | None = None
    """The chance of such numbers if it were no better than the last confirmed one."""
    flags: tuple[str, ...] = ()
    """What makes the number hard to believe, each a sentence."""
    quarantined: bool = False
    """It would have been kept but for its flags."""
    reason: str
    by: str
    commit: str | None = None
    """Built from the exact bytes that ran; the branch moves to it only when it is kept, and only after this fact."""


class Settled(Fact):
    """Branch and working folder agree with the verdict."""

    kind: Literal["settled"] = "settled"
    experiment: int
    best_commit: str


AnyFact = Annotated[
    RunOpened | EngineStarted | ProgramRead | Warned | Paused | Held | Resumed | PolicyChanged | CapsChanged | ForecasterTrusted | Noted
    | NoteRead | ReviewerMuted | StopAsked | Stopped
    | Proposing | Briefed | Requested | Billed | BackedOff | WentOn | TurnEnded | Proposed
    | Asked | Decided | Applied | Started | AbortSuggested | Finished | Measured | AttemptLost | Judged | Settled
    | Explained | Reviewed | Graded | RepeatStarted | RepeatMeasured | ControlStarted | ControlMeasured | Drifted
    | Rewritten | Checked | Adopted | Dropped | AgentRestored
    | RoundBegan | TestsProposed | TestsWeighed | SuiteChanged | Rescored | RoundEnded,
    Field(discriminator="kind"),
]  # fmt: skip

_FACTS: TypeAdapter[AnyFact] = TypeAdapter(AnyFact)
_FIELDS: dict[str, set[str]] = {}


class Entry(NamedTuple):
    """A fact with its place and time in the ledger."""

    seq: int
    at: float
    fact: AnyFact


def read(body: str) -> AnyFact:
    """A fact from its JSON. What a newer loopwatch wrote besides is ignored, also in settings that a person may not misspell."""
    fact = _FACTS.validate_json(body, extra="ignore")
    # Nobody asks which fields were written, and a set of their names is half of a fact. A run's whole history stays in memory.
    object.__setattr__(fact, "__pydantic_fields_set__", _FIELDS.setdefault(fact.kind, set(type(fact).model_fields)))
    return fact


def experiment_of(fact: AnyFact) -> int | None:
    """The experiment that a fact belongs to, if any."""
    number: Any = getattr(fact, "experiment", None)
    return number if isinstance(number, int) else None
