"""A comparison of strategies: which runs it is made of, so that it can go on where it was left.

Each cell is an ordinary run. The record lies beside the runs, in `comparisons/NAME.json`, and is replaced as a whole.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from . import home
from .errors import ConfigError


class Hidden(BaseModel):
    """What a run's baseline and its best scored on tests that nobody had seen."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    experiment: int
    baseline: float | None
    best: float | None
    problem: str = ""
    tests: int = 0


class Cell(BaseModel):
    """One level on one task, once."""

    level: str
    task: str
    """The folder or name, as it is found."""
    repeat: int
    run: str = ""
    """Its run's name; "" before it began."""
    hidden: Hidden | None = None
    """None before it was measured."""


class Comparison(BaseModel):
    """Some levels on some tasks, each a number of times, with the same settings."""

    name: str
    settings: dict[str, JsonValue]
    """Of every run in it."""
    cells: list[Cell]

    @staticmethod
    def name_of(settings: Mapping[str, object], levels: list[str], tasks: list[str], repeats: int) -> str:
        """A name that the same question has again, so that asking again goes on."""
        asked = json.dumps([settings, levels, tasks, repeats], sort_keys=True, default=str)
        return f"compare-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"

    @classmethod
    def find(cls, name: str) -> Self | None:
        """The one that was begun under a name; ConfigError when its record cannot be read."""
        file = _file(name)
        try:
            return cls.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise ConfigError(f"{file} cannot be read ({type(error).__name__}); begin again with --fresh") from None

    def keep(self) -> None:
        """Write it down, whole or not at all."""
        file = _file(self.name)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        new.replace(file)


def _file(name: str) -> Path:
    return home.home() / "comparisons" / f"{name}.json"
