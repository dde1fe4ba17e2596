"""The order of the verbs: one file per strategy, each a coroutine that takes the lab and reads like its description.

Every verb of the lab can be repeated, so a strategy needs no thought about restarts: after a crash it simply runs again, and the
verbs take up the open experiment where the ledger left it.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module

from ..errors import ConfigError
from ..lab import Lab

Strategy = Callable[[Lab], Awaitable[None]]

STRATEGIES = {"simple": "loopwatch.engine.strategies.simple:simple"}
"""Name → module:coroutine."""


def strategy(spec: str) -> Strategy:
    """The strategy of `NAME` or `NAME:ARGUMENT`; ConfigError when there is none."""
    name = spec.partition(":")[0]
    if name not in STRATEGIES:
        raise ConfigError(f"no strategy {name!r}; there are: {', '.join(STRATEGIES)}")
    module, _, attribute = STRATEGIES[name].partition(":")
    found: Strategy = getattr(import_module(module), attribute)
    return found
