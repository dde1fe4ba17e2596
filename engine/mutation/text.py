"""Other patterns and character sets: a token more, less or otherwise in a piece of text that looks like one."""

import ast
import re
import string
import warnings
from collections.abc import Iterator
from random import Random as Dice

from .code import Change, Code, Kind, short

KIND: Kind = "text"
LONGEST = 2000
DRAWS = 4
"""Edits that are drawn for each text."""

_TOKENS = re.compile(
    r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]"  # a class
    r"|\(\?(?:P?<\w+>|P=\w+\)|<?[=!]|[aiLmsux-]*:|[aiLmsux]+\))|\(|\)"
    r"|\{\d*,?\d*\}[?+]?|[*+?][?+]?"
    r"|\\.|\||\^|\$|.",
    re.DOTALL,
)
_QUANTIFIER = re.compile(r"^(?:\{\d*,?\d*\}|[*+?])[?+]?$")
_LOOKS_LIKE_ONE = re.compile(r"\\[dwsbAZDWSB.]|\[[^\]]+\][*+?{]?|^\^|\$$|\(\?|[.)\w][*+](?![\w ])|\.\*")
_MEMBERS = (*string.punctuation, "0-9", "a-z", "A-Z", r"\w", " ")
_FUNCTIONS = frozenset({"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})


def texts(code: Code, dice: Dice, step: float) -> Iterator[Change]:
    """Every pattern and character set, with a few edits of each."""
    for node in code.nodes():
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not 0 < len(node.value) <= LONGEST:
            continue
        if isinstance(code.parent(node), ast.Expr) or "\n" in code.words(node):
            continue
        if _is_pattern(code, node, node.value):
            made = {edited: None for _ in range(DRAWS) if (edited := pattern(node.value, dice))}
        elif _is_set(code, node):
            made = {edited: None for _ in range(DRAWS) if (edited := characters(node.value, dice))}
        else:
            continue
        for text in made:
            what = f"{code.place(node)}: the text {short(repr(node.value))} → {short(repr(text))}"
            yield code.change(KIND, node, what, code.instead(node, _written(code.words(node), text)))


def pattern(text: str, dice: Dice) -> str:
    """A regular expression with one token otherwise; "" when the draw came to none that compiles."""
    tokens: list[str] = _TOKENS.findall(text)
    at = dice.randrange(len(tokens)) if tokens else 0
    edited = [*tokens[:at], *_token(tokens[at], dice), *tokens[at + 1 :]] if tokens else []
    if dice.random() < 0.15:
        edited = _anchored(tokens, dice)
    made = "".join(edited)
    return made if made and made != text and _compiles(made) else ""


def characters(text: str, dice: Dice) -> str:
    """A set of characters with one more or one less."""
    missing = sorted({*string.punctuation, *string.digits, " "} - {*text})
    if missing and (len(text) < 2 or dice.random() < 0.5):
        more: str = dice.choice(missing)
        return text + more
    at = dice.randrange(len(text))
    return text[:at] + text[at + 1 :]


def _token(token: str, dice: Dice) -> list[str]:
    """What may stand for one token, as tokens."""
    if token.startswith("[") and len(token) > 2:
        return [_class(token, dice)]
    if _QUANTIFIER.match(token):
        return [_quantifier(token, dice)]
    match token:
        case "^" | "$" | "|":
            return []
        case "\\A" | "\\Z" | "\\b":
            return []
        case ".":
            return [dice.choice((r"\.", r"\w", r"[^\s]", ".?"))]
        case r"\.":
            return [dice.choice((".", r"\.?", r"[.]+"))]
        case _ if token in "()" or token.startswith("(?"):
            return [token]
        case _:
            return [token, dice.choice("?+*")] if dice.random() < 0.7 else []


def _class(token: str, dice: Dice) -> str:
    start = 2 if token.startswith("[^") else 1
    members: list[str] = re.findall(r"\\.-\\.|\\.|[^\\]-[^\\\]]|.", token[start:-1], re.DOTALL)
    chance = dice.random()
    if chance < 0.5:
        new: str = dice.choice(_MEMBERS)
        return token[:-1] + (new if len(new) > 1 or new.isalnum() else re.escape(new)) + "]"
    if chance < 0.9 and len(members) > 1:
        del members[dice.randrange(len(members))]
        return f"{token[:start]}{''.join(members)}]"
    return f"[{token[start:]}" if start == 2 else f"[^{token[1:]}"


def _quantifier(token: str, dice: Dice) -> str:
    if not token.startswith("{"):
        return dice.choice([one for one in ("*", "+", "?", "", "{2,}") if one != token])
    low, comma, high = token.strip("{}?+").partition(",")
    least, most = int(low or 0), int(high) if high else None
    if not comma:
        return dice.choice((f"{{{least},}}", f"{{{max(0, least - 1)}}}", f"{{{least + 1}}}"))
    if most is None:
        return dice.choice((f"{{{max(0, least - 1)},}}", f"{{{least + 1},}}", f"{{{least},{max(least, 1) * 4}}}"))
    other = (
        f"{{{least},}}",
        f"{{{least},{most + 1}}}",
        f"{{{least},{max(least, most - 1)}}}",
        f"{{{max(0, least - 1)},{most}}}",
    )
    return dice.choice((*other, f"{{{min(least + 1, most)},{most}}}"))


def _anchored(tokens: list[str], dice: Dice) -> list[str]:
    starts = ["^", *tokens] if tokens[:1] != ["^"] else tokens[1:]
    ends = [*tokens, "$"] if tokens[-1:] != ["$"] else tokens[:-1]
    return dice.choice((starts, ends))


def _compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "possible nested set" is not what was meant
            re.compile(text)
    except (re.error, ValueError, RecursionError, OverflowError, MemoryError, Warning):
        return False
    return True


def _is_pattern(code: Code, node: ast.Constant, text: str) -> bool:
    match code.parent(node):
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re" | "regex"), attr=name), args=[first, *_]) if (
            first is node
        ):
            return name in _FUNCTIONS
        case _:
            return bool(_LOOKS_LIKE_ONE.search(text)) and _compiles(text)


def _is_set(code: Code, node: ast.Constant) -> bool:
    """What is searched for a character, stripped or made a set of; or every character once, most of them no letters of a word."""
    match code.parent(node):
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[one]) if one is node:
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset" | "any" | "all")):
            return True
        case ast.Call(func=ast.Attribute(attr="strip" | "lstrip" | "rstrip")):
            return True
        case _:
            text = str(node.value)
            signs = sum(one in string.punctuation for one in text)
            return (
                len(set(text)) == len(text) > 2
                and " " not in text.strip()
                and (signs > len(text) / 2 or len(text) > 20)
            )


def _written(now: str, text: str) -> str:
    """A literal of the new text, raw where the present one is and it can be."""
    found = re.match(r"(?i)(r?)(['\"])(?!\2)", now)
    if found and found[1] and found[2] not in text and "\n" not in text and not text.endswith("\\"):
        return f"r{found[2]}{text}{found[2]}"
    if found and found[2] == '"' and '"' not in text and text.isprintable():
        return '"' + text.replace("\\", "\\\\") + '"'
    return repr(text)
