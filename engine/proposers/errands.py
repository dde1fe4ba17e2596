"""What goes on beside an agent's turn: questions to a person, notes on their way, a clock. The first that fails ends the turn."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Errands:
    """The tasks of one session."""

    def __init__(self) -> None:
        """Nothing goes on yet."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed = asyncio.Event()
        self._failure: BaseException | None = None

    def start(self, errand: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin one."""
        task = asyncio.create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def unless_one_fails(self, waiting: asyncio.Task[T]) -> T:
        """Wait for something that is not cancelled with whoever waits; raises what an errand raised."""
        failed = asyncio.create_task(self._failed.wait())
        try:
            await asyncio.wait({waiting, failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            failed.cancel()
        if self._failure:
            raise self._failure
        return await waiting

    def drop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) and self._failure is None:
            self._failure = failure
            self._failed.set()
