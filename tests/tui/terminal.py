"""A real terminal for the real program: a pty, and pyte to read what it would show."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte

from tests.waiting import until

PROGRAM = [sys.executable, "-m", "loopwatch.tui.cli"]


class Terminal:
    """`loopwatch` in a terminal of a given size."""

    def __init__(
        self, home: Path, *words: str, columns: int = 80, rows: int = 24, environment: dict[str, str] | None = None
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        variables = {**os.environ, "LOOPWATCH_HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        for fixed in ("NO_COLOR", "COLUMNS", "LINES"):  # a test runner may have set the last two
            variables.pop(fixed, None)
        variables.update(environment or {})
        self.child = pexpect.spawn(
            PROGRAM[0], [*PROGRAM[1:], *words], dimensions=(rows, columns), env=variables, timeout=5, cwd=str(home)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.close(force=True)

    def text(self) -> str:
        """What the screen shows now."""
        try:
            while True:
                piece: bytes = self.child.read_nonblocking(65536, timeout=0.02)  # type: ignore[assignment]
                self.raw += piece
                self._stream.feed(piece)
        except (pexpect.TIMEOUT, pexpect.EOF):
            pass
        return "\n".join(line.rstrip() for line in self._screen.display)

    def shows(self, *words: str, seconds: float = 30) -> str:
        """Wait until all of these words are on the screen."""
        return self.waits(lambda text: all(word in text for word in words), f"{words}", seconds)

    def hides(self, *words: str, seconds: float = 30) -> str:
        """Wait until none of these words is on the screen."""
        return self.waits(lambda text: not any(word in text for word in words), f"without {words}", seconds)

    def waits(self, fact: Callable[[str], bool], what: str, seconds: float = 30) -> str:
        last = ""

        def look() -> bool:
            nonlocal last
            last = self.text()
            return fact(last)

        try:
            until(look, seconds=seconds)
        except AssertionError:
            raise AssertionError(f"never seen: {what}\n{last}") from None
        return last

    def press(self, *keys: str) -> None:
        """Press keys, as a person does: one after the other."""
        for key in keys:
            self.child.send(key)

    def resize(self, columns: int, rows: int) -> None:
        self.text()
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def signal(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.child.kill(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end; returns the exit code, or 128 + the signal."""
        until(lambda: self.text() is None or not self.child.isalive())
        self.text()
        return self.child.exitstatus if self.child.exitstatus is not None else 128 + (self.child.signalstatus or 0)
