import time

from hypothesis import given
from hypothesis import strategies as st
from textual import on
from textual.app import App, ComposeResult

from loopwatch.tui.widgets.table import GAP, Column, Row, Table, fit_columns

from .stage import assert_fit_to_paint, on_stage, text_of

COLUMNS = [
    Column("#", 5, "right"),
    Column("state", 6),
    Column("time", 5, "right", 2),
    Column("idea", 8, "left", 1, True),
]


def rows(*numbers: int) -> list[Row]:
    return [Row(str(number), (str(number), ("drop", "quiet"), "5:01", f"idea {number}")) for number in numbers]


async def test_the_cursor_stays_with_its_row_when_newer_ones_arrive() -> None:
    table = Table(COLUMNS)

    async with on_stage(table):
        table.set_rows(rows(3, 2, 1))
        table.move(1)
        table.set_rows(rows(5, 4, 3, 2, 1))

        assert table.selected == "2"
        assert "▸     2" in text_of(table)


async def test_an_unmoved_cursor_stays_with_the_newest_row() -> None:
    table = Table(COLUMNS)

    async with on_stage(table):
        table.set_rows(rows(2, 1))
        table.set_rows(rows(3, 2, 1))

        assert table.selected == "3"


async def test_the_cursor_stays_in_view_and_within_the_rows() -> None:
    table = Table(COLUMNS)

    async with on_stage(table, (40, 10)) as pilot:
        table.set_rows(rows(*range(100)))
        visited = []
        for step in (table.end, table.home, lambda: table.page(1), lambda: table.page(-9), lambda: table.move(50)):
            step()
            visited.append(table.selected)
            assert "▸" in text_of(table)
        await pilot.resize_terminal(40, 5)

        assert visited == ["99", "0", "6", "0", "50"]
        assert "▸" in text_of(table)


async def test_a_row_that_vanished_leaves_the_cursor_near_its_place() -> None:
    table = Table(COLUMNS)

    async with on_stage(table):
        table.set_rows(rows(1, 2, 3))
        table.end()
        table.set_rows(rows(1))

        assert table.selected == "1"


async def test_columns_give_way_by_priority() -> None:
    table = Table(COLUMNS)

    async with on_stage(table, (44, 10)) as pilot:
        table.set_rows(rows(1))
        wide = text_of(table)
        await pilot.resize_terminal(34, 10)
        middle = text_of(table)
        await pilot.resize_terminal(20, 5)
        narrow = text_of(table)

    assert "time" in wide
    assert "idea" in wide
    assert "time" not in middle
    assert "idea" in middle
    assert "state" in narrow
    assert "idea" not in narrow


@given(
    st.lists(
        st.builds(Column, st.just("x"), st.integers(1, 30), priority=st.integers(0, 3), flexible=st.booleans()),
        min_size=1,
    ),
    st.integers(1, 120),
)
def test_shown_columns_fit_and_use_the_room(columns: list[Column], width: int) -> None:
    shown = fit_columns(columns, width)
    used = sum(size for _, size in shown) + GAP * (len(shown) - 1)

    assert used <= width
    assert used == width or not any(columns[at].flexible for at, _ in shown)


class Listening(App[None]):
    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table
        self.heard: list[str | None] = []
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield self._table

    @on(Table.Highlighted)
    def note(self, message: Table.Highlighted) -> None:
        self.heard.append(message.key)

    @on(Table.Chosen)
    def choose(self, message: Table.Chosen) -> None:
        self.chosen.append(message.key)


async def test_it_tells_when_the_cursor_gets_to_another_row() -> None:
    table = Table(COLUMNS)
    app = Listening(table)

    async with app.run_test(size=(60, 12)) as pilot:
        table.set_rows(rows(3, 2, 1))
        table.move(1)
        table.set_row(rows(2)[0])
        await pilot.click(Table, offset=(4, 4))
        await pilot.pause()

    assert app.heard == ["3", "2", "1"]
    assert app.chosen == ["1"]


async def test_twenty_thousand_rows_are_as_quick_to_go_through_as_the_visible_ones() -> None:
    table = Table(COLUMNS)

    async with on_stage(table):
        table.set_rows(rows(*range(20_000)))
        started = time.process_time()
        for _ in range(200):
            table.move(97)
        seconds = time.process_time() - started

        assert_fit_to_paint(table)
        assert table.selected == "19400"
        assert seconds < 10
