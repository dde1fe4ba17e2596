"""One session over the Agent Client Protocol: prompts, what is heard of the work, permissions, and the bill."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from ..agent_process import GRACE_SECONDS, PATIENCE, STARTING_SECONDS, AgentProcess
from ..config import AgentSettings
from ..errors import Blocked, ProposerFailed
from ..models import Trouble
from ..money import CHARACTERS_PER_TOKEN, Usage
from ..prompt.brief import tokens
from ..turn import Request
from . import Turn
from .acp_tools import Tools
from .dialogue import dollars
from .errands import Errands
from .scratch import Scratch

if TYPE_CHECKING:
    from acp import ClientSideConnection
    from acp.schema import (
        NewSessionResponse,
        PermissionOption,
        PromptResponse,
        ReadTextFileResponse,
        RequestPermissionResponse,
        ToolCallUpdate,
        WriteTextFileResponse,
    )

_AUTH_REQUIRED = -32000


class Session:
    """One session of an agent: what we ask of it, and, in the methods that the protocol's library calls, what it asks of us."""

    def __init__(self, agent: AgentProcess, name: str, scratch: Scratch, turn: Turn, settings: AgentSettings) -> None:
        """`agent` was just started."""
        from acp import connect_to_agent

        logging.getLogger().addFilter(_not_of_the_library)
        self._agent, self._name, self._scratch, self._turn, self._settings = agent, name, scratch, turn, settings
        self._errands = Errands()
        self._asking: set[asyncio.Task[Any]] = set()
        self._tools = Tools(scratch)
        self._said: list[str] = []
        self._heard = 0
        self._told = 0
        self._cost: float | None = None
        """Of the session so far, as the agent says."""
        self._paid = 0.0
        """The part of it that is in the books."""
        self._untold: list[str] = []
        self._id = ""
        self._request: Request | None = None
        self._connection: ClientSideConnection = connect_to_agent(self, agent)  # type: ignore[arg-type] # by its methods

    async def open(self, mode: str | None, meta: Mapping[str, Any]) -> None:
        """Agree on a version, begin a session, and set the mode that asks."""
        from acp import RequestError

        try:
            async with asyncio.timeout(STARTING_SECONDS):
                began = await self._begin(meta)
                await self._ask_first(began, mode)
        except RequestError as error:
            trouble = self._trouble(error)
            raise trouble if trouble.kind == "bad_key" else ProposerFailed(str(trouble)) from error
        except ConnectionError:
            raise ProposerFailed(f"{self._name} {await self._agent.how_it_ended()}") from None
        except ValidationError as error:
            raise self._garbled(error) from None
        except TimeoutError:
            raise Trouble("unavailable", f"{self._name} had no session within {STARTING_SECONDS} s") from None

    async def _begin(self, meta: Mapping[str, Any]) -> "NewSessionResponse":
        from acp import PROTOCOL_VERSION
        from acp.schema import Implementation

        agreed = await self._connection.initialize(
            PROTOCOL_VERSION, client_info=Implementation(name="loopwatch", version="1")
        )
        if agreed.protocol_version != PROTOCOL_VERSION:
            raise ProposerFailed(
                f"{self._name} speaks version {agreed.protocol_version} of the Agent Client Protocol, loopwatch {PROTOCOL_VERSION}"
            )
        began: NewSessionResponse = await self._connection.new_session(
            cwd=str(self._scratch.folder), mcp_servers=[], **meta
        )
        self._id = began.session_id
        return began

    async def _ask_first(self, began: "NewSessionResponse", mode: str | None) -> None:
        """Set the agent's mode that asks before it acts; a notice when it has none of that name."""
        from acp import RequestError

        modes = [known.id for known in began.modes.available_modes] if began.modes else []
        if mode is None:
            if began.modes:
                self._notice(f"the agent works in its mode {began.modes.current_mode_id!r} of {', '.join(modes)}")
            return
        option = _mode_option(began, mode)
        try:
            if mode in modes:
                await self._connection.set_session_mode(session_id=self._id, mode_id=mode)
            elif option:
                await self._connection.set_config_option(config_id=option, session_id=self._id, value=mode)
            else:
                there = f"it has: {', '.join(modes)}" if modes else "it names none"
                self._notice(f"the agent has no mode {mode!r} ({there}), so it may act without asking")
        except RequestError as error:
            self._notice(f"the agent did not take the mode {mode!r} ({error}), so it may act without asking")

    async def say(self, text: str) -> str:
        """See `dialogue.Agent`."""
        from acp import RequestError, text_block

        self._said, self._heard, self._told = [], 0, tokens(text)
        self._request = await self._turn.request(
            self._name, prompt_tokens=self._told, output_tokens=self._settings.output_tokens
        )
        clock = self._errands.start(self._silence())
        prompting = asyncio.create_task(self._connection.prompt(session_id=self._id, prompt=[text_block(text)]))
        usage: Usage | None = None
        try:
            answer = await self._errands.unless_one_fails(prompting)
            usage = _usage(answer)
        except RequestError as error:
            raise self._trouble(error) from error
        except ConnectionError:
            raise ProposerFailed(f"{self._name} {await self._agent.how_it_ended()}") from None
        except ValidationError as error:
            raise self._garbled(error) from None
        except (asyncio.CancelledError, Blocked, ProposerFailed):
            await self._cancel(prompting)
            raise
        finally:
            clock.cancel()
            prompting.cancel()
            unpaid = self._unpaid()
            usd = unpaid if usage else unpaid or None  # a turn that was cut is not free: it was not counted
            self._request.used(usage or self._guess(), usd=usd, estimated=usage is None)
            self._request, self._paid = None, self._cost or 0.0
        self._heed(answer)
        return "".join(self._said)

    def untold(self) -> tuple[str, ...]:
        """See `dialogue.Agent`."""
        reasons, self._untold = tuple(self._untold), []
        return reasons

    async def close(self) -> None:
        """End the agent, with everything that it started."""
        self._errands.drop()
        await self._connection.close()

    async def _cancel(self, prompting: "asyncio.Task[PromptResponse]") -> None:
        """Tell it to stop, with all its questions answered, and give it a moment."""
        for asking in self._asking:
            asking.cancel()
        with suppress(Exception):
            async with asyncio.timeout(GRACE_SECONDS):
                await self._connection.cancel(session_id=self._id)
                await prompting

    async def _silence(self) -> None:
        """Raise Trouble once the agent is silent for too long; while a person thinks about its question, it may be."""
        patience = self._settings.silence_seconds * PATIENCE
        await self._agent.silence(patience, unless=lambda: bool(self._asking))
        raise Trouble("unavailable", f"{self._name} was silent for {patience:.0f} s")

    def _heed(self, answer: "PromptResponse") -> None:
        words = " ".join("".join(self._said).split())[-300:]
        match answer.stop_reason:
            case "end_turn":
                return
            case "refusal":
                raise ProposerFailed(f"{self._name} refused{f': {words}' if words else ''}", "refused")
            case "cancelled":
                raise ProposerFailed(f"{self._name} ended its turn by itself, as if it were cancelled", "nothing")
            case cut:
                raise ProposerFailed(f"{self._name} was cut: {cut.replace('_', ' ')}", "truncated")

    def _garbled(self, error: ValidationError) -> ProposerFailed:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return ProposerFailed(f"{self._name} answered what the protocol does not know: {where}: {first['msg']}")

    def _trouble(self, error: Exception) -> Trouble:
        code, data = getattr(error, "code", 0), getattr(error, "data", None)
        detail = data.get("details") or data.get("message") if isinstance(data, dict) else data
        words = f"{self._name}: {error}{f' ({detail})' if isinstance(detail, str) else ''}"[:500]
        if code == _AUTH_REQUIRED:
            return Trouble("bad_key", f"{words}; log in with the agent's own program, then go on")
        return Trouble("unavailable", words)

    def _guess(self) -> Usage:
        """What was used at the least: an agent has a prompt of its own, and reads files."""
        return Usage(input=self._told, output=self._heard // CHARACTERS_PER_TOKEN)

    def _unpaid(self) -> float | None:
        return None if self._cost is None else max(0.0, self._cost - self._paid)

    async def _book(self, request: Request) -> None:
        """An errand, so that what is over its budget ends the turn."""
        if request is self._request:
            request.used(self._guess(), usd=self._unpaid(), estimated=True, final=False)

    def _notice(self, text: str) -> None:
        self._turn.hear("notice", f"{text}\n")

    # -- what the agent calls ------------------------------------------------------------------------------------------

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        """What it does, as it does it."""
        found = update.model_dump(mode="json", by_alias=True, exclude_none=True)
        match found.get("sessionUpdate"):
            case "agent_thought_chunk" if text := _text(found):
                self._hear("thinking", text)
            case "agent_message_chunk" if text := _text(found):
                self._said.append(text)
                self._hear("text", text)
            case "tool_call" | "tool_call_update":
                if line := self._tools.told(found):
                    self._turn.hear("tool", f"{line}\n")
            case "current_mode_update":
                self._notice(f"the agent is in its mode {found.get('currentModeId')!r} now")
            case "usage_update" if (cost := found.get("cost")) and cost.get("currency") == "USD":
                self._cost = dollars(cost.get("amount"))
                if self._request:
                    self._errands.start(self._book(self._request))

    async def request_permission(
        self, session_id: str, tool_call: "ToolCallUpdate", options: "list[PermissionOption]", **_: Any
    ) -> "RequestPermissionResponse":
        """It asks before it acts."""
        from acp.schema import AllowedOutcome, DeniedOutcome, RequestPermissionResponse

        cancelled = RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        permission = self._tools.permission(tool_call.model_dump(mode="json", by_alias=True, exclude_none=True))
        asking = self._errands.start(self._turn.permit(permission))
        self._asking.add(asking)
        try:
            permitted = await asking
        except asyncio.CancelledError:
            return cancelled
        finally:
            self._asking.discard(asking)
        allowed = permitted.allowed and not permitted.amended
        if permitted.amended:
            self._untold.append(f"{permission.title}: denied, for it should be this instead:\n{permitted.amended}")
        elif not allowed and permitted.reason:
            self._untold.append(f"{permission.title}: {permitted.reason}")
        wanted = ("allow_once",) if allowed else ("reject_once", "reject_always")
        chosen = next((option for kind in wanted for option in options if option.kind == kind), None)
        if chosen is None:
            if allowed:
                self._notice("the agent offers no way to allow this once, so it was denied")
            return cancelled
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=chosen.option_id))

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **_: Any
    ) -> "ReadTextFileResponse":
        """Not offered, and confined to the copy."""
        from acp import RequestError
        from acp.schema import ReadTextFileResponse

        text = self._scratch.text(path)
        if text is None:
            raise RequestError.invalid_params({"details": f"{path} is no text file of this session's folder"})
        start = max(0, (line or 1) - 1)
        lines = text.splitlines(keepends=True)
        return ReadTextFileResponse(content="".join(lines[start : start + limit if limit else None]))

    async def write_text_file(self, session_id: str, path: str, content: str, **_: Any) -> "WriteTextFileResponse":
        """Not offered, and confined to the copy."""
        from acp import RequestError
        from acp.schema import WriteTextFileResponse

        found = self._scratch.find(path)
        if found is None:
            self._notice(f"the agent wanted to write {path}, outside of its copy, and was refused")
            raise RequestError.invalid_params({"details": f"{path} is outside of this session's folder"})
        try:
            found.parent.mkdir(parents=True, exist_ok=True)
            found.write_text(content, encoding="utf-8", newline="")
        except OSError as error:
            raise RequestError.invalid_params({"details": f"{path} cannot be written: {error.strerror}"}) from None
        return WriteTextFileResponse()

    def on_connect(self, connection: Any) -> None:
        """Nothing to do."""

    def _hear(self, kind: Literal["thinking", "text"], text: str) -> None:
        self._heard += len(text)
        self._turn.hear(kind, text)


