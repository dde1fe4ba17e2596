"""The screen in a terminal of its own: started under a pty, keys typed, bytes timed and counted, the picture kept by pyte."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import pyte

NOT_PASSED_ON = ("NO_COLOR", "LOOPWATCH_ASCII", "LOOPWATCH_THEME", "TEXTUAL_ANIMATIONS", "PYTHONDONTWRITEBYTECODE")
"""What would make the screen look or start otherwise than for a user who has installed it."""

SYNC_QUESTION, SYNC_ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_TITLE = re.compile(r"[┌┏][─━] (\d) ")


class Terminal:
    """One program in one terminal."""

    def __init__(self, argv: Sequence[str], *, columns: int, rows: int, environment: Mapping[str, str]) -> None:
        """Start it."""
        self.size = (columns, rows)
        self.received = 0
        """Bytes so far."""
        self._screen = pyte.Screen(columns, rows)
        self._stream: Any = pyte.ByteStream(self._screen)
        self._answered = False
        shape = struct.pack("HHHH", rows, columns, 0, 0)
        whole = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON} | {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            **environment,
        }
        self.began = time.perf_counter()
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, shape)
            os.execve(argv[0], list(argv), whole)
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, shape)

    def press(self, key: bytes) -> float:
        """Type; returns when that was."""
        at = time.perf_counter()
        os.write(self._file, key)
        return at

    def read(self, seconds: float) -> tuple[float, int]:
        """Wait so long for the next piece; returns when it came and its bytes, 0 of them when nothing did."""
        if not select.select([self._file], [], [], max(0.0, seconds))[0]:
            return time.perf_counter(), 0
        try:
            piece = os.read(self._file, 1 << 16)
        except OSError:
            piece = b""
        at = time.perf_counter()
        self.received += len(piece)
        if not self._answered and SYNC_QUESTION in piece:
            os.write(self._file, SYNC_ANSWER)
            self._answered = True
        self._stream.feed(piece)
        return at, len(piece)

    def watch(self, seconds: float) -> None:
        """Read for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def until(self, shown: Callable[["Terminal"], bool], *, seconds: float = 60) -> float:
        """When the piece came after which `shown` held; TimeoutError when none did."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            at, size = self.read(left)
            if size and shown(self):
                return at
        raise TimeoutError(f"not shown within {seconds:g} s; the terminal has:\n" + "\n".join(self.lines()))

    def lines(self) -> list[str]:
        """The picture as text."""
        columns, rows = self.size
        return ["".join(self._screen.buffer[y][x].data for x in range(columns)) for y in range(rows)]

    def shows(self, *texts: str) -> bool:
        """Whether each of the texts is in the picture."""
        picture = "\n".join(self.lines())
        return all(text in picture for text in texts)

    def panes(self) -> dict[int, bool]:
        """The numbers in the titles of the panes that can be seen, and whether each has the focus."""
        return {
            int(title[1]): self._screen.buffer[y][title.start(1)].bold
            for y, line in enumerate(self.lines())
            for title in _TITLE.finditer(line)
        }

    def close(self) -> None:
        """End the program and give back the terminal."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        end = time.perf_counter() + 5
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.perf_counter() > end:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                break
            self.read(0.05)
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
