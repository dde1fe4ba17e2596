"""Exact search and replace, as a model writes its edits: applied in memory, or refused in words for the model.

Nothing is guessed: a text that is not there as it was written, or that is there twice, is not replaced.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import EditRefused
from .diff import show

CHARACTERS = 200
"""Of a line, compared with others; more says nothing about which one was meant."""


class Replacement(NamedTuple):
    """One edit of one file."""

    path: str
    old: str
    """A text that is in the file exactly once; "" makes a new file."""
    new: str


def replaced(replacements: Sequence[Replacement], sources: Mapping[str, str]) -> dict[str, str]:
    """The new text of each file that is edited; each replacement sees what the ones before it made."""
    results: dict[str, str] = {}
    for number, replacement in enumerate(replacements, 1):
        where = f"edit {number}, of {replacement.path}"
        results[replacement.path] = _replaced(where, replacement, {**sources, **results})
    return results


def _replaced(where: str, replacement: Replacement, sources: Mapping[str, str]) -> str:
    path, old, new = replacement
    if path not in sources:
        if old:
            raise EditRefused(f"{where}: there is no such file; there are: {', '.join(sources)}")
        return new
    text = sources[path]
    if not old:
        raise EditRefused(f"{where}: old is empty, but the file is there already; copy the text to replace from it")
    at = text.find(old)
    if at < 0:
        raise EditRefused(
            f"{where}: old is not in the file{_nearest(old, text)}; copy it exactly, with its indentation"
        )
    if text.find(old, at + 1) >= 0:
        lines = ", ".join(str(number) for number in _places(old, text))
        raise EditRefused(f"{where}: old is in the file more than once, at lines {lines}; add the lines around it")
    return text[:at] + new + text[at + len(old) :]


def _places(old: str, text: str) -> list[int]:
    """The numbers of the first few lines at which `old` begins."""
    places: list[int] = []
    at = text.find(old)
    while at >= 0 and len(places) < 5:
        places.append(text.count("\n", 0, at) + 1)
        at = text.find(old, at + 1)
    return places


def _nearest(old: str, text: str) -> str:
    """Where the first line of `old` that is not empty may have been meant; "" when nothing is like it."""
    wanted = next((line.strip() for line in old.split("\n") if line.strip()), "")[:CHARACTERS]
    lines = text.split("\n")
    stripped = [line.strip()[:CHARACTERS] for line in lines]
    found = difflib.get_close_matches(wanted, stripped, 1, 0.6)
    if not found:
        return ""
    number = stripped.index(found[0])
    return f"; the nearest to its first line is line {number + 1}: {show(lines[number])}"
