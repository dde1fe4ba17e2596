"""What a person chose for one run, checked before anything of it is made."""

import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from . import policy
from .forecast import ERROR_BUDGET, FORECASTERS
from .money import dollars
from .registry import MODELS, PROPOSERS, REVIEWERS, known, known_strategy

StopReason = Literal[
    "experiments", "hours", "target", "failures", "no_gain", "person", "signal", "nothing_to_propose",
    "baseline_failed", "control_failed", "integrity", "bad_key", "money", "user_error", "engine_failed",
]  # fmt: skip

Keep = Literal["improve", "confirm", "strict"]
"""What becomes of a gain:

improve  kept after one training, if it exceeds the margin; nothing is ever confirmed. The classic loop
confirm  repeated on fresh seeds next to what it has to beat: kept where that is likely, confirmed where it is all but sure
strict   kept only where it is confirmed
"""

Tier = Literal["sealed", "fenced", "limits", "none"]
"""How well experiments are contained, best first; the sandbox says of what each is built."""


def _policy(text: str) -> str:
    return policy.parse(text).text


def _proposer(spec: str) -> str:
    return known(spec, PROPOSERS, "proposer")


def _reviewer(spec: str) -> str:
    return known(spec, REVIEWERS, "reviewer")


def _strategy(spec: str) -> str:
    return known_strategy(spec)


def _judge(spec: str) -> str:
    if spec:
        Judge.parse(spec)
    return spec


def _forecaster(spec: str) -> str:
    return known(spec, FORECASTERS, "forecaster")


PolicyText = Annotated[str, AfterValidator(_policy)]


class Judge(NamedTuple):
    """Who judges answers, and how often each."""

    provider: str
    model: str
    votes: int

    @classmethod
    def parse(cls, spec: str) -> Self:
        """Read PROVIDER:MODEL or PROVIDER:MODELxN; ValueError says what is wrong with it."""
        known(spec, MODELS, "provider of models")
        provider, _, rest = spec.partition(":")
        model, votes = re.fullmatch(r"(.*?)(?:x(\d{1,3}))?", rest, re.DOTALL).groups()  # type: ignore[union-attr]  # matches anything
        count = int(votes or 1)
        if not model:
            raise ValueError(
                f"{spec!r} names no model; write it like {provider}:MODEL, or {provider}:MODELx3 for three votes"
            )
        if not 1 <= count <= 25:
            raise ValueError(f"{count} votes; 1 to 25 are possible")
        return cls(provider, model, count)


class Gates(BaseModel):
    """One policy per gate."""

    model_config = ConfigDict(extra="forbid")

    tool: PolicyText = "ask"
    """While an agent with tools works on its proposal: allow what it asks for, or deny it."""
    apply: PolicyText = "ask"
    """Before a proposal is applied: approve, veto, amend, send back."""
    run: PolicyText = "ask"
    """While an experiment runs and there is a reason to abort it: let it run, abort."""
    verdict: PolicyText = "ask"
    """When it is measured: accept the verdict, or override it."""
    rewrite: PolicyText = "ask"
    """Before a new version of an agent's own source code may work: allow, deny."""

    @model_validator(mode="after")
    def _each_its_own(self) -> Self:
        for gate in policy.GATES:
            policy.parse_for(gate, getattr(self, gate))
        return self


class StopConditions(BaseModel):
    """The run ends at the first of these; without any it goes on until somebody stops it."""

    model_config = ConfigDict(extra="forbid")

    experiments: int | None = Field(default=None, ge=1)
    """This many experiments, the baseline counted."""
    hours: float | None = Field(default=None, gt=0)
    """This many hours of the engine at work, over all its starts."""
    target: float | None = None
    """The metric reaches this value (besides the task's own target)."""
    failures: int | None = Field(default=10, ge=1)
    """This many experiments in a row that crash, time out or give no metric."""
    invalid: int | None = Field(default=2, ge=1)
    """This many reports in a row that no honest training makes; where a person attends, the run pauses instead."""
    no_gain: int | None = Field(default=None, ge=1)
    """This many experiments in a row that are not kept."""


