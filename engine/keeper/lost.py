"""When a keeper was killed with `kill -9`: end what it last reported.

Not covered: a daemon that began a session of its own after the last report, a fifth of a second ago. It is
nobody's child any more, and nothing tells it from a stranger.
"""

import contextlib
import os
import signal
import time
from collections.abc import Sequence

from .tree import LINUX, Process, all_processes

SWEEP_SECONDS = 2.0


def sweep_reported(reported: Sequence[Sequence[int]]) -> int:
    """Kill what a lost keeper last reported as (pid, start, session), their sessions and their descendants.

    Returns how many are left. A pid counts only with its start time: numbers are used again.
    """
    if not LINUX:
        return _kill_groups({session for _, _, session in reported})
    known = {(pid, started) for pid, started, _ in reported}
    sessions = {session for _, _, session in reported}
    deadline = time.monotonic() + SWEEP_SECONDS
    while True:
        left = _belonging(known, sessions)
        if not left or time.monotonic() > deadline:
            return len(left)
        for process in left:
            known.add((process.pid, process.started))
            sessions.add(process.session)
            with contextlib.suppress(OSError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.005)


def _kill_groups(groups: set[int]) -> int:
    """macOS: its ps knows neither sessions nor start times, so groups stand for both."""
    for group in groups - {0, os.getpgrp()}:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    return 0


def _belonging(known: set[tuple[int, int]], sessions: set[int]) -> list[Process]:
    ours = os.getsid(0)
    table = [process for process in all_processes() if process.state != "Z" and process.session != ours]
    members = {p.pid for p in table if (p.pid, p.started) in known or p.session in sessions}
    grown = 0
    while grown != len(members):
        grown = len(members)
        members |= {process.pid for process in table if process.parent in members}
    return [process for process in table if process.pid in members]
