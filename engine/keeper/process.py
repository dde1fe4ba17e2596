"""Processes as the engine sees them: started under a keeper, watched, held, ended, and never left behind.

`Kept` is one experiment (or a warm spare that waits for one); `run_command` is for commands that only have
to finish. Output on the pipe is best-effort, for live curves; what counts is in the log (`read_log`).

When the keeper itself is killed with `kill -9` (only a hostile experiment does that), the leader dies with
it, and `Kept` kills whoever was last reported, their sessions and their descendants. What can escape then:
a daemon that began a session of its own less than a tick before. In a sealed box nobody can see the keeper.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from ..credentials import environment_without_keys
from . import output as outputs
from .lost import sweep_reported
from .spec import Ended, Outcome, Spec, Usage

__all__ = [
    "Ended",
    "Kept",
    "Outcome",
    "Spec",
    "Usage",
    "can_be_spare",
    "read_log",
    "run_command",
    "spare_command",
]

KEEPER = Path(__file__).with_name("keeper.py")
SPARE = Path(__file__).with_name("spare.py")
CHUNK_BYTES = 1 << 16
SILENCE_SECONDS = 2.0
"""A running experiment's keeper speaks five times a second."""


def can_be_spare(command: Sequence[str]) -> bool:
    """Only `python script.py ...` can be taken over by a spare: no interpreter options, no `-m`."""
    return len(command) >= 2 and Path(command[0]).name.startswith("python") and command[1].endswith(".py")


def spare_command(python: str, modules: Sequence[str]) -> list[str]:
    """The command of a warm spare that imports `modules` while it waits."""
    return [python, str(SPARE), *modules]


def read_log(path: Path, last_bytes: int) -> bytes:
    """The last bytes of a log, growing or finished, with a mark where output is missing. b"" without one."""
    return outputs.read_log(str(path), last_bytes)


@dataclass(slots=True)
class _Lines:
    """The engine's ends of the keeper's three pipes."""

    keeper: subprocess.Popen[bytes]
    control: int
    output: int
    status: int


def _start_keeper() -> _Lines:
    status_read, status_write = os.pipe()
    try:
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(KEEPER), str(status_write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[status_write],
            start_new_session=True,
            env=environment_without_keys(),  # whoever it starts can read it
        )
    except BaseException:
        os.close(status_read)
        raise
    finally:
        os.close(status_write)
    assert keeper.stdin
    assert keeper.stdout
    # asyncio takes the pipes over, and closes them.
    control, output = os.dup(keeper.stdin.fileno()), os.dup(keeper.stdout.fileno())
    keeper.stdin.close()
    keeper.stdout.close()
    return _Lines(keeper, control, output, status_read)


async def _reader(file: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(file, "rb", 0))
    return reader, transport


