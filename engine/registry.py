"""Which proposers, strategies and reviewers there are: name → module:attribute, imported only when one is used.

A plain table, so that naming one costs nothing and torch stays asleep.
"""

import re
from importlib import import_module
from typing import Any

PROPOSERS = {
    "acp": "loopwatch.engine.proposers.acp:Acp",
    "anthropic": "loopwatch.engine.proposers.anthropic:Anthropic",
    "claude-code": "loopwatch.engine.proposers.claude_code:ClaudeCode",
    "mutation": "loopwatch.engine.proposers.mutation:Mutation",
    "openai": "loopwatch.engine.proposers.openai:OpenAI",
    "random": "loopwatch.engine.proposers.random:Random",
    "scripted": "loopwatch.engine.proposers.scripted:Scripted",
}
"""Each is a class that takes the text after the colon in `--proposer NAME:ARGUMENT`, and the run's `AgentSettings`."""

AGENTS = frozenset({"acp", "claude-code"})
"""Of these, programs with tools of their own: they work in boxes, and need the network."""

STRATEGIES = {
    "arena": "loopwatch.engine.strategies.arena:arena",
    "hyperagent": "loopwatch.engine.strategies.hyperagent:hyperagent",
    "noise": "loopwatch.engine.strategies.noise:noise",
    "reviewer": "loopwatch.engine.strategies.reviewer:reviewer",
    "simple": "loopwatch.engine.strategies.simple:simple",
}
"""Each is a coroutine that takes the lab, and the text after the colon where there is one."""

STRATEGY_ARGUMENTS = {
    "hyperagent": (
        r"[2-9]|[1-9][0-9]",
        "hyperagent:K, with K experiments (2 or more) for each generation of the agent",
    ),
    "arena": (
        r"(1v1|[1-9]x[1-9])(:[1-9][0-9]?)?",
        "arena:1v1, or arena:NxM for N code agents against M test agents, or arena:NxM:K to replace the worst every K rounds",
    ),
}
"""What may stand after the colon, as a regular expression and in words; nothing may after the others."""

MODELS = {
    "anthropic": "loopwatch.engine.models.anthropic:Anthropic",
    "openai": "loopwatch.engine.models.openai:OpenAI",
}
"""Each is a class that takes a model's name and the run's `AgentSettings`."""

REVIEWERS = {**MODELS, "rules": "loopwatch.engine.rules_review:advice"}
"""Each is a model; but for the rules, which need none."""

DEFAULT_MODELS = {"anthropic": "claude-sonnet-5-5"}
"""The model that a provider is asked for when none is named."""


def known(spec: str, table: dict[str, str], what: str) -> str:
    """`spec` itself; ValueError when its name, the part before the colon, is not in the table."""
    name = spec.partition(":")[0]
    if name not in table:
        raise ValueError(f"there is no {what} {name!r}; there are: {', '.join(table)}")
    return spec


def known_strategy(spec: str) -> str:
    """`spec` itself; ValueError when there is no such strategy, or not with this argument."""
    name, colon, argument = known(spec, STRATEGIES, "strategy").partition(":")
    form, words = STRATEGY_ARGUMENTS.get(name, ("", f"{name}, which takes nothing after a colon"))
    if colon and not (form and re.fullmatch(form, argument)):
        raise ValueError(f"{spec!r} is no strategy; write {words}")
    return spec


def find(spec: str, table: dict[str, str]) -> Any:
    """What the name of a known spec stands for."""
    module, _, attribute = table[spec.partition(":")[0]].partition(":")
    return getattr(import_module(module), attribute)
