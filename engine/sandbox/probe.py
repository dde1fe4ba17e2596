"""Try to get out of the box that this is started in: `python -I -S -B probe.py TARGETS`.

Harmless where it succeeds: what it reaches for was put there by `proof`. It prints one line for each attempt: a tuple of its name,
whether it worked, and what was said. Stdlib only; runs inside the box.
"""

# Every engine waits for it at its start: nothing is imported that takes long, as pathlib, json, socket and contextlib do.
# ruff: noqa: PTH101, PTH104, PTH108, PTH112, PTH116, PTH208, SIM105

from __future__ import annotations

import _socket
import ctypes
import errno
import marshal
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Targets = dict[str, Any]

BIG_FILE_BYTES = 32 << 20
_MPTCP, _TELL_ERRORS = 262, 11
_PTRACE_SEIZE, _NEW_USER_NAMESPACE, _IO_URING_SETUP = 0x4206, 0x10000000, 425
_READ_MEMORY = {"x86_64": 310, "aarch64": 270}


def escape(targets: Targets) -> None:
    """Every attempt, one line each: whether it worked, and what it said."""
    for name, attempt in (*_NEEDS.items(), *_ATTEMPTS.items()):
        try:
            attempt(targets)
            worked, said = True, ""
        except BaseException as error:
            number = getattr(error, "errno", None)
            worked, said = False, errno.errorcode.get(number or 0, "") or f"{type(error).__name__}: {error}"[:80]
        print((name, worked, said), flush=True)


# What training needs


def _fork(_: Targets) -> None:
    if code := os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-I", "-S", "-c", ""]):
        raise ChildProcessError(errno.ECHILD, f"it ended with {code}")


def _loopback(_: Targets) -> None:
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    _connect(_socket.AF_INET, listener.getsockname())
    listener.close()


_NEEDS: dict[str, Callable[[Targets], Any]] = {
    "need out": lambda to: _write(f"{to['out']}/probe"),
    "need tmp": lambda to: _write(f"{to['tmp']}/probe"),
    "need work": lambda to: _read(f"{to['work']}/readable"),
    "need null": lambda to: os.close(os.open("/dev/null", os.O_RDWR)),
    "need processes": _fork,
    "need loopback": _loopback,
}

# The network


def _connect(family: int, address: Any, protocol: int = 0) -> None:
    talk = _socket.socket(family, _socket.SOCK_STREAM, protocol)
    talk.settimeout(1)
    talk.connect(address)
    try:
        talk.send(b"x")
    except (BrokenPipeError, ConnectionResetError):
        pass
    talk.close()


def _udp(to: Targets) -> None:
    """A datagram counts when an answer comes."""
    talk = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    talk.settimeout(0.5)
    try:
        talk.setsockopt(_socket.IPPROTO_IP, _TELL_ERRORS, 1)  # or nobody says that nobody is there, and one waits
    except OSError:
        pass
    talk.sendto(b"x", ("127.0.0.1", to["udp"]))
    talk.recv(1)


# Processes


def _sees_engine(to: Targets) -> int:
    """The engine's number, when it means the engine here too."""
    pid = int(to["engine"])
    if os.path.isdir("/proc/self"):
        started = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[19]
        if started != to["engine_started"]:
            raise ProcessLookupError(errno.ESRCH, "another process has that number here")
    return pid


def _environ(to: Targets) -> None:
    if not _read(f"/proc/{_sees_engine(to)}/environ"):
        raise PermissionError(errno.EACCES, "it is empty")


def _memory(to: Targets) -> None:
    os.close(os.open(f"/proc/{_sees_engine(to)}/mem", os.O_RDONLY))


def _trace(to: Targets) -> None:
    _call(lambda library: library.ptrace(_PTRACE_SEIZE, _sees_engine(to), 0, 0))


def _read_memory(to: Targets) -> None:
    class Piece(ctypes.Structure):
        _fields_ = (("at", ctypes.c_void_p), ("length", ctypes.c_size_t))

    buffer = ctypes.create_string_buffer(8)
    here, there = Piece(ctypes.addressof(buffer), 8), Piece(int(to["address"]), 8)
    pieces = ctypes.byref(here), 1, ctypes.byref(there), 1, 0
    _call(lambda library: library.syscall(_READ_MEMORY[os.uname().machine], _sees_engine(to), *pieces))


