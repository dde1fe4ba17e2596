"""Text from outside as it stands in a prompt: data between marks of ours, which it cannot close. Pure.

Covered: controls, characters that cannot be seen or that reorder what is seen, fences inside of what is fenced, lines that look
like ours. Not covered: what the words say; that they are data, the rules of the prompt say.
"""

import re

from ..editing.diff import UNSEEN

REPLACEMENT = "\ufffd"

_FENCE = re.compile("`{3,}")


def seen(text: str) -> str:
    """The same lines, with a visible mark for each character that a reader could not see."""
    # A carriage return at the end of a line is part of a file from another system, and an edit has to repeat it.
    return "\r\n".join(UNSEEN.sub(REPLACEMENT, part) for part in text.split("\r\n"))


def line(text: str, limit: int) -> str:
    """One line of at most `limit` characters."""
    return cut(" ".join(UNSEEN.sub(" ", text).split()), limit)


def cut(text: str, limit: int) -> str:
    """The beginning of a text that is longer than `limit` characters, with a word on what is gone."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit:,} more characters)"


def fenced(text: str, language: str = "") -> str:
    """A block that ends where we say: its fence is longer than any inside."""
    inside = seen(text)
    fence = "`" * max((len(found) + 1 for found in _FENCE.findall(inside)), default=3)
    return f"{fence}{language}\n{inside}{'' if inside.endswith(chr(10)) else chr(10)}{fence}"


def quoted(text: str, limit: int) -> str:
    """Lines behind a mark of ours, so that none of them can pass for another part of the prompt."""
    return "\n".join(f"> {one}".rstrip() for one in re.split(r"\r\n|\n|\r", cut(seen(text).strip(), limit)))
