"""Claude Code's tools: what a person is asked of each, and what it does instead when they amend it."""

import json
from collections.abc import Mapping
from typing import Any

from ..editing import edits
from ..errors import EditRefused
from ..turn import Permission
from .dialogue import Kind, shown
from .scratch import Scratch

KINDS: dict[str, Kind] = {
    "Edit": "edit",
    "Write": "edit",
    "Read": "read",
    "Glob": "read",
    "Grep": "read",
    "Bash": "execute",
    "WebFetch": "fetch",
    "WebSearch": "fetch",
}


def amended(scratch: Scratch, tool: str, given: dict[str, Any], text: str) -> dict[str, Any]:
    """The tool's input with a person's own detail in it; EditRefused when that does not fit."""
    if tool == "Bash":
        return {**given, "command": text}
    if tool not in ("Edit", "Write"):
        raise EditRefused(f"the input of {tool} cannot be amended")
    path = scratch.name(str(given.get("file_path")))
    now = scratch.text(path)
    after = edits.apply(edits.parse(text, recount=True), {} if now is None else {path: now})
    if list(after) != [path]:
        raise EditRefused(f"it must change {path} alone")
    if tool == "Write":
        return {**given, "content": after[path]}
    return {**given, "old_string": now, "new_string": after[path], "replace_all": False}


def permission(scratch: Scratch, tool: str, given: dict[str, Any]) -> Permission:
    """What a person is asked."""
    path, detail = given.get("file_path") or given.get("path"), ""
    names = (scratch.name(path),) if isinstance(path, str) else ()
    match tool:
        case "Bash":
            detail = str(given.get("command"))
        case "Edit" if isinstance(path, str):
            detail = scratch.edited(path, str(given.get("old_string")), str(given.get("new_string")))
        case "Write" if isinstance(path, str):
            detail = scratch.edited(path, scratch.text(path), str(given.get("content")))
    kind = KINDS.get(tool, "other")
    if kind in ("edit", "read") and not names:
        kind = "other"  # nobody knows where
    detail = detail or json.dumps(given, indent=1, ensure_ascii=False)
    return Permission(title(scratch, tool, given), kind, shown(detail), names)


def title(scratch: Scratch, tool: str, given: Mapping[str, Any]) -> str:
    """In few words."""
    path = given.get("file_path") or given.get("path")
    what = scratch.name(path) if isinstance(path, str) else str(given.get("command") or given.get("pattern") or "")
    return f"{tool} {what}".strip()[:300]
