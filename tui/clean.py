"""Make text from outside safe to draw, and fit it to terminal cells.

Covered: control characters and escape sequences, bidirectional overrides, invisible and unassigned
characters, towers of combining marks, emoji whose width terminals disagree about, cutting, padding and
wrapping by cells. Not covered: letters that look like other letters, and right-to-left letters, which some
terminals reorder.
"""

import re
import unicodedata
from typing import Final, Literal

from rich.cells import cell_len, get_character_cell_size

TAB_SIZE: Final = 4
MARKS_PER_LETTER: Final = 2
"""Enough for Vietnamese, Thai and Hangul; a letter with more would be drawn over its neighbours."""

REPLACEMENT: Final = "\ufffd"

_COLOUR_AND_CURSOR = re.compile(r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_ALIKE = str.maketrans("·…–—−→←↑↓▸↳‘’“”×±≤≥█▁━─│●○◆▲■□σ✓✗", "-~---><^v>>''\"\"x~<>#_=-|*o!!#oz+x")
_WORD_OR_GAP = re.compile(r" +|[^ ]+")
_MOVES_TEXT = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_INVISIBLE_MARKS = frozenset("\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")


def clean(text: str, *, width: int | None = None) -> str:
    """Return `text` as one line that no terminal obeys.

    Colours and cursor movements vanish (training logs are full of them); any other control character, an
    override of the reading direction or a broken code point leaves a visible mark. With `width`, exactly
    that many cells.
    """
    if not (text.isascii() and text.isprintable()):
        text = _cap_marks(_COLOUR_AND_CURSOR.sub("", text).expandtabs(TAB_SIZE).translate(_SAFE))
    return text if width is None else cell_fit(text, width)


def clean_lines(text: str) -> list[str]:
    """Return the lines of `text`, each cleaned.

    A lone carriage return ends a line too, so that it hides nothing.
    """
    return [clean(line) for line in _LINE_END.split(text)]


def printable(text: str) -> str:
    """Return `text` with its line feeds, each line cleaned: the last guard before stdout and stderr."""
    return text if text.isascii() and text.isprintable() else "\n".join(map(clean, text.split("\n")))


def reveal(text: str) -> str:
    """Return `text` as one line in which whatever a terminal would hide or obey is spelt out, as in
    `<U+202E>`.

    For diffs and requests, where a person decides by what is seen.
    """
    if text.isascii() and text.isprintable():
        return text
    spelt: list[str] = []
    marks = MARKS_PER_LETTER
    for char in text.expandtabs(TAB_SIZE):
        marks = 0 if get_character_cell_size(char) else marks + 1
        hidden = _SAFE[ord(char)] != char or marks > MARKS_PER_LETTER
        spelt.append(f"<U+{ord(char):04X}>" if hidden else char)
    return "".join(spelt)


def reveal_lines(text: str) -> list[str]:
    """Return the lines of `text`, each revealed; only a line feed, with or without a carriage return, ends
    a line."""
    return [reveal(line.removesuffix("\r")) for line in text.split("\n")]


def to_ascii(text: str) -> str:
    """Return `text` in ASCII and as wide: what has no likeness there becomes a question mark in each cell."""
    if text.isascii():
        return text
    alike = text.translate(_ALIKE)
    return "".join(char if char.isascii() else "?" * get_character_cell_size(char) for char in alike)


def cell_fit(text: str, width: int, *, align: Literal["left", "right"] = "left", more: str = "") -> str:
    """Return `text` in exactly `width` cells: padded, or cut with `more` at its end; a halved wide
    character is a space."""
    used = cell_len(text)
    if used > width:
        kept = max(0, width - cell_len(more))
        head = _cut(text, kept)
        return _cut(head + " " * (kept - cell_len(head)) + more, width)
    padding = " " * (width - used)
    return text + padding if align == "left" else padding + text


def wrap(text: str, width: int) -> list[str]:
    """Return clean `text` as rows of at most `width` cells, broken between words where that is possible.

    Loses nothing but spaces at the breaks. A wide character in one column becomes a question mark.
    """
    if cell_len(text) <= width:
        return [text]
    rows: list[str] = []
    row, used = "", 0
    for word in _WORD_OR_GAP.findall(text):
        size = cell_len(word)
        if used + size > width:
            if row.strip():
                rows.append(row.rstrip())
            *whole, row = [""] if word[0] == " " else chop(word, width)
            rows += whole
            used = cell_len(row)
        else:
            row, used = row + word, used + size
    return [*rows, row] if row.strip() or not rows else rows


def chop(text: str, width: int) -> list[str]:
    """Return `text` in pieces of at most `width` cells, at least one, without regard to words."""
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)] or [""]
    pieces: list[str] = []
    piece, used = "", 0
    for char in text:
        size = get_character_cell_size(char)
        if size > width:
            char, size = "?", 1
        if used + size > width:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + char, used + size
    return [*pieces, piece]


def _cut(text: str, width: int) -> str:
    """The start of `text` that fits in `width` cells, with a space for half a wide character."""
    if text.isascii():
        return text[: max(0, width)]
    used = 0
    for at, char in enumerate(text):
        size = get_character_cell_size(char)
        if used + size > width:
            return text[:at] + " " * (width - used)
        used += size
    return text


def _cap_marks(text: str) -> str:
    """Drop combining marks at the start, where they would sit on a frame, and beyond the cap."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = MARKS_PER_LETTER
    for char in text:
        marks = 0 if get_character_cell_size(char) else marks + 1
        if marks <= MARKS_PER_LETTER:
            kept.append(char)
    return "".join(kept)


class _Safe(dict[int, str]):
    """What each code point becomes, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = safe = _safe(chr(code))
        return safe


_SAFE: Final = _Safe()


def _safe(char: str) -> str:
    code = ord(char)
    match unicodedata.category(char):
        case "Cc":
            return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else REPLACEMENT
        case "Cf":
            return REPLACEMENT if char in _MOVES_TEXT else ""
        case "Cs" | "Cn" | "Co" | "Zl" | "Zp":
            return REPLACEMENT
        case "Zs":
            return " " * max(1, get_character_cell_size(char))
        case "Me":
            return ""
    if char in _INVISIBLE_LETTERS:
        return REPLACEMENT
    if char in _INVISIBLE_MARKS or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return ""
    if 0x1F1E6 <= code <= 0x1F1FF:  # half of a flag: pairs are drawn in two, three or four cells
        return chr(code - 0x1F1E6 + ord("A"))
    return "" if 0x1F3FB <= code <= 0x1F3FF else char  # skin tones
