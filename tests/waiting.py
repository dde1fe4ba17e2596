"""Waiting for a fact instead of sleeping: the only clock that tests use."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(fact: Callable[[], T], *, seconds: float = 30, every: float = 0.01) -> T:
    """Return the first truthy value of `fact`; fail with what it last was after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s; last seen: {value!r}")
        time.sleep(every)