class Kept:
    """One process tree under its keeper. `close` it, also after it has ended; it dies with the engine."""

    def __init__(self, spec: Spec, lines: _Lines) -> None:
        self.spec = spec
        self.pid: int | None = None
        """The leader's, from `go` on."""
        self.keeper_pid = lines.keeper.pid
        self.usage = Usage()
        self._keeper = lines.keeper
        self._output = lines.output
        self._reported: list[tuple[int, int, int]] = []
        self._contained = asyncio.Event()
        self._ready = asyncio.Event()
        self._started = asyncio.Event()
        self._over = asyncio.Event()
        self._ended: Ended | None = None
        self._fault = ""
        self._transports: list[asyncio.BaseTransport] = []
        self._control: asyncio.WriteTransport | None = None
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def launch(cls, spec: Spec) -> Self:
        """Start a keeper for `spec`, and its spare if it has one; nothing counts until `go`. Cancelled, it leaves nothing behind."""
        opening = asyncio.ensure_future(cls._opened(spec))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Half of it could not be closed, and it is a matter of milliseconds.
            await (await opening).close()
            raise

    @classmethod
    async def _opened(cls, spec: Spec) -> Self:
        lines = _start_keeper()
        kept = cls(spec, lines)
        loop = asyncio.get_running_loop()
        kept._control, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(lines.control, "wb", 0))
        reader, transport = await _reader(lines.status)
        kept._transports = [kept._control, transport]
        kept._watching = asyncio.create_task(kept._watch(reader))
        kept._send(spec.as_order())
        return kept

    @property
    def is_ready(self) -> bool:
        """Whether `go` would start at once: the keeper is up and a spare has imported its modules."""
        return self._ready.is_set() and self._ended is None

    @property
    def has_ended(self) -> bool:
        """Whether `ended` would return at once."""
        return self._over.is_set()

    async def ready(self) -> bool:
        """Wait for that; False when it ended before."""
        await self._ready.wait()
        return self.is_ready

    async def contained(self) -> None:
        """Wait until a spare's box is built, or has failed: from then on its folders may be moved to another name."""
        if self.spec.spare and self.spec.box:
            await self._contained.wait()

    async def go(self, spec: Spec | None = None) -> bool:
        """Start the command; the clocks run from here. `spec` replaces that of `launch`, except its spare.

        False when it could not be started: `ended` says why.
        """
        if spec is not None:
            self.spec = replace(spec, spare=self.spec.spare)
        self._send({"do": "go", **self.spec.as_order()})
        await self._started.wait()
        return self.pid is not None

    def abort(self) -> None:
        """SIGTERM, and 0.3 s later SIGKILL, to everybody. The outcome comes through `ended`."""
        self._send({"do": "abort"})

    def hold(self) -> None:
        """Stop every process and the clocks. Before `go`, and while it is ending, this does nothing."""
        self._send({"do": "hold"})

    def release(self) -> None:
        """Let them go on."""
        self._send({"do": "release"})

    async def output(self) -> AsyncGenerator[bytes, None]:
        """What it prints, as it comes, until the end. One reader only; a slow one misses pieces."""
        file, self._output = self._output, -1
        if file < 0:
            return
        reader, transport = await _reader(file)
        self._transports.append(transport)
        while chunk := await reader.read(CHUNK_BYTES):
            yield chunk

    async def ended(self) -> Ended:
        """Wait for the end: nobody is left then, and the log is complete."""
        await self._over.wait()
        assert self._ended
        return self._ended

    async def close(self) -> None:
        """Kill whatever still runs and give back the descriptors. Safe to call twice."""
        if self._control:
            self._control.close()
        self._wake()
        if self._watching:
            await asyncio.shield(self._watching)
        for transport in self._transports:
            transport.close()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _send(self, order: dict[str, Any]) -> None:
        if self._control and not self._control.is_closing():
            self._control.write(json.dumps(order).encode() + b"\n")

    async def _watch(self, status: asyncio.StreamReader) -> None:
        rest = b""
        while data := await self._next(status):
            *messages, rest = (rest + data).split(b"\n")
            for message in messages:
                self._hear(json.loads(message))
        await asyncio.to_thread(self._keeper.wait)  # it closes this pipe an instant before it is gone
        if self._ended is None:
            survivors = await asyncio.to_thread(sweep_reported, self._reported)
            self._ended = self._lost(survivors)
        for event in (self._contained, self._ready, self._started, self._over):
            event.set()

    async def _next(self, status: asyncio.StreamReader) -> bytes:
        """What the keeper says next. One that is silent for too long may have been stopped: wake it."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SILENCE_SECONDS):
                    return await status.read(CHUNK_BYTES)
            self._wake()

    def _wake(self) -> None:
        if self._keeper.returncode is None:
            self._keeper.send_signal(signal.SIGCONT)

    def _hear(self, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "contained":
                self._contained.set()
            case "ready":
                self._ready.set()
            case "started":
                self.pid = message["pid"]
                self._started.set()
            case "usage":
                self._reported = message.get("pids", self._reported)
                self.usage = Usage(
                    wall_seconds=message["wall"],
                    cpu_seconds=message["cpu"],
                    rss_mb=message["rss_mb"],
                    held=message["held"],
                    processes=message["processes"],
                )
            case "ended":
                self._ended = Ended(
                    reason=message["reason"],
                    exit=message["exit"],
                    signal=message["signal"],
                    wall_seconds=message["wall"],
                    cpu_seconds=message["cpu"],
                    peak_rss_mb=message["peak_rss_mb"],
                    log_bytes=message["log_bytes"],
                    survivors=message["survivors"],
                    detail=message["detail"],
                )
            case "fault":
                self._fault = message["detail"]

    def _lost(self, survivors: int) -> Ended:
        return Ended(
            reason="keeper_lost",
            wall_seconds=self.usage.wall_seconds,
            cpu_seconds=self.usage.cpu_seconds,
            peak_rss_mb=self.usage.rss_mb,
            survivors=survivors,
            detail=self._fault or f"the keeper ended with {self._keeper.returncode}",
        )


async def run_command(spec: Spec, *, last_bytes: int = CHUNK_BYTES) -> Outcome:
    """Run one command to its end under a keeper. Cancelling it kills the whole tree."""
    async with await Kept.launch(spec) as kept:
        await kept.go()
        ended = await kept.ended()
    return Outcome(ended, read_log(spec.log, last_bytes))
