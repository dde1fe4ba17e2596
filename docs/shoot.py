"""Take pictures of the terminal without one: an app's strips, or what tmux captured, as a PNG.

    python docs/shoot.py --ansi capture.txt out.png --size 80x24

Braille, blocks and lines are drawn as pixels, so that no font has to have them. Not covered: emoji.
"""

import argparse
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont
from rich.cells import get_character_cell_size
from rich.color import Color
from rich.segment import Segment
from textual.app import App
from textual.screen import Screen

CELL = (10, 21)
FONT_SIZE = 16
FONT_FOLDERS = ("/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/dejavu", "/Library/Fonts")
TEXT, BACKGROUND = (215, 215, 215), (18, 18, 18)

Rgb = tuple[int, int, int]


class Cell(NamedTuple):
    """A character with its colours."""

    char: str
    front: Rgb
    back: Rgb
    bold: bool
    underline: bool


# Arms of the line characters: left, right, up, down; 1 is light, 2 is heavy.
LINES = {
    "─": (1, 1, 0, 0), "━": (2, 2, 0, 0), "│": (0, 0, 1, 1), "┃": (0, 0, 2, 2),
    "┌": (0, 1, 0, 1), "┐": (1, 0, 0, 1), "└": (0, 1, 1, 0), "┘": (1, 0, 1, 0),
    "╭": (0, 1, 0, 1), "╮": (1, 0, 0, 1), "╰": (0, 1, 1, 0), "╯": (1, 0, 1, 0),
    "┏": (0, 2, 0, 2), "┓": (2, 0, 0, 2), "┗": (0, 2, 2, 0), "┛": (2, 0, 2, 0),
    "├": (0, 1, 1, 1), "┤": (1, 0, 1, 1), "┬": (1, 1, 0, 1), "┴": (1, 1, 1, 0), "┼": (1, 1, 1, 1),
    "╴": (1, 0, 0, 0), "╶": (0, 1, 0, 0), "╵": (0, 0, 1, 0), "╷": (0, 0, 0, 1),
    "╺": (0, 2, 0, 0), "╸": (2,
    0, 0, 0),
}  # fmt: skip
BRAILLE_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))


def shoot(source: App[Any] | Screen[Any], path: str | Path) -> None:
    """Save what `source` shows now; call it from within `run_test` after a `pilot.pause()`."""
    screen = source.screen if isinstance(source, App) else source
    save([list(_cells(strip)) for strip in screen._compositor.render_strips()], path)


def shoot_ansi(text: str, path: str | Path, *, width: int, height: int) -> None:
    """Save what a terminal of this size shows after `text`, such as the output of `tmux capture-pane -ep`."""
    import pyte

    screen = pyte.Screen(width, height)
    pyte.Stream(screen).feed(text.replace("\r\n", "\n").replace("\n", "\r\n").removesuffix("\r\n"))
    save([[_pyte_cell(screen.buffer[y][x]) for x in range(width)] for y in range(height)], path)


def save(rows: list[list[Cell]], path: str | Path) -> None:
    """Draw `rows` of cells; the cell after a wide character is empty."""
    width, height = CELL
    picture = Image.new("RGB", (max(map(len, rows), default=1) * width, len(rows) * height), BACKGROUND)
    pen = ImageDraw.Draw(picture)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            pen.rectangle([x * width, y * height, (x + 1) * width - 1, (y + 1) * height - 1], fill=cell.back)
        for x, cell in enumerate(row):
            _draw(pen, x * width, y * height, cell)
    picture.save(path)


