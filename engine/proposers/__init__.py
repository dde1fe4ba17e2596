"""Anything that can propose an experiment.

A proposer gets a brief, may say what it thinks while it thinks, and returns a proposal. It is cancelled like any coroutine, it
applies nothing, and what it returns is a claim: the edit gate, a person and the evaluator decide. Proposers keep no state of
their own between experiments that a restart would lose; the ledger has it all, and the brief brings it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..registry import PROPOSERS, find
from ..state import Experiment
from ..task import Task

Say = Callable[[str], None]
"""Takes a piece of reasoning of any length, as it comes."""


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


@dataclass(frozen=True, slots=True)
class Proposal:
    """A diff with the reason for it."""

    hypothesis: str
    mechanism: str
    diff: str
    """A unified diff against `Brief.sources`."""


class Proposer(Protocol):
    """Proposes experiments."""

    async def propose(self, brief: Brief, say: Say) -> Proposal:
        """One experiment; NothingToPropose at the end, ProposerFailed when it did not work out this time."""
        ...


def proposer(spec: str) -> Proposer:
    """The proposer of a known `NAME` or `NAME:ARGUMENT`; ConfigError when it cannot use the argument."""
    made: Proposer = find(spec, PROPOSERS)(spec.partition(":")[2])
    return made
