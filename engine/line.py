"""The engine's end of a line to a model or an agent: what is heard goes to telemetry, what is spent to the books.

Keys are taken out of everything that is written. Waits are facts, so that nobody wonders, and their time is counted apart.
"""

import asyncio
import time
from contextlib import suppress

from .books import Booked, Books
from .credentials import Redactor
from .events import BackedOff, Caller, Heard, WentOn
from .journal import Journal

LONGEST_NAP_SECONDS = 60
"""A machine that slept looks at the clock again after this long, so that it does not sleep on."""


class Line:
    """A `turn.Line` for one experiment."""

    def __init__(self, experiment: int, role: Caller, *, journal: Journal, books: Books) -> None:
        """Who thinks, and about which experiment."""
        self._experiment, self._role, self._journal, self._books = experiment, role, journal, books
        self._kind: Heard = "text"
        self._redactor = Redactor()

    def hear(self, kind: Heard, text: str) -> None:
        """See `turn.Line`."""
        if kind != self._kind:
            self.close()
        self._kind = kind
        self._tell(self._redactor.feed(text))

    def close(self) -> None:
        """Nothing more will be heard, or nothing more of this kind."""
        self._tell(self._redactor.rest())

    def _tell(self, text: str) -> None:
        if text:
            self._journal.hear(self._experiment, text, self._kind)

    async def request(self, model: str, *, prompt_tokens: int, output_tokens: int) -> Booked:
        """See `turn.Line`; waits for midnight when the day's cap is used up."""
        attempt = 0
        while wait := self._books.wait(model, prompt_tokens=prompt_tokens, output_tokens=output_tokens):
            attempt += 1
            await self.back_off(wait.why, wait.seconds, attempt=attempt, attempts=None)
        return self._books.open(
            self._experiment, self._role, model, prompt_tokens=prompt_tokens, output_tokens=output_tokens
        )

    async def back_off(self, why: str, seconds: float, *, attempt: int, attempts: int | None) -> None:
        """See `turn.Line`; a person may end the wait."""
        number, began, until = self._experiment, time.monotonic(), time.time() + seconds
        self._journal.append(BackedOff(experiment=number, why=why, until=until, attempt=attempt, attempts=attempts))
        self.hear("notice", f"{why}\n")
        self._books.retry.clear()
        try:
            # Whichever clock says so first: one stands still while the machine sleeps, the other may be set back.
            while (left := min(until - time.time(), began + seconds - time.monotonic())) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, LONGEST_NAP_SECONDS)):
                        await self._books.retry.wait()
                    return
        finally:
            self._journal.append(WentOn(experiment=number, waited_seconds=time.monotonic() - began))
