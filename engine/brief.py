"""What a proposer is told, and the prompt that a model reads of it. Pure.

A prompt is blocks, stable ones first, so that what did not change since the last one comes from the provider's cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from .state import Experiment
from .task import Task

TOKENS = 64_000
"""The most that a prompt may hold."""
CHARACTERS_PER_TOKEN = 3.2
"""Of code and English, on the careful side: real prompts have a little more."""

Memory = Literal["history", "review"]
"""What a proposer knows of earlier experiments: all that fits, or only what a reviewer says of them."""


@dataclass(frozen=True, slots=True)
class Brief:
    """All that a proposer is told."""

    experiment: int
    revision: int
    task: Task
    program: str
    """The research programme, in the user's words."""
    sources: Mapping[str, str]
    """The editable files as they are in the best experiment, by path."""
    history: tuple[Experiment, ...]
    """The experiments so far, oldest first."""
    best: float | None
    notes: tuple[str, ...]
    """What a person wrote since the last prompt."""
    comment: str
    """Why a person sent the last revision back; "" for a first one."""
    seed: int
    diagnostics: str = ""
    """How the last experiment ran, in a few lines."""
    review: str = ""
    """What the reviewer said last; "" when there is none, or a person muted it."""
    memory: Memory = "history"
    sigma: float | None = None
    """The spread of identical runs, in the metric's unit."""


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a prompt."""

    title: str
    text: str
    marked: bool = False
    """Nothing before the end of this block changes often: a place for a cache mark."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model reads."""

    system: tuple[Block, ...]
    user: tuple[Block, ...]
    left_out: tuple[str, ...] = ()
    """What had no room, in words."""

    @property
    def text(self) -> str:
        """All of it, as it is sent: blocks in order, an empty line between them."""
        return "\n\n".join(block.text for block in (*self.system, *self.user))

    @property
    def tokens(self) -> int:
        """How long it is, estimated."""
        return tokens(self.text)

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()


def tokens(text: str) -> int:
    """How many tokens a text has, estimated on the careful side."""
    return int(len(text) / CHARACTERS_PER_TOKEN) + 1


def compose(brief: Brief, *, limit: int = TOKENS, shrink: int = 0) -> Prompt:
    """The prompt for a brief, of at most `limit` tokens; `shrink` halves the history so many times."""
    metric = brief.task.metric
    rules = (
        f"You are the researcher in an autonomous loop. Propose one change that should improve {metric.name} "
        f"({'lower' if metric.direction == 'down' else 'higher'} is better)."
    )
    sources = "\n\n".join(f"# {path}\n```python\n{text}\n```" for path, text in brief.sources.items())
    kept = brief.history[len(brief.history) - len(brief.history) // 2**shrink :]
    history = "\n".join(f"#{e.number} {e.verdict} {e.value} {e.hypothesis}" for e in kept)
    last = "\n".join(
        (f"best {metric.name}: {brief.best}", brief.diagnostics, brief.review, brief.comment, *brief.notes)
    )
    return Prompt(
        (Block("rules", f"{rules}\n\n# program.md\n{brief.program}", marked=True),),
        (Block("source", sources, marked=True), Block("history", history, marked=True), Block("now", last)),
    )
