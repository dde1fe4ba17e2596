"""Known rewritings: what a careful reader would do to make code shorter or quicker. Most keep the meaning, some only mostly."""

import ast
import builtins
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random as Dice
from typing import NamedTuple

from .code import Change, Code, Piece

_PURE = frozenset(
    {"abs", "float", "frozenset", "int", "len", "max", "min", "ord", "round", "set", "sorted", "str", "sum", "tuple"}
)
"""Built-in functions that give the same for the same, as long as nothing is written to what they are given."""
_TAKES_ANY = frozenset({"all", "any", "frozenset", "max", "min", "set", "sorted", "sum", "tuple"})
"""Functions that need no list."""
_PATTERNS = frozenset({"findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Loop = ast.For | ast.While


class _Appending(NamedTuple):
    """`for TARGET in ITER: [if TEST:] BODY`, and nothing else."""

    loop: ast.For
    body: ast.stmt
    test: ast.expr | None


def idioms(code: Code, dice: Dice, step: float) -> Iterator[Change]:
    """Every place where a known rewriting applies."""
    for node in code.nodes():
        for rewrite in _REWRITES:
            yield from rewrite(code, node)
    for block in code.blocks():
        for first, second in pairwise(block):
            yield from _collected(code, first, second)
            yield from _any_or_all(code, first, second)


# -- expressions -------------------------------------------------------------------------------------------------------


def _membership(code: Code, node: ast.AST) -> Iterator[Change]:
    """A set is searched at once."""
    match node:
        case ast.Compare(
            ops=[ast.In() | ast.NotIn()], comparators=[ast.List(elts=items) | ast.Tuple(elts=items) as group]
        ):
            if items and all(isinstance(item, ast.Constant) for item in items):
                inner = ", ".join(code.words(item) for item in items)
                yield code.change(
                    "idiom", node, f"`{code.shown(group)}` is searched as a set", code.instead(group, f"{{{inner}}}")
                )
        case ast.Compare(
            ops=[ast.In() | ast.NotIn()],
            comparators=[ast.Call(func=ast.Attribute(value=found, attr="keys"), args=[]) as call],
        ):
            yield code.change(
                "idiom",
                node,
                f"`{code.shown(call)}` is searched without keys()",
                code.instead(call, code.operand(found)),
            )
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=name) as group]):
            yield from _searched_often(code, node, group, name)
        case _:
            pass


def _searched_often(code: Code, node: ast.expr, group: ast.Name, name: str) -> Iterator[Change]:
    """A list that a loop searches, and does not change, is made a set before the loop."""
    loop = _outermost_loop(code, node)
    if (
        loop
        and _may_be_a_list(code, name)
        and name not in _written(loop)
        and (before := _before(code, loop)) is not None
    ):
        fast = _free_name(code, f"{name}_set")
        line = f"{fast} = set({name})\n{code.indent(loop)}"
        what = f"`{name}` is searched as a set, made before the loop"
        yield code.change("idiom", node, what, Piece(before, before, line), code.instead(group, fast))


def _may_be_a_list(code: Code, name: str) -> bool:
    """Whether a name gets a list somewhere, or nothing that can be seen."""
    given = [one.value for one in ast.walk(code.tree) if isinstance(one, ast.Assign) and name in _stored(one)]
    lists = (ast.List, ast.ListComp, ast.Tuple)
    makers = ("list", "sorted", "tuple")
    calls = (one.func for one in given if isinstance(one, ast.Call))
    made = any(isinstance(func, ast.Name) and func.id in makers for func in calls)
    return not given or made or any(isinstance(one, lists) for one in given)


