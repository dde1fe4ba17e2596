"""Facts and runs as JSON that scripts may rely on. Pure.

Numbers are numbers or null, never NaN; times are ISO 8601 in UTC; everything outside ASCII is escaped, control characters too.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel

from loopwatch.engine.events import Entry
from loopwatch.engine.lineage import Lineage
from loopwatch.engine.money import Spent
from loopwatch.engine.state import Experiment, Repeat, State, Waiting

from .doing import state_word
from .words import approved_by

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None


MOMENT_MAX = 4e9
"""Seconds since 1970; a service may name a moment that no calendar has."""


def dump(value: Json, *, indent: int | None = None) -> str:
    """JSON in ASCII without a control character."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False).replace("\x7f", "\\u007f")


def utc(at: float) -> str:
    """Seconds since 1970 as 2026-11-21T07:36:10.123Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fact_json(entry: Entry) -> Json:
    """A fact with its place and time: `seq`, `at`, `kind`, `experiment` where it belongs to one, and its own fields."""
    fields = _fields(entry.fact)
    if fields.get("experiment", "") is None:
        del fields["experiment"]
    return {"seq": entry.seq, "at": utc(entry.at), "kind": fields.pop("kind"), **fields}


def run_json(name: str, state: State, *, alive: bool) -> dict[str, Json]:
    """What a run looks like now; `loopwatch status --help` lists the words of `state`."""
    sure = state.confirmed_experiment
    best, baseline, opened = state.best_experiment, state.baseline, state.opened
    return {
        "run": name,
        "task": opened.task if opened else None,
        "state": state_word(state, alive=alive),
        "experiments": state.count(),
        "kept": state.count("kept"),
        "best": {
            "experiment": best.number,
            "value": best.value,
            "estimate": best.estimate,
            "trust": best.trust,
            "confirmed": best.confirmed,
        }
        if best
        else None,
        "confirmed": {"experiment": sure.number, "estimate": sure.estimate} if sure else None,
        "noise": noise_json(state),
        "repeating": _repeating(state) if alive else None,
        "control": _fields(state.control) if state.control else None,
        "baseline": baseline.value if baseline else None,
        "spent": _spent(state.spent),
        "caps": _fields(state.caps),
        "backing_off": _backing_off(state) if alive else None,
        "waited_seconds": state.waited_seconds,
        "waiting": _waiting(state.waiting) if state.waiting and alive else None,
        "stopped_because": state.stopped.because if state.stopped else None,
        "stopped_detail": state.stopped.detail if state.stopped else None,
        "stopped_signal": state.stopped.signal if state.stopped else None,
        "current": state.current.number if state.current else None,
        "metric": opened.metric.name if opened else None,
        "direction": opened.metric.direction if opened else None,
        "alive": alive,
        "pid": state.engine.pid if state.engine and alive else None,
        "host": state.engine.host if state.engine else None,
        "opened_at": utc(state.opened_at) if opened else None,
        "paused_by": state.paused_by,
        "paused_why": state.paused_why or None,
        "reviewer_muted_by": state.muted_by,
        "notes": [
            {"note": n.number, "by": n.by, "text": n.text, "read_in": n.read_in, "where": n.where}
            for n in state.notes.values()
        ],
        "held_by": state.held_by,
        "sandbox": state.engine.sandbox if state.engine else None,
        "not_protected": list(state.engine.not_protected) if state.engine else [],
        "gates": {**state.gates},
        "agents": _agents(state.lineage) if state.lineage.versions else None,
        "seq": state.seq,
    }


def _agents(lineage: Lineage) -> dict[str, Json]:
    """Agents that are source code: who works, and the suite that experiments are scored on."""
    return {
        "working": [version.name for version in lineage.versions.values() if version.is_working],
        "versions": len(lineage.versions),
        "round": lineage.round.number if lineage.round else None,
        "suite": lineage.suite,
        "tests": lineage.suites[-1].size if lineage.suites else None,
        "admitted": lineage.weighed,
    }


def experiment_json(run: str, experiment: Experiment) -> dict[str, Json]:
    """An experiment's whole life; `metric` is its measured value."""
    finished = experiment.finished
    return {
        "run": run,
        "experiment": experiment.number,
        "step": experiment.step,
        "hypothesis": experiment.hypothesis,
        "mechanism": experiment.mechanism,
        "expected": experiment.expected,
        "changes": experiment.changes,
        "nearest": experiment.nearest,
        "distance": experiment.distance,
        "mechanism_held": experiment.mechanism_held,
        "explained": _fields(experiment.explained) if experiment.explained else None,
        "review": _fields(experiment.review) if experiment.review else None,
        "turn": _fields(experiment.turn) if experiment.turn else None,
        "spent": _spent(experiment.spent),
        "waited_seconds": experiment.waited_seconds,
        "brief": experiment.brief.digest if experiment.brief else None,
        "author": experiment.author,
        "diff": experiment.diff,
        "digest": experiment.digest,
        "verdict": experiment.verdict,
        "metric": experiment.value,
        "gain": experiment.gain,
        "sigma": experiment.sigma,
        "confirmed": experiment.confirmed,
        "estimate": experiment.estimate,
        "repeats": [_repeat(repeat) for repeat in experiment.repeats],
        "trust": experiment.trust,
        "flags": list(experiment.flags),
        "quarantined": experiment.quarantined,
        "evidence": [_fields(found) for found in experiment.measured.evidence] if experiment.measured else [],
        "artefacts": {**experiment.measured.artefacts} if experiment.measured else {},
        "reason": experiment.reason,
        "by": experiment.by,
        "commit": experiment.commit,
        "approved_by": approved_by(experiment),
        "decisions": [_fields(decided) for decided in experiment.decisions],
        "revisions": experiment.revision,
        "attempts": experiment.attempt,
        "sandbox": experiment.sandbox,
        "started_at": utc(experiment.started_at) if experiment.started_at else None,
        "ended_at": utc(experiment.ended_at) if experiment.ended_at else None,
        "wall_seconds": finished.wall_seconds if finished else None,
        "cpu_seconds": finished.cpu_seconds if finished else None,
        "peak_memory_mb": finished.peak_memory_mb if finished else None,
        "exit_code": finished.exit_code if finished else None,
    }


