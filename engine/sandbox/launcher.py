"""Build the box around this process and become the command: `python -I -S -B launcher.py COMMAND ...`.

What the box is like is read from descriptor 3 (`marshal`, one object). Something that cannot be done is written there as
text, and then nothing is run: a box is whole or not at all. End of file there means that the command runs.

With namespaces there are three processes, and the command is the third:

    the one that waits outside   ends as the command does, by the same signal; dies with the keeper
    the first one inside         buries orphans; when it ends, the kernel ends everybody inside
    the command                  the leader of a session of its own

With another program's namespaces (bubblewrap), or none, there is the command alone.
"""

from __future__ import annotations

import marshal
import os
import resource
import signal
import sys

if not __package__:
    # Started as a file: let it find its neighbours, and nothing else.
    __package__ = "boxing"
    _package = type(sys)(__package__)
    _package.__path__ = [__file__.rpartition("/")[0]]
    sys.modules[__package__] = _package

from . import kernel, landlock, namespaces, seccomp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

LINE = 3
"""The descriptor to the keeper: the order comes, trouble goes."""
COULD_NOT = 125
"""The exit code after trouble."""
_MARSHAL_VERSION = 2

_DEFAULTS = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGQUIT,
)  # fmt: skip


def main() -> NoReturn:
    """Never returns: it is the command, or it has ended."""
    try:
        order, command = read_order(), sys.argv[1:]
        if order["namespaces"]:
            _enter(order, command)
        _become(order, command)
    except BaseException as error:
        os.write(LINE, f"{error}".encode(errors="replace")[:500] or b"no reason given")
    os._exit(COULD_NOT)


def read_order() -> dict[str, Any]:
    """One object, as long as its first eight bytes say."""
    length = int.from_bytes(_read(8), "little")
    order: dict[str, Any] = marshal.loads(_read(length))
    return order


def write_order(order: dict[str, Any]) -> bytes:
    """What `read_order` reads."""
    text = marshal.dumps(order, _MARSHAL_VERSION)
    return len(text).to_bytes(8, "little") + text


def _read(length: int) -> bytes:
    text = b""
    while len(text) < length:
        piece = os.read(LINE, length - len(text))
        if not piece:
            raise EOFError("the keeper has gone")
        text += piece
    return text


def _enter(order: dict[str, Any], command: list[str]) -> None:
    """Returns in the command's process alone."""
    namespaces.enter(own_network=order["own_network"])
    told, tell = os.pipe()
    outside, outside_lives = os.pipe()
    inside = os.fork()
    if inside:
        os.close(LINE)
        os.close(tell)
        _wait_outside(inside, told)
    os.close(outside_lives)
    kernel.die_with_parent()
    kernel.be_private()
    _see_that_it_lives(outside)
    for number in _DEFAULTS:  # the kernel keeps from the first process inside whatever it has no handler for
        signal.signal(number, signal.SIG_DFL)
    namespaces.furnish(
        order["folders"],
        links=order["links"],
        covered=order["covered"],
        devices=order["devices"],
        shared_memory_bytes=order["shared_memory_bytes"],
    )
    child = os.fork()
    if child:
        os.close(LINE)
        _wait_inside(child, tell)
    kernel.prctl(4, 1)  # dumpable, as any process is: the keeper counts its memory
    os.setsid()


def _see_that_it_lives(outside: int) -> None:
    """The pipe has ended if the parent died before it was to be died with."""
    os.set_blocking(outside, False)
    try:
        os.read(outside, 1)
    except BlockingIOError:
        return
    os._exit(COULD_NOT)


def _wait_outside(inside: int, told: int) -> NoReturn:
    kernel.die_with_parent()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # meant for the command, which gets them too
        signal.signal(number, signal.SIG_IGN)
    _, status = os.waitpid(inside, 0)
    word = os.read(told, 4)
    _end_as(int.from_bytes(word, "little") if len(word) == 4 else status)


def _end_as(status: int) -> NoReturn:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else COULD_NOT)


def _wait_inside(child: int, tell: int) -> NoReturn:
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # so that the end of what is printed can be seen
        os.dup2(null, number)
    while True:
        pid, status = os.wait()
        if pid == child:
            os.write(tell, status.to_bytes(4, "little"))
            os._exit(0)


def _become(order: dict[str, Any], command: list[str]) -> None:
    os.chdir(order["cwd"])
    for name, most in order["limits"].items():
        _limit(getattr(resource, f"RLIMIT_{name}"), most)
    if order["landlock"]:
        landlock.confine(
            order["landlock"],
            read=order["read"],
            write=order["write"],
            devices=order["devices"],
            network=not order["sockets"],
        )
    if order["seccomp"]:
        kernel.drop_capabilities()
        seccomp.confine(sockets=order["sockets"], system_v=order["system_v"])
    for number in _DEFAULTS:
        signal.signal(number, signal.SIG_DFL)
    os.set_inheritable(LINE, False)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise OSError(f"{command[0]}: {error}") from None


def _limit(which: int, most: int) -> None:
    _, hardest = resource.getrlimit(which)
    most = most if hardest == resource.RLIM_INFINITY else min(most, hardest)
    resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    main()
