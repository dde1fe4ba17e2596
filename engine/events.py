"""Every fact of a run, frozen, in the past tense.

An experiment's life is one line of facts:

    Proposing → Proposed → (Asked → Decided) → Applied → Started → Finished → Measured → (Asked → Decided) → Judged → Settled

and each arrow is one transaction, so that a killed engine has exactly one place to go on from. Times are not in the facts but
beside them, in `Entry.at` (seconds since 1970, UTC).
"""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from .config import RunConfig, StopReason
from .policy import Gate
from .task import Budget, Metric

Verdict = Literal[
    "kept", "discarded", "aborted", "crashed", "timed_out", "no_metric", "vetoed", "voided", "interrupted"
]
FAILURES: frozenset[Verdict] = frozenset({"crashed", "timed_out", "no_metric", "voided"})

Answer = Literal["approve", "veto", "amend", "send_back", "let_run", "abort", "accept", "keep", "discard"]


class Fact(BaseModel):
    """Something that happened. Unknown fields are ignored, so that an older viewer can read a newer run."""

    model_config = ConfigDict(frozen=True, extra="ignore")


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
    """What this machine or this configuration does not protect against."""
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


class Paused(Fact):
    """No experiment will be started after this one."""

    kind: Literal["paused"] = "paused"
    by: str


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


class Noted(Fact):
    """A person wrote a note to the proposer."""

    kind: Literal["noted"] = "noted"
    note: int
    text: str
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
    notes: tuple[int, ...] = ()
    """The notes that entered this prompt."""
    comment: str = ""
    """Why a person sent the last revision back."""


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


class Asked(Fact):
    """A gate waits for a person."""

    kind: Literal["asked"] = "asked"
    ask: str
    experiment: int
    gate: Gate
    question: str
    digest: str
    policy: str
    seconds: float | None = None
    """Silence for this long is answered by the policy; None waits for ever."""
    on_silence: Answer | None = None
    suggestion: Answer | None = None
    """What the engine would do."""


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
    detail: str = ""


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
    speed: float | None = None
    """The machine's speed around the run, in the canary's unit; None without a canary."""
    comparable: bool = True
    """False: the machine was too fast or too slow to compare with the baseline, and the run is repeated."""


class AttemptLost(Fact):
    """An attempt came to nothing through no fault of the proposal; there will be another."""

    kind: Literal["attempt_lost"] = "attempt_lost"
    experiment: int
    attempt: int
    why: str


class Judged(Fact):
    """An experiment's one verdict."""

    kind: Literal["judged"] = "judged"
    experiment: int
    verdict: Verdict
    value: float | None = None
    gain: float | None = None
    """Against the best at that time, in the metric's unit; positive is better. None for the baseline and without a number."""
    sigma: float | None = None
    """The gain in standard deviations of the task's noise; None where that is unknown."""
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
    RunOpened | EngineStarted | ProgramRead | Warned | Paused | Held | Resumed | PolicyChanged | ForecasterTrusted | Noted
    | StopAsked | Stopped
    | Proposing | Proposed | Asked | Decided | Applied | Started | AbortSuggested | Finished | Measured | AttemptLost
    | Judged | Settled,
    Field(discriminator="kind"),
]  # fmt: skip

_FACTS: TypeAdapter[AnyFact] = TypeAdapter(AnyFact)


class Entry(NamedTuple):
    """A fact with its place and time in the ledger."""

    seq: int
    at: float
    fact: AnyFact


def read(body: str) -> AnyFact:
    """A fact from its JSON."""
    return _FACTS.validate_json(body)


def experiment_of(fact: AnyFact) -> int | None:
    """The experiment that a fact belongs to, if any."""
    number: Any = getattr(fact, "experiment", None)
    return number if isinstance(number, int) else None