def _spent(spent: Spent) -> Json:
    """`usd` is null where no request has a price, and less than the truth where `unpriced` is not 0."""
    known = spent.requests > spent.unpriced or not spent.requests
    return {
        "usd": spent.usd if known else None,
        "requests": spent.requests,
        "unpriced": spent.unpriced,
        "estimated": spent.estimated,
        "prompt_tokens": spent.prompt_tokens,
        "output_tokens": spent.output_tokens,
    }


def noise_json(state: State) -> Json:
    """How much identical trainings differ: `sigma` is measured where `freedom` is not 0, else what the task declares."""
    return {
        "sigma": state.noise.sigma,
        "low": state.noise.low,
        "high": state.noise.high,
        "freedom": state.noise.freedom,
        "declared": state.noise.declared,
        "share_of_speed": state.noise_from_speed,
    }


def _repeating(state: State) -> Json:
    repeat = state.repeat
    return {"experiment": state.repeating[0], **_repeat(repeat)} if repeat and state.repeating else None


def _repeat(repeat: Repeat) -> dict[str, Json]:
    said = {"repeat": repeat.number, "seed": repeat.seed, "why": repeat.why, "of": repeat.of}
    return {**said, **(_fields(repeat.measured) if repeat.measured else {})}


def _backing_off(state: State) -> Json:
    wait = state.backing_off
    return None if wait is None else {**_fields(wait), "until": utc(min(wait.until, MOMENT_MAX))}


def _waiting(waiting: Waiting) -> Json:
    deadline = waiting.deadline
    return {
        **_fields(waiting.asked),
        "since": utc(waiting.since),
        "deadline": None if deadline is None else utc(deadline),
    }


def _fields(model: BaseModel) -> dict[str, Json]:
    # Not mode="json": it turns what it cannot write as UTF-8 into an error, and these texts come from outside.
    fields: dict[str, Json] = model.model_dump()
    return fields


def _finite(value: object) -> Json:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case None | str() | int():
            return value
        case _:
            return str(value)
