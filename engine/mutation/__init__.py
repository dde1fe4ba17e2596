"""Small edits of Python files, found in the tree and made by position: everything that a mutation may come to. Pure.

constant   another number or truth value
operator   another operator, a negated condition, a statement left out
idiom      a known rewriting, mostly of the same meaning
text       another token in a pattern, another character in a set
"""

from collections.abc import Iterator
from random import Random as Dice

from .code import Change, Code, Kind, Piece
from .constant import constants
from .idiom import idioms
from .operator import operators
from .text import texts

__all__ = ["KINDS", "Change", "Code", "Kind", "Piece", "mutations"]

KINDS = {"constant": constants, "operator": operators, "idiom": idioms, "text": texts}


def mutations(code: Code, dice: Dice, step: float) -> Iterator[Change]:
    """Every small edit that there is now, with some of the values that a number or a text may get.

    step  how large a usual step of a number is, relative to it
    """
    for find in KINDS.values():
        yield from find(code, dice, step)
