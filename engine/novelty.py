"""Whether a proposal was tried before, and how far it is from what was. Pure.

Covered: the same code in another layout, with other comments or docstrings. Not covered: other code that does the same.
"""

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

LAST = 200
"""How many earlier diffs a new one is compared with."""
TOKENS = 400
"""Of a longer diff only so many count: comparing takes time with the square of it."""

_TOKEN = re.compile(r"\d[\w.]*?[eE][+-]\d+|\d[\w.]*|\w+|[^\w\s]+")


class Near(NamedTuple):
    """The earlier diff that is most like a new one."""

    experiment: int
    distance: float
    """0 is the same change, 1 has nothing in common."""


def fingerprint(sources: Mapping[str, str]) -> str:
    """SHA-256 of the code after parsing: equal for files that differ only in comments, layout or docstrings."""
    parts = sorted((path, _parsed(text) if path.endswith(".py") else text) for path, text in sources.items())
    return _digest(repr(parts))


def nearest(diff: str, earlier: Iterable[tuple[int, str]]) -> Near | None:
    """The earlier diff that is most like `diff`; `earlier` are experiments' numbers and diffs, newest first. None without any.

    The distance is 1 minus the share of tokens that the changed lines have in common, in order. Of two that are equally near it is
    the newer one.
    """
    new, bag = _tokens(diff)
    matcher: SequenceMatcher[str] = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(new)
    found: list[tuple[float, int, tuple[str, ...]]] = []
    for number, text in islice(earlier, LAST):
        old, others = _tokens(text)
        common = sum(min(count, others[token]) for token, count in bag.items())
        found.append((2 * common / (len(old) + len(new)) if old or new else 1.0, number, old))
    best, most = None, -1.0
    # The share in common without regard to order is a bound: from the first that cannot be nearer, none can.
    for bound, number, old in sorted(found, key=lambda one: (-one[0], -one[1])):
        if bound <= most:
            break
        matcher.set_seq1(old)
        if (share := matcher.ratio()) > most:
            best, most = number, share
    return None if best is None else Near(best, round(1 - most, 4))


@lru_cache(maxsize=128)  # more would be tens of megabytes; counting a long run again takes 0.2 s
def _tokens(diff: str) -> tuple[tuple[str, ...], Counter[str]]:
    """The tokens of the changed lines, with the sign of the line before each line's."""
    found: list[str] = []
    for text in diff.split("\n"):
        if text[:1] in ("+", "-") and not text.startswith(("--- ", "+++ ")):
            found += [text[0], *_TOKEN.findall(text, 1)]
            if len(found) >= TOKENS:
                break
    tokens = tuple(found[:TOKENS])
    return tokens, Counter(tokens)


@lru_cache(maxsize=64)
def _parsed(text: str) -> str:
    """The digest of a module's syntax tree, without docstrings; of the text, if that is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape is the author's affair
            tree = ast.parse(text.removeprefix("\ufeff"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                _drop_docstring(node)
            elif isinstance(node, ast.Constant):
                node.kind = None  # u"" is ""
        return _digest(ast.dump(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Nested too deeply, or a number too long to print: then its text is all there is to compare.
        return _digest(f"text {text}")


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body[:1] = [] if len(node.body) > 1 or isinstance(node, ast.Module) else [ast.Pass()]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
