"""What every pane has in common: exact, harmless, and repainting only what changed."""

from collections.abc import Callable

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from loopwatch.tui.widgets.askbox import AskBox, AskView
from loopwatch.tui.widgets.curve import Curve, Forecast, Level, Mark, Series
from loopwatch.tui.widgets.diff import Diff
from loopwatch.tui.widgets.pane import Pane, changed_cells
from loopwatch.tui.widgets.table import Column, Row, Table
from loopwatch.tui.widgets.tail import Tail, Voice

from .stage import HOSTILE, SIZES, assert_fit_to_paint, on_stage, text_of

EVIL = " ".join(HOSTILE)


def filled_table(ascii_only: bool) -> tuple[Pane, Callable[[], None]]:
    table = Table([Column(EVIL, 8), Column("b", 9, "right", 1, True)], title=EVIL, ascii_only=ascii_only)
    rows = [Row(str(at), (text, (EVIL, "bad"))) for at, text in enumerate(HOSTILE)]
    return table, lambda: table.set_rows(rows)


def filled_tail(ascii_only: bool) -> tuple[Pane, Callable[[], None]]:
    tail = Tail(title=EVIL, ascii_only=ascii_only)

    def fill() -> None:
        tail.heading(EVIL)
        for text in HOSTILE:
            tail.append(text, voice=Voice("bad", "…"))
            tail.flush()

    return tail, fill


def filled_diff(ascii_only: bool) -> tuple[Pane, Callable[[], None]]:
    diff = Diff(title=EVIL, ascii_only=ascii_only)
    body = "\n".join(f"-{text}\n+{text}!" for text in HOSTILE)
    return diff, lambda: diff.set_diff(f"--- {EVIL}\n@@ -1,99 +1,99 @@ {EVIL}\n{body}\n")


def filled_ask(ascii_only: bool) -> tuple[Pane, Callable[[], None]]:
    box = AskBox(ascii_only=ascii_only)
    return box, lambda: box.show(AskView("1", "d", EVIL, (EVIL, (EVIL, "warn")), EVIL))


def filled_curve(ascii_only: bool) -> tuple[Pane, Callable[[], None]]:
    curve = Curve(ascii_only=ascii_only)
    now = Series([at / 50 for at in range(30)], [3 / (at + 1) for at in range(30)])
    best = Series([at / 50 for at in range(50)], [2 / (at + 1) for at in range(50)])

    def fill() -> None:
        curve.show(
            now=now,
            best=best,
            title=[(EVIL, "accent")],
            x_label=EVIL,
            x_end=EVIL,
            level=Level(0.5, EVIL),
            forecast=Forecast(0.1, 0.3),
            marks=[Mark(0.2, EVIL), Mark(0.4, "here")],
        )

    return curve, fill


PANES = [filled_table, filled_tail, filled_diff, filled_ask, filled_curve]


@pytest.mark.parametrize("make", PANES)
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_hostile_text_is_drawn_harmless_and_exactly_as_wide_as_the_pane(
    make: Callable[[bool], tuple[Pane, Callable[[], None]]], ascii_only: bool
) -> None:
    pane, fill = make(ascii_only)

    async with on_stage(pane) as pilot:
        for size in SIZES:
            await pilot.resize_terminal(*size)
            fill()
            await pilot.pause()
            assert_fit_to_paint(pane)
            assert not ascii_only or text_of(pane).isascii()


@pytest.mark.parametrize("make", PANES)
async def test_an_empty_pane_fits_at_any_size(make: Callable[[bool], tuple[Pane, Callable[[], None]]]) -> None:
    pane, _ = make(False)

    async with on_stage(pane) as pilot:
        for size in SIZES:
            await pilot.resize_terminal(*size)
            pane.move(1)
            pane.page(-1)
            pane.home()
            pane.end()
            assert_fit_to_paint(pane)


async def test_markup_is_text() -> None:
    tail = Tail(title="[bold]title[/]")

    async with on_stage(tail):
        tail.append("[@click=app.quit]press[/] loss[/foo]")
        tail.flush()

        assert "[@click=app.quit]press[/] loss[/foo]" in text_of(tail)
        assert "[bold]title[/]" in text_of(tail)


def title_is_bold(pane: Pane) -> bool:
    return any(style.bold for text, style, _ in pane.render_line(0) if style and text == "Reasoning")


async def test_the_pane_with_the_focus_is_told_by_its_title() -> None:
    tail = Tail(title="Reasoning")

    async with on_stage(tail) as pilot:
        before = title_is_bold(tail)
        tail.focus()
        await pilot.pause()

        assert not before
        assert title_is_bold(tail)


RED, BLUE = Style(color="red", bgcolor="black"), Style(color="blue", bgcolor="black")


@pytest.mark.parametrize(
    ("before", "after", "cells"),
    [
        ([("abcdef", RED)], [("abcdef", RED)], None),
        ([("abcdef", RED)], [("abXdef", RED)], (2, 3)),
        ([("ab", RED), ("cd", BLUE)], [("ab", RED), ("cX", BLUE)], (3, 4)),
        ([("abcd", RED)], [("abcd", BLUE)], (0, 4)),
        ([("aaaa", RED)], [("aaba", RED)], (2, 3)),
        ([("日本", RED), ("ab", RED)], [("日本", RED), ("ax", RED)], (5, 6)),
        ([("日本", RED)], [("日語", RED)], (0, 4)),
        ([("⠁⠂ ", RED)], [("⠁⠂⠄", RED)], (2, 3)),
    ],
)
def test_only_the_changed_cells_are_painted(
    before: list[tuple[str, Style]], after: list[tuple[str, Style]], cells: tuple[int, int] | None
) -> None:
    old, new = (Strip([Segment(text, style) for text, style in line]) for line in (before, after))

    assert changed_cells(old, new) == cells
