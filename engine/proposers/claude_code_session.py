"""One conversation with Claude Code over its own protocol: JSON objects, one a line, in both directions.

Read from the program itself: it says each message of ours again when it takes it up, adds up what the conversation cost, counts the
tokens of each turn anew, and asks in requests of its own, which are answered in any order.
"""

import asyncio
import itertools
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from ..agent_process import GRACE_SECONDS, PATIENCE, STARTING_SECONDS, AgentProcess
from ..config import AgentSettings
from ..errors import EditRefused, ProposerFailed
from ..models import Trouble, TroubleKind
from ..money import CHARACTERS_PER_TOKEN, Usage
from ..prompt.brief import tokens
from ..turn import Permitted, Request
from . import Turn, claude_code_tools
from .dialogue import dollars
from .errands import Errands
from .scratch import Scratch

TROUBLE: dict[int, TroubleKind] = {401: "bad_key", 402: "spent", 403: "bad_key", 413: "too_long", 429: "limit"}
"""What a status of the service behind it means; all others are `unavailable`."""


class Session:
    """One conversation with one process of Claude Code."""

    def __init__(self, agent: AgentProcess, name: str, scratch: Scratch, turn: Turn, settings: AgentSettings) -> None:
        """`agent` was just started."""
        self._agent, self._name, self._scratch, self._turn, self._settings = agent, name, scratch, turn, settings
        self._errands = Errands()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._numbers = itertools.count(1)
        self._unread = 0
        """Messages of ours that it has not taken up yet: it says each again when it does."""
        self._said: list[str] = []
        self._heard = 0
        self._paid = 0.0
        """Of the cost that it counts for the whole conversation, what is in the books."""
        self._resets_at: int | None = None
        self._stop = self._category = ""
        """How its last answer stopped, and the rule by which it was refused."""
        self._used: Usage | None = None
        """In this turn, as far as it said."""
        self._result: dict[str, Any] = {}

    async def open(self) -> None:
        """Wait until it is there."""
        try:
            async with asyncio.timeout(STARTING_SECONDS):
                number = await self._control({"subtype": "initialize", "hooks": None})
                while (message := await self._next())["type"] != "control_response" or _answers(message) != number:
                    pass
        except TimeoutError:
            raise Trouble("unavailable", f"{self._name} did not answer within {STARTING_SECONDS} s") from None

    async def say(self, text: str) -> str:
        """See `dialogue.Agent`."""
        self._said, self._heard, self._stop, self._category = [], 0, "", ""
        self._result, self._used = {}, None
        prompt_tokens = tokens(text)
        request = await self._turn.request(
            self._name, prompt_tokens=prompt_tokens, output_tokens=self._settings.output_tokens
        )
        await self._tell(text)
        beside = [self._errands.start(self._silence()), self._errands.start(self._pass_on_notes())]
        working, cut = asyncio.create_task(self._work()), True
        try:
            await self._errands.unless_one_fails(working)
            cut = False
        except asyncio.CancelledError:
            await self._interrupt(working)
            raise
        finally:
            for errand in (*beside, working):
                errand.cancel()
            self._book(request, prompt_tokens, cut=cut)
        self._heed(self._result)
        return "".join(self._said)

    def untold(self) -> tuple[str, ...]:
        """Nothing: it hears every reason at once."""
        return ()

    async def close(self) -> None:
        """End it, with everything that it started."""
        self._errands.drop()
        await self._agent.close()

    # -- what it says --------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Until its turn ends, and it has taken up every message of ours: one that came too late begins another turn."""
        while not self._result or self._unread > 0:
            self._take(await self._next())

    async def _next(self) -> dict[str, Any]:
        message = await self._agent.receive()
        if message is None:
            raise ProposerFailed(f"{self._name} {await self._agent.how_it_ended()}")
        return {"type": "", **message}

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "stream_event":
                self._stream(_object(message, "event"))
            case "assistant":
                self._take_answer(_object(message, "message"))
            case "user" if message.get("isReplay"):
                self._unread -= 1
                self._result = {}
            case "user":
                self._take_results(_object(message, "message"))
            case "control_request":
                self._take_question(str(message.get("request_id")), _object(message, "request"))
            case "control_cancel_request":
                if asking := self._asking.get(str(message.get("request_id"))):
                    asking.cancel()
            case "rate_limit_event":
                limit = _object(message, "rate_limit_info")
                self._resets_at = _count(limit, "resetsAt") if limit.get("status") == "rejected" else None
            case "system" if message.get("subtype") == "api_retry":
                self._take_retry(message)
            case "result":
                self._result, self._used = message, _sum(self._used, _usage(_object(message, "usage")))

    def _stream(self, event: Mapping[str, Any]) -> None:
        delta = _object(event, "delta")
        match delta.get("type"):
            case "thinking_delta":
                self._hear("thinking", str(delta.get("thinking") or ""))
            case "text_delta":
                self._hear("text", str(delta.get("text") or ""))
        if event.get("type") == "message_delta":
            self._stop = str(delta.get("stop_reason"))
            self._category = str(_object(delta, "stop_details").get("category") or "")

    def _take_retry(self, message: Mapping[str, Any]) -> None:
        """It waits and tries again by itself; a key that is not taken now will not be taken then."""
        status = message.get("error_status")
        if status == 401:
            raise Trouble("bad_key", f"{self._name}: its service does not take its key or login")
        seconds = _count(message, "retry_delay_ms") / 1000
        self._hear("notice", f"its service has trouble ({status}); it tries again in {seconds:.0f} s\n")

    def _take_answer(self, answer: Mapping[str, Any]) -> None:
        for block in _blocks(answer):
            match block.get("type"):
                case "text":
                    self._said.append(f"{block.get('text')}\n")
                    self._hear("text", "\n")
                case "thinking":
                    self._hear("thinking", "\n")
                case "tool_use":
                    self._hear(
                        "tool",
                        f"{claude_code_tools.title(self._scratch, str(block.get('name')), _object(block, 'input'))}\n",
                    )

    def _take_results(self, answer: Mapping[str, Any]) -> None:
        for block in _blocks(answer):
            if block.get("type") == "tool_result" and block.get("is_error"):
                self._hear("tool", f"failed: {str(block.get('content'))[:300]}\n")

    def _hear(self, kind: Literal["thinking", "text", "tool", "notice"], text: str) -> None:
        self._heard += len(text)
        self._turn.hear(kind, text)

    # -- what it asks --------------------------------------------------------------------------------------------------

    def _take_question(self, number: str, request: dict[str, Any]) -> None:
        if request.get("subtype") != "can_use_tool":
            self._errands.start(self._reply(number, error="loopwatch does not know this request"))
            return
        asking = self._errands.start(self._permit(number, str(request.get("tool_name")), _object(request, "input")))
        self._asking[number] = asking
        asking.add_done_callback(lambda _: self._asking.pop(number, None))

    async def _permit(self, number: str, tool: str, given: dict[str, Any]) -> None:
        permitted = await self._turn.permit(claude_code_tools.permission(self._scratch, tool, given))
        await self._reply(number, response=self._decision(tool, given, permitted))

    def _decision(self, tool: str, given: dict[str, Any], permitted: Permitted) -> dict[str, Any]:
        if not permitted.allowed:
            return {"behavior": "deny", "message": permitted.reason or f"denied by {permitted.by}"}
        try:
            amended = (
                claude_code_tools.amended(self._scratch, tool, given, permitted.amended) if permitted.amended else given
            )
        except EditRefused as problem:
            self._hear("notice", f"the amendment could not be used, so it was denied: {problem}\n")
            return {"behavior": "deny", "message": f"A person wants this instead:\n{permitted.amended}"}
        return {"behavior": "allow", "updatedInput": amended}

    # -- what it is told -----------------------------------------------------------------------------------------------

    async def _tell(self, text: str) -> None:
        self._unread += 1
        message = {"role": "user", "content": [{"type": "text", "text": text}]}
        await self._agent.send({"type": "user", "message": message, "parent_tool_use_id": None, "session_id": ""})

    async def _pass_on_notes(self) -> None:
        while True:
            await self._tell(await self._turn.noted())

    async def _control(self, request: dict[str, Any]) -> str:
        number = f"loopwatch-{next(self._numbers)}"
        await self._agent.send({"type": "control_request", "request_id": number, "request": request})
        return number

    async def _reply(self, number: str, *, response: dict[str, Any] | None = None, error: str = "") -> None:
        answer = {"subtype": "error", "error": error} if error else {"subtype": "success", "response": response}
        await self._agent.send({"type": "control_response", "response": {**answer, "request_id": number}})

    async def _interrupt(self, working: asyncio.Task[None]) -> None:
        """Tell it to stop, and give it a moment to say what it used."""
        self._unread = 0
        with suppress(Exception):
            async with asyncio.timeout(GRACE_SECONDS):
                await self._control({"subtype": "interrupt"})
                await working

    async def _silence(self) -> None:
        """Raise Trouble once it is silent for too long; while a person thinks about its question, it may be."""
        patience = self._settings.silence_seconds * PATIENCE
        await self._agent.silence(patience, unless=lambda: bool(self._asking))
        raise Trouble("unavailable", f"{self._name} was silent for {patience:.0f} s")

    # -- how it ended --------------------------------------------------------------------------------------------------

    def _book(self, request: Request, prompt_tokens: int, *, cut: bool) -> None:
        """What the turn used. A request that was cut is not in its figures: then they are the least, and no cost is an unknown one."""
        cost = dollars(self._result.get("total_cost_usd"))
        usd = None if cost is None else max(0.0, cost - self._paid)
        self._paid += usd or 0.0
        guess = Usage(input=prompt_tokens, output=self._heard // CHARACTERS_PER_TOKEN)
        if self._used is None or cut:
            request.used(_sum(self._used, guess), usd=usd or None, estimated=True)
        else:
            request.used(self._used, usd=usd)

    def _heed(self, result: Mapping[str, Any]) -> None:
        words = " ".join(str(result.get("result") or "; ".join(map(str, result.get("errors") or ()))).split())[-300:]
        said = f": {words}" if words else ""
        if "refusal" in (self._stop, result.get("stop_reason")):
            category = f" ({self._category})" if self._category else ""
            raise ProposerFailed(f"{self._name} refused{category}{said}", "refused", category=self._category)
        if "max_tokens" in (self._stop, result.get("stop_reason")):
            raise ProposerFailed(f"the answer of {self._name} was cut{said}", "truncated")
        if result.get("is_error"):
            after = max(0.0, self._resets_at - time.time()) if self._resets_at else None
            raise Trouble(
                _kind(result, words, after), f"{self._name}{said or ' ended its turn with an error'}", after=after
            )


def _kind(result: Mapping[str, Any], words: str, after: float | None) -> TroubleKind:
    if after is not None:
        return "limit"
    if result.get("terminal_reason") == "prompt_too_long":
        return "too_long"
    status = result.get("api_error_status")
    if status is None and "/login" in words:
        return "bad_key"
    return TROUBLE.get(status or 0, "unavailable")


def _usage(used: Mapping[str, Any]) -> Usage:
    written = _object(used, "cache_creation")
    return Usage(
        input=_count(used, "input_tokens"),
        output=_count(used, "output_tokens"),
        cache_read=_count(used, "cache_read_input_tokens"),
        cache_write_5m=_count(written, "ephemeral_5m_input_tokens"),
        cache_write_1h=_count(written, "ephemeral_1h_input_tokens"),
    )


def _sum(one: Usage | None, other: Usage) -> Usage:
    counts = other.model_dump()
    return other if one is None else Usage(**{name: count + counts[name] for name, count in one.model_dump().items()})


def _count(used: Mapping[str, Any], name: str) -> int:
    count = used.get(name)
    return int(count) if isinstance(count, int | float) and math.isfinite(count) else 0


def _object(parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _answers(message: Mapping[str, Any]) -> str:
    """The number of the request that a control response answers."""
    return str(_object(message, "response").get("request_id"))
