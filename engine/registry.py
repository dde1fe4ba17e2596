"""Which proposers and strategies there are: name → module:attribute, imported only when one is used.

A plain table, so that naming one costs nothing and torch stays asleep.
"""

from importlib import import_module
from typing import Any

PROPOSERS = {
    "random": "loopwatch.engine.proposers.random:Random",
    "scripted": "loopwatch.engine.proposers.scripted:Scripted",
}
"""Each is a class that takes the text after the colon in `--proposer NAME:ARGUMENT`."""

STRATEGIES = {
    "simple": "loopwatch.engine.strategies.simple:simple",
}
"""Each is a coroutine that takes the lab."""


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
