"""The facts of a notebook, and what they fold to: what was tried, why it should work, and what came of it. Pure.

    HypothesisStated → TrialOpened → TrialEnded

A notebook belongs to a repository and to whoever works in it without an engine. What a run remembers takes the same form
here, so that both are read alike.
"""

import json
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, NamedTuple, assert_never

from pydantic import Field, TypeAdapter

from .events import Mechanism
from .fact import Fact
from .state import Experiment, State

TrialVerdict = Literal["keep", "discard", "crash", "inconclusive"]


class Written(Fact):
    """Something was written into a notebook."""

    by: str
    origin: str = ""
    """What was taken in from elsewhere: the digest of what stood there, so that it is taken in once."""
    happened_at: float | None = None
    """What was taken in from elsewhere: when it was written there, in seconds since 1970."""


class HypothesisStated(Written):
    """Somebody said what could be done, and why it should work."""

    kind: Literal["hypothesis_stated"] = "hypothesis_stated"
    hypothesis: str
    title: str
    mechanism: str


class TrialOpened(Written):
    """A hypothesis is put to the test."""

    kind: Literal["trial_opened"] = "trial_opened"
    trial: str
    hypothesis: str
    task: str


class TrialEnded(Written):
    """What came of a trial, as its author says; the last of several counts."""

    kind: Literal["trial_ended"] = "trial_ended"
    trial: str
    verdict: TrialVerdict
    metrics: str = "{}"
    """A JSON object."""
    mechanism: Mechanism = "open"
    theory: str = ""


TrialFact = Annotated[HypothesisStated | TrialOpened | TrialEnded, Field(discriminator="kind")]

_FACTS: TypeAdapter[TrialFact] = TypeAdapter(TrialFact)


def read(body: str) -> TrialFact:
    """A fact from its JSON."""
    return _FACTS.validate_json(body)


class Hypothesis(NamedTuple):
    """What could be done, and why it should work."""

    id: str
    title: str
    mechanism: str


@dataclass(slots=True)
class Trial:
    """One test of a hypothesis, in a notebook or in a run."""

    id: str
    hypothesis: Hypothesis
    task: str
    at: float
    """When it began, in seconds since 1970."""
    verdict: str | None = None
    """None while it is open."""
    metrics: str = "{}"
    """A JSON object."""
    mechanism_held: Mechanism = "open"
    theory: str = ""
    failed: bool = False
    """Not to be tried again as it was."""


@dataclass(slots=True)
class Pages:
    """A notebook, as its facts say."""

    hypotheses: dict[str, Hypothesis] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """What was taken in: the digest of each row → what it is called here."""

    def apply(self, at: float, fact: TrialFact) -> None:
        """Fold one fact in; `at` is when the ledger got it."""
        match fact:
            case HypothesisStated():
                name = fact.hypothesis
                self.hypotheses[name] = Hypothesis(name, fact.title, fact.mechanism)
            case TrialOpened():
                name = fact.trial
                begun = at if fact.happened_at is None else fact.happened_at
                self.trials[name] = Trial(name, self.hypotheses[fact.hypothesis], fact.task, begun)
            case TrialEnded():
                name, trial = fact.trial, self.trials[fact.trial]
                trial.verdict, trial.metrics, trial.theory = fact.verdict, fact.metrics, fact.theory
                trial.mechanism_held, trial.failed = fact.mechanism, fact.verdict in ("discard", "crash")
            case _:
                assert_never(fact)
        if fact.origin:
            self.origins[fact.origin] = name

    def of(self, task: str | None) -> list[Trial]:
        """The trials of a task, or of all, oldest first."""
        found = (trial for trial in self.trials.values() if task in (None, trial.task))
        return sorted(found, key=lambda trial: trial.at)


_NOT_TRIED: Final = frozenset({"kept", "interrupted", "unproposed"})
"""Verdicts that say nothing against trying the same again."""


def recall(state: State) -> list[Trial]:
    """What a run remembers: its experiments after the baseline that came to a proposal, oldest first."""
    there = (state.experiments[number] for number in sorted(state.experiments))
    return [_recalled(e, state) for e in there if e.hypothesis and not e.is_baseline]


def _recalled(experiment: Experiment, state: State) -> Trial:
    # On the tests that the task began with: what other runs can compare theirs with.
    number, value = experiment.number, experiment.frozen_score if experiment.suite else experiment.value
    return Trial(
        id=f"e{number}",
        hypothesis=Hypothesis(f"h{number}", experiment.hypothesis, experiment.mechanism),
        task=state.opened.task if state.opened else "",
        at=experiment.began_at,
        verdict=experiment.verdict,
        metrics="{}" if value is None else json.dumps({state.metric.name: value}),
        mechanism_held=experiment.mechanism_held,
        theory=experiment.explained.theory if experiment.explained else "",
        failed=experiment.verdict is not None and experiment.verdict not in _NOT_TRIED,
    )
