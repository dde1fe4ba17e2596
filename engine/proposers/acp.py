"""Any agent that speaks the Agent Client Protocol, version 1: a program of the user's own, in a scratch copy of the task.

    --proposer acp:claude                a name from PRESETS, or
    --proposer 'acp:my-agent --acp'      a command line

What it asks permission for goes to the tool gate, and is answered by the kind of its options, for one time only. What it may do
without asking is a matter of its mode: one that asks is set where the agent has it. The protocol has no word for the reason of a
denial, and none for a person's amendment: both count as a denial, and the agent hears them once its turn has ended. It has no
steering in mid-turn either: what agents do with a second prompt differs, so a note waits for the next experiment.

What the user's own settings of an agent bring (servers, hooks), of those that need them to find their model, acts in its box only.

Only version 1 is spoken, and no file system or terminal is offered; an agent that writes through us all the same stays in its copy.
"""

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..agent_process import environment
from ..config import AgentSettings
from ..credentials import VARIABLES
from ..errors import ConfigError
from . import Brief, Proposal, Steering, Turn
from .acp_session import Session
from .agent_room import at_work
from .dialogue import converse, patiently
from .scratch import Scratch


@dataclass(frozen=True, slots=True)
class Preset:
    """An agent that is known by name."""

    command: str
    install: str
    mode: str | None = None
    """The mode in which it asks before it changes a file."""
    keys: tuple[str, ...] = tuple(VARIABLES)
    """The providers whose keys it may see."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What makes it ask, where that is no mode."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """What a new session is told besides, in the agent's own words."""


PRESETS = {
    "claude": Preset(
        "claude-agent-acp",
        "npm install -g @agentclientprotocol/claude-agent-acp",
        mode="default",
        keys=("anthropic",),
        # The user's settings may hold a permission that a person at the gate has not given.
        meta={"claudeCode": {"options": {"settingSources": []}}},
    ),
    "codex": Preset("codex-acp", "npm install -g @agentclientprotocol/codex-acp", mode="read-only", keys=("openai",)),
    "gemini": Preset("gemini --acp", "npm install -g @google/gemini-cli", mode="default", keys=()),
    "opencode": Preset(
        "opencode acp",
        "npm install -g opencode-ai",
        environment={"OPENCODE_PERMISSION": '{"edit": "ask", "bash": "ask", "webfetch": "ask"}'},
    ),
}


class Acp:
    """Proposes with an agent."""

    steering: Steering = "next experiment"

    def __init__(self, argument: str, settings: AgentSettings) -> None:
        """A preset's name or a command line; ConfigError when there is no such program."""
        if not argument.strip():
            raise ConfigError(
                f"the acp proposer needs an agent: --proposer acp:NAME ({', '.join(PRESETS)}) or 'acp:COMMAND LINE'"
            )
        preset = PRESETS.get(argument)
        try:
            self._command = shlex.split(preset.command if preset else argument)
        except ValueError as error:
            raise ConfigError(f"the agent's command line {argument!r} cannot be read: {error}") from None
        if not self._command or shutil.which(self._command[0]) is None:
            how = f"install it with: {preset.install}" if preset else "give its whole path, or install it"
            raise ConfigError(f"there is no program {''.join(self._command[:1])!r} on the PATH; {how}")
        self._name = argument if preset else Path(self._command[0]).name
        self._preset, self._settings = preset or Preset(argument, ""), settings

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        """See `Proposer`."""
        return await patiently(lambda shrink: self._propose(brief, turn, shrink), turn, self._settings)

    async def _propose(self, brief: Brief, turn: Turn, shrink: int) -> Proposal:
        scratch = Scratch(turn.scratch(), brief)
        mine = environment(scratch.folder, keys=self._preset.keys, more=self._preset.environment)
        async with at_work(self._command, scratch, turn, environment=mine, settings=self._settings) as agent:
            session = Session(agent, self._name, scratch, turn, self._settings)
            try:
                await session.open(self._settings.mode or self._preset.mode, self._preset.meta)
                return await converse(session, brief, scratch, turn, shrink=shrink)
            finally:
                await session.close()