def _draw(pen: ImageDraw.ImageDraw, x: int, y: int, cell: Cell) -> None:
    width, height = CELL
    char = cell.char
    if "\u2800" <= char <= "\u28ff":
        _draw_braille(pen, x, y, cell)
    elif char in LINES:
        _draw_line(pen, x, y, cell)
    elif "▁" <= char <= "█":
        top = height - round(height * (ord(char) - 0x2580) / 8)
        pen.rectangle([x, y + top, x + width - 1, y + height - 1], fill=cell.front)
    elif char in "╎┆┊":
        for part in (1, 8, 15):
            pen.line([x + width // 2, y + part, x + width // 2, y + part + 4], fill=cell.front)
    elif char.strip():
        pen.text((x, y), char, font=_font(cell.bold), fill=cell.front)
    if cell.underline:
        pen.line([x, y + height - 2, x + width - 1, y + height - 2], fill=cell.front)


def _draw_braille(pen: ImageDraw.ImageDraw, x: int, y: int, cell: Cell) -> None:
    mask = ord(cell.char) - 0x2800
    for bit, (column, row) in enumerate(BRAILLE_DOTS):
        if mask >> bit & 1:
            left, top = x + 1 + column * 5, y + 1 + row * 5
            pen.ellipse([left, top, left + 3, top + 3], fill=cell.front)


def _draw_line(pen: ImageDraw.ImageDraw, x: int, y: int, cell: Cell) -> None:
    width, height = CELL
    middle, centre = x + width // 2, y + height // 2
    left, right, up, down = LINES[cell.char]
    for size, ends in (
        (left, [x, centre, middle, centre]),
        (right, [middle, centre, x + width - 1, centre]),
        (up, [middle, y, middle, centre]),
        (down, [middle, centre, middle, y + height - 1]),
    ):
        if size:
            pen.line(ends, fill=cell.front, width=1 if size == 1 else 3)


@lru_cache
def _font(bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    name = "DejaVuSansMono-Bold.ttf" if bold else "DejaVuSansMono.ttf"
    for folder in FONT_FOLDERS:
        file = Path(folder) / name
        if file.exists():
            return ImageFont.truetype(str(file), FONT_SIZE)
    return ImageFont.load_default()


def _cells(strip: Iterable[Segment]) -> Iterator[Cell]:
    for text, style, _ in strip:
        front = _rgb(style.color if style else None, TEXT)
        back = _rgb(style.bgcolor if style else None, BACKGROUND)
        if style and style.reverse:
            front, back = back, front
        if style and style.dim:
            front = _blend(front, back)
        for char in text:
            size = get_character_cell_size(char)
            if not size:
                continue
            cell = Cell(char, front, back, bool(style and style.bold), bool(style and style.underline))
            yield cell
            yield from [cell._replace(char="")] * (size - 1)


def _pyte_cell(char: Any) -> Cell:
    front, back = _named(char.fg, TEXT), _named(char.bg, BACKGROUND)
    if char.reverse:
        front, back = back, front
    return Cell(char.data, front, back, bool(char.bold), bool(char.underscore))


def _named(name: str, default: Rgb) -> Rgb:
    """A colour of pyte: a name of the sixteen, or six hexadecimal digits."""
    if name == "default":
        return default
    if len(name) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in name):
        return int(name[:2], 16), int(name[2:4], 16), int(name[4:], 16)
    bright = name.startswith("bright")
    plain = name.removeprefix("bright").replace("brown", "yellow")
    return _rgb(Color.parse(f"bright_{plain}" if bright else plain), default)


def _rgb(color: Color | None, default: Rgb) -> Rgb:
    if color is None or color.is_default:
        return default
    red, green, blue = color.get_truecolor()
    return red, green, blue


def _blend(front: Rgb, back: Rgb) -> Rgb:
    red, green, blue = ((2 * one + other) // 3 for one, other in zip(front, back, strict=True))
    return red, green, blue


def main() -> None:
    """Draw a captured screen."""
    parser = argparse.ArgumentParser(description="Draw a captured terminal screen as a PNG.")
    parser.add_argument(
        "--ansi", required=True, type=Path, help="text with escape sequences, as from tmux capture-pane -ep"
    )
    parser.add_argument("picture", type=Path)
    parser.add_argument("--size", default="80x24", help="columns x lines")
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    shoot_ansi(options.ansi.read_text(), options.picture, width=width, height=height)


if __name__ == "__main__":
    main()
