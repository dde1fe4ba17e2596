"""A named constant at the top level of a Python file: `LEARNING_RATE = 3e-4  # a comment`.

Read and rewritten by position in the source, so that every other byte stays as it was. The file is never run.
"""

import ast
import re
import warnings

from ..errors import EditRefused

Value = int | float | str | bool | None | tuple[object, ...] | list[object]


def constant(source: str, name: str) -> object:
    """The value of the one line `NAME = VALUE`; EditRefused when there is not exactly one, or no literal."""
    value = _value_node(source, name)
    try:
        return ast.literal_eval(value)
    except ValueError:
        raise EditRefused(f"the value of {name} is not a plain literal, but {ast.unparse(value)[:60]!a}") from None


def set_constant(source: str, name: str, value: Value) -> str:
    """`source` with the value of the one line `NAME = VALUE` replaced; comment and spacing stay."""
    text = repr(value)
    _require_literal(name, text)
    node = _value_node(source, name)
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", source)  # as Python counts lines
    line = lines[node.lineno - 1].encode()  # columns count bytes
    lines[node.lineno - 1] = (line[: node.col_offset] + text.encode() + line[node.end_col_offset :]).decode()
    return "".join(lines)


def _require_literal(name: str, text: str) -> None:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise EditRefused(
            f"{name} cannot be set to {text[:60]!a}: not a finite number, text, truth value or list"
        ) from None


def _value_node(source: str, name: str) -> ast.expr:
    found = [value for value in _assigned(source, name) if value.lineno == value.end_lineno]
    if len(found) != 1:
        raise EditRefused(f"{name} needs exactly one line {name} = VALUE at the top level; there are {len(found)}")
    return found[0]


def _assigned(source: str, name: str) -> list[ast.expr]:
    values = []
    for node in _parsed(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                values.append(value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                values.append(value)
    return values


def _parsed(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in the task's file is not ours to report
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise EditRefused(f"the file cannot be read as Python: {str(error)[:200]!a}") from None
