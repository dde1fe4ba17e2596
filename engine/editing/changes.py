"""How many unrelated changes a proposal makes. Pure.

One change may touch many places. The rule, statement by statement (of a compound statement its header counts as one):

- statements that were changed next to each other belong together, except settings: `NAME = value` at the top level of a file or of
  a class is always one of its own;
- a statement belongs to the compound statement around it, if the header of that was changed too (a new function is one change);
- two statements belong together when one of them binds a name that the other mentions: a setting and its use, a function and its
  callers, an attribute, a keyword and its parameter, an import, a local variable within its function.

What is connected, directly or through others, is one change. Files that are no Python count the places that were changed. Not
covered: several entries of one dictionary, or several arguments of one call, are one statement and so one change.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate, pairwise, takewhile
from typing import Literal, NamedTuple

WORK = 4_000_000
"""Lines that are looked at to compare two texts, at most: a second or two. Real code takes less than a hundredth of it."""

_Tag = Literal["replace", "delete", "insert", "equal"]
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _TooMuch(Exception):
    """Two texts cannot be compared with so much work."""


class Comparison(SequenceMatcher[str]):
    """What differs between two texts of lines, in bounded time.

    Few different lines, each very often, would keep the engine busy for hours: then everything from the first line that differs to
    the last one is one difference.
    """

    def __init__(self, before: Sequence[str], after: Sequence[str], *, autojunk: bool = True) -> None:
        """`autojunk` as for every SequenceMatcher."""
        super().__init__(None, before, after, autojunk)
        self._before, self._after, self._left = before, after, WORK
        places = self.b2j  # type: ignore[attr-defined]
        self._looks = list(accumulate((1 + len(places.get(line, ())) for line in before), initial=0))

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """See SequenceMatcher."""
        self._left -= self._looks[len(self._before) if ahi is None else ahi] - self._looks[alo]
        if self._left < 0:
            raise _TooMuch
        return super().find_longest_match(alo, ahi, blo, bhi)

    def get_opcodes(self) -> list[tuple[_Tag, int, int, int, int]]:
        """See SequenceMatcher."""
        try:
            return super().get_opcodes()
        except _TooMuch:
            before, after = len(self._before), len(self._after)
            first = _in_common(self._before, self._after)
            last = _in_common(self._before[first:][::-1], self._after[first:][::-1])
            old, new = before - last, after - last
            differs: tuple[_Tag, int, int, int, int] = ("replace", first, old, first, new)
            found = [("equal", 0, first, 0, first), differs, ("equal", old, before, new, after)]
            return [one for one in found if one[1] < one[2] or one[3] < one[4]]


def _in_common(some: Sequence[str], others: Sequence[str]) -> int:
    """How many lines are the same at the beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False)))


class _Place(NamedTuple):
    """Lines that were replaced, counted from 0."""

    before: range
    after: range


@dataclass(frozen=True, slots=True)
class _Unit:
    """A simple statement, or the header of a compound one."""

    node: ast.stmt
    lines: range
    parent: ast.stmt | None
    binds: frozenset[str]
    mentions: frozenset[str]
    is_setting: bool


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> int:
    """How many changes lead from the files `before` to those `after`; at least 1."""
    groups = _Groups()
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, ""), after.get(path, "")
        trees = (_tree(old), _tree(new)) if path.endswith(".py") and old != new else (None, None)
        places = _places(old, new)
        if trees[0] and trees[1]:
            old_units = tuple(_units(trees[0], path, [place.before for place in places]))
            new_units = tuple(_units(trees[1], path, [place.after for place in places]))
            for place in places:
                groups.add_place(
                    [unit for unit in old_units if _overlaps(unit.lines, [place.before])],
                    [unit for unit in new_units if _overlaps(unit.lines, [place.after])],
                )
        else:
            for place in places:
                groups.add((path, place))
    groups.join_names()
    return max(1, groups.count())


class _Groups:
    """Sets of what belongs together; they grow into each other."""

    def __init__(self) -> None:
        self._towards: dict[object, object] = {}
        self._units: list[_Unit] = []

    def add(self, one: object) -> None:
        """One more, alone as yet."""
        self._towards.setdefault(one, one)

    def add_place(self, removed: Sequence[_Unit], added: Sequence[_Unit]) -> None:
        """Statements that were changed next to each other."""
        self._units += (*removed, *added)
        for unit in (*removed, *added):
            self.add(unit.node)
        neighbours = [unit for unit in (*removed, *added) if not unit.is_setting]
        old, new = ([unit for unit in side if unit.is_setting] for side in (removed, added))
        replaced = zip(old, new, strict=True) if len(old) == len(new) else ()
        for one, other in (*pairwise(neighbours), *replaced):
            self._join(one.node, other.node)

    def join_names(self) -> None:
        """Join statements with what is around them, and with those that they share a name with."""
        binders: dict[str, ast.stmt] = {}
        for unit in self._units:
            if unit.parent in self._towards:
                self._join(unit.node, unit.parent)
            for name in unit.binds:
                self._join(unit.node, binders.setdefault(name, unit.node))
        for unit in self._units:
            for name in unit.mentions & binders.keys():
                self._join(unit.node, binders[name])

    def count(self) -> int:
        """How many sets there are."""
        return len({self._last(one) for one in self._towards})

    def _join(self, one: object, other: object) -> None:
        self._towards[self._last(one)] = self._last(other)

    def _last(self, one: object) -> object:
        while self._towards[one] is not one:
            one = self._towards[one]
        return one


