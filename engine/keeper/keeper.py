"""Keep one experiment: start it, hold it to its limits, and take its whole tree with it, whoever dies.

A small process of its own, started as `python -I -S -B keeper.py STATUS_FD`: it loads only the standard
library and four files beside it, and is up in about 20 ms. It is the subreaper of what it starts,
so a daemon that has forked twice and called `setsid` still ends below it, and "nobody is left" is something
the kernel says (`ECHILD`).

Covered: wall clock, CPU seconds, memory and number of processes of the whole tree, free disk, the size of
the output folders, a capped log, holding and releasing, the engine's death (end of file on stdin), a blocked
or stopped engine (nothing here waits for it). Not covered: what a single process may do (the box that it is
started in), and a `kill -9` of this process by what it keeps: then the leader dies with it (PDEATHSIG) and
`process.py` sweeps what was last reported. In a box with a process table of its own nobody can see us.

    stdin   JSON lines from the engine: the spec, then {"do": "go" | "abort" | "hold" | "release"};
            "go" may bring parts of the spec that were not known before
    stdout  what the experiment prints, as far as the engine keeps up; a dropped piece leaves a line break
    STATUS  JSON lines to the engine: contained, ready, started, usage ..., ended
"""

# pathlib and contextlib would double the keeper's start.
# ruff: noqa: PTH100, PTH120

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import signal
import sys
import time

if not __package__:
    # Started as a file: let it find its neighbours, and nothing else, without running the engine's __init__.
    __package__ = "keeping"
    _package = type(sys)(__package__)
    _package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[__package__] = _package

from .box import LauncherLine
from .limits import Disk, Stopwatch
from .output import Log, Outlet
from .tree import LINUX, Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TERM_GRACE_SECONDS = 0.3
"""Between SIGTERM and SIGKILL: long enough to flush a file, too short to go on training."""
TICK_SECONDS = 0.2
CLOSE_TICK_SECONDS = 0.05
"""When half of the memory is used up: it can double in the time of a usual tick."""
CHUNK_BYTES = 1 << 16
LAST_WORDS_BYTES = 1 << 24
REPORTED_PROCESSES = 100  # so that a status line stays below PIPE_BUF: whole or refused, never torn
READY_MARK = b"\0loopwatch: the spare is ready\0\n"

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None)


class Spec:
    """The first line, and whatever "go" added to it."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.command: list[str] = order["command"]
        self.spare: list[str] | None = order["spare"]
        self.cwd: str = order["cwd"]
        self.environment: dict[str, str] = order["environment"]
        self.wall_seconds: float = order["wall_seconds"]
        self.cpu_seconds: float = float("inf") if order["cpu_seconds"] is None else order["cpu_seconds"]
        self.log: str = order["log"]
        self.log_cap_bytes: int = order["log_cap_bytes"]
        self.out_folders: list[str] = order["out_folders"]
        self.out_cap_bytes: float = order["out_cap_bytes"]
        self.disk_floor_bytes: float = order["disk_floor_bytes"]
        self.memory_bytes: float = order["memory_bytes"] or float("inf")
        self.processes: float = order["processes"] or float("inf")
        self.box: dict[str, Any] | None = order["box"]


class SpawnError(Exception):
    """The command could not be started."""


def spawn(
    command: list[str], cwd: str, environment: dict[str, str], stdin: int, output: int, line: LauncherLine | None
) -> int:
    """Start `command` as the leader of a session of its own; returns its pid. Raises SpawnError.

    line  for a launcher, which goes to `cwd` itself, as there may be another one inside
    """
    trouble_read, trouble_write = os.pipe()
    keeper = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            if LINUX:
                _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                if os.getppid() != keeper:
                    os._exit(1)
                _volunteer_for_the_oom_killer()
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(stdin, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            if line:
                line.pass_on()
            else:
                os.chdir(cwd)
            os.execvpe(command[0], command, environment)
        except BaseException as error:
            os.write(trouble_write, str(error).encode(errors="replace"))
        os._exit(127)
    os.close(trouble_write)
    trouble = os.read(trouble_read, CHUNK_BYTES)  # end of file as soon as exec has closed it
    os.close(trouble_read)
    if trouble:
        raise SpawnError(f"{command[0]}: {trouble.decode(errors='replace')}")
    return pid


def _volunteer_for_the_oom_killer() -> None:
    """When memory runs out, the experiment goes before its keeper and the engine."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        pass


