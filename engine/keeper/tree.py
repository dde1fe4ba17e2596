"""Every process below this one: who they are, what they use, and how to end them all.

Part of the keeper (stdlib only, quick to import). On Linux the tree is read from /proc; orphans stay in it
because the keeper is a subreaper. On macOS `ps` is asked, and whoever was once below us is remembered, as
orphans go to launchd.

Not seen: CPU time of children that nobody waits for (SIGCHLD ignored) and that come and go between two
looks. Memory is the sum of resident sets, so that pages shared by several processes count several times.
"""

# pathlib and contextlib would double the keeper's start.
# ruff: noqa: PTH110, PTH208, SIM105

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

LINUX = sys.platform.startswith("linux")
SWEEP_SECONDS = 10.0
"""When a tree is still not gone after so long (a process stuck in the kernel), its survivors are reported."""

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Process:
    """One process as the system's table shows it; times in seconds."""

    __slots__ = ("children_cpu", "cpu", "group", "parent", "pid", "rss_bytes", "session", "started", "state")

    def __init__(self, pid: int, stat: bytes) -> None:
        fields = stat[stat.rindex(b")") + 2 :].split()
        self.pid = pid
        self.state = fields[0].decode()
        self.parent, self.group, self.session = int(fields[1]), int(fields[2]), int(fields[3])
        self.cpu = (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND
        self.children_cpu = (int(fields[13]) + int(fields[14])) / _TICKS_PER_SECOND
        self.started = int(fields[19])
        self.rss_bytes = int(fields[21]) * _PAGE_BYTES


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _process(pid: int) -> Process | None:
    try:
        return Process(pid, _read(f"/proc/{pid}/stat"))
    except (OSError, ValueError):
        return None


def _children(pid: int) -> list[int]:
    """Every thread of `pid` has its own list of children."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
        except OSError:
            continue
    return found


def _descendants_by_children(root: int) -> list[Process]:
    found: list[Process] = []
    todo = _children(root)
    while todo:
        pid = todo.pop()
        if process := _process(pid):
            found.append(process)
            todo += _children(pid)
    return found


def all_processes() -> list[Process]:
    """Everybody's processes, from /proc."""
    return [p for name in os.listdir("/proc") if name.isdigit() and (p := _process(int(name)))]


def _descendants_by_parents(root: int) -> list[Process]:
    """For kernels without /proc/PID/task/TID/children (gVisor)."""
    below: dict[int, list[Process]] = {}
    for process in all_processes():
        below.setdefault(process.parent, []).append(process)
    found = list(below.get(root, ()))
    for process in found:
        found += below.get(process.pid, ())
    return found


def _own_share(process: Process) -> int:
    """Its memory, divided by the number of processes that share it; all of its resident set where nobody says."""
    try:
        for line in _read(f"/proc/{process.pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return process.rss_bytes


def _seconds(clock: str) -> float:
    """`[[days-]hours:]minutes:seconds`, as ps prints CPU time."""
    days, _, rest = clock.rpartition("-")
    total = float(days or 0) * 24
    for part in rest.split(":"):
        total = total * 60 + float(part)
    return total


class _PsTable:
    """macOS: `ps`, and a memory of who was once below us, as orphans go to launchd."""

    def __init__(self) -> None:
        self._groups: dict[int, int] = {}

    def __call__(self, root: int) -> list[Process]:
        table = {process.pid: process for process in self._ask()}
        members = {pid for pid, group in self._groups.items() if pid in table and table[pid].group == group}
        grown = True
        while grown:
            more = {p.pid for p in table.values() if p.parent == root or p.parent in members} - members
            grown = bool(more)
            members |= more
        members.discard(root)
        self._groups = {pid: table[pid].group for pid in members}
        return [table[pid] for pid in members]

    @staticmethod
    def _ask() -> Iterator[Process]:
        with os.popen("exec ps -axo pid=,ppid=,pgid=,state=,rss=,time=,comm=") as lines:
            for line in lines:
                pid, parent, group, state, rss, clock, name = line.split(maxsplit=6)
                if int(parent) == os.getpid() and name.strip().endswith("ps"):
                    continue  # the one that is asking
                if state.startswith("Z"):
                    continue  # launchd's to bury
                process = Process.__new__(Process)
                process.pid, process.parent, process.group = int(pid), int(parent), int(group)
                process.session, process.started, process.state = int(group), 0, state[:1]
                process.cpu, process.children_cpu = _seconds(clock), 0.0
                process.rss_bytes = int(rss) * 1024
                yield process


class Tree:
    """Everything below this process."""

    def __init__(self) -> None:
        self.leader = 0
        self.leader_status: int | None = None
        self.cpu_seconds = 0.0
        self.peak_rss_bytes = 0
        self.rss_bytes = 0
        self.members: list[Process] = []
        self._reaped_cpu = 0.0
        self._gone_cpu = 0.0
        self._own_cpu: dict[tuple[int, int], float] = {}
        self._find: Callable[[int], list[Process]]
        if not LINUX:
            self._find = _PsTable()
        elif os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
            self._find = _descendants_by_children
        else:
            self._find = _descendants_by_parents

    def look(self) -> list[Process]:
        """Every descendant; zombies too, as one whose other threads live on looks like one."""
        return self._find(os.getpid())

    def reap(self) -> bool:
        """Bury whoever is dead; False when there is no child left at all."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._reaped_cpu += used.ru_utime + used.ru_stime
            self.peak_rss_bytes = max(self.peak_rss_bytes, used.ru_maxrss * (1024 if LINUX else 1))
            if pid == self.leader:
                self.leader_status = status
                self._kill_leaders_group()

    def _kill_leaders_group(self) -> None:
        """One call ends a fork bomb that a walk would have to chase.

        Also just after the leader was buried: a number comes round again only after all the others.
        """
        if self.leader:
            _kill(-self.leader, signal.SIGKILL)

    def measure(self) -> None:
        """Bring CPU seconds and memory up to date.

        Two lower bounds, the larger counts: what the living and the buried account for (the kernel's sums,
        blind to children whose parent ignores SIGCHLD), and what each process was last seen to have used.
        """
        self.members = self.look()
        own = {(process.pid, process.started): process.cpu for process in self.members}
        self._gone_cpu += sum(used for key, used in self._own_cpu.items() if key not in own)
        self._own_cpu = own
        inherited = self._reaped_cpu + sum(process.cpu + process.children_cpu for process in self.members)
        self.cpu_seconds = max(self.cpu_seconds, inherited, self._gone_cpu + sum(own.values()))
        self.rss_bytes = sum(process.rss_bytes for process in self.members)
        self.peak_rss_bytes = max(self.peak_rss_bytes, self.rss_bytes)

    def memory_bytes(self) -> int:
        """What all together occupy, as of now, with what several share counted once. Takes its time: ask when it matters."""
        return sum(_own_share(process) for process in self.members)

    def signal(self, number: int) -> list[Process]:
        """Send `number` to every process below and to their groups, which no fork can slip through."""
        found = self.look()
        for process in found:
            _kill(process.pid, number)
        for group in {process.group for process in found} - {0, 1, os.getpgrp()}:
            _kill(-group, number)
        return found

    def terminate(self) -> None:
        """SIGTERM, once each, and SIGCONT, as a stopped process cannot tidy up.

        To those seen at the last measure: looking again would give a fork storm seconds to grow.
        """
        alive = {self.leader} if self.leader and self.leader_status is None else set()
        for pid in alive | {process.pid for process in self.members}:
            _kill(pid, signal.SIGTERM)
            _kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """SIGSTOP until a look finds nobody running (a storm forks while it is being stopped)."""
        for _ in range(50):
            if all(process.state in "TtDZ" for process in self.signal(signal.SIGSTOP)):
                return

    def sweep(self) -> int:
        """SIGKILL until the kernel says that no child is left. Returns how many survive: 0.

        Only our own children are looked for, as theirs become ours when they die: one read a pass, quick
        enough to win against a hundred processes that keep forking away into new sessions.
        """
        deadline = time.monotonic() + SWEEP_SECONDS
        if self.leader_status is None:
            self._kill_leaders_group()
        dying: set[int] = set()
        while True:
            self.reap()  # thousands of zombies would slow the next line down
            found = set(self._nearest())
            for pid in found:
                _kill(pid, signal.SIGKILL)
            if not self.reap() and not found:
                return 0
            if time.monotonic() > deadline:
                return len(found)
            if found <= dying:
                time.sleep(0.0005)
            dying = found

    def _nearest(self) -> list[int]:
        if self._find is _descendants_by_children:
            return _children(os.getpid())
        return [process.pid for process in self.look()]


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass
