"""The engine's end of a line to a model or an agent: what is heard goes to telemetry, what is spent to the books.

Keys are taken out of everything that is written. Waits are facts, so that nobody wonders, and their time is counted apart.
"""

import asyncio
import time
from typing import Literal

from .books import Booked, Books
from .credentials import redact
from .events import BackedOff, Heard, WentOn
from .journal import Journal


class Line:
    """A `turn.Line` for one experiment."""

    def __init__(
        self, experiment: int, role: Literal["proposer", "reviewer"], *, journal: Journal, books: Books
    ) -> None:
        """Who thinks, and about which experiment."""
        self._experiment, self._role, self._journal, self._books = experiment, role, journal, books

    def hear(self, kind: Heard, text: str) -> None:
        """See `turn.Line`."""
        self._journal.telemetry.add_thought(self._experiment, redact(text), kind)

    async def request(self, model: str, *, prompt_tokens: int, output_tokens: int) -> Booked:
        """See `turn.Line`."""
        return await self._books.open(
            self._experiment, self._role, model, prompt_tokens=prompt_tokens, output_tokens=output_tokens
        )

    async def back_off(self, why: str, seconds: float, *, attempt: int, attempts: int | None) -> None:
        """See `turn.Line`."""
        number, began = self._experiment, time.monotonic()
        until, told = time.time() + seconds, redact(why)
        self._journal.append(BackedOff(experiment=number, why=told, until=until, attempt=attempt, attempts=attempts))
        try:
            await asyncio.sleep(seconds)
        finally:
            self._journal.append(WentOn(experiment=number, waited_seconds=time.monotonic() - began))
