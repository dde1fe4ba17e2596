"""Anything that can propose an experiment.

A proposer gets a brief, talks through its turn while it thinks, and returns a proposal. It is cancelled like any coroutine, it
applies nothing, and what it returns is a claim: the edit gate, a person and the evaluator decide. Proposers keep no state of
their own between experiments that a restart would lose; the ledger has it all, and the brief brings it.
"""

from typing import Protocol

from ..config import AgentSettings
from ..prompt.brief import Brief
from ..registry import PROPOSERS, find
from ..turn import Lesson, Proposal, Steering, Turn

__all__ = ["Brief", "Lesson", "Proposal", "Proposer", "Steering", "Turn", "proposer"]


class Proposer(Protocol):
    """Proposes experiments."""

    steering: Steering
    """How early a note can reach it."""

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        """One experiment; NothingToPropose at the end, ProposerFailed when it did not work out this time."""
        ...


def proposer(spec: str, settings: AgentSettings) -> Proposer:
    """The proposer of a known `NAME` or `NAME:ARGUMENT`; ConfigError when it cannot use the argument or the settings."""
    made: Proposer = find(spec, PROPOSERS)(spec.partition(":")[2], settings)
    return made
