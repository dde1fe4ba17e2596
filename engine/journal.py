"""The ledger together with the state it folds to: what the engine's parts write to and read from."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .commands import AnyCommand
from .errors import LedgerError
from .events import AnyFact, Entry, Heard
from .housekeeping import free_bytes
from .ledger import Ledger
from .state import State
from .telemetry import Telemetry

T = TypeVar("T")

BALLAST_BYTES = 16 * 2**20
FULL_BYTES = 4 * 2**20
"""With less than this a disk is full, whatever a library says of its failure."""
SECONDS_BETWEEN_TRIES = 0.5


class Journal:
    """One engine's view of its run: each fact is durable before it counts."""

    def __init__(self, ledger: Ledger, telemetry: Telemetry, *, ballast: Path) -> None:
        """Read what there is; `ballast` is a file that is given up when the disk is full, so that facts still fit."""
        self.ledger, self.telemetry, self.state, self._ballast = ledger, telemetry, State(), ballast
        self.keep_ballast()
        self.heard = asyncio.Event()
        """Set while streamed text waits for the next flush."""
        self._fold(ledger.since())

    def append(self, *facts: AnyFact) -> None:
        """Write facts in one transaction, then fold them in."""
        self._fold(self.patiently(lambda: self.ledger.append(*facts)))

    def hear(self, experiment: int, text: str, kind: Heard) -> None:
        """Keep a piece of streamed text until the next flush."""
        self.telemetry.add_thought(experiment, text, kind)
        self.heard.set()

    def flush(self) -> None:
        """Write curves and streamed text; on a full disk they are dropped, which harms nobody."""
        self.heard.clear()
        try:
            self.telemetry.flush()
        except LedgerError:
            self.free_ballast()

    def keep_ballast(self) -> None:
        """Put the ballast back where it was given up."""
        if self._ballast.exists():
            return
        try:
            self._ballast.write_bytes(bytes(BALLAST_BYTES))
        except OSError:
            self.free_ballast()  # half of it would only fill the disk

    def free_ballast(self) -> bool:
        """Give up the ballast; False when it is gone already."""
        there = self._ballast.exists()
        self._ballast.unlink(missing_ok=True)
        return there

    def ask(self, command: AnyCommand, *, by: str, via: str) -> None:
        """Put a command of the engine's own into the inbox; LedgerError when it cannot be written now."""
        try:
            self.ledger.ask(command, by=by, via=via)
        except LedgerError:
            if not self.free_ballast():
                raise
            self.ledger.ask(command, by=by, via=via)

    def answer(self, command: int, *, ok: bool, text: str, facts: tuple[AnyFact, ...] = ()) -> bool:
        """Answer a command with the facts it causes; False when it was withdrawn in the meantime."""
        entries = self.patiently(lambda: self.ledger.answer(command, ok=ok, text=text, facts=facts))
        if entries is None:
            return False
        self._fold(entries)
        return True

    def patiently(self, write: Callable[[], T]) -> T:
        """Do what may be done again, and writes to the run's disk: while that is full, give up the ballast, then wait for room.

        Nothing else of the engine goes on meanwhile, since nothing of it could be written down; keepers do without it.
        """
        while True:
            try:
                return write()
            except Exception as error:  # each library has its own
                is_full = free_bytes(self._ballast.parent) < FULL_BYTES
                if not is_full and not isinstance(error, LedgerError):
                    raise
                if not self.free_ballast():
                    if not is_full:
                        raise
                    self._still()

    def _still(self) -> None:
        """Wait a moment. Nobody can be heard, so a signal does what signals do: a killed engine loses nothing."""
        if threading.current_thread() is not threading.main_thread():
            time.sleep(SECONDS_BETWEEN_TRIES)
            return
        before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            time.sleep(SECONDS_BETWEEN_TRIES)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _fold(self, entries: list[Entry]) -> None:
        for entry in entries:
            self.state.apply(entry)
