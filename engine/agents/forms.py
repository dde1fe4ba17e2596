"""What an agent's code is told, and what it may answer: plain JSON in both directions, checked on our side.

An agent is hostile until it is not: whatever it says has a type, a size and a meaning here, or is AgentFailed in a sentence.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from ..editing.edits import FILE_BYTES
from ..errors import AgentFailed
from ..prompt.brief import Brief
from ..prompt.quote import cut
from ..state import Experiment
from ..task import Metric

HISTORY = 200
"""The newest experiments that an agent is told."""
DIFF_CHARACTERS = 6000
WORDS = 4000
"""Characters of one claim."""
INSTRUCTIONS = 60_000
"""Characters of what an agent tells whoever edits; the rest is cut."""
NAMES = 200
"""Characters of names in a sentence."""
FILES = 1000
TESTS = 256
"""The most that one call may propose."""
TEST_BYTES = 20_000

Told = dict[str, Any]
"""A JSON object for an agent."""


def _short(text: str) -> str:
    return cut(text, WORDS)


def _bounded(text: str) -> str:
    return cut(text, INSTRUCTIONS)


def _small(files: dict[str, str]) -> dict[str, str]:
    for name, text in files.items():
        if len(text.encode()) > FILE_BYTES:
            raise ValueError(f"{name[:80]} has {len(text.encode()):,} bytes; at most {FILE_BYTES:,} are taken")
    return files


Claim = Annotated[str, AfterValidator(_short)]
Texts = Annotated[dict[str, str], Field(max_length=FILES), AfterValidator(_small)]


class Answer(BaseModel):
    """Something that an agent's code said."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Change(Answer):
    """What `propose` returns, and what `ask` gives: whole new texts, with the reason for them."""

    hypothesis: Claim
    mechanism: Claim
    expected: Claim = ""
    files: Texts


class Rewrite(Answer):
    """What `improve` returns: the files of the agent that change."""

    reason: Claim
    files: Texts


class Question(Answer):
    """What `ask` is called with."""

    instructions: Annotated[str, AfterValidator(_bounded)]
    files: Texts | None = None
    hints: dict[str, JsonValue] = Field(default_factory=dict)


class Test(Answer):
    """One test that `propose_tests` returns."""

    __test__ = False

    input: JsonValue
    expected: JsonValue = None
    why: Claim = ""


A = TypeVar("A", bound=Answer)


def read(what: type[A], value: object, said: str) -> A:
    """The answer in a JSON value; AgentFailed, in a sentence that begins with `said`, when there is none."""
    try:
        return what.model_validate(value)
    except ValidationError as error:
        raise AgentFailed(f"{said} is not as it should be: {_wrong(error)}") from None


def read_tests(value: object, said: str) -> list[Test]:
    """The tests in a JSON value; AgentFailed when it is no list of tests, or one that is too long."""
    if not isinstance(value, list) or len(value) > TESTS:
        raise AgentFailed(f"{said} is not as it should be: a list of at most {TESTS} tests")
    tests = [read(Test, test, said) for test in value]
    for test in tests:
        if len(json.dumps([test.input, test.expected])) > TEST_BYTES:
            raise AgentFailed(f"{said} is not as it should be: a test is longer than {TEST_BYTES:,} bytes")
    return tests


def _wrong(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:100]
    return f"{place}: {first['msg']}" if place else str(first["msg"])


# -- what it is told ---------------------------------------------------------------------------------------------------


def task(brief: Brief, **more: Any) -> Told:
    """What `propose` and `propose_tests` get."""
    return {
        "program": brief.program,
        "metric": metric(brief.task.metric, brief.sigma),
        "files": dict(brief.sources),
        "best": brief.best,
        "experiment": brief.experiment,
        "seed": brief.seed,
        "history": history(brief.history),
        "notes": list(brief.notes) + ([brief.comment] if brief.comment else []),
        "review": brief.review,
        **more,
    }


def metric(one: Metric, sigma: float | None) -> Told:
    """A metric in an agent's words."""
    return {"name": one.name, "direction": one.direction, "unit": one.unit, "noise": sigma, "target": one.target}


def history(experiments: Sequence[Experiment]) -> list[Told]:
    """The newest experiments, oldest first."""
    return [_told(experiment) for experiment in experiments[-HISTORY:]]


def _told(experiment: Experiment) -> Told:
    # As for every proposer: what gave a number away is not told, nor the number.
    believed = experiment.verdict == "kept" or not experiment.is_rejected
    return {
        "number": experiment.number,
        "by": experiment.agent or experiment.proposer,
        "hypothesis": cut(experiment.hypothesis, WORDS),
        "mechanism": cut(experiment.mechanism, WORDS),
        "verdict": experiment.verdict,
        "reason": cut(experiment.told, WORDS),
        "gain": experiment.gain if believed else None,
        "sigma": experiment.sigma if believed else None,
        "value": experiment.score if believed else None,
        "suite": experiment.suite,  # numbers on different ones cannot be compared
        "diff": cut(experiment.diff, DIFF_CHARACTERS),
    }


def changed(files: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The files that are not as before."""
    return {path: text for path, text in files.items() if before.get(path) != text}


def listed(names: Iterable[str]) -> str:
    """Names in a sentence."""
    return cut(", ".join(sorted(names)), NAMES) or "none"
