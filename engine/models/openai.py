"""Chat completions, streamed, from any server that speaks OpenAI's protocol: hosted ones, vLLM, Ollama, llama.cpp.

Servers differ in what they take. What one will not have and the request can do without is left out from then on, and said.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from ..credentials import key, redact, where
from ..errors import ConfigError
from . import AgentSettings, Answer, Ears, Talk, Tool, Trouble, Turned, told
from .complaints import Complaint, complaint, told_in
from .completion import Completion
from .written import form

if TYPE_CHECKING:
    import httpx2

HOME = "https://api.openai.com/v1"
CONNECT_SECONDS = 10
CAN_DO_WITHOUT = {
    "tools": "the tool; it is to write JSON instead",
    "reasoning_effort": "the effort to think with",
    "stream_options": "the count of tokens",
    "max_tokens": "max_tokens, and with max_completion_tokens instead",
}
"""Fields of a request that not every server takes, and what a request goes without then."""


class OpenAI:
    """One model of one server."""

    def __init__(self, name: str, settings: AgentSettings) -> None:
        """The server is that of the settings, of OPENAI_BASE_URL, or OpenAI's own; its only model when `name` is empty."""
        self._settings = settings
        self._url = (settings.base_url or os.environ.get("OPENAI_BASE_URL") or HOME).rstrip("/")
        if not self._url.startswith(("http://", "https://")):
            raise ConfigError(f"base_url {self._url!r} is no address; it begins with http:// or https://")
        self._left_out = {"max_tokens"} if self._url == HOME else set[str]()
        self._client: httpx2.AsyncClient | None = None
        self._has_key = False
        self.name = name or _only_model(self._url)

    async def answer(self, talk: Talk, tool: Tool, ears: Ears) -> Answer:
        """See `Model`."""
        while True:
            refused = await self._once(talk, tool, ears)
            if isinstance(refused, Answer):
                return refused
            field, said = refused
            self._left_out.add(field)
            ears.hear("notice", f"{self.name} is asked without {CAN_DO_WITHOUT[field]}: {said.words}\n")

    async def close(self) -> None:
        """See `Model`."""
        client, self._client = self._client, None
        if client:
            await client.aclose()

    async def _once(self, talk: Talk, tool: Tool, ears: Ears) -> Answer | tuple[str, Complaint]:
        """The answer, or the field that the server will not have with what it says of it."""
        import httpx2

        completion = Completion(ears)
        body = self._body(talk, tool)
        try:
            async with self._connected().stream("POST", f"{self._url}/chat/completions", json=body) as response:
                if response.status_code != 200:
                    said = complaint(response.status_code, await _beginning(response))
                    if field := next((one for one in CAN_DO_WITHOUT if one in body and said.is_about(one)), None):
                        return field, said
                    raise self._trouble(said, response.headers)
                async for piece in _pieces(response):
                    if piece == "[DONE]":
                        completion.finish()
                        break
                    self._add(piece, completion)
        except httpx2.RequestError as error:
            if not completion.is_finished:
                raise self._broken(error) from error
        if not completion.is_finished:
            raise Trouble(
                "unavailable", f"{self._url} ended the answer of {self.name} before it was whole", unanswered=True
            )
        return completion.answer(tool)

    def _connected(self) -> "httpx2.AsyncClient":
        import httpx2

        if self._client is None:
            secret = _key(self.name)
            if self._url == HOME and not secret:
                raise Trouble("bad_key", f"{self.name} needs a key: {where('openai')}")
            timeout = httpx2.Timeout(self._settings.silence_seconds, connect=CONNECT_SECONDS)
            self._client = httpx2.AsyncClient(timeout=timeout, headers=_headers(secret))
            self._has_key = bool(secret)
        return self._client

    def _body(self, talk: Talk, tool: Tool) -> dict[str, Any]:
        effort = self._settings.effort
        body = {
            "model": self.name,
            "messages": self._messages(talk, tool),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": self._settings.output_tokens,
            "tools": [{"type": "function", "function": _function(tool)}],
            **({"reasoning_effort": "xhigh" if effort == "max" else effort} if effort else {}),
        }
        if "max_tokens" in self._left_out:
            body["max_completion_tokens"] = self._settings.output_tokens
        return {field: value for field, value in body.items() if field not in self._left_out}

    def _messages(self, talk: Talk, tool: Tool) -> list[Mapping[str, Any]]:
        system = [block.text for block in talk.prompt.system]
        if "tools" in self._left_out:
            system.append(form(tool))
        messages: list[Mapping[str, Any]] = [
            {"role": "system", "content": "\n\n".join(system)},
            {"role": "user", "content": "\n\n".join(block.text for block in talk.prompt.user)},
        ]
        for turned in talk.turned:
            messages += [turned.answer.raw, *_reply(turned, tool)]
        return messages

    def _add(self, piece: str, completion: Completion) -> None:
        try:
            chunk = json.loads(piece)
            if said := told_in(chunk):
                raise self._trouble(said, {})
            completion.add(chunk)
        except (ValueError, RecursionError) as error:
            raise Trouble(
                "unavailable", f"{self._url} wrote what is no chat completion: {redact(piece)[:100]!a}"
            ) from error

    def _trouble(self, said: Complaint, headers: Mapping[str, str]) -> Trouble:
        return said.trouble(model=self.name, url=self._url, has_key=self._has_key, headers=headers)

    def _broken(self, error: "httpx2.RequestError") -> Trouble:
        import httpx2

        match error:
            case httpx2.ConnectError() | httpx2.ConnectTimeout():
                return Trouble("unavailable", f"nothing answers at {self._url}: is the server running?")
            case httpx2.ReadTimeout():
                seconds = self._settings.silence_seconds
                why = f"{self._url} said nothing for {seconds:g} s; a slow server needs a longer agent.silence_seconds"
            case httpx2.SSEError():
                return Trouble("wrong", f"{self._url} does not stream chat completions: {error}")
            case _:
                why = f"the connection to {self._url} broke: {type(error).__name__} {error}".rstrip()
        return Trouble("unavailable", why, unanswered=True)


