"""What the scripted Messages API plays: a step for a request, as the events of its stream, and the record of what became of it."""

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from .anthropic_rules import CHARACTERS_PER_TOKEN, Body, sign, tokens

Event = dict[str, Any]


class Step(BaseModel):
    """What the server does with one request."""

    model_config = ConfigDict(extra="forbid")

    content: list[Body] = []
    """Blocks: thinking, text, tool_use. The last has an `input`, or `raw`: text that is streamed as it is."""
    stop: str | None = None
    """`stop_reason`; tool_use or end_turn when absent."""
    details: Body | None = None
    """`stop_details`, of a refusal."""
    truncate: int | None = None
    """The answer is cut after so many tokens."""

    status: int = 200
    """Of an HTTP error instead of an answer."""
    type: str = "api_error"
    message: str = "scripted"
    error_details: Body | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    """Sent as it is, instead of all that."""

    after: int | None = None
    """Something happens after so many deltas: `then`."""
    then: Literal["incomplete", "reset", "clean", "stall", "garbage", "error", "wait"] = "incomplete"
    """The connection is closed within the body, or reset; the body ends; silence; no JSON; an error of `type`; a wait for `go_on`."""

    model: str | None = None
    """Only for requests of this model."""
    times: int = 1
    """So many requests take this step; 0 for any number."""
    size: int = 14
    """Characters in a delta."""
    seconds: float = 0
    """Before each delta."""


class Served(BaseModel):
    """One request, and what became of it."""

    body: Body
    headers: dict[str, str]
    """Without the key."""
    usage: dict[str, int] = {}
    """What is billed: input, output, cache_read, cache_write_5m, cache_write_1h."""
    outcome: str = ""
    """"done", "client_gone", the fault, or the status of an error; "" until it is over."""
    times: dict[str, float] = {}
    """Seconds since the epoch: `first` when the first delta left, `over` when it was over."""


def events(step: Step, served: Served) -> Iterator[Event]:
    """A whole answer, as events."""
    body, used = served.body, served.usage
    usage = {
        "input_tokens": used["input"],
        "cache_read_input_tokens": used["cache_read"],
        "cache_creation_input_tokens": used["cache_write_5m"] + used["cache_write_1h"],
    }
    split = {f"ephemeral_{ttl}_input_tokens": used[f"cache_write_{ttl}"] for ttl in ("5m", "1h")}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": []}
    message |= {"stop_reason": None, "stop_sequence": None}
    yield {
        "type": "message_start",
        "message": {**message, "usage": {**usage, "cache_creation": split, "output_tokens": 1}},
    }
    yield {"type": "ping"}
    room = min(body["max_tokens"], step.truncate or body["max_tokens"])
    spent = thought = 0
    for index, block in enumerate(step.content):
        kind, text = block["type"], _written(block)
        whole, text = text, text[: int((room - spent) * CHARACTERS_PER_TOKEN)]
        spent += tokens(text)
        thought += tokens(text) if kind == "thinking" else 0
        yield {"type": "content_block_start", "index": index, "content_block": _begun(block, index)}
        yield from (
            {"type": "content_block_delta", "index": index, "delta": delta}
            for delta in _deltas(block, text, body, step.size)
        )
        if text != whole:
            break
        yield {"type": "content_block_stop", "index": index}
    cut = spent >= room
    calls = any(block["type"] == "tool_use" for block in step.content)
    stop = "max_tokens" if cut else step.stop or ("tool_use" if calls else "end_turn")
    told = {**usage, "output_tokens": max(1, spent), "output_tokens_details": {"thinking_tokens": thought}}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": None, "stop_details": step.details},
        "usage": told,
    }
    yield {"type": "message_stop"}


def _written(block: Body) -> str:
    match block["type"]:
        case "tool_use":
            return str(block["raw"]) if "raw" in block else json.dumps(block["input"], ensure_ascii=False)
        case kind:
            return str(block[kind])


def _begun(block: Body, index: int) -> Body:
    match block["type"]:
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_use":
            return {"type": "tool_use", "id": f"toolu_{index}", "name": block["name"], "input": {}}
        case _:
            return {"type": "text", "text": ""}


def _deltas(block: Body, text: str, body: Body, size: int) -> Iterator[Event]:
    kind, field = {
        "thinking": ("thinking_delta", "thinking"),
        "tool_use": ("input_json_delta", "partial_json"),
        "text": ("text_delta", "text"),
    }[block["type"]]
    shown = text
    if kind == "thinking_delta" and body.get("thinking", {}).get("display", "omitted") == "omitted":
        shown = ""
    yield from ({"type": kind, field: shown[at : at + size]} for at in range(0, len(shown), size))
    if kind == "thinking_delta":
        yield {"type": "signature_delta", "signature": sign(shown)}
