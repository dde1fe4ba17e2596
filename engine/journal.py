"""The ledger together with the state it folds to: what the engine's parts write to and read from."""

from .events import AnyFact, Entry
from .ledger import Ledger
from .state import State
from .telemetry import Telemetry


class Journal:
    """One engine's view of its run: each fact is durable before it counts."""

    def __init__(self, ledger: Ledger, telemetry: Telemetry) -> None:
        """Read what there is."""
        self.ledger, self.telemetry, self.state = ledger, telemetry, State()
        self._fold(ledger.since())

    def append(self, *facts: AnyFact) -> None:
        """Write facts in one transaction, then fold them in."""
        self._fold(self.ledger.append(*facts))

    def answer(self, command: int, *, ok: bool, text: str, facts: tuple[AnyFact, ...] = ()) -> bool:
        """Answer a command with the facts it causes; False when it was withdrawn in the meantime."""
        entries = self.ledger.answer(command, ok=ok, text=text, facts=facts)
        if entries is None:
            return False
        self._fold(entries)
        return True

    def _fold(self, entries: list[Entry]) -> None:
        for entry in entries:
            self.state.apply(entry)