def _none(code: Code, node: ast.AST) -> Iterator[Change]:
    """None is compared by identity."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as op], comparators=[ast.Constant(value=None)]):
            word = "is" if isinstance(op, ast.Eq) else "is not"
            text = f"{code.operand(left)} {word} None"
            yield code.change("idiom", node, f"`{code.shown(node)}` → `{text}`", code.instead(node, f"({text})"))
        case _:
            pass


def _compiled(code: Code, node: ast.AST) -> Iterator[Change]:
    """A pattern is compiled once; a match of the start becomes one of the whole."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="re"), attr=name) as called,
            args=[ast.Constant(value=str()) as text, *rest],
        ):
            if name not in _PATTERNS:
                return
            constant = _free_name(code, "PATTERN")
            if rest and not node.keywords and not code.has_comment(code.start(node), code.end(node)):
                first_line = _after_import(code, "re", f"{constant} = re.compile({code.words(text)})")
                arguments = ", ".join(code.words(one) for one in rest)
                pieces = (*first_line, code.instead(node, f"{constant}.{name}({arguments})"))
                if first_line:
                    yield code.change("idiom", node, f"the pattern of `{code.shown(node)}` is compiled once", *pieces)
            if name in ("match", "search"):
                other = "fullmatch" if name == "match" else "match"
                what = f"`{code.shown(node)}` with re.{other}"
                yield code.change("idiom", node, what, code.instead(called, f"re.{other}"))
        case _:
            pass


def _no_list(code: Code, node: ast.AST) -> Iterator[Change]:
    """What takes anything needs no list of it; the first of a sorted list is the least."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.ListComp() as inner], keywords=[]) if name in _TAKES_ANY:
            text = code.words(inner)[1:-1].strip()
            yield code.change("idiom", node, f"`{code.shown(node)}` without a list", code.instead(inner, text))
        case ast.Subscript(
            value=ast.Call(func=ast.Name(id="sorted"), args=[inner]) as call, slice=ast.Constant(value=0)
        ) if _plain_keywords(call):
            text = f"min({code.words(inner)}{_keywords(code, call)})"
            yield code.change("idiom", node, f"`{code.shown(node)}` → `{text}`", code.instead(node, text))
        case ast.Subscript(
            value=ast.Call(func=ast.Name(id="sorted"), args=[inner]) as call,
            slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)),
        ) if _plain_keywords(call):
            text = f"max({code.words(inner)}{_keywords(code, call)})"
            yield code.change("idiom", node, f"`{code.shown(node)}` → `{text}`", code.instead(node, text))
        case ast.BinOp(left=ast.Name(id=name), op=ast.Pow(), right=ast.Constant(value=2)):
            yield code.change(
                "idiom", node, f"`{code.shown(node)}` → `{name} * {name}`", code.instead(node, f"({name} * {name})")
            )
        case _:
            pass


def _plain_keywords(call: ast.Call) -> bool:
    return all(keyword.arg == "key" for keyword in call.keywords)


def _keywords(code: Code, call: ast.Call) -> str:
    return "".join(f", {keyword.arg}={code.words(keyword.value)}" for keyword in call.keywords)


def _hoisted(code: Code, node: ast.AST) -> Iterator[Change]:
    """What is the same in every turn of a loop is worked out before it."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=given)], keywords=[]) if name in _PURE:
            loop = next((one for one in code.around(node) if isinstance(one, _Loop | _Function)), None)
        case _:
            return
    if not isinstance(loop, _Loop) or given in _written(loop) or _is_head(code, loop, node):
        return
    if (before := _before(code, loop)) is not None:
        fixed = _free_name(code, f"{name}_of_{given}")
        line = f"{fixed} = {code.words(node)}\n{code.indent(loop)}"
        what = f"`{code.shown(node)}` is worked out before the loop"
        yield code.change("idiom", node, what, Piece(before, before, line), code.instead(node, fixed))


def _is_head(code: Code, loop: ast.AST, node: ast.AST) -> bool:
    """Whether it is worked out once already: what a `for` goes through is."""
    return isinstance(loop, ast.For) and any(one is loop.iter for one in (node, *code.around(node)))


# -- statements --------------------------------------------------------------------------------------------------------


def _sorted_in_place(code: Code, node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Assign(
            targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="sorted"), args=[ast.Name(id=same)]) as call
        ):
            if name == same:
                text = f"{name}.sort({_keywords(code, call).removeprefix(', ')})"
                yield code.change("idiom", node, f"`{code.shown(node)}` → `{text}`", code.instead(node, text))
        case _:
            pass