class AgentSettings(BaseModel):
    """How to talk to a model or an agent; each proposer takes what it knows of."""

    model_config = ConfigDict(extra="forbid")

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    """How much a model may think, where it lets one choose; its own default when absent."""
    edits: Literal["replace", "whole"] = "replace"
    """What a model writes: exact search and replace, or the whole file (for small models)."""
    output_tokens: int = Field(default=16_000, ge=256)
    """The most that one answer may hold, thinking included."""
    fallback: str | None = None
    """The model that is asked when the first one refuses."""
    base_url: str | None = None
    """Where the service is, when not at its provider's: http://localhost:8000/v1, say."""
    attempts: int = Field(default=8, ge=1)
    """How often a request is tried when the service has trouble; a limit that says when it ends is waited for."""
    wait_seconds: float = Field(default=300, gt=0)
    """The longest wait between two attempts at a service that has trouble."""
    silence_seconds: float = Field(default=120, gt=0)
    """A stream that is silent for so long is taken for broken."""
    mode: str | None = None
    """An agent's own mode in which it asks before it acts, where it has several."""
    reads: tuple[str, ...] = ()
    """Files and folders that an agent may read in its box, besides the system, itself and its login."""


class Caps(BaseModel):
    """The most that may be spent, in US dollars, checked before a request could pass it."""

    model_config = ConfigDict(extra="forbid")

    proposal_usd: float | None = Field(default=None, gt=0)
    """On one experiment's proposal, its reviews included."""
    run_usd: float | None = Field(default=None, gt=0)
    """On the run. It warns at 80 %, pauses at 90 % where a person approves proposals, and ends the run at 100 %."""
    day_usd: float | None = Field(default=None, gt=0)
    """By all runs of this user in a day (UTC); the run goes on by itself the next day."""

    @property
    def any(self) -> bool:
        """Whether there is a cap."""
        return any(cap is not None for cap in (self.proposal_usd, self.run_usd, self.day_usd))

    @property
    def words(self) -> str:
        """What may be spent, such as `$20.00 for the run and $5.00 for a day of all runs`."""
        known = {"a proposal": self.proposal_usd, "the run": self.run_usd, "a day of all runs": self.day_usd}
        return " and ".join(f"{dollars(cap)} for {what}" for what, cap in known.items() if cap) or "any amount of money"


class RunConfig(BaseModel):
    """Everything that is fixed when a run is made."""

    model_config = ConfigDict(extra="forbid")

    run: str
    """The run's name; also its branch, loopwatch/RUN."""
    task: str
    """A shipped task's name, or a folder."""
    program: Path | None = None
    """The research programme to follow instead of the task's own program.md."""
    proposer: Annotated[str, AfterValidator(_proposer)] = "random"
    """Who proposes: NAME or NAME:ARGUMENT, such as scripted:demo.jsonl."""
    agent: AgentSettings = AgentSettings()
    caps: Caps = Caps()
    strategy: Annotated[str, AfterValidator(_strategy)] = "simple"
    """The order of the verbs: NAME or NAME:ARGUMENT."""
    reviewer: Annotated[str, AfterValidator(_reviewer)] = "anthropic:claude-haiku-5-5"
    """Who explains experiments to the proposer, with the reviewer strategy: NAME:MODEL."""
    judge: Annotated[str, AfterValidator(_judge)] = ""
    """Which model says what facts hold in an experiment's answers: NAME:MODEL, or NAME:MODELxN for N votes. "": the task's patterns."""
    seed: int = 1
    """Seed of the random proposer, and what the seeds of all experiments follow from; with keep = improve all have this one."""
    gates: Gates = Gates()
    stop: StopConditions = StopConditions()
    keep: Keep = "confirm"
    """When a gain is kept, and when it counts."""
    noise_repeats: int | None = Field(default=None, ge=0, le=100)
    """Repeats of the baseline on fresh seeds before the first proposal; when absent 5, or 1 where the task declares no noise."""
    margin_sigma: float = Field(default=2.0, ge=0)
    """With keep = improve: how many standard deviations of the noise a gain must exceed to be kept."""
    forecaster: Annotated[str, AfterValidator(_forecaster)] = "learned"
    """Who says how an experiment will end while it still runs."""
    error_budget: float = Field(default=ERROR_BUDGET, gt=0, le=0.5)
    """Of the experiments that would have improved on the best, the share that the forecaster may abort."""
    audit: float = Field(default=0.05, ge=0, le=1)
    """Of the experiments that it would abort, the share that runs to its end all the same, so that false aborts are seen."""
    check_seconds: float | None = Field(default=None, gt=0)
    """Seconds of the budget between two looks; a twentieth of the budget when absent, and where the budget is steps."""
    sandbox: Tier = "fenced"
    """The least containment of experiments with which an engine starts; the best that works is taken. none: without any."""
    by: str = "unknown"
    """Who started the run."""
