"""What an experiment prints: capped on disk, and live for whoever keeps up.

Part of the keeper (stdlib only, quick to import); the engine reads logs back with `read_log`.
"""

# pathlib and contextlib would double the keeper's start.
# ruff: noqa: PTH108, PTH116, PTH208, SIM105

import os


class Log:
    """The output on disk: the first half of the cap is kept, then a ring of the last quarter or two.

    While it grows, the ring is two files `PATH.tail.OFFSET`, named by the offset of their first byte in the
    output; `finish` appends them to PATH behind a mark that says how much is missing. A full disk costs log,
    nothing else.
    """

    def __init__(self, path: str, cap_bytes: int) -> None:
        self.seen_bytes = 0
        self._path = path
        self._head_bytes = max(1, cap_bytes // 2)
        self._segment_bytes = max(1, cap_bytes // 4)
        self._tails: list[str] = []
        self._lost = 0
        self._open(path, self._head_bytes)

    def _open(self, path: str, room: int) -> None:
        self._room = room
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o600)
        except OSError:
            self._file = -1

    def write(self, data: bytes) -> None:
        """Never raises."""
        while data:
            if self._room == 0:
                self._turn()
            piece, data = data[: self._room], data[self._room :]
            self._room -= len(piece)
            self.seen_bytes += len(piece)
            self._put(piece)

    def _put(self, piece: bytes) -> None:
        if self._lost and self._unwritten(mark(self._lost)):
            self._lost += len(piece)
        else:
            self._lost = self._unwritten(piece)

    def _unwritten(self, data: bytes) -> int:
        """Write; returns how many bytes the disk did not take."""
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            pass
        return len(data)

    def _turn(self) -> None:
        self._close()
        if len(self._tails) == 2:
            _unlink(self._tails.pop(0))
        self._tails.append(f"{self._path}.tail.{self.seen_bytes}")
        self._open(self._tails[-1], self._segment_bytes)

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def finish(self) -> None:
        """Make one file of it; when that fails (disk full), the tails stay where they are, readable."""
        self._close()
        if not self._tails:
            return
        try:
            whole = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            dropped = int(self._tails[0].rpartition(".")[2]) - self._head_bytes
            if dropped:
                os.write(whole, mark(dropped))
            for tail in self._tails:
                data = _read_last(tail, self._segment_bytes)
                while data:
                    data = data[os.write(whole, data) :]
                _unlink(tail)
            os.close(whole)
        except OSError:
            return


def mark(dropped_bytes: int) -> bytes:
    """The line that stands in a log where output is missing."""
    return b"\n[loopwatch: %d bytes dropped here]\n" % dropped_bytes


def read_log(path: str, last_bytes: int) -> bytes:
    """The last bytes of a log, growing or finished, with a mark where output is missing. b"" without one."""
    folder, name = os.path.split(path)
    try:
        offsets = [int(n[len(name) + 6 :]) for n in os.listdir(folder or ".") if n.startswith(f"{name}.tail.")]
        head_bytes = os.stat(path).st_size
    except OSError:
        return b""
    text = b""
    for offset in sorted(offsets, reverse=True):
        if len(text) < last_bytes:
            text = _read_last(f"{path}.tail.{offset}", last_bytes - len(text)) + text
    if len(text) < last_bytes:
        dropped = max(0, min(offsets) - head_bytes) if offsets else 0
        text = (mark(dropped) if dropped else b"") + text
        text = _read_last(path, max(0, last_bytes - len(text))) + text
    return text[-last_bytes:]


def _read_last(path: str, last_bytes: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
            return file.read(last_bytes)
    except OSError:
        return b""


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


class Outlet:
    """What the engine sees live. It gets what it has time for: the experiment never waits for the engine."""

    def __init__(self, file: int) -> None:
        os.set_blocking(file, False)
        self._file = file
        self._gap = False
        self.waiting = b""

    def push(self, data: bytes) -> None:
        """Forward `data`, or drop it when the engine is behind; a dropped piece leaves a line break."""
        self.flush()
        if self.waiting:
            self._gap = True
            return
        self.waiting = b"\n" + data if self._gap else data
        self._gap = False
        self.flush()

    def flush(self) -> None:
        """Write what waits, as far as the pipe takes it."""
        try:
            while self.waiting:
                self.waiting = self.waiting[os.write(self._file, self.waiting) :]
        except BlockingIOError:
            pass
        except OSError:
            self.waiting = b""
