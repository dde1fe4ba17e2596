"""The files of a run's suites: the task's original tests, and those that were admitted since.

The ledger says which tests there are; `RUN/suites` holds what an evaluator reads, and is written again when it is missing or not
what the ledger says.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from .agent_events import SuiteChanged, TestCase
from .errors import TaskError
from .lineage import Lineage
from .task import Task

_TESTS: TypeAdapter[list[TestCase]] = TypeAdapter(list[TestCase])


class Suites:
    """The suites of one run."""

    def __init__(self, task: Task, pristine: Path, run_dir: Path) -> None:
        """`pristine` is the task's folder in the frozen copy."""
        self._task, self._pristine, self._folder = task, pristine, run_dir / "suites"

    @property
    def original(self) -> Path:
        """The file of the frozen original suite."""
        assert self._task.suite is not None, "only a task with a suite is scored on one"
        return self._pristine / self._task.suite.file

    def tests(self, lineage: Lineage) -> list[TestCase]:
        """The tests of the present suite, the original ones first; TaskError when those cannot be read."""
        return [*read(self.original), *lineage.admitted[: lineage.weighed]]

    def file(self, lineage: Lineage) -> Path:
        """What an evaluator reads of the present suite."""
        if lineage.suite == 0:
            return self.original
        data = self._grown(lineage.admitted[: lineage.weighed])
        if sha256(data).hexdigest() != lineage.suites[-1].digest:
            raise TaskError(f"{self.original} is not what it was when suite {lineage.suite} was made; start a new run")
        return self._held(f"{lineage.suite:04d}", data)

    def next(self, lineage: Lineage) -> Path:
        """The suite that a proposed test would enter: the present one, and what was admitted since."""
        return self._held("next", self._grown(lineage.admitted))

    def of(self, tests: Sequence[TestCase]) -> Path:
        """A suite of these tests alone."""
        return self._held("some", _written([test.model_dump() for test in tests]))

    def changed(self, lineage: Lineage, round_: int) -> SuiteChanged:
        """The fact that everything is scored from now on with what was admitted."""
        data, size = self._grown(lineage.admitted), len(read(self.original)) + len(lineage.admitted)
        return SuiteChanged(suite=lineage.suite + 1, round=round_, size=size, digest=sha256(data).hexdigest())

    def _grown(self, admitted: Sequence[TestCase]) -> bytes:
        # As the task wrote them: its evaluator may read more of its own tests than the engine does.
        read(self.original)
        original: list[JsonValue] = json.loads(self.original.read_bytes())
        return _written([*original, *(test.model_dump() for test in admitted)])

    def _held(self, name: str, data: bytes) -> Path:
        path = self._folder / f"{name}.json"
        if not path.is_file() or path.read_bytes() != data:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(data)
        return path


def read(path: Path) -> list[TestCase]:
    """The tests of a file; TaskError says what is wrong with it."""
    try:
        return _TESTS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise TaskError(f'{path}: not a list of tests like {{"input": …, "expected": …}}: {first}') from None


def _written(tests: Sequence[JsonValue]) -> bytes:
    """The bytes of a suite's file, the same for the same tests."""
    return json.dumps(tests, indent=1).encode() + b"\n"


def same(test: TestCase) -> str:
    """What makes two tests the same one: the input, whatever its author says of it."""
    value: JsonValue = test.input
    return json.dumps(value, sort_keys=True, ensure_ascii=True)