def _cached(code: Code, node: ast.AST) -> Iterator[Change]:
    """A function that looks as if it gave the same for the same remembers what it gave."""
    if not isinstance(node, ast.FunctionDef) or code.parent(node) is not code.tree or not _looks_pure(node):
        return
    line = _after_import(code, "functools", "")
    lines = code.own_lines(node, node)
    if lines:
        start = lines[0]
        what = f"{node.name} remembers what it gave"
        yield code.change("idiom", node, what, *line, Piece(start, start, "@functools.cache\n"))


def _looks_pure(function: ast.FunctionDef) -> bool:
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    if function.decorator_list or arguments.vararg or arguments.kwarg or not names or len(function.body) > 40:
        return False
    local = {*names, *_stored(function)}
    for node in ast.walk(function):
        match node:
            case ast.Yield() | ast.YieldFrom() | ast.Await() | ast.Global() | ast.Nonlocal() | ast.Delete():
                return False
            case (
                ast.Attribute(ctx=ast.Store())
                | ast.Call(func=ast.Name(id="open" | "print" | "input" | "exec" | "next"))
            ):
                return False
            case ast.Attribute(value=ast.Name(id="random" | "time" | "os" | "sys")):
                return False
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()) if name in names:
                return False
            case ast.Name(id=name, ctx=ast.Load()) if name not in local and not _is_fixed(name):
                return False
            case _:
                pass
    return any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function))


def _is_fixed(name: str) -> bool:
    """Whether a name from outside is one that nobody sets twice: built in, a module or a constant."""
    return hasattr(builtins, name) or name.isupper() or name in ("math", "re", "string", "itertools")


def _collected(code: Code, first: ast.stmt, second: ast.stmt) -> Iterator[Change]:
    """`xs = []` and a loop that appends become a comprehension; `s = ""` and a loop that adds a join."""
    match first:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.List(elts=[]) | ast.Constant(value="") as empty):
            pass
        case _:
            return
    found = _simple_loop(second)
    if found is None or name in _read(second, besides=found.body) or not _is_forgotten(code, found.loop):
        return
    match found.body:
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Name(id=same), attr="append"), args=[item], keywords=[])
        ) if isinstance(empty, ast.List):
            left, right = "[", "]"
        case ast.AugAssign(target=ast.Name(id=same), op=ast.Add(), value=item) if isinstance(empty, ast.Constant):
            left, right = '"".join(', ")"
        case _:
            return
    start, end = code.start(first), code.end(second)
    if same == name and name not in _names(item) and not _waits(found.loop) and not code.has_comment(start, end):
        text = f"{name} = {left}{_inside(code, found, code.words(item))}{right}"
        yield code.change(
            "idiom", second, f"`{name}` is made by one expression instead of a loop", Piece(start, end, text)
        )


def _any_or_all(code: Code, first: ast.stmt, second: ast.stmt) -> Iterator[Change]:
    """A loop that only looks whether there is one ends with the first that there is."""
    found = _simple_loop(first)
    match (found.body if found else None, second):
        case (ast.Return(value=ast.Constant(value=bool(now))), ast.Return(value=ast.Constant(value=bool(other)))) if (
            now is not other
        ):
            pass
        case _:
            yield from _noticed(code, first, second)
            return
    start, end = code.start(first), code.end(second)
    if found and found.test and not code.has_comment(start, end) and not _waits(found.loop):
        inside = _inside(code, _Appending(found.loop, found.body, None), code.words(found.test))
        text = f"return {'' if now else 'not '}any({inside})"
        yield code.change("idiom", first, f"`{code.shown(first)}` → `{text}`", Piece(start, end, text))


