"""What an agent tells of its tools over the Agent Client Protocol, put together.

It comes in pieces, some of it only once and early, and each agent leaves out something else. All of it is a claim, but a command is
never taken for an edit, and an edit that says nowhere where is no edit.
"""

import json
import shlex
from collections.abc import Sequence
from typing import Any

from ..turn import Permission
from .dialogue import Kind, shown
from .scratch import Scratch

KINDS: dict[str, Kind] = {
    "edit": "edit",
    "delete": "edit",
    "read": "read",
    "search": "read",
    "execute": "execute",
    "fetch": "fetch",
}
"""The protocol's kinds of tools as the gate knows them; all others are `other`."""

PATHS = ("file_path", "filePath", "filepath", "path", "abs_path")
"""Where agents put a file's name in what they give a tool."""


class Tools:
    """The tool calls of one session, by their ids."""

    def __init__(self, scratch: Scratch) -> None:
        """None yet."""
        self._scratch = scratch
        self._calls: dict[str, dict[str, Any]] = {}
        self._shown: dict[str, str] = {}

    def told(self, update: dict[str, Any]) -> str:
        """Take in what an agent tells of a call; a line for a person, "" when they have read it already."""
        number, tool = str(update.get("toolCallId")), self._merged(update)
        title = self._title(tool)
        line = f"{title}: failed" if tool.get("status") == "failed" else title
        if self._shown.get(number) == line:
            return ""
        self._shown[number] = line
        return line

    def permission(self, update: dict[str, Any]) -> Permission:
        """What is asked for, with all that was told of it before."""
        tool = self._merged(update)
        given = tool.get("rawInput")
        raw: dict[str, Any] = given if isinstance(given, dict) else {}
        diffs = [part for part in tool.get("content") or () if part.get("type") == "diff"]
        command = _command(raw.get("command"))
        kind: Kind = "execute" if command else KINDS.get(str(tool.get("kind")), "other")
        paths = [part["path"] for part in diffs] + [place["path"] for place in tool.get("locations") or ()]
        paths += [raw[name] for name in PATHS if isinstance(raw.get(name), str)]
        names = tuple(dict.fromkeys(self._scratch.name(path) for path in paths))
        if kind in ("edit", "read") and not names:
            kind = "other"
        diff = "".join(self._scratch.edited(part["path"], part.get("oldText"), part["newText"]) for part in diffs)
        detail = diff or command or (json.dumps(raw, indent=1, ensure_ascii=False) if raw else "")
        return Permission(self._title(tool), kind, shown(detail), names)

    def _merged(self, update: dict[str, Any]) -> dict[str, Any]:
        known = self._calls.setdefault(str(update.get("toolCallId")), {})
        known.update((name, value) for name, value in update.items() if value not in (None, [], {}, ""))
        return known

    def _title(self, tool: dict[str, Any]) -> str:
        """In few words. Some agents name the file alone, with the whole path to it."""
        title, kind = str(tool.get("title") or ""), str(tool.get("kind") or "tool")
        for folder in (str(self._scratch.folder), str(self._scratch.folder).lstrip("/")):
            title = title.replace(f"{folder}/", "")
        return (title if " " in title or title.lower() == kind else f"{kind} {title}".strip())[:300]


def _command(command: object) -> str:
    if isinstance(command, str):
        return command
    if isinstance(command, Sequence) and all(isinstance(word, str) for word in command):
        return shlex.join(command)
    return ""
