"""Claude, by the official SDK: streamed, with its thinking summarised, and one strict tool for its answer.

The SDK does not retry here: it would wait for however long a server says, and tell nobody.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..credentials import key, where
from ..errors import ConfigError
from ..prompt.brief import Block, Prompt
from . import AgentSettings, Answer, Ears, Talk, Tool, Trouble, Turned, told
from . import anthropic_trouble as trouble
from .anthropic_message import Message

if TYPE_CHECKING:
    import anthropic

CONNECT_SECONDS = 10
MARKS = 4
"""The most cache marks that a request may have."""
MARK = {"type": "ephemeral", "ttl": "1h"}
"""An experiment takes longer than the five minutes that a mark lasts by default."""

THINKS_BY_ITSELF = (4, 6)
"""The first generation of models that decide how much to think."""
HEARS_NOTES = (4, 8)
"""The first generation that takes a word from the system in the middle of a talk."""


class Anthropic:
    """One model of Anthropic's, or of whoever speaks its protocol."""

    def __init__(self, name: str, settings: AgentSettings) -> None:
        """The service is that of the settings, of ANTHROPIC_BASE_URL, or Anthropic's own."""
        if not name:
            raise ConfigError("anthropic has many models; name one, as in anthropic:claude-sonnet-5-5")
        if settings.base_url and not settings.base_url.startswith(("http://", "https://")):
            raise ConfigError(f"base_url {settings.base_url!r} is no address; it begins with http:// or https://")
        self.name, self._settings = name, settings
        self._generation = _generation(name)
        self._client: anthropic.AsyncAnthropic | None = None

    async def answer(self, talk: Talk, tool: Tool, ears: Ears) -> Answer:
        """See `Model`."""
        await asyncio.to_thread(_load)  # more than a second, the first time
        import anthropic
        import httpx2

        client = self._connected()
        message = Message(ears)
        try:
            async with await client.messages.create(**self._body(talk, tool)) as stream:
                async for event in stream:
                    message.add(event)
        except anthropic.APIStatusError as error:
            raise trouble.complaint(error, self.name) from error
        except anthropic.APIConnectionError as error:
            raise trouble.unconnected(error, str(client.base_url)) from error
        except httpx2.TransportError as error:
            if not message.is_whole:
                raise trouble.broken(error, self.name, silence=self._settings.silence_seconds) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The SDK takes events as they come; what is none ends up here.
            why = trouble.short(f"{type(error).__name__}: {error}")
            raise Trouble("unavailable", f"{client.base_url} wrote what is no message: {why}") from error
        if not message.is_whole:
            raise Trouble("unavailable", f"the answer of {self.name} ended before it was whole")
        return message.answer(tool)

    async def close(self) -> None:
        """See `Model`."""
        if self._client:
            await self._client.close()
            self._client = None

    def _connected(self) -> "anthropic.AsyncAnthropic":
        import anthropic
        import httpx2

        if self._client is None:
            self._client = anthropic.AsyncAnthropic(
                api_key=_key(self.name),
                base_url=self._settings.base_url,
                max_retries=0,
                timeout=httpx2.Timeout(self._settings.silence_seconds, connect=CONNECT_SECONDS),
            )
        return self._client

    def _body(self, talk: Talk, tool: Tool) -> dict[str, Any]:
        system, user = _blocks(talk.prompt)
        body: dict[str, Any] = {
            "model": self.name,
            "max_tokens": self._settings.output_tokens,
            "system": system,
            "messages": [{"role": "user", "content": user}],
            "tools": [_tool(tool)],
            # A model that thinks cannot be made to call a tool; one that does not is asked again.
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            "stream": True,
        }
        for turned in talk.turned:
            body["messages"] += self._messages(turned)
        if self._generation is None or self._generation >= THINKS_BY_ITSELF:
            body["thinking"] = {"type": "adaptive", "display": "summarized"}
        if self._settings.effort:
            body["output_config"] = {"effort": self._settings.effort}
        return body

    def _messages(self, turned: Turned) -> list[dict[str, Any]]:
        raw = turned.answer.raw
        calls = [block["id"] for block in raw if block["type"] == "tool_use"]
        reply = [_result(call, turned.reply) for call in calls] or [_text(turned.reply)]
        messages = [{"role": "assistant", "content": list(raw)}] if raw else []
        messages.append({"role": "user", "content": reply})
        if turned.notes and self._generation is not None and self._generation >= HEARS_NOTES:
            messages.append({"role": "system", "content": told(turned.notes)})
        elif turned.notes:
            reply.append(_text(told(turned.notes)))
        return messages


def _load() -> None:
    import anthropic  # noqa: F401


def _key(name: str) -> str:
    try:
        secret = key("anthropic")
    except ConfigError as error:
        raise Trouble("bad_key", str(error)) from error
    if not secret:
        raise Trouble("bad_key", f"{name} needs a key: {where('anthropic')}")
    # The transport would quote it, escaped, in its complaint about the header.
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise Trouble("bad_key", f"the key for {name} has a space, a line break or another character that no key has")
    return secret


def _generation(name: str) -> tuple[int, int] | None:
    """(5, 5) of claude-sonnet-5-5 and (4, 0) of claude-opus-4-20250514; None of a name that does not say."""
    found = re.search(r"claude-[a-z]+-(\d+)(?:-(\d{1,2}))?(?!\d)", name)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _blocks(prompt: Prompt) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The blocks of the system and of the user, without empty ones, the last few marks set."""
    blocks = [block for block in (*prompt.system, *prompt.user) if block.text.strip()]
    marked = [block for block in blocks if block.marked][-MARKS:]

    def written(part: Sequence[Block]) -> list[dict[str, Any]]:
        return [
            _text(block.text) | ({"cache_control": MARK} if any(block is one for one in marked) else {})
            for block in part
            if block.text.strip()
        ]

    return written(prompt.system), written(prompt.user)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _result(call: str, reason: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "is_error": True, "content": reason}


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": dict(tool.schema),
        "strict": True,
        "eager_input_streaming": True,
    }
