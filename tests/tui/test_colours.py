"""Every cell can be read, with many colours, few or none."""

from collections.abc import Iterator

import pytest
from rich.color import Color, ColorSystem, ColorType
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult

from loopwatch.tui.palette import DARK, DARK_THEME, LIGHT, LIGHT_THEME, Role, inks
from loopwatch.tui.widgets.askbox import AskBox, AskView
from loopwatch.tui.widgets.curve import Curve, Forecast, Level, Mark, Series
from loopwatch.tui.widgets.diff import Diff
from loopwatch.tui.widgets.table import Column, Row, Table
from loopwatch.tui.widgets.tail import Tail, Voice

from .test_widgets_diff import SMALL

Rgb = tuple[int, int, int]

VGA = "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff"
XTERM = (
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
)

TEXT_CONTRAST = 3.0
LINE_CONTRAST = 2.5
"""For frames, which nobody reads."""

LINES = set("┌┐┘└─│┏┓┛┗━┃┤ ") | {chr(code) for code in range(0x2800, 0x2900)}


class Everything(App[None]):
    """All panes, with every role in them."""

    CSS = "Screen { background: $background; color: $foreground; }"

    def __init__(self, theme: str) -> None:
        super().__init__()
        self.register_theme(DARK_THEME)
        self.register_theme(LIGHT_THEME)
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield Table([Column("state", 8), Column("idea", 8, flexible=True)], title="Experiments")
        yield Curve()
        yield Tail(title="Reasoning")
        yield Diff(title="Diff")
        yield AskBox(lines=1)

    def fill(self) -> None:
        roles = [role for role in DARK if role != "frame"]
        self.query_one(Table).set_rows([Row(role, ((role, role), "idea")) for role in roles])
        points = Series([at / 40 for at in range(20)], [2 / (at + 1) for at in range(20)])
        self.query_one(Curve).show(
            now=points,
            best=Series([at / 40 for at in range(40)], [3 / (at + 1) for at in range(40)]),
            title=[(role, role) for role in roles],
            level=Level(0.2, "to beat"),
            forecast=Forecast(0.1, 0.3),
            marks=[Mark(0.7, "rule")],
        )
        for role in roles:
            self.query_one(Tail).append(f"{role}\n", voice=Voice(role))
        self.query_one(Tail).flush()
        self.query_one(Diff).set_diff(SMALL)
        self.query_one(AskBox).show(AskView("1", "d", "ASK", ("why",), "a approve"))


async def painted(theme: str) -> list[Segment]:
    """Every segment of the screen, for each row of the table under the cursor."""
    app = Everything(theme)
    segments: list[Segment] = []
    async with app.run_test(size=(80, 60)) as pilot:
        app.fill()
        for _ in DARK:
            await pilot.pause()
            for strip in app.screen._compositor.render_strips():
                segments += strip
            app.query_one(Table).move(1)
    return [segment for segment in segments if segment.text.strip()]


def shown(color: Color, system: ColorSystem, sixteen: str = VGA) -> Rgb:
    """What a terminal with this many colours makes of `color`."""
    reduced = color.downgrade(system)
    if reduced.type is ColorType.STANDARD:
        return rgb(sixteen.split()[reduced.number or 0])
    red, green, blue = reduced.get_truecolor()
    return red, green, blue


def rgb(digits: str) -> Rgb:
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def contrast(one: Rgb, other: Rgb) -> float:
    """WCAG 2.2, contrast ratio."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Rgb) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def unreadable(segments: list[Segment], system: ColorSystem, sixteen: str = VGA) -> Iterator[str]:
    for text, style, _ in segments:
        assert style is not None
        assert style.color is not None
        assert style.bgcolor is not None
        found = contrast(shown(style.color, system, sixteen), shown(style.bgcolor, system, sixteen))
        if found < (LINE_CONTRAST if set(text) <= LINES else TEXT_CONTRAST):
            yield f"{text!r} {style} {found:.2f}"


SYSTEMS = [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD]


@pytest.mark.parametrize("theme", ["loopwatch-dark", "loopwatch-light", "textual-dark", "textual-light"])
async def test_every_cell_can_be_read_with_all_256_and_16_colours(theme: str) -> None:
    segments = await painted(theme)

    assert [list(unreadable(segments, system)) for system in SYSTEMS] == [[], [], []]


async def test_the_dark_theme_can_be_read_with_the_sixteen_colours_of_xterm() -> None:
    segments = await painted("loopwatch-dark")

    assert list(unreadable(segments, ColorSystem.STANDARD, XTERM)) == []


@pytest.mark.parametrize("theme", ["loopwatch-dark", "loopwatch-light"])
async def test_every_cell_can_be_read_without_colour(theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    segments = await painted(theme)

    assert list(unreadable(segments, ColorSystem.TRUECOLOR)) == []


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_with_the_terminals_own_colours_nothing_has_the_colour_of_its_background(theme: str) -> None:
    segments = await painted(theme)

    for text, style, _ in segments:
        assert style is not None, text
        assert style.color != style.bgcolor or style.color is None or style.color.is_default, text


@pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])
def test_sixteen_colours_keep_the_roles_with_a_meaning_apart(colours: dict[Role, str]) -> None:
    meaningful: list[Role] = ["accent", "good", "warn", "bad", "mark"]

    numbers = {Color.parse(colours[role]).downgrade(ColorSystem.STANDARD).number for role in meaningful}

    assert len(numbers) == len(meaningful)


def test_nothing_is_quiet_under_the_cursor() -> None:
    ink = inks(Style(color="#ffffff", bgcolor="#121212"))

    assert ink("quiet", cursor=True).color == ink("text").color
    assert ink("quiet", cursor=True).bold
