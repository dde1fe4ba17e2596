"""The last paragraph of a commit's message: what the engine says about it, as `Name: value` lines.

The words above it come from outside. They can neither forge a trailer nor carry a control character.
"""

import re
from collections.abc import Mapping

_TRAILER = re.compile(r"([A-Za-z][A-Za-z-]*): (.*)")


def written(message: str, trailers: Mapping[str, str]) -> str:
    """The whole message. It needs a trailer: without one, its own last words would be read as some."""
    if not trailers:
        raise ValueError("a commit needs a trailer")
    words = "\n".join(_shown(line) for line in message.strip().split("\n"))
    lines = [f"{name}: {_shown(value)}" for name, value in trailers.items()]
    return "\n".join([words, "", *lines, ""])


def trailers_of(message: str) -> dict[str, str]:
    """The trailers of a message that `written` made."""
    last = message.rstrip("\n").rpartition("\n\n")[2]
    return {found[1]: found[2] for line in last.split("\n") if (found := _TRAILER.fullmatch(line))}


def _shown(line: str) -> str:
    return "".join(character if character.isprintable() else " " for character in line).rstrip()
