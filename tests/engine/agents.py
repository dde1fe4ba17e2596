"""For the tests of proposers that are agents: a brief, a turn whose person takes their time, and scripted agents as real processes."""

import asyncio
import json
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loopwatch.engine.prompt.brief import Brief
from loopwatch.engine.task import load
from loopwatch.engine.turn import Permission, Permitted
from tests.engine.listener import Listener

SERVERS = Path(__file__).parents[1] / "servers"
SOURCE = '"""Train."""\n\nLR = 0.01  # how bold\nWIDTH = 12\n\nprint(LR)\n'
BOLDER = SOURCE.replace("LR = 0.01", "LR = 0.02")
BRIEF = Brief(
    experiment=2, revision=1, task=load("sine"), program="Be bold.", sources={"train.py": SOURCE}, history=(),
    best=1.0, notes=(), comment="", seed=1,
)  # fmt: skip
CLAIMS = (
    'It is done.\n```json\n{"hypothesis": "bolder is better", "mechanism": "longer steps", "expected": "-0.1"}\n```\n'
)


@dataclass
class Person(Listener):
    """A desk with a person at it: each permission waits for them, each note comes when they write it."""

    waiting: list[asyncio.Future[Permitted]] = field(default_factory=list)
    patient: bool = False
    """Whether they answer by hand, with `waiting`, and not with `permits`."""
    written: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    copies: int = 0

    async def permit(self, permission: Permission) -> Permitted:
        self.asked.append(permission)
        if not self.patient:
            return self.permits(permission)
        self.waiting.append(asyncio.get_running_loop().create_future())
        return await self.waiting[-1]

    async def noted(self) -> str:
        return await self.written.get()

    def scratch(self) -> Path:
        self.copies += 1
        copy = self.folder / "scratch" / "0002-1"
        copy.mkdir(parents=True)
        for path, text in self.brief.sources.items():
            (copy / path).write_text(text)
        (copy / "evaluate.py").write_text("print('loss: 1')\n")
        return copy


def person(folder: Path, **more: Any) -> Person:
    """One whose run's folder is in `folder`."""
    return Person(BRIEF, folder / "run", **more)


def scripted(folder: Path, *turns: list[dict[str, Any]], **more: Any) -> Path:
    """The script of an agent."""
    script = folder / "agent.json"
    script.write_text(json.dumps({"turns": turns, **more}))
    return script


def command(folder: Path, *turns: list[dict[str, Any]], **more: Any) -> str:
    """The command line of an agent that speaks the Agent Client Protocol."""
    return shlex.join([sys.executable, str(SERVERS / "agent.py"), str(scripted(folder, *turns, **more))])


def heard(folder: Path) -> list[dict[str, Any]]:
    """Every message that the agent got."""
    lines = (folder / "agent.json.heard").read_text().splitlines()
    return [message for line in lines if isinstance(message := json.loads(line), dict)]


def processes(mark: str) -> list[int]:
    """The processes whose command line has `mark`; zombies are none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in words:
            found.append(int(entry.name))
    return found


def bold(**more: Any) -> list[dict[str, Any]]:
    """The steps of an agent that makes the usual change and says why."""
    return [{"write": {"train.py": BOLDER}}, {"say": CLAIMS}, *([more] if more else [])]
