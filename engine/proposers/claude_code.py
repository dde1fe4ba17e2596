"""Claude Code over its own protocol: what the Agent Client Protocol cannot say, this can.

    --proposer claude-code[:MODEL]

A denial reaches the model with its reason, a person's amendment takes the place of what it wanted to do, and a note reaches it with
its next request, in the middle of a turn. It works in a scratch copy like any agent. The user's own settings and servers are not
loaded: they may hold a permission that a person at the gate has not given. The login is theirs.
"""

import shutil

from ..agent_process import environment
from ..config import AgentSettings
from ..errors import ConfigError, ProposerFailed
from . import Brief, Proposal, Steering, Turn
from .agent_room import at_work
from .claude_code_session import Session
from .dialogue import converse, patiently
from .scratch import Scratch

PROGRAM = "claude"
INSTALL = "npm install -g @anthropic-ai/claude-code"
TOOLS = "Read,Edit,Write,Glob,Grep,Bash"


class ClaudeCode:
    """Proposes with Claude Code."""

    steering: Steering = "this turn"

    def __init__(self, argument: str, settings: AgentSettings) -> None:
        """`argument` is a model's name, or "" for Claude Code's own choice; ConfigError when it is not installed."""
        program = shutil.which(PROGRAM)
        if program is None:
            raise ConfigError(f"there is no program {PROGRAM!r} on the PATH; install it with: {INSTALL}")
        self._program, self._model, self._settings = program, argument, settings
        self._environment = {"DISABLE_AUTOUPDATER": "1"}
        if settings.base_url:
            self._environment["ANTHROPIC_BASE_URL"] = settings.base_url

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        """See `Proposer`."""
        fallback = self._settings.fallback
        try:
            return await self._with(self._model, brief, turn)
        except ProposerFailed as failure:
            if failure.outcome != "refused" or fallback in (None, self._model):
                raise
            turn.hear("notice", f"{failure}; asking {fallback}\n")
            return await self._with(fallback or "", brief, turn)

    async def _with(self, model: str, brief: Brief, turn: Turn) -> Proposal:
        return await patiently(lambda shrink: self._propose(model, brief, turn, shrink), turn, self._settings)

    async def _propose(self, model: str, brief: Brief, turn: Turn, shrink: int) -> Proposal:
        scratch = Scratch(turn.scratch(), brief)
        mine = environment(scratch.folder, keys=("anthropic",), more=self._environment)
        name = f"claude-code:{model}" if model else "claude-code"
        async with at_work(self._command(model), scratch, turn, environment=mine, settings=self._settings) as agent:
            session = Session(agent, name, scratch, turn, self._settings)
            try:
                await session.open()
                return await converse(session, brief, scratch, turn, shrink=shrink)
            finally:
                await session.close()

    def _command(self, model: str) -> list[str]:
        mode, effort = self._settings.mode or "default", self._settings.effort
        return [
            self._program, "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose",
            "--include-partial-messages", "--replay-user-messages", "--permission-prompt-tool", "stdio",
            "--permission-mode", mode, "--setting-sources", "", "--strict-mcp-config",
            "--no-session-persistence", "--thinking-display", "summarized", "--tools", TOOLS,
            *(["--model", model] if model else []), *(["--effort", effort] if effort else []),
        ]  # fmt: skip
