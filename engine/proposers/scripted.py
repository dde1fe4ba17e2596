"""Plays proposals, reasoning and delays from a file: for tests, demos and talks. A stand-in, and named so.

One JSON object per line, one line per experiment after the baseline:

    {"hypothesis": "...", "mechanism": "...",
     "set": {"train.py": {"LR": 0.003}}        constants to change, by file; or
     "diff": "--- a/train.py ...",             a whole diff,
     "reasoning": "...",                       streamed in pieces of a few words, `delay` seconds apart
     "delay": 0.05,
     "again": [{...}]}                         what to propose when a person sends it back, revision by revision
     "fails": "..."                            instead of all that: the proposer fails with these words
"""

import asyncio
import json
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ..config import AgentSettings
from ..editing import constants, edits
from ..errors import ConfigError, EditRefused, NothingToPropose, ProposerFailed
from . import Brief, Proposal, Steering, Turn


class Line(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid")

    hypothesis: str = ""
    mechanism: str = ""
    set: dict[str, dict[str, float | int | str | bool]] = {}
    diff: str = ""
    reasoning: str = ""
    delay: float = 0
    again: tuple["Line", ...] = ()
    fails: str = ""


class Scripted:
    """Plays a file."""

    steering: Steering = "next experiment"

    def __init__(self, argument: str, settings: AgentSettings | None = None) -> None:
        """Read the file named by `argument`; ConfigError names the line that cannot be read."""
        if not argument:
            raise ConfigError("the scripted proposer needs a file: --proposer scripted:FILE")
        path = Path(argument).expanduser()
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise ConfigError(f"the script {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"the script {path} cannot be read: {error}") from None
        self._lines = [_line(path, number, text) for number, text in enumerate(lines, start=1) if text.strip()]

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        """The line of this experiment, with its reasoning streamed first."""
        index = brief.experiment - 2
        if index >= len(self._lines):
            raise NothingToPropose(f"the script has {len(self._lines)} proposals, and all were played")
        line = self._lines[index]
        for again in line.again[: brief.revision - 1]:
            line = again
        for piece in re.findall(r"\S+\s*|\s+", line.reasoning):
            turn.hear("thinking", piece)
            await asyncio.sleep(line.delay)
        if line.fails:
            raise ProposerFailed(line.fails)
        return Proposal(line.hypothesis, line.mechanism, line.diff or _diff(line, brief))


def _line(path: Path, number: int, text: str) -> Line:
    try:
        return Line.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {number}: not valid JSON: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{path}, line {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _diff(line: Line, brief: Brief) -> str:
    parts = []
    for path, values in line.set.items():
        if path not in brief.sources:
            raise ProposerFailed(f"the script sets a constant in {path}; there are: {', '.join(brief.sources)}")
        before = after = brief.sources[path]
        for name, value in values.items():
            try:
                after = constants.set_constant(after, name, value)
            except EditRefused as problem:
                raise ProposerFailed(f"{path}: {problem}") from None
        parts.append(edits.render(path, before, after))
    return "".join(parts)
