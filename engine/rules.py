"""What has to be true of a run's facts, one after the other: their order, their numbers, the digests that they share.

Covered: tables of which fact needs which before it, what happens once, and checks of single facts against the state before them.
A kind of fact that no table names is as it is. Not covered: anything outside the ledger. Pure: facts in, sentences out.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from .confirm import Entrant
from .editing import edits
from .events import (
    AnyFact,
    Applied,
    Asked,
    Billed,
    Decided,
    Finished,
    Judged,
    Measured,
    Proposed,
    Proposing,
    Requested,
    Settled,
    Started,
    experiment_of,
)
from .judging.judge import TOO_DEAR, Field, Judgement, judge, judge_field
from .state import Experiment, State

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "briefed": ("proposing",),
    "turn_ended": ("proposing",),
    "proposed": ("proposing",),
    "applied": ("proposed",),
    "started": ("applied",),
    "abort_suggested": ("started",),
    "finished": ("started",),
    "attempt_lost": ("started",),
    "measured": ("finished",),
    "repeat_started": ("measured",),
    "repeat_measured": ("repeat_started",),
    "judged": ("proposing",),
    "explained": ("judged",),
    "reviewed": ("judged",),
    "settled": ("judged",),
}
"""Which facts of its experiment each kind of fact needs before it."""

FORGETS: Final[Mapping[str, tuple[str, ...]]] = {
    "proposing": ("proposed", "applied", "started", "finished", "measured"),
    "proposed": ("applied", "started", "finished", "measured"),
    "started": ("finished", "measured"),
    "attempt_lost": ("applied", "started", "finished", "measured"),
}
"""What is no longer so once a kind of fact is told: it begins something anew."""

ONCE: Final = frozenset({"judged", "settled"})
OVER: Final = frozenset(
    {"proposing", "briefed", "turn_ended", "proposed", "applied", "started", "finished", "attempt_lost", "measured"}
)
"""What no experiment does any more after its verdict."""

SAME_DIGEST: Final = frozenset({"apply", "run"})
"""The gates that decide about a diff, by its digest."""


class Rules:
    """Told every fact in its order, with the state before it; answers what is wrong with it."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._told: dict[int, set[str]] = {}
        self._attempts: dict[int, int] = {}

    def broken(self, fact: AnyFact, before: State) -> Iterator[str]:
        """In plain sentences, what this fact contradicts."""
        number = experiment_of(fact)
        if number is not None:
            yield from self._order(number, fact.kind)
        check = _CHECKS.get(fact.kind)
        experiment = before.experiments.get(number) if number is not None else None
        if check is not None:
            yield from check(fact, before, experiment)
        if isinstance(fact, Started):
            last = self._attempts.get(fact.experiment, 0)
            if fact.attempt != last + 1:
                yield f"attempt {fact.attempt} of #{fact.experiment} began after attempt {last}"
            self._attempts[fact.experiment] = fact.attempt

    def _order(self, number: int, kind: str) -> Iterator[str]:
        told = self._told.setdefault(number, set())
        for need in NEEDS.get(kind, ()):
            if need not in told:
                yield f"#{number} was {_words(kind)} without having been {_words(need)}"
        if kind in ONCE and kind in told:
            yield f"#{number} was {_words(kind)} twice"
        if kind in OVER and "judged" in told:
            yield f"#{number} was {_words(kind)} after its verdict"
        told.difference_update(FORGETS.get(kind, ()))
        told.add(kind)


def _words(kind: str) -> str:
    return {"proposing": "asked for", "attempt_lost": "lost", "turn_ended": "thought about"}.get(
        kind, kind.replace("_", " ")
    )


# -- single facts ------------------------------------------------------------------------------------------------------


def _proposing(fact: Proposing, before: State, experiment: Experiment | None) -> Iterator[str]:
    if experiment is None and fact.experiment != len(before.experiments) + 1:
        yield f"#{fact.experiment} was begun as the {len(before.experiments) + 1}. experiment"
    if experiment is None and before.current is not None:
        yield f"#{fact.experiment} was begun while #{before.current.number} had no settled verdict"


def _proposed(fact: Proposed, before: State, experiment: Experiment | None) -> Iterator[str]:
    if fact.digest != edits.digest(fact.diff):
        yield f"the diff of #{fact.experiment} has another digest than the one that was written down with it"
    if fact.parent != before.best_commit:
        yield f"#{fact.experiment} was proposed against {fact.parent[:12]}, but the best was {before.best_commit[:12]}"


def _applied(fact: Applied, before: State, experiment: Experiment | None) -> Iterator[str]:
    if experiment is None:
        return
    if fact.digest != experiment.digest:
        yield f"what was applied for #{fact.experiment} is not the diff that was proposed"
    decided = experiment.decided("apply")
    if decided is None or decided.answer != "approve":
        yield f"#{fact.experiment} was applied without having been approved"


def _about_a_diff(fact: Asked | Decided, before: State, experiment: Experiment | None) -> Iterator[str]:
    if fact.gate in SAME_DIGEST and fact.digest and experiment and fact.digest != experiment.digest:
        yield f"what was {fact.kind} at the {fact.gate} gate for #{fact.experiment} was another diff than the proposed one"