def _reply(turned: Turned, tool: Tool) -> list[Mapping[str, Any]]:
    notes = told(turned.notes) if turned.notes else ""
    if calls := turned.answer.raw.get("tool_calls"):
        replied = {"role": "tool", "tool_call_id": calls[0]["id"], "content": turned.reply}
        return [replied, *([{"role": "user", "content": notes}] if notes else [])]
    # A server that takes tools may have a model that knows nothing of them. Many models' templates want user and assistant
    # in turns, so all is one message.
    how = form(tool) if turned.answer.call is None else ""
    return [{"role": "user", "content": "\n\n".join(filter(None, (turned.reply, how, notes)))}]


def _key(name: str) -> str | None:
    try:
        secret = key("openai")
    except ConfigError as error:
        raise Trouble("bad_key", str(error)) from error
    # The transport would quote it in its complaint about the header.
    if secret and (not (secret.isascii() and secret.isprintable()) or " " in secret):
        raise Trouble("bad_key", f"the key for {name} has a space, a line break or another character that no key has")
    return secret


def _headers(secret: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def _function(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.schema, "strict": True}


async def _pieces(response: "httpx2.Response") -> AsyncIterator[str]:
    """The data of each event; of a server that does not stream, all at once."""
    import httpx2

    if response.headers.get("content-type", "").startswith("application/json"):
        yield (await response.aread()).decode(errors="replace")
        return
    async for event in httpx2.EventSource(response):
        if event.data:
            yield event.data


async def _beginning(response: "httpx2.Response") -> str:
    """As much of an error's body as anybody wants to read."""
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > 100_000:
            break
    return body.decode(errors="replace")


def _only_model(url: str) -> str:
    """The model of a server that has one."""
    import httpx2

    name_one = "name one, as in openai:MODEL"
    if url == HOME:
        raise ConfigError(f"openai has many models; {name_one} (GET {url}/models with your key lists them)")
    try:
        response = httpx2.get(f"{url}/models", headers=_headers(_key("the server")), timeout=CONNECT_SECONDS)
        models = [str(model["id"]) for model in response.raise_for_status().json()["data"]]
    except (Trouble, httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__} {redact(str(error))}".strip()[:200]
        raise ConfigError(
            f"{url}/models does not say which models there are ({why}); is the server running? Or {name_one}"
        ) from error
    if len(models) != 1:
        raise ConfigError(f"{url} has {len(models)} models; {name_one}: {', '.join(models[:10])}")
    return models[0]
