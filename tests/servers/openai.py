"""A scripted OpenAI-compatible server: chat completions, streamed, with the faults that servers have.

    python -m tests.servers.openai script.json --port 8788

A script is a list of steps; each request takes the next one, and the last one stays.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .serving import Serving


class Step(BaseModel):
    """What the server does with one request."""

    model_config = ConfigDict(extra="forbid")

    status: int = 200
    body: Any = None
    """Of any other status: JSON, or text as it is."""
    headers: dict[str, str] = {}
    will_not_have: dict[str, str] = {}
    """Fields of a request that are answered with a complaint (400) instead; the step is not used up then."""

    thinking: str = ""
    thinks_as: Literal["reasoning_content", "reasoning"] = "reasoning_content"
    text: str = ""
    refusal: str = ""
    call: dict[str, Any] | str | None = None
    """The arguments of the tool call; text is sent as it is."""
    calls: str | None = None
    """The tool that is called; the first of the request when absent."""
    finish: str | None = None
    """`finish_reason`; "tool_calls" or "stop" when absent."""
    usage: dict[str, Any] | None = {"prompt_tokens": 100, "completion_tokens": 20}

    size: int = 8
    """Characters in a piece."""
    seconds: float = 0
    """Before each piece."""
    after: int | None = None
    """Something happens after so many pieces: `then`."""
    then: Literal["cut", "end", "stall", "garbage"] | dict[str, Any] = "cut"
    """The connection is lost, the body ends, nothing more is said, no JSON comes; or this, sent as a piece."""


class Server(Serving):
    """Plays a script."""

    def __init__(self, *steps: Step, models: Iterable[str] = ("small",), port: int = 0) -> None:
        """`models` are what it says that it has."""
        routes = [
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/v1/models", self._list_models),
        ]
        super().__init__(Starlette(routes=routes), port=port)
        self.base_url, self.models = f"{self.url}/v1", list(models)
        self.play(*steps)

    def play(self, *steps: Step) -> None:
        """Another script, from its beginning; forget what was asked."""
        self._steps = list(steps)
        self.requests: list[dict[str, Any]] = []
        """The body of each request."""
        self.headers: list[dict[str, str]] = []
        self.left = 0
        """How many clients went away before their answer was whole."""

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        step = self._steps[0]
        for field, words in step.will_not_have.items():
            if field in body:
                return JSONResponse({"error": {"message": words, "code": 400}}, status_code=400)
        if len(self._steps) > 1:
            self._steps.pop(0)
        if step.status != 200:
            kind = PlainTextResponse if isinstance(step.body, str) else JSONResponse
            return kind(step.body, status_code=step.status, headers=step.headers)
        if step.body is not None:
            return JSONResponse(step.body)
        return StreamingResponse(self._stream(step, body), media_type="text/event-stream")

    async def _list_models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]})

    async def _stream(self, step: Step, body: dict[str, Any]) -> AsyncIterator[str]:
        try:
            for number, piece in enumerate(_pieces(step, body)):
                if number == step.after:
                    match step.then:
                        case "cut":
                            raise ConnectionError
                        case "end":
                            return
                        case "stall":
                            await asyncio.Event().wait()
                        case "garbage":
                            yield "data: {no json\n\n"
                        case told:
                            yield _event(told)
                await asyncio.sleep(step.seconds)
                yield piece
        except asyncio.CancelledError:
            self.left += 1
            raise


def _pieces(step: Step, body: dict[str, Any]) -> Iterator[str]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        return _event(
            {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        )

    yield chunk({"role": "assistant", "content": ""})
    for field, words in ((step.thinks_as, step.thinking), ("content", step.text), ("refusal", step.refusal)):
        for part in _parts(words, step.size):
            yield chunk({field: part})
    if step.call is not None:
        name = step.calls or body["tools"][0]["function"]["name"]
        yield chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": name, "arguments": ""}}]})
        for part in _parts(step.call if isinstance(step.call, str) else json.dumps(step.call), step.size):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
    yield chunk({}, step.finish or ("tool_calls" if step.call is not None else "stop"))
    if step.usage is not None and body.get("stream_options", {}).get("include_usage"):
        yield _event({"object": "chat.completion.chunk", "choices": [], "usage": step.usage})
    yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _parts(words: str, size: int) -> Iterator[str]:
    return (words[at : at + size] for at in range(0, len(words), size))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("script", type=Path)
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()
    steps = TypeAdapter(list[Step]).validate_json(chosen.script.read_bytes())
    with Server(*steps, port=chosen.port) as server:
        print(server.base_url, flush=True)
        server.wait()


if __name__ == "__main__":
    main()