def _of_this_attempt(fact: Finished | Measured, before: State, experiment: Experiment | None) -> Iterator[str]:
    if experiment is not None and fact.attempt != experiment.attempt:
        yield f"attempt {fact.attempt} of #{fact.experiment} was {fact.kind} while attempt {experiment.attempt} was the last"


def _judged(fact: Judged, before: State, experiment: Experiment | None) -> Iterator[str]:
    if experiment is None:
        return
    measured, best = experiment.measured, None if experiment.is_baseline else before.best_value
    if fact.verdict in ("kept", "discarded") and (measured is None or measured.outcome != "valid"):
        yield f"#{fact.experiment} was {fact.verdict} without a valid number"
        return
    value = measured.value if measured else None
    if fact.value is not None and fact.value != value:
        yield f"#{fact.experiment} was judged by {fact.value!r}, but it was measured as {value!r}"
    elif fact.gain is not None and fact.value is not None and best is not None and before.opened:
        yield from _gain(fact, before, experiment, best)


def _gain(fact: Judged, before: State, experiment: Experiment, best: float) -> Iterator[str]:
    worth = (experiment.estimate, fact.value)  # with repeats that is another number than the first one
    gains = [before.metric.gain(number, best) for number in worth if number is not None]
    if fact.gain is not None and not any(math.isclose(fact.gain, gain, abs_tol=1e-12) for gain in gains):
        yield f"the gain of #{fact.experiment} was written down as {fact.gain:+.6g}, which its numbers do not give"
    judged = _rejudged(before, experiment) if fact.by == "judge" else None
    if judged and fact.verdict == "discarded":
        # Doubts and what a task allows a gain to cost may take from it, and are told.
        if judged.verdict == "kept" and not fact.flags and not fact.quarantined and TOO_DEAR not in fact.reason:
            yield f"#{fact.experiment} was discarded by the judge, whose rules say: {judged.reason}"
    elif judged and judged.verdict != "kept":
        yield f"#{fact.experiment} was kept by the judge, whose rules say: {judged.reason}"
    elif judged and fact.confirmed and not judged.confirmed:
        yield f"#{fact.experiment} was called confirmed by the judge, whose rules say: {judged.reason}"


def _rejudged(before: State, experiment: Experiment) -> Judgement | None:
    """What the judge makes of the numbers alone. What a task allows a gain to cost, and doubts, can only take from it."""
    best, confirmed, measured = before.best_experiment, before.confirmed_experiment, experiment.measured
    if best is None or confirmed is None or measured is None or before.opened is None:
        return None
    keep = before.opened.config.keep
    if keep == "improve":
        metric = before.metric.model_copy(update={"noise": before.noise.sigma})
        margin = before.opened.config.margin_sigma
        return judge(
            metric, measured=measured, finished=experiment.finished, best=before.best_value, margin_sigma=margin
        )
    if not best.values or not confirmed.values:
        return None
    field = Field(
        candidate=_entrant(before, experiment),
        best=_entrant(before, best),
        confirmed=replace(_entrant(before, confirmed), beside=confirmed.trained_since(experiment.began_at)),
        noise=before.noise,
        strict=keep == "strict",
        lines=experiment.added - experiment.removed,
        failed=experiment.failed_again,
    )
    return judge_field(before.metric, measured=measured, finished=experiment.finished, field=field)


def _entrant(before: State, experiment: Experiment) -> Entrant:
    score = 1 if before.metric.direction == "up" else -1
    first = None if experiment.is_baseline or experiment.first is None else score * experiment.first
    return Entrant(tuple(score * value for value in experiment.fresh), first)


def _settled(fact: Settled, before: State, experiment: Experiment | None) -> Iterator[str]:
    if experiment is None:
        return
    best = experiment.commit if experiment.verdict == "kept" and experiment.commit else before.best_commit
    if fact.best_commit != best:
        yield f"after #{fact.experiment} the best was written down as {fact.best_commit[:12]}, but it is {best[:12]}"


def _requested(fact: Requested, before: State, experiment: Experiment | None) -> Iterator[str]:
    if fact.request != len(before.bills) + 1:
        yield f"request {fact.request} was sent as the {len(before.bills) + 1}."


def _billed(fact: Billed, before: State, experiment: Experiment | None) -> Iterator[str]:
    bill = before.bills.get(fact.request)
    if bill is None:
        yield f"request {fact.request} was billed, but never sent"
    elif not bill.is_open:
        yield f"request {fact.request} was billed again after its last bill"
    elif bill.asked.experiment != fact.experiment:
        yield f"request {fact.request} of #{bill.asked.experiment} was billed to #{fact.experiment}"


_CHECKS: Final[Mapping[str, Callable[[Any, State, Experiment | None], Iterator[str]]]] = {
    "proposing": _proposing,
    "proposed": _proposed,
    "asked": _about_a_diff,
    "decided": _about_a_diff,
    "applied": _applied,
    "finished": _of_this_attempt,
    "measured": _of_this_attempt,
    "judged": _judged,
    "settled": _settled,
    "requested": _requested,
    "billed": _billed,
}
