import asyncio
from dataclasses import replace

from textual.pilot import Pilot
from textual.screen import Screen

from loopwatch.tui.widgets.askbox import AskBox, AskView

from .stage import on_stage, text_of

ASK = AskView(
    "7", "c0ffee", "ASK · #7 · waiting 1s", ("why  it was still falling", "do   warmup 250"), "a approve   v veto"
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def painted(pilot: Pilot[None], box: AskBox) -> None:
    """Wait until the ask has been on the screen: a pause alone does not promise it."""
    async with asyncio.timeout(20):
        while box._painted_at is None:
            await pilot.pause(0.01)


async def test_an_ask_is_armed_after_it_was_painted_and_the_grace_has_passed() -> None:
    clock = Clock()
    box = AskBox(clock=clock)

    async with on_stage(box) as pilot:
        box.show(ASK)
        clock.now += 60
        before_it_was_painted = box.armed
        await painted(pilot, box)
        just_painted = box.armed
        clock.now += 0.5
        after_the_grace = box.armed

    assert (before_it_was_painted, just_painted, after_the_grace) == (False, False, True)


async def test_the_state_is_shown_in_words() -> None:
    clock = Clock()
    box = AskBox(clock=clock)

    async with on_stage(box) as pilot:
        box.show(ASK)
        await painted(pilot, box)
        arming = text_of(box)
        clock.now += 1
        box.redraw()

        assert "arming ○" in arming
        assert "armed ●" in text_of(box)


async def test_another_ask_arms_anew() -> None:
    clock = Clock()
    box = AskBox(clock=clock)

    async with on_stage(box) as pilot:
        for other in (ASK, replace(ASK, id="8"), replace(ASK, digest="beef"), replace(ASK, lines=("another",))):
            box.show(other)
            assert not box.armed
            await painted(pilot, box)
            clock.now += 1
            assert box.armed


async def test_the_waiting_time_in_the_title_does_not_disarm() -> None:
    clock = Clock()
    box = AskBox(clock=clock)

    async with on_stage(box) as pilot:
        box.show(ASK)
        await painted(pilot, box)
        clock.now += 1
        box.show(replace(ASK, title="ASK · #7 · waiting 2s"))

        assert box.armed
        assert "waiting 2s" in text_of(box)


async def test_an_ask_behind_another_screen_is_not_armed() -> None:
    clock = Clock()
    box = AskBox(clock=clock)

    async with on_stage(box) as pilot:
        box.show(ASK)
        await painted(pilot, box)
        clock.now += 1
        await pilot.app.push_screen(Screen())

        assert not box.armed


async def test_no_ask_takes_no_room_and_is_not_armed() -> None:
    clock = Clock()
    box = AskBox(clock=clock)

    async with on_stage(box) as pilot:
        box.show(ASK)
        await painted(pilot, box)
        clock.now += 1
        box.show(None)
        await pilot.pause()

        assert not box.armed
        assert not box.display


async def test_a_long_ask_scrolls_inside_while_the_keys_stay() -> None:
    box = AskBox(lines=3)

    async with on_stage(box) as pilot:
        box.show(replace(ASK, lines=tuple(f"line {number}" for number in range(10))))
        await pilot.pause()
        first = text_of(box)
        box.move(3)
        second = text_of(box)
        box.end()

        assert box.size.height == 6
        assert "line 2" in first
        assert "7 more lines" in first
        assert "line 5" in second
        assert "line 2" not in second
        assert "a approve" in second
        assert "line 9" in text_of(box)


async def test_it_never_takes_the_focus() -> None:
    box = AskBox()

    async with on_stage(box) as pilot:
        box.show(ASK)
        await pilot.press("tab")

        assert pilot.app.focused is None
