"""An agent program as the engine sees it: JSON objects in both directions, and a tree that dies with the engine.

The program runs under a keeper like any experiment, so that a daemon it left behind goes with it, also after a `kill -9` of the
engine. A keeper forwards output only as far as somebody keeps up; a protocol cannot lose a line, so the program's three streams
are named pipes. What it says on stderr goes to a log, without the keys that this process knows.
Not covered: what its walls leave open. Without any it may do what your user may do.
"""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from .credentials import VARIABLES, Redactor, redact
from .keeper.process import Kept, Spec
from .keeper.spec import Box
from .repository.checkout import remove

STARTING_SECONDS = 120
"""Until an agent has a session; a first start may unpack itself."""
GRACE_SECONDS = 0.4
"""For an agent to end its turn by itself, once it is told to stop."""
PATIENCE = 5
"""An agent's tools work in silence for so many times longer than a stream may be silent."""
LINE_BYTES = 32 << 20
"""A longer line is no message."""
LOG_BYTES = 4 << 20
FOLDER_BYTES = 8 << 30
"""What an agent may write into its folder."""

_STREAMS = 'in=$1 out=$2 err=$3; shift 3; exec "$@" <"$in" >"$out" 2>"$err"'
_NAMES = ("in", "out", "err")


def environment(
    folder: Path, *, keys: Sequence[str] = tuple(VARIABLES), more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The user's own environment, for agents have their own logins, without what is loopwatch's or another provider's key.

    keys  the providers whose keys it may see
    """
    hidden = {variable for provider, variable in VARIABLES.items() if provider not in keys}
    # Some agents will not start inside of another one, and would be right; but this one is nobody's tool.
    hidden.add("CLAUDECODE")
    mine = {
        name: value for name, value in os.environ.items() if not name.startswith("LOOPWATCH_") and name not in hidden
    }
    return {**mine, "PWD": str(folder), **(more or {})}


@dataclass(frozen=True, slots=True)
class Walls:
    """What keeps an agent in."""

    box: Box | None = None
    writes: tuple[Path, ...] = ()
    """Where it may write, besides its folder."""
    memory_bytes: int | None = None
    processes: int | None = None
    folder_bytes: int = FOLDER_BYTES
    """What it may write, all together."""


def pipes_beside(folder: Path) -> Path:
    """Where the pipes of an agent are that works in `folder`; its box has to have them."""
    return folder.with_name(f"{folder.name}.pipes")


def log_beside(folder: Path) -> Path:
    """Where an agent's words on stderr go, for its scratch copy: the logs of its run."""
    return folder.parent.parent / "logs" / f"{folder.name}.agent.log"


class AgentProcess:
    """One agent program at work. `close` it, also after it has ended.

    Its methods `send`, `receive` and `close` are what the Agent Client Protocol's library calls a transport.
    """

    def __init__(self, kept: Kept, pipes: "_Pipes", log: Path) -> None:
        self._kept, self._pipes, self._log = kept, pipes, log
        self._room = LOG_BYTES
        self._active = time.monotonic()
        self._last_line = ""
        self._errors = Redactor()
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._keep_errors())]

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        walls: Walls = Walls(),
    ) -> "AgentProcess":
        """Start `command` in `folder`. One that cannot be started has ended: `receive` gives None, `how_it_ended` says why."""
        starting = asyncio.create_task(cls._start(command, folder, environment, log, walls))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:  # nobody wants it any more; half a start cannot be given back
            await (await starting).close()
            raise

    @classmethod
    async def _start(
        cls, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path, walls: Walls
    ) -> Self:
        place = _make_room(folder, log)
        spec = Spec(
            command=["/bin/sh", "-c", _STREAMS, "agent", *(str(place / name) for name in _NAMES), *command],
            cwd=folder,
            environment=environment,
            log=place / "keeper.log",  # nothing comes to it
            wall_seconds=float("inf"),
            out_folders=(folder, place, *walls.writes),
            out_cap_bytes=walls.folder_bytes,
            memory_bytes=walls.memory_bytes,
            processes=walls.processes,
            box=walls.box,
        )
        pipes = _Pipes(place)
        try:
            await pipes.open()
            agent = cls(await Kept.launch(spec), pipes, log)
        except BaseException:
            pipes.close()
            raise
        await agent._kept.go()
        return agent

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send an object. One that has ended does not read it."""
        self._active = time.monotonic()
        if not self._pipes.input.is_closing():
            self._pipes.input.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        """The next object; None when there will be no more. What is no object goes to the log."""
        while True:
            try:
                line = await self._pipes.output.readline()
            except ValueError:  # a line beyond all measure
                self._write("[a line too long for a message]\n")
                continue
            self._active = time.monotonic()
            if not line:
                return None
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                message = None
            if isinstance(message, dict):
                return message
            self._write(redact(line.decode("utf-8", "replace")))

    async def silence(self, seconds: float, *, unless: Callable[[], bool]) -> None:
        """Wait until there was no line in either direction for so long, and `unless` is not so."""
        while True:
            left = self._active + seconds - time.monotonic()
            if left <= 0 and not unless():
                return
            await asyncio.sleep(left if left > 0 else 1.0)

    async def how_it_ended(self) -> str:
        """In words, with the last it said on stderr."""
        ended = await self._kept.ended()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        how = f"was killed by signal {ended.signal}" if ended.signal else f"ended with exit code {ended.exit}"
        if ended.reason != "exited":
            how = f"was ended: {ended.reason.replace('_', ' ')}"
        said = ended.detail or self._last_line
        return f"{how}: {said}" if said else how

    async def close(self) -> None:
        """Kill whatever still runs, and give everything back. Safe to call twice."""
        try:
            await self._kept.close()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            for task in self._tasks:
                task.cancel()
            self._pipes.close()

    async def _watch(self) -> None:
        await self._kept.ended()
        self._pipes.release()

    async def _keep_errors(self) -> None:
        while piece := await self._pipes.errors.read(1 << 16):
            self._write(self._errors.feed(piece.decode("utf-8", "replace")))
        self._write(self._errors.rest())

    def _write(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        self._last_line = lines[-1][:300] if lines else self._last_line
        kept = text.encode()[: self._room]
        self._room -= len(kept)
        with contextlib.suppress(OSError), open(self._log, "ab") as file:  # a full disk costs log, nothing else
            file.write(kept)


def _make_room(folder: Path, log: Path) -> Path:
    """An empty log, and the three named pipes in a folder of their own beside the agent's."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    place = pipes_beside(folder)
    remove(place)
    place.mkdir(mode=0o700)
    for name in _NAMES:
        os.mkfifo(place / name, 0o600)
    return place


