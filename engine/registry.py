"""Which proposers, strategies and reviewers there are: name → module:attribute, imported only when one is used.

A plain table, so that naming one costs nothing and torch stays asleep.
"""

from importlib import import_module
from typing import Any

PROPOSERS = {
    "acp": "loopwatch.engine.proposers.acp:Acp",
    "anthropic": "loopwatch.engine.proposers.anthropic:Anthropic",
    "claude-code": "loopwatch.engine.proposers.claude_code:ClaudeCode",
    "openai": "loopwatch.engine.proposers.openai:OpenAI",
    "random": "loopwatch.engine.proposers.random:Random",
    "scripted": "loopwatch.engine.proposers.scripted:Scripted",
}
"""Each is a class that takes the text after the colon in `--proposer NAME:ARGUMENT`, and the run's `AgentSettings`."""

AGENTS = frozenset({"acp", "claude-code"})
"""Of these, programs with tools of their own: they work in boxes, and need the network."""

STRATEGIES = {
    "noise": "loopwatch.engine.strategies.noise:noise",
    "reviewer": "loopwatch.engine.strategies.reviewer:reviewer",
    "simple": "loopwatch.engine.strategies.simple:simple",
}
"""Each is a coroutine that takes the lab."""


REVIEWERS = {
    "anthropic": "loopwatch.engine.models.anthropic:Anthropic",
    "openai": "loopwatch.engine.models.openai:OpenAI",
}
"""Each is a model: a class that takes a model's name and the run's `AgentSettings`."""

DEFAULT_MODELS = {"anthropic": "claude-sonnet-5-5"}
"""The model that a provider is asked for when none is named."""


def known(spec: str, table: dict[str, str], what: str) -> str:
    """`spec` itself; ValueError when its name, the part before the colon, is not in the table."""
    name = spec.partition(":")[0]
    if name not in table:
        raise ValueError(f"there is no {what} {name!r}; there are: {', '.join(table)}")
    return spec


def find(spec: str, table: dict[str, str]) -> Any:
    """What the name of a known spec stands for."""
    module, _, attribute = table[spec.partition(":")[0]].partition(":")
    return getattr(import_module(module), attribute)
