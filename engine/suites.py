"""The files of a run's suites: the task's original tests, and those that were admitted since.

The ledger says which tests there are; `RUN/suites` holds what an evaluator reads, and is written again when it is missing or not
what the ledger says.
"""

import json
from hashlib import sha256
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from .agent_events import TestCase
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

    def tests(self, lineage: Lineage, *, admitted: int | None = None) -> list[TestCase]:
        """The original tests and the admitted ones; TaskError when the original cannot be read.

        admitted  how many of those; without it, those of the present suite
        """
        return [*read(self.original), *lineage.admitted[: lineage.weighed if admitted is None else admitted]]

    def file(self, lineage: Lineage) -> Path:
        """What an evaluator reads of the present suite."""
        if lineage.suite == 0:
            return self.original
        data, path = written(self.tests(lineage)), self._folder / f"{lineage.suite:04d}.json"
        if sha256(data).hexdigest() != lineage.suites[-1].digest:
            raise TaskError(f"{self.original} is not what it was when suite {lineage.suite} was made; start a new run")
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


def written(tests: list[TestCase]) -> bytes:
    """The bytes of a suite's file, the same for the same tests."""
    return _TESTS.dump_json(tests, indent=1) + b"\n"


def same(test: TestCase) -> str:
    """What makes two tests the same one: the input, whatever its author says of it."""
    value: JsonValue = test.input
    return json.dumps(value, sort_keys=True, ensure_ascii=True)
