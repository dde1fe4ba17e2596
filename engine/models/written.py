"""A tool call from a model that has no tools: one JSON object, as the whole answer or in one fenced block. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from . import Call, Tool

FENCE = re.compile(
    r"^[ \t]*```[ \t]*(?:json)?[ \t]*\n(.*?)\n[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
ID = "written"


class Unreadable(Exception):
    """Text that should be a JSON object, and is none; the message says why."""


def form(tool: Tool) -> str:
    """How a model without tools is to answer."""
    schema = json.dumps(tool.schema, ensure_ascii=False)
    return (
        f"Answer with one JSON object and nothing else, in place of a call of the tool {tool.name}. {tool.description}\n"
        f"Its JSON schema:\n{schema}"
    )


def written(text: str, tool: Tool) -> Call | None:
    """The call in a text; None when there is nothing of the kind in it."""
    text = text.strip()
    blocks = (
        [text] if text.startswith("{") else [block for block in FENCE.findall(text) if block.strip().startswith("{")]
    )
    if not blocks:
        return None
    if len(blocks) > 1:
        return Call(ID, {}, f"there are {len(blocks)} JSON objects; write exactly one")
    try:
        return Call(ID, _unwrapped(read(blocks[0]), tool))
    except Unreadable as problem:
        return Call(ID, {}, f"the JSON object cannot be read: {problem}")


def read(text: str) -> Mapping[str, Any]:
    """A JSON object, strictly: no NaN, no key twice, nothing after it."""
    try:
        found = json.loads(text, parse_constant=_no_number, object_pairs_hook=_unique)
        json.dumps(
            found, ensure_ascii=False
        ).encode()  # half of a surrogate pair is no text, and nobody can write it down
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)[:200]) from None
    if not isinstance(found, dict):
        raise Unreadable("it is JSON, but no object")
    return found


def _unwrapped(found: Mapping[str, Any], tool: Tool) -> Mapping[str, Any]:
    """Models that learned to write calls as text wrap the input in the tool's name."""
    inside = found.get("arguments", found.get("parameters"))
    return inside if found.get("name") == tool.name and isinstance(inside, dict) else found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found
