"""Other numbers and truth values: a step up or down from what stands there."""

import ast
import math
from collections.abc import Iterator
from random import Random as Dice

from .code import Change, Code

SMALL = 1.0
"""A number up to this size may lose its sign, or become 0."""
DRAWS = 3
"""Values that are drawn for each number: the small step is not always the right one."""

Number = int | float


def constants(code: Code, dice: Dice, step: float) -> Iterator[Change]:
    """Every number and truth value, with a few other values for each; `step` is the relative size of a usual one."""
    for node in code.nodes():
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_number(node.operand):
            yield from _numbers(code, node, -_value(node.operand), dice, step)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield code.change(
                "constant",
                node,
                f"{_name(code, node)} {node.value} → {not node.value}",
                code.instead(node, str(not node.value)),
            )
        elif isinstance(node, ast.expr) and _is_number(node) and not _is_negated(code, node):
            yield from _numbers(code, node, _value(node), dice, step)


def _numbers(code: Code, node: ast.expr, now: Number, dice: Dice, step: float) -> Iterator[Change]:
    drawn: dict[Number, None] = {}
    is_index = isinstance(code.parent(node), ast.Subscript | ast.Slice)
    for _ in range(DRAWS):
        drawn[now + dice.choice((-1, 1)) if is_index and isinstance(now, int) else another(now, dice, step)] = None
    for value in drawn:
        # A negative number needs parentheses in `x ** 2` and `2 .real`, and harms nowhere else.
        is_operand = isinstance(code.parent(node), ast.BinOp | ast.Attribute | ast.UnaryOp)
        text = f"({value!r})" if value < 0 and is_operand else repr(value)
        yield code.change("constant", node, f"{_name(code, node)} {now!r} → {value!r}", code.instead(node, text))


def another(now: Number, dice: Dice, step: float) -> Number:
    """Another number near `now`: mostly a step of this relative size, now and then a far one. A whole number stays whole."""
    value = now
    while value == now:
        value = _drawn(now, dice, step)
        step *= 1.5  # a step too small for a whole number, or for three digits
    return value


def _drawn(now: Number, dice: Dice, step: float) -> Number:
    if now == 0:
        size: Number = dice.choice((1, 1, 2)) if isinstance(now, int) else float(f"{10 ** dice.uniform(-2, 0.5):.2g}")
        return dice.choice((-size, size, size))
    chance = dice.random()
    if chance < 0.1 and abs(now) <= SMALL:
        return dice.choice((-now, 0 * now))
    spread = math.log1p(step) * (1 if chance < 0.6 else 4)
    value = now * math.exp(max(-20.0, min(20.0, dice.gauss(0, spread))))
    if isinstance(now, int):
        whole = round(value)
        return whole if whole != now and (whole or abs(now) <= 2) else now + dice.choice((-1, 1))
    return float(f"{value:.3g}")


def _is_number(node: ast.AST) -> bool:
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return False
    return isinstance(node.value, int | float) and abs(node.value) < 1e18


def _value(node: ast.AST) -> Number:
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, int | float)
    return node.value


def _is_negated(code: Code, node: ast.AST) -> bool:
    parent = code.parent(node)
    return isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub)


def _name(code: Code, node: ast.expr) -> str:
    """What a value is called in a sentence: its setting, its keyword, or the code that it stands in."""
    parent = code.parent(node)
    match parent:
        case ast.keyword(arg=str(name)):
            return f"{name} in {code.place(node)}"
        case ast.Assign() | ast.AnnAssign() if name := code.setting(node):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return f"{name} in {code.place(node)}"
        case ast.expr():
            return f"{code.place(node)}: in `{code.shown(parent)}`"
        case _:
            return code.place(node)
