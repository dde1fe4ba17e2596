"""Which proposed tests may enter a suite: what the engine says at once, and what the task's own check says. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from ..agent_events import RefusedTest, TestCase
from ..credentials import redact
from ..prompt.quote import cut
from ..suites import same

REASON = 300
"""Characters of a reason."""
DUPLICATE, BEFORE, FULL, NO_WORD = "a duplicate: ", "refused before: ", "the suite has ", "the task's check "
"""How the engine's own reasons begin: what was refused for one of these was not looked at, and may come again."""
TEST_BYTES = 8_000
DEPTH = 50
"""Of lists and objects in each other. The ledger can read some two hundred, the facts around a test among them."""


class Said(BaseModel):
    """What a check says of one test."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    ok: bool
    input: JsonValue = None
    """As it will stand in the suite."""
    expected: JsonValue = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What became of some tests."""

    admitted: list[TestCase] = field(default_factory=list)
    refused: list[RefusedTest] = field(default_factory=list)

    def refuse(self, test: TestCase, reason: str) -> None:
        """One more that may not enter."""
        self.refused.append(RefusedTest(test=test, reason=cut(redact(reason), REASON)))


def is_plain(test: TestCase) -> bool:
    """Whether a test can be written down and read back as it is: no infinite numbers, no halves of letters, not too deep."""
    if max(_depth(test.input), _depth(test.expected)) > DEPTH:
        return False
    try:
        json.dumps(test.model_dump(), ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def size(test: TestCase) -> int:
    """The bytes of a test, without its author's words."""
    return len(json.dumps([test.input, test.expected]))


class Sieve:
    """Keeps back what need not be asked about: the same test again, one that is too long, and what has no room."""

    def __init__(self, suite: Iterable[TestCase], refused: Iterable[RefusedTest], most: int) -> None:
        """`most`: tests that the suite may have."""
        self._there = {same(test) for test in suite}
        of_check = (found for found in refused if not found.reason.startswith((DUPLICATE, BEFORE, FULL, NO_WORD)))
        self._refused: Mapping[str, str] = {_whole(found.test): found.reason for found in of_check}
        self._most = most

    def held(self, test: TestCase) -> str:
        """Why a test may not enter whatever the check says; "" for one that may."""
        if not is_plain(test):
            return "it cannot be written down as it is"
        if size(test) > TEST_BYTES:
            return f"it has {size(test):,} bytes; at most {TEST_BYTES:,} are taken"
        if same(test) in self._there:
            return f"{DUPLICATE}a test with this input is there already"
        if before := self._refused.get(_whole(test)):
            return f"{BEFORE}{before}"
        if len(self._there) >= self._most:
            return f"{FULL}{self._most} tests, as many as it may have"
        return ""

    def admit(self, test: TestCase) -> None:
        """It is in the suite from now on."""
        self._there.add(same(test))


def asked(tests: Sequence[TestCase], sieve: Sieve, found: Weighed) -> list[TestCase]:
    """Those that the task's check has to look at; the others are refused."""
    left: list[TestCase] = []
    for test in tests:
        if any(same(test) == same(other) for other in left):
            found.refuse(test, f"{DUPLICATE}it was proposed twice")
        elif reason := sieve.held(test):
            found.refuse(test, reason)
        else:
            left.append(test)
    return left


def answered(tests: Sequence[TestCase], output: str, sieve: Sieve, found: Weighed) -> None:
    """Take a check's word on each test; where it has not one for each, none of them may enter."""
    said = _read(output)
    if len(said) != len(tests):
        return refuse_all(tests, f"{NO_WORD}said something of {len(said)} of {len(tests)} tests", found)
    for test, word in zip(tests, said, strict=True):
        if not word.ok:
            found.refuse(test, word.reason or "no reason given")
            continue
        canonical = TestCase(input=word.input, expected=word.expected, why=test.why)
        if reason := sieve.held(canonical):
            found.refuse(test, reason)
        else:
            sieve.admit(canonical)
            found.admitted.append(canonical)
    return None


def refuse_all(tests: Iterable[TestCase], reason: str, found: Weighed) -> None:
    """None of them may enter."""
    for test in tests:
        found.refuse(test, reason)


def _read(output: str) -> list[Said]:
    said = []
    for line in output.splitlines():
        try:
            said.append(Said.model_validate_json(line))
        except ValidationError:
            continue  # what a check prints besides
    return said


def _depth(value: JsonValue) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _whole(test: TestCase) -> str:
    """A test that was refused for what it expects may come again with something else."""
    return json.dumps([test.input, test.expected], sort_keys=True)
