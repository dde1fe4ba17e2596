"""A person's answers: asked, shown at once, taken back while there is time, and what became of them."""

import time
from dataclasses import dataclass

from loopwatch.engine.client import UNDO_SECONDS, Viewer
from loopwatch.engine.commands import AnyCommand
from loopwatch.engine.errors import LedgerError

from .palette import Role

NOTICE_SECONDS = 6.0


@dataclass
class Pending:
    """A command that is not answered yet."""

    id: int
    words: str
    due: float


class Answers:
    """The commands of this viewer, and the one line that says how they went."""

    def __init__(self, viewer: Viewer) -> None:
        """Asks through `viewer`."""
        self._viewer = viewer
        self._pending: list[Pending] = []
        self._notice: tuple[str, Role] = ("", "text")
        self._until = 0.0

    def say(self, text: str, role: Role = "text", *, seconds: float = NOTICE_SECONDS) -> None:
        """Show a line for a while."""
        self._notice, self._until = (text, role), time.monotonic() + seconds

    def ask(self, command: AnyCommand, words: str, *, undo: bool = False) -> None:
        """Put a command into the inbox; with `undo` it waits a moment in which it can be taken back."""
        delay = UNDO_SECONDS if undo else 0.0
        try:
            number = self._viewer.ask(command, delay=delay)
        except LedgerError as error:
            self.say(str(error), "bad")
            return
        self._pending.append(Pending(number, words, time.monotonic() + delay))

    @property
    def can_undo(self) -> bool:
        """Whether there is an answer that has not taken effect."""
        now = time.monotonic()
        return any(pending.due > now for pending in self._pending)

    @property
    def busy(self) -> bool:
        """Whether an answer waits for its effect: the next one has to wait too."""
        return bool(self._pending)

    def undo(self) -> None:
        """Take back the last answer."""
        if not self._pending:
            return
        last = self._pending.pop()
        if self._viewer.take_back(last.id):
            self.say(f"taken back: {last.words}", "warn")
        else:
            self._pending.append(last)
            self.say("too late: it has taken effect", "warn")

    def look(self) -> None:
        """See which commands were answered."""
        for pending in [p for p in self._pending if p.due <= time.monotonic()]:
            row = self._viewer.answer(pending.id)
            if row.answered:
                self._pending.remove(pending)
                self.say(row.answer, "text" if row.ok else "bad")

    def line(self) -> tuple[str, Role] | None:
        """What to show now."""
        now = time.monotonic()
        if self._pending:
            last = self._pending[-1]
            left = last.due - now
            if left > 0:
                return f"{last.words}: takes effect in {left:.0f} s, u takes it back", "warn"
            return f"{last.words} …", "quiet"
        return self._notice if self._notice[0] and now < self._until else None
