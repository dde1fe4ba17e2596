"""The order of the verbs: one file per strategy, each a coroutine that takes the lab and reads like its description.

Every verb of the lab can be repeated, so a strategy needs no thought about restarts: after a crash it simply runs again, and the
verbs take up the open experiment where the ledger left it.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from ..lab import Lab
from ..registry import STRATEGIES, find

Strategy = Callable[[Lab], Awaitable[None]]


def strategy(spec: str) -> Strategy:
    """The strategy of a known `NAME` or `NAME:ARGUMENT`."""
    found, argument = find(spec, STRATEGIES), spec.partition(":")[2]
    return partial(found, argument=argument) if argument else found
