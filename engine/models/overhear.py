"""Reading a call while it is still being written: each of its first texts as soon as it is complete.

What comes after the first value that is not a text, edits say, is not read aloud: a person sees it as a diff, later.
"""

import json
import re

PENDING = 8_000
"""A text longer than this is not waited for."""

_PAIR = re.compile(r'\s*[{,]\s*("(?:[^"\\]|\\.)*")\s*:\s*("(?:[^"\\]|\\.)*")', re.DOTALL)


class Overheard:
    """The input of one call, as it streams."""

    def __init__(self) -> None:
        """Nothing was written yet."""
        self._pending = ""

    def read(self, piece: str) -> str:
        """What a further piece of JSON completes, a line each: "hypothesis: …"; "" for nothing."""
        if len(self._pending) > PENDING:
            return ""
        self._pending += piece
        lines = []
        while found := _PAIR.match(self._pending):
            self._pending = self._pending[found.end() :]
            lines.append(f"{_text(found[1])}: {_text(found[2])}\n")
        return "".join(lines)


def _text(quoted: str) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return quoted
