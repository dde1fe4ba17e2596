from loopwatch.tui.widgets.page import CHARACTERS_KEPT, Page

from .stage import HOSTILE, SIZES, assert_fit_to_paint, on_stage, text_of


async def test_a_text_is_read_from_its_beginning_to_its_end() -> None:
    page = Page(title="the prompt", keys="esc back")

    async with on_stage(page, (40, 8)):
        page.set_text("".join(f"line {number}\n" for number in range(50)))
        beginning = text_of(page)
        page.end()

        assert "line 0 " in beginning
        assert "6/51" in beginning
        assert "line 49" in text_of(page)
        assert "51/51" in text_of(page)


async def test_what_a_terminal_would_hide_is_spelt_out() -> None:
    page = Page()

    async with on_stage(page, (60, 8)):
        page.set_text("lower it\x1b[2J \u202egnp")

        assert "lower it<U+001B>[2J <U+202E>gnp" in text_of(page)


async def test_what_is_too_long_to_show_is_said() -> None:
    page = Page()

    async with on_stage(page, (60, 8)):
        page.set_text("x\n" * (CHARACTERS_KEPT // 2) + "more")
        page.end()

        assert "(4 more characters are not shown)" in text_of(page)


async def test_nothing_hostile_is_painted_at_any_size() -> None:
    page = Page()

    async with on_stage(page) as pilot:
        page.set_text("\n".join(HOSTILE))
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert_fit_to_paint(page)