class _Pipes:
    """Our ends of an agent's three named pipes.

    Each is also held open at its other end until the agent's tree is gone: before the agent has opened it, a pipe without that
    would look closed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = [os.open(folder / name, os.O_RDWR | os.O_NONBLOCK) for name in _NAMES]
        self._transports: list[asyncio.BaseTransport] = []
        self.input: asyncio.WriteTransport
        self.output: asyncio.StreamReader
        self.errors: asyncio.StreamReader

    async def open(self) -> None:
        file = os.fdopen(os.open(self._folder / "in", os.O_WRONLY | os.O_NONBLOCK), "wb", 0)
        self.input, _ = await asyncio.get_running_loop().connect_write_pipe(asyncio.BaseProtocol, file)
        self._transports.append(self.input)
        self.output = await self._reader("out")
        self.errors = await self._reader("err")

    async def _reader(self, name: str) -> asyncio.StreamReader:
        reader = asyncio.StreamReader(limit=LINE_BYTES)
        file = os.fdopen(os.open(self._folder / name, os.O_RDONLY | os.O_NONBLOCK), "rb", 0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), file
        )
        self._transports.append(transport)
        return reader

    def release(self) -> None:
        """Nobody is left at the other ends: what is in the pipes can be read, and then they end."""
        while self._held:
            os.close(self._held.pop())

    def close(self) -> None:
        self.release()
        for transport in self._transports:
            transport.close()
        remove(self._folder)
