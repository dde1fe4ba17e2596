"""The box that an agent's source code runs in: its own files to read, a temporary folder, and one line to the engine.

There is no network, no other file, no other process, and no key. Each start is a fresh process; what it says is for `forms` to
check. Where a machine cannot build such a box, nothing that was rewritten runs at all.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from ..agent_process import AgentProcess, Walls, pipes_beside
from ..errors import AgentFailed, UserError
from ..repository import checkout
from ..sandbox import leftovers
from ..sandbox.sandbox import Folder, Limits, Sandbox
from .code import AgentCode

INSIDE = Path(__file__).with_name("inside.py")

SECONDS = 60.0
"""Of its own, for one call; the time that it waits for an edit is not counted."""
STARTING_SECONDS = 20.0
"""To compile and load it: on a busy machine a box takes a moment."""
ASKS = 8
"""The most edits that one call may ask for."""
MEMORY_BYTES = 512 << 20
PROCESSES = 16
FOLDER_BYTES = 256 << 20
FILE_BYTES = 64 << 20

Ask = Callable[[object], Awaitable[dict[str, Any]]]
"""What answers when an agent asks: what it asked goes in, unchecked; AgentFailed comes back to the agent, whatever else is raised
ends the call."""

Contain = Callable[[], Sandbox]
"""Makes boxes."""


def require_box(sandbox: Sandbox, strategy: str) -> None:
    """Return where rewritten code can be contained; UserError, with what to do, where it cannot."""
    if sandbox.tier not in ("sealed", "fenced"):
        raise UserError(
            f"{strategy} runs source code that agents have written, and does so only in a box; this run has none that keeps files and "
            f"network away (its sandbox is {sandbox.tier!r}). Start it with --sandbox fenced; what this machine can build, and what "
            "is missing, loopwatch doctor says"
        )


class Boxes:
    """The boxes of one run."""

    def __init__(self, run_dir: Path, contain: Contain) -> None:
        """`contain` makes them; what a killed engine left is removed with the first."""
        self._run_dir, self._contain = run_dir, contain
        self._sandbox: Sandbox | None = None
        self._numbers = count(1)

    @property
    def sandbox(self) -> Sandbox:
        """Of what they are built."""
        if self._sandbox is None:
            checkout.remove(self._run_dir / "boxes")
            (self._run_dir / "boxes").mkdir(mode=0o700)
            self._sandbox = self._contain()
        return self._sandbox

    @asynccontextmanager
    async def at_work(self, code: AgentCode, name: str) -> AsyncIterator["Worker"]:
        """A version of an agent, started; afterwards nothing is left of it but its log. UserError where there is no box."""
        sandbox = self.sandbox
        require_box(sandbox, "an agent that is source code")
        place = self._run_dir / "boxes" / f"{name}-{next(self._numbers)}"
        source, own = place / "source", place / "own"
        for folder in (place, source, own):
            folder.mkdir(mode=0o700)
        code.write(source)
        before = leftovers.names() if sandbox.means.namespaces is None else None
        try:
            process = await AgentProcess.start(
                [sys.executable, "-I", "-S", "-B", str(INSIDE), str(source)],
                folder=own,
                environment=_environment(own),
                log=self._run_dir / "logs" / f"{name}.agent.log",
                walls=_walls(sandbox, source, own),
            )
            try:
                yield Worker(process)
            finally:
                await process.close()
        finally:
            if before is not None:
                leftovers.sweep(before)
            checkout.remove(place)


class Worker:
    """An agent's code in its box. Each method raises AgentFailed when the code does not do it, or takes too long."""

    def __init__(self, process: AgentProcess) -> None:
        """It was started, or has ended already."""
        self._process = process

    async def compile(self, file: str) -> None:
        """Whether a file is Python."""
        await self._do({"do": "compile", "file": file}, STARTING_SECONDS)

    async def load(self, file: str, *, seconds: float = STARTING_SECONDS) -> None:
        """Import it, with whatever it does then."""
        await self._do({"do": "load", "file": file}, seconds)

    async def fits(self, file: str, function: str, arguments: int) -> None:
        """Whether a function is there, and takes so many arguments."""
        await self._do({"do": "fits", "file": file, "function": function, "arguments": arguments}, STARTING_SECONDS)

    async def call(
        self, file: str, function: str, argument: dict[str, Any], ask: Ask, *, seconds: float = SECONDS
    ) -> object:
        """What a function returns for `argument`, as JSON of any shape."""
        order = {"do": "call", "file": file, "function": function, "with": argument}
        return await self._do(order, seconds, ask)

    async def _do(self, order: dict[str, Any], seconds: float, ask: Ask | None = None) -> object:
        asked, left = 0, seconds
        await self._process.send(order)
        while True:
            began = time.monotonic()
            message = await self._next(left, seconds)
            left -= time.monotonic() - began
            if "done" in message:
                return message["done"]
            if "failed" in message:
                # What stands for a text may be anything, nested deeper than can be printed.
                said = message["failed"]
                raise AgentFailed(said[:2000] if isinstance(said, str) else "failed, and said nothing that is a text")
            if ask is None or "ask" not in message:
                raise AgentFailed("said something that is no answer")
            asked += 1
            if asked > ASKS:
                raise AgentFailed(f"asked for more than {ASKS} edits")
            await self._process.send(await _answered(ask, message["ask"]))

    async def _next(self, left: float, seconds: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(max(left, 0)):
                message = await self._process.receive()
        except TimeoutError:
            raise AgentFailed(f"took longer than {seconds:g} s") from None
        if message is None:
            raise AgentFailed(await self._process.how_it_ended())
        return message


async def _answered(ask: Ask, question: object) -> dict[str, Any]:
    try:
        return {"answer": await ask(question)}
    except AgentFailed as failure:
        return {"failed": str(failure)}


def _environment(own: Path) -> dict[str, str]:
    passed = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ") if name in os.environ}
    return {**passed, "PYTHONUNBUFFERED": "1", "HOME": str(own), "TMPDIR": str(own), "PWD": str(own)}


def _walls(sandbox: Sandbox, source: Path, own: Path) -> Walls:
    limits = Limits(memory_bytes=MEMORY_BYTES, processes=PROCESSES, file_bytes=FILE_BYTES)
    folders = [
        Folder(source),
        Folder(INSIDE),
        Folder(own, writable=True),
        Folder(pipes_beside(own), writable=True),
    ]
    box = sandbox.box(folders, limits)
    return Walls(box, (own,), MEMORY_BYTES, PROCESSES, FOLDER_BYTES)
