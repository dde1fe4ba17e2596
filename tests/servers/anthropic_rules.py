"""What the Messages API will not have in a request, as far as it is documented; the wording is ours."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

CHARACTERS_PER_TOKEN = 3.6
SHORTEST_CACHED = 1024
"""Tokens; the API does not cache a shorter beginning."""

_NEWEST = re.compile(r"-5-5|fable|mythos")
_RECENT = re.compile(r"-5-5|-5$|opus-4-[78]|fable|mythos")
_NO_SYSTEM_ROLE = re.compile(r"-4-[0-7]|haiku-4|claude-3")

Body = dict[str, Any]


def refusal(body: Body) -> str | None:
    """Why a request is not taken; None when it is."""
    return next((why for rule in (_fields, _thinking, _tools, _messages) for why in rule(body)), None)


def tokens(value: Any) -> int:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return max(1, round(len(text) / CHARACTERS_PER_TOKEN)) if text else 0


def sign(thinking: str) -> str:
    return hashlib.sha256(f"signed {thinking}".encode()).hexdigest()


def blocks(content: str | list[Body]) -> list[Body]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def parts(body: Body) -> Iterator[tuple[str, bool]]:
    """All of a prompt in the order in which it is cached, and whether a part ends with a mark."""
    for tool in body.get("tools", []):
        yield _part("tool", tool)
    for block in blocks(body.get("system", [])):
        yield _part("system", block)
    for message in body["messages"]:
        for block in blocks(message["content"]):
            yield _part(message["role"], block)


def _part(role: str, block: Body) -> tuple[str, bool]:
    plain = {name: value for name, value in block.items() if name != "cache_control"}
    return json.dumps([role, plain], sort_keys=True, ensure_ascii=False), "cache_control" in block


def _fields(body: Body) -> Iterator[str]:
    for field in ("model", "messages", "max_tokens"):
        if field not in body:
            yield f"{field}: Field required"
    if not body["messages"]:
        yield "messages: at least one message is required"
    marks = sum(marked for _, marked in parts(body))
    if marks > 4:
        yield f"A maximum of 4 blocks with cache_control may be provided. Found {marks}."
    for name in ("temperature", "top_p", "top_k"):
        if name in body and _RECENT.search(body["model"]):
            yield f"`{name}` is not supported on {body['model']}"


def _thinking(body: Body) -> Iterator[str]:
    model, thinking = body["model"], body.get("thinking", {})
    if thinking.get("type") == "enabled" and _RECENT.search(model):
        yield f"thinking.type: 'enabled' is not supported on {model}; use 'adaptive'"
    if thinking.get("type") == "disabled" and _NEWEST.search(model):
        yield f"thinking.type: 'disabled' is not supported on {model}"
    if body.get("tool_choice", {}).get("type") in ("any", "tool") and (thinking or _NEWEST.search(model)):
        yield "tool_choice: forced tool use is not supported; use 'auto' or 'none'"


def _tools(body: Body) -> Iterator[str]:
    for index, tool in enumerate(body.get("tools", [])):
        if tool.get("strict"):
            for problem in _loose(tool["input_schema"]):
                yield f"tools.{index}.custom: {problem}"


def _loose(schema: Any) -> Iterator[str]:
    """Where a schema is not strict."""
    if isinstance(schema, list):
        for each in schema:
            yield from _loose(each)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
        if set(schema.get("required", [])) != set(schema.get("properties", {})):
            yield "For 'object' type, every property must be required"
    for value in schema.values():
        yield from _loose(value)


def _messages(body: Body) -> Iterator[str]:
    messages = body["messages"]
    before, calls = "", set[str]()
    for number, message in enumerate(messages):
        role, content = message["role"], blocks(message["content"])
        where = f"messages.{number}"
        if role not in ("user", "assistant", "system"):
            yield f"{where}.role: unexpected role {role!r}"
        if not content:
            yield f"{where}: all messages must have non-empty content"
        if role == "system":
            if _NO_SYSTEM_ROLE.search(body["model"]):
                yield f"{where}: role 'system' is not supported on this model"
            if before != "user":
                yield f"{where}: a 'system' message must come immediately after a 'user' message"
            continue
        results = {block["tool_use_id"] for block in content if block["type"] == "tool_result"}
        if results != calls:
            yield f"{where}: each `tool_use` must have a `tool_result` in the next message, and no other has one"
        calls = {block["id"] for block in content if block["type"] == "tool_use"}
        for place, block in enumerate(content):
            if block["type"] == "text" and not block["text"].strip():
                yield f"{where}.content.{place}.text: text content blocks must contain non-whitespace text"
            if block["type"] == "thinking" and block["signature"] != sign(block["thinking"]):
                yield f"{where}.content.{place}: Invalid `signature` in `thinking` block"
        before = role
    if before == "assistant":
        yield "This model does not support assistant message prefill. The conversation must end with a user message."
