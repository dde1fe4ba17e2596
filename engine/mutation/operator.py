"""Other operators, conditions the other way round, and statements left out."""

import ast
import re
from collections.abc import Iterator
from random import Random as Dice

from .code import Change, Code, Piece

_COMPARE: dict[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Lt: ("<", ("<=", ">")),
    ast.LtE: ("<=", ("<", ">=")),
    ast.Gt: (">", (">=", "<")),
    ast.GtE: (">=", (">", "<=")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: (r"not\s+in", ("in",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: (r"is\s+not", ("is",)),
}
"""How each is written, and what may stand there instead."""
_ARITHMETIC: dict[type[ast.operator], tuple[str, tuple[str, ...]]] = {
    ast.Add: ("+", ("-",)),
    ast.Sub: ("-", ("+",)),
    ast.Mult: ("*", ("/", "+")),
    ast.Div: ("/", ("*", "//")),
    ast.FloorDiv: ("//", ("/",)),
    ast.Mod: ("%", ("//",)),
    ast.BitAnd: ("&", ("|",)),
    ast.BitOr: ("|", ("&",)),
}
_TWINS = {"min": "max", "max": "min", "any": "all", "all": "any"}

_Guard = ast.Return | ast.Continue | ast.Break | ast.Raise


def operators(code: Code, dice: Dice, step: float) -> Iterator[Change]:
    """Every place where another operator, a negation or nothing at all could stand."""
    for node in code.nodes():
        match node:
            case ast.Compare():
                yield from _compared(code, node, dice)
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
                yield from _arithmetic(code, node, dice)
            case ast.BoolOp():
                yield from _joined(code, node)
            case ast.Call(func=ast.Name(id=name) as called) if name in _TWINS:
                what = f"`{code.shown(node)}` with {_TWINS[name]} instead of {name}"
                yield code.change("operator", node, what, code.instead(called, _TWINS[name]))
            case ast.IfExp(body=body, orelse=other):
                swapped = (code.instead(body, code.words(other)), code.instead(other, code.words(body)))
                yield code.change("operator", node, f"the two values of `{code.shown(node)}` swapped", *swapped)
            case ast.AugAssign(op=ast.Add() | ast.Sub() as op):
                yield from _augmented(code, node, op)
            case _:
                pass
        match node:
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) if not _is_main(test):
                yield _negated(code, test)
            case _:
                pass
    for block in code.blocks():
        for statement in block:
            yield from _left_out(code, statement, len(block))


def _compared(code: Code, node: ast.Compare, dice: Dice) -> Iterator[Change]:
    if len(node.ops) != 1:
        return
    written, others = _COMPARE[type(node.ops[0])]
    if not written[0].isalpha():
        written = re.escape(written)
    yield from _swapped(code, node, node.left, node.comparators[0], written, dice.choice(others))


def _arithmetic(code: Code, node: ast.BinOp, dice: Dice) -> Iterator[Change]:
    written, others = _ARITHMETIC[type(node.op)]
    is_text = any(
        isinstance(one, ast.Constant) and isinstance(one.value, str | bytes) for one in (node.left, node.right)
    )
    if not is_text:
        yield from _swapped(code, node, node.left, node.right, re.escape(written), dice.choice(others))


def _swapped(code: Code, node: ast.expr, left: ast.expr, right: ast.expr, written: str, other: str) -> Iterator[Change]:
    if piece := _sign(code, code.end(left), code.start(right), written, other):
        yield code.change("operator", node, f"`{code.shown(node)}` with `{other}`", piece)


def _sign(code: Code, start: int, end: int, written: str, other: str) -> Piece | None:
    """Another operator between two operands; None where a comment could be taken for one."""
    text = code.between(start, end)
    found = re.search(written, text)
    if found is None or "#" in text:
        return None
    return Piece(start + found.start(), start + found.end(), other)


def _joined(code: Code, node: ast.BoolOp) -> Iterator[Change]:
    now, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    ends = zip(node.values, node.values[1:], strict=False)
    pieces = [_sign(code, code.end(left), code.start(right), rf"\b{now}\b", other) for left, right in ends]
    found = [piece for piece in pieces if piece]
    if len(found) == len(pieces):
        # Where it stands among others it stays one: `a and b or c` must not become `a or b or c` by half.
        whole = (Piece(code.start(node), code.start(node), "("), Piece(code.end(node), code.end(node), ")"))
        around = whole if isinstance(code.parent(node), ast.BoolOp | ast.UnaryOp) else ()
        yield code.change("operator", node, f"`{code.shown(node)}` with `{other}`", *found, *around)
    for value in node.values:
        rest = f" {now} ".join(code.operand(one) for one in node.values if one is not value)
        if not code.has_comment(code.start(node), code.end(node)):
            what = f"`{code.shown(value)}` left out of `{code.shown(node)}`"
            yield code.change("operator", node, what, code.instead(node, f"({rest})"))


def _augmented(code: Code, node: ast.AugAssign, op: ast.operator) -> Iterator[Change]:
    now, other = ("+=", "-=") if isinstance(op, ast.Add) else ("-=", "+=")
    if piece := _sign(code, code.end(node.target), code.start(node.value), re.escape(now), other):
        yield code.change("operator", node, f"`{code.shown(node)}` with `{other}`", piece)


def _negated(code: Code, test: ast.expr) -> Change:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        text = f"({code.words(test.operand)})"
    else:
        text = f"not ({code.words(test)})"
    return code.change("operator", test, f"the condition `{code.shown(test)}` negated", code.instead(test, text))


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _left_out(code: Code, node: ast.stmt, of: int) -> Iterator[Change]:
    match node:
        case ast.Expr(value=ast.Constant()):
            return  # a docstring
        case ast.If(body=[guarded], orelse=[]) if isinstance(guarded, _Guard):
            what = f"the guard `{code.shown(node)}` left out"
        case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.Return() | ast.Continue() | ast.Break():
            what = f"`{code.shown(node)}` left out"
        case ast.For() | ast.If() if not code.setting(node):
            what = f"the block `{code.shown(node)}` left out"
        case _:
            return
    if _is_setting(code, node) or (isinstance(node, ast.If) and _is_main(node.test)):
        return
    lines = code.own_lines(node, node)
    if of > 1 and lines:
        yield code.change("operator", node, what, Piece(*lines, ""))
    elif not isinstance(node, ast.If | ast.For):
        yield code.change("operator", node, what, code.instead(node, "pass"))


def _is_setting(code: Code, node: ast.stmt) -> bool:
    """Without a name at the top level nothing runs at all."""
    return isinstance(node, ast.Assign) and code.parent(node) is code.tree