class Keeper:
    """The loop over control lines, output, dead children and clocks."""

    def __init__(self, status: int) -> None:
        self.tree = Tree()
        self.spec: Spec | None = None
        self.log: Log | None = None
        self.watch: Stopwatch | None = None
        """Runs from "go"."""
        self.disk: Disk | None = None
        self.reason, self.detail = "exited", ""
        self._ending_since: float | None = None
        self._kill_now = False
        self._next_tick = 0.0
        self._cpu_before_go = 0.0
        self._reported: list[tuple[int, int, int]] = []

        self._control = b""
        self._output = -1
        self._spare_stdin = -1
        self._line: LauncherLine | None = None
        self._preload: bytes | None = None
        """What a spare has printed so far; None when there is no spare or it is ready."""
        self._before_go = b""

        for file in (0, status):
            os.set_blocking(file, False)
        os.set_inheritable(status, False)
        self._status = status
        self._outlet = Outlet(1)
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN)
        self._wake = self._listen_to_signals()

    def _listen_to_signals(self) -> int:
        """A pipe that becomes readable when a signal arrives."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.end("aborted", "the keeper was told to stop", now=True))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._poll.register(wake_read, select.POLLIN)
        return wake_read

    def run(self) -> None:
        """Until the experiment is over, then until nobody is left, then the report."""
        while not self._over():
            self._wait()
            self.tree.reap()
            if self.watch and self._ending_since is None and time.monotonic() >= self._next_tick:
                self._tick()
        self._hear_launcher()
        survivors = self.tree.sweep()
        self.tree.measure()
        self._read_output(LAST_WORDS_BYTES)
        self._take(self._preload or b"")
        if self.log:
            self.log.finish()
        self._report_end(survivors)

    def _over(self) -> bool:
        if self._kill_now:
            return True
        if self.tree.leader_status is not None:
            self._hear_launcher()
            if self.watch is None:
                said = ((self._preload or b"") + self._before_go)[-500:].decode(errors="replace")
                self.end("spawn_failed", f"the spare ended before its experiment began: {said}", now=True)
            return True
        if self._ending_since is None:
            return False
        return self.tree.leader == 0 or time.monotonic() > self._ending_since + TERM_GRACE_SECONDS

    def end(self, reason: str, detail: str = "", *, now: bool = False) -> None:
        """Begin to end; the first reason counts. `now` leaves no time to tidy up."""
        self._kill_now = self._kill_now or now
        if self._ending_since is not None:
            return
        self.reason, self.detail, self._ending_since = reason, detail, time.monotonic()
        if not now:
            self.tree.terminate()

    def _wait(self) -> None:
        timeout = 60.0
        if self._ending_since is not None:
            timeout = self._ending_since + TERM_GRACE_SECONDS - time.monotonic()
        elif self.watch:
            timeout = self._next_tick - time.monotonic()
        if waiting := bool(self._outlet.waiting):
            self._poll.register(1, select.POLLOUT)
        ready = {file for file, _ in self._poll.poll(max(0.0, timeout) * 1000 + 0.5)}
        if waiting:
            self._poll.unregister(1)
            self._outlet.flush()
        if self._wake in ready:
            os.read(self._wake, CHUNK_BYTES)
        if self._line and self._line.fileno() in ready:
            self._hear_launcher()
        if self._output in ready:
            self._read_output(1 << 20)
        if 0 in ready:
            self._read_control()

    # What the engine says

    def _read_control(self) -> None:
        try:
            data = os.read(0, CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._poll.unregister(0)
            self.end("engine_gone", "the engine closed the line or died", now=True)
            return
        *lines, self._control = (self._control + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        if self.spec is None:
            self.spec = Spec(order)
            self._prepare(self.spec)
            return
        match order.pop("do"):
            case "go" if self.watch is None and self._ending_since is None:
                self.spec = Spec({**self.spec.order, **order})
                self._go(self.spec)
            case "abort":
                self.end("aborted")
            case "hold" if self.watch and not self.watch.held and self._ending_since is None:
                self.watch.hold()
                self.tree.stop()
                self._next_tick = 0.0
            case "release" if self.watch and self.watch.held:
                self.watch.release()
                self.tree.signal(signal.SIGCONT)
                self._next_tick = 0.0

    def _prepare(self, spec: Spec) -> None:
        if spec.spare is None:
            self._say({"kind": "ready"})
            return
        self._preload = b""
        spare_read, self._spare_stdin = os.pipe()
        self._start(spec.spare, spec, spare_read)
        os.close(spare_read)

    def _go(self, spec: Spec) -> None:
        self.log = Log(spec.log, spec.log_cap_bytes)
        self.disk = Disk(spec.log, spec.out_folders, spec.disk_floor_bytes, spec.out_cap_bytes)
        self.tree.measure()
        self._cpu_before_go = self.tree.cpu_seconds
        self.watch = Stopwatch()
        if spec.spare is None:
            null = os.open(os.devnull, os.O_RDONLY)
            self._start(spec.command, spec, null)
            os.close(null)
        else:
            self._wake_spare(spec)
        self._say_started()

    def _say_started(self) -> None:
        """When the command itself runs, not its launcher; and look at it, so that an abort finds it."""
        self._next_tick = 0.0
        if self.watch and self.tree.leader and self._line is None:
            self._say({"kind": "started", "pid": self.tree.leader})

    def _start(self, command: list[str], spec: Spec, stdin: int) -> None:
        self._output, child_output = os.pipe()
        os.set_blocking(self._output, False)
        line = None
        if spec.box:
            line, command = LauncherLine(), [*spec.box["command"], *command]
        try:
            self.tree.leader = spawn(command, spec.cwd, spec.environment, stdin, child_output, line)
        except SpawnError as error:
            self.end("spawn_failed", str(error), now=True)
            line = None
        os.close(child_output)
        self._poll.register(self._output, select.POLLIN)
        if line and spec.box:
            self._line = line
            self._poll.register(line.fileno(), select.POLLIN)
            line.order({**spec.box["order"], "cwd": spec.cwd})

    def _hear_launcher(self) -> None:
        line = self._line
        if line is None or line.hear():
            return
        self._poll.unregister(line.fileno())
        self._line = None
        line.close()
        if line.trouble:
            self.end("spawn_failed", line.trouble, now=True)
        else:
            self._say({"kind": "contained"})
            self._say_started()

    def _wake_spare(self, spec: Spec) -> None:
        order = {"argv": spec.command[1:], "cwd": spec.cwd, "environment": spec.environment}
        try:
            # A few kilobytes: they fit the pipe even while the spare is still importing.
            os.write(self._spare_stdin, json.dumps(order).encode() + b"\n")
        except OSError as error:
            self.end("spawn_failed", f"the spare does not listen: {error}", now=True)
        os.close(self._spare_stdin)
        self._take(self._before_go)

    # What the experiment prints

    def _read_output(self, limit_bytes: int) -> None:
        while limit_bytes > 0 and self._output >= 0:
            try:
                data = os.read(self._output, CHUNK_BYTES)
            except BlockingIOError:
                return
            if not data:  # every writer has closed it; that alone ends nothing
                self._poll.unregister(self._output)
                os.close(self._output)
                self._output = -1
                return
            limit_bytes -= len(data)
            self._take(data if self._preload is None else self._without_mark(self._preload + data))

    def _without_mark(self, preload: bytes) -> bytes:
        """What a spare's imports print is kept back until it is ready; then it belongs to the experiment."""
        before, found, after = preload.partition(READY_MARK)
        if not found:
            self._preload = preload[-CHUNK_BYTES:]
            return b""
        self._preload = None
        self._say({"kind": "ready"})
        return before + after

    def _take(self, data: bytes) -> None:
        if self.log is None:
            self._before_go = (self._before_go + data)[-CHUNK_BYTES:]
        elif data:
            self.log.write(data)
            self._outlet.push(data)

    # Limits

    def _tick(self) -> None:
        assert self.spec
        assert self.watch
        assert self.disk
        began = time.monotonic()
        if self.watch.held:
            self.tree.stop()
        self.tree.measure()
        wall_left = self.spec.wall_seconds - self.watch.seconds()
        cpu_left = self.spec.cpu_seconds - self._cpu_seconds()
        if cpu_left <= 0:
            self.end("cpu_limit")
        elif wall_left <= 0:
            self.end("wall_limit")
        elif trouble := self.disk.trouble():
            self.end(*trouble)
        elif trouble := self._too_much(self.spec):
            self.end(*trouble, now=True)
        self._say_usage(self.watch)
        # All cores together can use up what is left: look before that, but spend at most 5 % on looking.
        now = time.monotonic()
        tick = TICK_SECONDS if 2 * self.tree.rss_bytes < self.spec.memory_bytes else CLOSE_TICK_SECONDS
        due = max(0.01, min(tick, cpu_left / (os.cpu_count() or 1)), 20 * (now - began))
        self._next_tick = now + (due if self.watch.held else min(due, wall_left))

    def _too_much(self, spec: Spec) -> tuple[str, str] | None:
        if len(self.tree.members) > spec.processes:
            return "process_limit", f"{len(self.tree.members)} processes; {spec.processes:,} are allowed"
        # Resident sets count what is shared again and again; only where that is too much it is worth counting well.
        if self.tree.rss_bytes > spec.memory_bytes and (used := self.tree.memory_bytes()) > spec.memory_bytes:
            return "memory_limit", f"{used / 1e6:,.0f} MB of memory; {spec.memory_bytes / 1e6:,.0f} MB are allowed"
        return None

    def _cpu_seconds(self) -> float:
        return self.tree.cpu_seconds - self._cpu_before_go

    # What the engine is told

    def _say(self, message: dict[str, Any]) -> bool:
        """False when it has to be said again: a stopped engine does not read, and must not stop us."""
        try:
            os.write(self._status, json.dumps(message).encode() + b"\n")
        except OSError as error:
            return error.errno != errno.EAGAIN
        return True

    def _say_usage(self, watch: Stopwatch) -> None:
        members = self.tree.members
        message = {
            "kind": "usage",
            "wall": round(watch.seconds(), 3),
            "cpu": round(self._cpu_seconds(), 3),
            "rss_mb": round(self.tree.rss_bytes / 1e6, 1),
            "held": watch.held,
            "processes": len(members),
        }
        reported = sorted((p.pid, p.started, p.session) for p in members[:REPORTED_PROCESSES])
        if reported != self._reported:
            message["pids"] = reported
        if self._say(message):
            self._reported = reported

    def _report_end(self, survivors: int) -> None:
        status = self.tree.leader_status
        code = None if status is None else os.waitstatus_to_exitcode(status)
        ended = {
            "kind": "ended",
            "exit": code if code is not None and code >= 0 else None,
            "signal": -code if code is not None and code < 0 else None,
            "reason": self.reason,
            "wall": round(self.watch.seconds(), 3) if self.watch else 0.0,
            "cpu": round(self._cpu_seconds(), 3) if self.watch else 0.0,
            "peak_rss_mb": round(self.tree.peak_rss_bytes / 1e6, 1),
            "log_bytes": self.log.seen_bytes if self.log else 0,
            "survivors": survivors,
            "detail": self.detail[:500],
        }
        # Nobody is left to keep, so now there is time: until the engine has read this, or has gone.
        patience = select.poll()
        patience.register(self._status, select.POLLOUT)
        patience.register(0, 0)
        while not self._say(ended) and not any(file == 0 for file, _ in patience.poll(1000)):
            pass
        self._outlet.flush()


def main() -> None:
    """Keep what the first line on stdin describes; the status goes to the descriptor in argv."""
    if LINUX:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    keeper = Keeper(int(sys.argv[1]))
    try:
        keeper.run()
    except BaseException as error:
        # A fault of ours must not leave anybody behind either.
        keeper.tree.sweep()
        keeper._say({"kind": "fault", "detail": f"{type(error).__name__}: {error}"[:500]})
        raise
    os._exit(0)  # nothing to tidy up, and the engine waits for it


if __name__ == "__main__":
    main()