def _not_of_the_library(record: logging.LogRecord) -> bool:
    """The protocol's library logs what it cannot read under nobody's name, keys and all; agents say such things every day."""
    return "acp" not in Path(record.pathname).parts[-3:-1]


def _mode_option(began: "NewSessionResponse", mode: str) -> str | None:
    """The name of the option that sets modes, for agents that have options instead; None when none knows this one."""
    for option in began.config_options or ():
        found = option.model_dump(mode="json", by_alias=True, exclude_none=True)
        if "mode" in (found.get("category"), found.get("id")) and mode in _values(found.get("options") or []):
            return str(found["id"])
    return None


def _values(options: Sequence[dict[str, Any]]) -> list[str]:
    """What an option may be set to; its choices may come in groups."""
    return [
        value
        for choice in options
        for value in ([choice["value"]] if "value" in choice else _values(choice["options"]))
    ]


def _usage(answer: "PromptResponse") -> Usage | None:
    """Of this turn. Agents count each turn anew, whatever the schema's sentence says; None when it does not tell."""
    if (used := answer.usage) is None:
        return None
    return Usage(
        input=used.input_tokens,
        output=used.output_tokens,
        cache_read=used.cached_read_tokens or 0,
        cache_write_5m=used.cached_write_tokens or 0,
        reasoning=used.thought_tokens or 0,
    )


def _text(update: dict[str, Any]) -> str:
    content = update.get("content")
    return str(content.get("text") or "") if isinstance(content, dict) else ""