def _places(old: str, new: str) -> list[_Place]:
    before, after = old.split("\n"), new.split("\n")
    opcodes = Comparison(before, after, autojunk=False).get_opcodes()
    return [_Place(range(i, j), range(k, m)) for tag, i, j, k, m in opcodes if tag != "equal"]


def _tree(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape is the author's affair
            return ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# -- statements and their names ----------------------------------------------------------------------------------------


def _units(tree: ast.Module, path: str, places: Sequence[range]) -> Iterator[_Unit]:
    """The statements in a file that are in these lines."""
    # A list of what waits, not recursion: code may be nested more deeply than Python likes to call.
    waiting: list[tuple[ast.stmt, tuple[ast.stmt, ...]]] = [(node, ()) for node in tree.body]
    while waiting:
        node, around = waiting.pop()
        if not _overlaps(_whole(node), places):
            continue
        inside = list(_inside(node))
        waiting += [(child, (*around, node)) for child in inside]
        lines = _header(node) if inside else _whole(node)
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or not _overlaps(lines, places):
            continue
        in_suite = not around or isinstance(around[-1], ast.ClassDef)
        binds, mentions = _names(node, around, path)
        yield _Unit(
            node, lines, around[-1] if around else None, frozenset(binds), frozenset(mentions),
            in_suite and isinstance(node, ast.Assign | ast.AnnAssign),
        )  # fmt: skip


def _inside(node: ast.stmt) -> Iterator[ast.stmt]:
    """The statements of a compound statement."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from child.body


def _own(node: ast.stmt) -> list[ast.AST]:
    """The nodes of a statement, without the statements inside of it."""
    found: list[ast.AST] = [node]
    for one in found:
        found += [child for child in ast.iter_child_nodes(one) if not isinstance(child, ast.stmt)]
    return found


def _whole(node: ast.stmt) -> range:
    """The lines of a statement, its decorators included, counted from 0."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min((node.lineno, *(one.lineno for one in decorators)))
    return range(first - 1, node.end_lineno or node.lineno)


def _header(node: ast.stmt) -> range:
    """The lines of a compound statement before those of the statements inside."""
    parts = [one for one in _own(node)[1:] if not isinstance(one, ast.excepthandler | ast.match_case)]
    ends = (getattr(one, "end_lineno", None) or node.lineno for one in parts)
    return range(_whole(node).start, max((node.lineno, *ends)))


def _overlaps(lines: range, places: Sequence[range]) -> bool:
    return any(lines.start < place.stop and place.start < lines.stop for place in places)


def _names(node: ast.stmt, around: Sequence[ast.stmt], path: str) -> tuple[set[str], set[str]]:
    """The names that a statement binds, and those that it mentions.

    `x` is a name at the top level, `FILE:f:x` one that is local to a function, `.x` an attribute and `=x` a keyword.
    """
    scopes = _scopes(around, path)
    in_class = bool(around) and isinstance(around[-1], ast.ClassDef)
    binds: set[str] = set()
    mentions: set[str] = set()

    def bind(name: str) -> None:
        binds.update((f".{name}", f"={name}") if in_class else (f"{scopes[-1]}:{name}" if scopes else name,))

    for one in _own(node):
        match one:
            case ast.Name(id=name, ctx=ast.Load()):
                mentions.update((name, *(f"{scope}:{name}" for scope in scopes)))
            case ast.Name(id=name):
                bind(name)
            case ast.Attribute(attr=name, ctx=ctx):
                (mentions if isinstance(ctx, ast.Load) else binds).add(f".{name}")
            case ast.keyword(arg=str(name)):
                mentions.add(f"={name}")
            case ast.alias(name=name, asname=other):
                bind(other or name.partition(".")[0])
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bind(name)
                if name == "__init__" and around and isinstance(around[-1], ast.ClassDef):
                    binds.add(around[-1].name)
            case ast.arg(arg=name) if isinstance(node, _Function):
                binds.update((f"={name}", f"{_scopes((*around, node), path)[-1]}:{name}"))
            case _:
                pass
    return binds, mentions


def _scopes(around: Sequence[ast.stmt], path: str) -> list[str]:
    """The functions around a statement, outermost first, by names that are the same in another version of the file."""
    names = [one.name if isinstance(one, _Function | ast.ClassDef) else "" for one in around]
    return [
        f"{path}:{'.'.join(filter(None, names[: at + 1]))}"
        for at, one in enumerate(around)
        if isinstance(one, _Function)
    ]
