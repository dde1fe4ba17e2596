"""Small facts for tests, complete enough to be folded: what differs is said, the rest is made up."""

import hashlib
from typing import Any

from loopwatch.engine import events
from loopwatch.engine.config import RunConfig
from loopwatch.engine.events import AnyFact, Entry
from loopwatch.engine.state import State
from loopwatch.engine.task import Budget, Metric

METRIC = Metric(name="val_bpb", direction="down", low=0.3, high=8.5, noise=0.01)
BUDGET = Budget(kind="steps", amount=100, wall_seconds=20)
DIFF = "--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-LR = 1\n+LR = 2\n"
DIGEST = hashlib.sha256(DIFF.encode()).hexdigest()


def opened(metric: Metric = METRIC, **settings: Any) -> events.RunOpened:
    """A run of the sine task."""
    config = RunConfig.model_validate({"run": "sine-1", "task": "sine", **settings})
    return events.RunOpened(run="sine-1", task="sine", metric=metric, budget=BUDGET, config=config, base_commit="base")


def engine(pid: int = 7) -> events.EngineStarted:
    """An engine takes the run."""
    return events.EngineStarted(pid=pid, host="here", versions={})


def proposed(number: int, *, revision: int = 1, diff: str = DIFF) -> list[AnyFact]:
    """A proposal, from the question to the diff."""
    digest = hashlib.sha256(diff.encode()).hexdigest()
    return [
        events.Proposing(experiment=number, revision=revision, proposer="random"),
        events.Proposed(
            experiment=number, revision=revision, author="random", hypothesis="LR 1 → 2", mechanism="", diff=diff,
            digest=digest, parent="base", paths=("train.py",), added=1, removed=1,
        ),
    ]  # fmt: skip


def asked(number: int, *, gate: str = "apply", revision: int = 1, **more: Any) -> events.Asked:
    """A gate that waits."""
    facts = {"ask": f"{number}-{gate}-{revision}", "experiment": number, "gate": gate, "question": "?", "policy": "ask"}
    return events.Asked.model_validate({**facts, "digest": DIGEST, **more})


def decided(number: int, answer: str = "approve", *, gate: str = "apply", by: str = "anna") -> events.Decided:
    """A person's answer to the first ask at a gate."""
    facts = {"ask": f"{number}-{gate}-1", "experiment": number, "gate": gate, "answer": answer, "by": by}
    return events.Decided.model_validate({**facts, "person": True})


def started(number: int, *, attempt: int = 1) -> list[AnyFact]:
    """Applied and spawned."""
    return [
        events.Applied(experiment=number, digest=DIGEST),
        events.Started(experiment=number, attempt=attempt, seed=1),
    ]


def finished(number: int, *, attempt: int = 1, reason: str = "exited") -> events.Finished:
    """An attempt that ended."""
    return events.Finished(experiment=number, attempt=attempt, reason=reason, exit_code=0, wall_seconds=12, looks=19)


def measured(number: int, value: float | None, **more: Any) -> events.Measured:
    """An evaluation."""
    return events.Measured(experiment=number, attempt=1, value=value, **more)


def judged(number: int, verdict: events.Verdict = "kept", value: float | None = 2.0) -> list[AnyFact]:
    """The end of an experiment."""
    return [
        events.Judged(experiment=number, verdict=verdict, value=value, reason=f"{verdict}.", by="judge", commit=f"c{number}"),
        events.Settled(experiment=number, best_commit=f"c{number}" if verdict == "kept" else "base"),
    ]  # fmt: skip


def life(number: int, verdict: events.Verdict = "kept", value: float | None = 2.0) -> list[AnyFact]:
    """A whole experiment."""
    return [
        *proposed(number),
        decided(number),
        *started(number),
        finished(number),
        measured(number, value),
        *judged(number, verdict, value),
    ]


def entries(*facts: AnyFact, first: int = 1) -> list[Entry]:
    """Facts as the ledger would hand them out, a second apart."""
    return [Entry(seq, 1000.0 + seq, fact) for seq, fact in enumerate(facts, start=first)]


def folded(*facts: AnyFact) -> State:
    """The state after these facts."""
    state = State()
    for entry in entries(*facts):
        state.apply(entry)
    return state
