"""What an experiment must not reach, laid out for it; and what it left behind.

Covered: files written where nothing may be written, connections to listeners by TCP, UDP and sockets, processes that outlive the
run, files in the folders that everybody shares. On systems without /proc nobody sees the processes.
"""

import ctypes
import os
import re
import selectors
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from ..findings import Breach, Where

SHARED: Mapping[Path, Where] = {
    Path("/dev/shm"): "shared_memory",
    Path("/tmp"): "temporary",
    Path("/var/tmp"): "temporary",
}
CLOCK_SECONDS = 0.02
"""File systems stamp times so much coarser than the clock."""
_ADOPT = 36
"""PR_SET_CHILD_SUBREAPER."""


class Traps:
    """Canaries, listeners and a home, for one run."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made, with a short path: a socket's may have a hundred letters."""
        self.canary, self.home = folder / "canary", folder / "home"
        (self.home / ".ssh").mkdir(parents=True)
        self.canary.mkdir()
        (self.home / ".ssh" / "id_ed25519").write_text("FAKE_API_KEY in a file: nobody may read this\n")
        (self.home / ".bashrc").touch()
        self._socket, self._abstract = folder / "socket", f"loopwatch-selftest-{os.getpid()}-{folder.name}"
        self._reached: set[Where] = set()
        self._listeners: dict[socket.socket, Where] = {}
        self._end, self._ended = os.pipe()
        self._before = _shared()

    def __enter__(self) -> Self:
        tcp, udp = _same_port()
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(str(self._socket))
        self._listeners = {tcp: "tcp", udp: "udp", unix: "socket"}
        self._port = tcp.getsockname()[1]
        if sys.platform.startswith("linux"):
            abstract = socket.socket(socket.AF_UNIX)
            abstract.bind("\0" + self._abstract)
            self._listeners[abstract] = "abstract_socket"
        for listener in self._listeners:
            if listener is not udp:
                listener.listen()
            listener.setblocking(False)
        self._thread = threading.Thread(target=self._listen, name="traps")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ended)
        self._thread.join()
        os.close(self._end)
        for listener in self._listeners:
            listener.close()

    @property
    def environment(self) -> dict[str, str]:
        """Where they are, in the words of the corpus."""
        return {
            "LW_CANARY": str(self.canary),
            "LW_REALHOME": str(self.home),
            "LW_TRAP_PORT": str(self._port),
            "LW_TRAP_SOCK": str(self._socket),
            "LW_TRAP_ABS": self._abstract,
        }

    def sprung(self, case: str, logs: Path) -> tuple[Breach, ...]:
        """What the run of a case reached, by everything but what it left in shared folders."""
        found = [Breach(where="canary", detail=path.name) for path in sorted(self.canary.iterdir())]
        if _changed(self.home):
            found.append(Breach(where="canary", detail="the home folder was changed"))
        found += [Breach(where=where, detail="somebody came") for where in sorted(self._reached)]
        return (*found, *_said(case, logs))

    def left(self, trained: Sequence[tuple[float, float]]) -> dict[str, Breach]:
        """What came into the folders that everybody shares while something trained, and is still there, by what it looks like.

        Other programs work there too, so it proves nothing until it comes again.

        trained  when trainings began and ended, in seconds since 1970
        """
        now = _shared()
        new = (path for path in sorted(now.keys() - self._before.keys()) if _changed_at(path, trained))
        return {_looks(path): Breach(where=now[path], detail=str(path)) for path in new}

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._end, selectors.EVENT_READ)
            for listener, where in self._listeners.items():
                selector.register(listener, selectors.EVENT_READ, where)
            while True:
                for key, _ in selector.select():
                    if key.fd == self._end:
                        return
                    self._reached.add(key.data)
                    _hang_up(key.fileobj)


def _hang_up(listener: object) -> None:
    assert isinstance(listener, socket.socket)
    with suppress(OSError):
        if listener.type == socket.SOCK_DGRAM:
            listener.recv(1 << 16)
        else:
            listener.accept()[0].close()


def _same_port() -> tuple[socket.socket, socket.socket]:
    for _ in range(50):
        tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp.bind(("127.0.0.1", 0))
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return tcp, udp
    raise OSError("no port is free for both TCP and UDP")


def _changed(home: Path) -> bool:
    there = {path.relative_to(home).as_posix() for path in home.rglob("*")}
    return there != {".bashrc", ".ssh", ".ssh/id_ed25519"} or bool((home / ".bashrc").stat().st_size)


def _said(case: str, logs: Path) -> Iterator[Breach]:
    mark = f"BREACH {case}".encode()
    for log in sorted(logs.glob("*.log")):
        for line in log.read_bytes().splitlines():
            if line.startswith(mark):
                said = line.removeprefix(mark).decode("utf-8", "replace").strip()
                yield Breach(where="log", detail=said[:200])
                return


def _shared() -> dict[Path, Where]:
    there: dict[Path, Where] = {}
    for folder, where in SHARED.items():
        with suppress(OSError):
            ours = (Path(entry.path) for entry in os.scandir(folder) if _is_ours(entry))
            there.update(dict.fromkeys(ours, where))
    return there


def _looks(path: Path) -> str:
    """Where it is, of what kind and how large; its name without what may be drawn by lot."""
    found = os.lstat(path)
    size = found.st_size if stat.S_ISREG(found.st_mode) else 0
    return f"{path.parent} {re.split('[0-9_-]', path.name)[0][:4]} {stat.S_IFMT(found.st_mode)} {size}"


def _changed_at(path: Path, times: Sequence[tuple[float, float]]) -> bool:
    with suppress(OSError):
        # The inode's own time: nobody can set it.
        at = os.lstat(path).st_ctime
        return any(began - CLOCK_SECONDS <= at <= ended + CLOCK_SECONDS for began, ended in times)
    return False


def _is_ours(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_uid == os.getuid()
    except OSError:
        return False


# -- who is left -------------------------------------------------------------------------------------------------------


def adopt() -> None:
    """Become the parent of every process below this one that loses its own."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)


def survivors() -> dict[int, str]:
    """The processes below this one that are still alive, with their command lines."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state not in (b"Z", b"X"):
                parents[int(entry.name)] = int(parent)
    below, found = {os.getpid()}, {}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
        found.update({pid: _words(pid) for pid in more})
    return found


def end(pids: Iterable[int]) -> None:
    """Kill them."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _words(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return words.replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    return ""
