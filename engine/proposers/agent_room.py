"""The room of an agent with tools: what it may see and change while it works.

It reads the system, itself and what belongs to it; it changes its copy of the task, a home of its own and a temporary folder, and
nothing of that lasts but the editable files' bytes and its login. There is the network, for its model lives there. Neither the run
is there, nor the rest of the home, nor other processes; where a machine cannot build that, it works as the user does.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from .. import home
from ..agent_process import FOLDER_BYTES, AgentProcess, Walls, log_beside, pipes_beside
from ..config import AgentSettings
from ..repository import checkout
from ..running.rooms import SHARE_OF_MEMORY
from ..sandbox import leftovers
from ..sandbox.sandbox import Folder, Limits, Sandbox
from . import Turn
from .belongings import Home, belongings, needed, programs
from .scratch import Scratch

PROCESSES = 512
_NOT_THERE = (
    "SSH_AUTH_SOCK",
    "GPG_AGENT_INFO",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
)
"""Variables that name sockets of the user's other programs."""


@asynccontextmanager
async def at_work(
    command: Sequence[str], scratch: Scratch, turn: Turn, *, environment: Mapping[str, str], settings: AgentSettings
) -> AsyncIterator[AgentProcess]:
    """An agent that was started in its room; afterwards nothing is left of it, nor of its copy."""
    if scratch.stripped:
        turn.hear("notice", f"not in the agent's copy, for it would obey them: {', '.join(scratch.stripped)}\n")
    room = _Room(command, scratch.folder, turn.sandbox(programs(command)), settings)
    try:
        agent = await AgentProcess.start(
            command,
            folder=scratch.folder,
            environment=room.environment(environment),
            log=log_beside(scratch.folder),
            walls=room.build(),
        )
        try:
            yield agent
        finally:
            await agent.close()
    finally:
        room.clear()
        checkout.remove(scratch.folder)


class _Room:
    def __init__(self, command: Sequence[str], folder: Path, sandbox: Sandbox, settings: AgentSettings) -> None:
        self._sandbox, self._folder = sandbox, folder
        self._contained = sandbox.means.hides_files
        self._owner = belongings(command)
        self._reads = needed(command, settings.reads) if self._contained else []
        run = folder.parent.parent.name
        self._home = Home(home.home() / "agents" / run, self._owner) if self._contained else None
        self._tmp = folder.with_name(f"{folder.name}.tmp")
        self._shared_memory = leftovers.names() if self._contained and not sandbox.means.namespaces else None

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """What it is started with: in there a home has its usual places, and other programs are not to be found."""
        if self._home is None:
            return dict(given)
        gone = {*_NOT_THERE, *self._owner.moved_by}
        mine = {name: value for name, value in given.items() if name not in gone}
        return {
            **mine,
            "HOME": self._sandbox.seen(self._home_folder(self._home)),
            "TMPDIR": self._sandbox.seen(self._temporary),
        }

    def build(self) -> Walls:
        """Furnish it; no walls where there cannot be any."""
        if self._home is None:
            return Walls()
        self._home.furnish()
        checkout.remove(self._tmp)
        self._tmp.mkdir(mode=0o700)
        memory = int(SHARE_OF_MEMORY * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        limits = Limits(memory_bytes=memory, processes=PROCESSES, file_bytes=FOLDER_BYTES, reserves=True)
        writes = [self._folder, pipes_beside(self._folder)]
        folders = [self._temporary, self._home_folder(self._home), *(Folder(path, writable=True) for path in writes)]
        box = self._sandbox.box([*folders, *map(Folder, self._reads)], limits, network=True)
        return Walls(box, (self._tmp, self._home.folder), memory, PROCESSES)

    def clear(self) -> None:
        """Leave nothing but the login."""
        if self._home is not None:
            self._home.clear()
            checkout.remove(self._tmp)
        if self._shared_memory is not None:
            leftovers.sweep(self._shared_memory)

    @property
    def _temporary(self) -> Folder:
        return Folder(self._tmp, writable=True, at="/tmp")  # where some agents write whatever TMPDIR says

    def _home_folder(self, mine: Home) -> Folder:
        return Folder(mine.folder, writable=True, at=os.path.realpath(Path.home()))
