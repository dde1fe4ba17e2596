"""A Python file as text and tree at once, and small changes to it by exact position: all else stays, to the byte.

Covered: names for places, and where an edit is safe to make. Not covered: whether what comes out is any good.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

Kind = Literal["constant", "operator", "idiom", "text"]

SHOWN = 60
"""Characters of a piece of code in a sentence."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_UNSAFE = (ast.JoinedStr, ast.pattern, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)
"""Python 3.11 does not know where things in an f-string are; patterns and imports are no expressions."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes from `start` to `end` of a file, and what takes their place."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One small edit of one file."""

    kind: Kind
    place: str
    """The setting or the function that it is in."""
    what: str
    """For people, in a few words."""
    pieces: tuple[Piece, ...]
    is_setting: bool = False
    """It gives another value to a name at the top level."""


class Code:
    """A file that Python can read."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.text, self.tree = text, tree
        self._bytes = text.encode()
        self._lines = [len("\ufeff".encode()) if text.startswith("\ufeff") else 0]
        for line in re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)", self._bytes[self._lines[0] :]):
            self._lines.append(self._lines[-1] + len(line))
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None when it is no Python."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an odd escape is its author's affair
                return cls(text, ast.parse(text.removeprefix("\ufeff")))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    def changed(self, pieces: tuple[Piece, ...]) -> str | None:
        """The text with these pieces in it; None when Python would not compile that."""
        made, at = b"", 0
        for piece in sorted(pieces, key=lambda one: (one.start, one.end)):
            made += self._bytes[at : piece.start] + piece.text.encode()
            at = piece.end
        text = (made + self._bytes[at:]).decode()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(text.removeprefix("\ufeff"), "edited", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return None
        return text

    # -- where things are ----------------------------------------------------------------------------------------------

    def nodes(self) -> Iterator[ast.AST]:
        """Every node that may be edited, in the order of the file: none in f-strings, annotations, patterns or imports."""
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            yield node
            hidden = {id(getattr(node, field, None)) for field in ("annotation", "returns")}
            children = [one for one in ast.iter_child_nodes(node) if id(one) not in hidden]
            waiting += [one for one in reversed(children) if not isinstance(one, _UNSAFE)]

    def blocks(self) -> Iterator[list[ast.stmt]]:
        """Every list of statements."""
        for node in self.nodes():
            for field in ("body", "orelse", "finalbody"):
                if isinstance(found := getattr(node, field, None), list):
                    yield found

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Where it begins, decorators included."""
        line = _first_line(node) if isinstance(node, ast.stmt) else node.lineno
        return self._lines[line - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Where it has ended."""
        assert node.end_lineno is not None, "a parsed node ends somewhere"
        assert node.end_col_offset is not None, "a parsed node ends somewhere"
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def between(self, start: int, end: int) -> str:
        """The text from one position to another."""
        return self._bytes[start:end].decode()

    def words(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        return self.between(self.start(node), self.end(node))

    def operand(self, node: ast.expr) -> str:
        """The text of a node, so that an operator may stand beside it: in parentheses, where they could matter."""
        is_atom = isinstance(
            node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Constant | ast.Tuple | ast.List
        )
        return self.words(node) if is_atom else f"({self.words(node)})"

    def shown(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node in one line, for a sentence."""
        return short(self.words(node))

    def indent(self, node: ast.stmt) -> str:
        """What stands before a statement on its line."""
        return self.between(self._lines[node.lineno - 1], self.start(node))

    def own_lines(self, first: ast.stmt, last: ast.stmt) -> tuple[int, int] | None:
        """From the first line of one statement to the end of the last line of another; None when they share a line with others."""
        start, end = self._lines[_first_line(first) - 1], self.end(last)
        line_end = next((at for at in self._lines if at >= end and at > start), len(self._bytes))
        rest = self.between(end, line_end).strip()
        is_alone = not self.between(start, self.start(first)).strip() and (not rest or rest.startswith("#"))
        return (start, line_end) if is_alone else None

    def has_comment(self, start: int, end: int) -> bool:
        """Whether an edit of these bytes could lose a comment; a # in a string counts as one."""
        return b"#" in self._bytes[start:end]

    def parent(self, node: ast.AST) -> ast.AST | None:
        """What a node is in."""
        return self._parents.get(node)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node is in, innermost first."""
        while (found := self._parents.get(node)) is not None:
            yield found
            node = found

    def function(self, node: ast.AST) -> ast.AST:
        """The function that a node is in, or the file."""
        return next((one for one in self.around(node) if isinstance(one, _Function)), self.tree)

    # -- names for places ----------------------------------------------------------------------------------------------

    def setting(self, node: ast.AST) -> str:
        """The name at the top level of the file, or of a class there, that a value belongs to; "" when there is none."""
        for one in self.around(node):
            match one:
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    return "" if isinstance(self.function(one), _Function) else name
                case ast.stmt():
                    return ""
                case _:
                    pass
        return ""

    def place(self, node: ast.AST) -> str:
        """The setting, or the functions and classes around it with the outermost first, or "top"."""
        if name := self.setting(node):
            return name
        names = [one.name for one in (node, *self.around(node)) if isinstance(one, _Function | ast.ClassDef)]
        return ".".join(reversed(names)) or "top"

    def change(self, kind: Kind, node: ast.AST, what: str, *pieces: Piece) -> Change:
        """A change whose place is a node's."""
        return Change(kind, self.place(node), what, pieces, is_setting=bool(self.setting(node)))

    def instead(self, node: ast.expr | ast.stmt, text: str) -> Piece:
        """Another text for a node."""
        return Piece(self.start(node), self.end(node), text)

    def at_the_top(self, line: str) -> Piece:
        """A line of its own before the first statement that is neither a docstring nor from __future__."""
        for node in self.tree.body:
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not is_docstring and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                at = self.start(node)
                apart = "\n\n" if isinstance(node, _Function | ast.ClassDef) else ""
                return Piece(at, at, f"{line}\n{apart}")
        return Piece(len(self._bytes), len(self._bytes), f"\n{line}\n")


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def short(text: str) -> str:
    """Code in one line, for a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
