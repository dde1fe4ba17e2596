"""A folder of cases: `manifest.json`, one program for each case, and `task/`, the toy task that those of kind train and log attack.

A case of kind
    train, log   takes the place of the task's train.py for one experiment
    edit         prints a proposal as JSON: {"patch": DIFF} or {"edits": [{"path": ..., "content": ...}]}
    text         prints what an agent or an experiment could print
    stat         prints a series of results as JSON; see `series`
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import ConfigError
from ..task import SHIPPED

OURS = SHIPPED / "attacks"
SECONDS = 30

Kind = Literal["train", "log", "edit", "text", "stat"]


class Expected(BaseModel):
    """What should become of a case."""

    verdict: str


class Case(BaseModel):
    """One attempt to fool the harness, or an honest one that looks like it."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Kind
    category: str
    title: str
    expected: Expected
    file: Path

    @property
    def benign(self) -> bool:
        """Whether it is honest and must be let through."""
        return self.category.startswith("benign")

    def source(self) -> str:
        """Its program."""
        return self.file.read_text(encoding="utf-8")

    def prints(self) -> str:
        """What it says; for those that only print."""
        words = [sys.executable, "-I", "-S", "-B", str(self.file)]
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:surrogatepass"},
            cwd="/",
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise ConfigError(f"{self.file} ended with exit code {done.returncode}: {' '.join(said)}")
        return done.stdout.decode("utf-8", "surrogatepass")


class Corpus(BaseModel):
    """All cases of a folder."""

    folder: Path
    cases: tuple[Case, ...]

    @property
    def task(self) -> Path:
        """The toy task."""
        return self.folder / "task"


def read(folder: Path) -> Corpus:
    """The corpus in a folder; ConfigError says what it lacks."""
    file = folder / "manifest.json"
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        cases = [Case.model_validate({**one, "file": folder / one["file"]}) for one in raw["cases"]]
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}; a corpus is a folder with a manifest.json"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file}: no list of cases: {error}") from None
    if missing := [case for case in cases if not case.file.is_file()]:
        raise ConfigError(f"{missing[0].file} is not there, though {file} names it")
    if any(case.kind in ("train", "log") for case in cases) and not (folder / "task" / "train.py").is_file():
        raise ConfigError(f"{folder / 'task' / 'train.py'} is not there: what should the cases attack?")
    return Corpus(folder=folder, cases=tuple(cases))