def _noticed(code: Code, first: ast.stmt, second: ast.stmt) -> Iterator[Change]:
    """`found = False` and a loop that sets it: the loop ends there."""
    match (first, second):
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=False)),
            ast.For(
                body=[
                    ast.If(
                        body=[ast.Assign(targets=[ast.Name(id=same)], value=ast.Constant(value=True)) as noticed],
                        orelse=[],
                    )
                ]
            ),
        ) if name == same:
            line = f"\n{code.indent(noticed)}break"
            yield code.change(
                "idiom",
                second,
                f"the loop ends when `{name}` is known",
                Piece(code.end(noticed), code.end(noticed), line),
            )
        case _:
            pass


_REWRITES: tuple[Callable[[Code, ast.AST], Iterator[Change]], ...] = (
    _membership, _none, _compiled, _no_list, _hoisted, _sorted_in_place, _cached,
)  # fmt: skip


# -- what they look at -------------------------------------------------------------------------------------------------


def _simple_loop(node: ast.stmt) -> _Appending | None:
    match node:
        case ast.For(body=[ast.If(test=test, body=[body], orelse=[])], orelse=[]):
            return _Appending(node, body, test)
        case ast.For(body=[body], orelse=[]):
            return _Appending(node, body, None)
        case _:
            return None


def _inside(code: Code, found: _Appending, item: str) -> str:
    """The inside of a comprehension; commas of a bare tuple get their parentheses."""
    target, group = code.words(found.loop.target), code.words(found.loop.iter)
    group = f"({group})" if isinstance(found.loop.iter, ast.Tuple | ast.IfExp | ast.Lambda) else group
    item = f"({item})" if "," in item and not item.startswith(("(", "[", "{")) else item
    test = f" if {code.words(found.test)}" if found.test else ""
    return f"{item} for {target} in {group}{test}"


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _read(node: ast.AST, *, besides: ast.AST) -> set[str]:
    """The names in a statement, but for one part of it."""
    left_out = {id(one) for one in ast.walk(besides)}
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and id(one) not in left_out}


def _stored(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)}


def _written(node: ast.AST) -> set[str]:
    """The names that a loop may give another value, or whose value it may change: bound, or with a method or an item used."""
    found = _stored(node)
    for one in ast.walk(node):
        match one:
            case (
                ast.Attribute(value=ast.Name(id=name))
                | ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del())
            ):
                found.add(name)
            case _:
                pass
    return found


def _waits(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr) for one in ast.walk(node))


def _is_forgotten(code: Code, loop: ast.For) -> bool:
    """Whether the names that a loop goes through are used nowhere after it: a comprehension keeps them to itself."""
    targets = _stored(loop.target)
    inside = {id(one) for one in ast.walk(loop)}
    others = (one for one in ast.walk(code.function(loop)) if isinstance(one, ast.Name) and id(one) not in inside)
    return not any(one.id in targets and isinstance(one.ctx, ast.Load) for one in others)


def _outermost_loop(code: Code, node: ast.AST) -> ast.For | ast.While | None:
    found = None
    for one in code.around(node):
        if isinstance(one, _Function):
            break
        if isinstance(one, _Loop):
            found = one
    return found


def _before(code: Code, loop: ast.stmt) -> int | None:
    """Where a statement can be put before a loop; None when something else is on its line, as with elif."""
    return code.start(loop) if not code.indent(loop).strip() else None


def _free_name(code: Code, name: str) -> str:
    taken = set(re.findall(r"\w+", code.text))
    return next(one for one in (name, *(f"{name}_{number}" for number in range(2, 1000))) if one not in taken)


def _after_import(code: Code, module: str, line: str) -> tuple[Piece, ...]:
    """A line after the import of a module at the top level; with the import itself where there is none."""
    for node in code.tree.body:
        if isinstance(node, ast.Import) and any(one.name == module and not one.asname for one in node.names):
            lines = code.own_lines(node, node)
            last = [one for one in code.tree.body if isinstance(one, ast.Import | ast.ImportFrom)][-1]
            end = (code.own_lines(last, last) or lines or (0, code.end(node)))[1]
            return (Piece(end, end, f"\n{line}\n"),) if line else ()
    return (code.at_the_top(f"import {module}" + (f"\n{line}" if line else "")),)