def _daemon(to: Targets) -> None:
    """Whether it survives is seen from outside, by the lock that it holds."""
    import fcntl

    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    lock = os.open(f"{to['out']}/daemon", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.closerange(0, 3)
    time.sleep(30)
    os._exit(0)


# Files and the kernel


def _read_any(to: Targets) -> None:
    """One of the things in the home folder."""
    refused: OSError = FileNotFoundError(errno.ENOENT, "the home folder is empty")
    for path in to["home"]:
        try:
            os.listdir(path) if os.path.isdir(path) else os.close(os.open(path, os.O_RDONLY))
        except OSError as error:
            refused = error
        else:
            return
    raise refused


def _link(to: Targets) -> None:
    os.link(_victim(to, "link"), f"{to['out']}/linked")


def _leave_in_shared_memory(to: Targets) -> None:
    """The folder is the one that others have, or it does not count. Who else looks there may take the file away."""
    _write(f"/dev/shm/{to['name']}")
    if os.stat("/dev/shm").st_dev != to["shared_memory"]:
        raise FileNotFoundError(errno.ENOENT, "nobody else sees it")


def _new_namespace(_: Targets) -> None:
    """In a child, as it cannot be undone."""
    child = os.fork()
    if child == 0:
        try:
            _call(lambda library: library.unshare(_NEW_USER_NAMESPACE))
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise OSError(abs(code), "")


def _io_uring(_: Targets) -> None:
    setup = ctypes.create_string_buffer(120)
    os.close(_call(lambda library: library.syscall(_IO_URING_SETUP, 4, setup)))


def _big_file(to: Targets) -> None:
    try:
        with open(f"{to['out']}/big", "wb") as file:
            for _ in range(BIG_FILE_BYTES >> 20):
                file.write(bytes(1 << 20))
    finally:
        os.unlink(f"{to['out']}/big")


_ATTEMPTS: dict[str, Callable[[Targets], Any]] = {
    "tcp": lambda to: _connect(_socket.AF_INET, ("127.0.0.1", to["tcp"])),
    "mptcp": lambda to: _connect(_socket.AF_INET, ("127.0.0.1", to["tcp"]), protocol=_MPTCP),
    "udp": _udp,
    "unix_socket": lambda to: _connect(_socket.AF_UNIX, to["unix"]),
    "abstract_socket": lambda to: _connect(_socket.AF_UNIX, "\0" + to["abstract"]),
    "io_uring": _io_uring,
    "read_run": lambda to: _read(_victim(to, "read_run")),
    "read_home": _read_any,
    "write_work": lambda to: _write(f"{to['work']}/readable"),
    "write_run": lambda to: _write(_victim(to, "write_run")),
    "truncate": lambda to: os.truncate(_victim(to, "truncate"), 0),
    "link": _link,
    "rename": lambda to: os.rename(_victim(to, "rename"), f"{to['out']}/renamed"),
    "chmod": lambda to: os.chmod(_victim(to, "chmod"), 0o600),
    "utime": lambda to: os.utime(_victim(to, "utime"), (1, 1)),
    "write_tmp": lambda to: _write(f"/var/tmp/{to['name']}"),
    "shared_memory": _leave_in_shared_memory,
    "environ": _environ,
    "memory": _memory,
    "read_memory": _read_memory,
    "trace": _trace,
    "signal": lambda to: os.kill(_sees_engine(to), 0),
    "namespaces": _new_namespace,
    "file_size": _big_file,
    "daemon": _daemon,
}


def _call(what: Callable[[ctypes.CDLL], int]) -> int:
    result = what(ctypes.CDLL(None, use_errno=True))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _victim(to: Targets, attempt: str) -> str:
    return f"{to['victims']}/{attempt}"


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _write(path: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("x")


if __name__ == "__main__":
    escape(marshal.loads(bytes.fromhex(sys.argv[1])))
