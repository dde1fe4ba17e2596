import random

from hypothesis import given, settings
from hypothesis import strategies as st

from loopwatch.tui.widgets.tail import LINES_KEPT, LONGEST_LINE, Tail, Voice

from .stage import assert_fit_to_paint, on_stage, text_of


def shown(tail: Tail) -> list[str]:
    """The text within the frame, without empty lines."""
    lines = [line[2:-2].rstrip() for line in text_of(tail).splitlines()[1:-1]]
    return [line for line in lines if line]


async def test_pieces_may_end_anywhere() -> None:
    tail = Tail()

    async with on_stage(tail):
        for piece in ["Warm", "up is lon", "ger\nnow", "\r", "\nnext \x1b[3", "1mred\x1b", "[0m"]:
            tail.append(piece)
            tail.flush()

        assert shown(tail) == ["Warmup is longer", "now", "next red"]


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet="ab 日\n\r", max_size=200), st.integers(0, 2**32))
def test_the_cuts_between_pieces_do_not_show(text: str, seed: int) -> None:
    whole, pieces = Tail(), Tail()
    cuts = random.Random(seed)
    whole.append(text)
    whole.flush()
    while text:
        size = cuts.randint(1, 9)
        pieces.append(text[:size])
        pieces.flush()
        text = text[size:]

    assert list(pieces._rows) == list(whole._rows)


async def test_it_follows_the_end_until_it_is_scrolled_back() -> None:
    tail = Tail()

    async with on_stage(tail, (40, 12)):
        tail.append("".join(f"line {number}\n" for number in range(100)))
        tail.flush()
        following = shown(tail)
        tail.move(-20)
        held = shown(tail)
        tail.append("one more\n")
        tail.flush()

        assert "line 99" in following
        assert shown(tail) == held
        assert not tail.following
        assert "held · 1 new · G follows" in text_of(tail)


async def test_the_end_key_follows_again() -> None:
    tail = Tail()

    async with on_stage(tail, (40, 12)):
        tail.append("".join(f"line {number}\n" for number in range(100)))
        tail.flush()
        tail.home()
        first = shown(tail)[0]
        tail.end()
        tail.append("the last\n")
        tail.flush()

        assert first == "line 0"
        assert tail.following
        assert "the last" in shown(tail)


async def test_a_held_view_keeps_its_text_when_the_oldest_lines_fall_off() -> None:
    tail = Tail()

    async with on_stage(tail, (40, 12)):
        tail.append("".join(f"line {number}\n" for number in range(LINES_KEPT)))
        tail.flush()
        tail.hold()
        tail.move(-5)
        before = shown(tail)
        tail.append("".join(f"new {number}\n" for number in range(50)))
        tail.flush()

        assert shown(tail) == before


async def test_a_new_width_wraps_again() -> None:
    tail = Tail()

    async with on_stage(tail, (60, 12)) as pilot:
        tail.append("the loss was still falling when warmup ended\nnext ")
        tail.flush()
        await pilot.resize_terminal(24, 12)
        await pilot.pause()
        narrow = shown(tail)
        await pilot.resize_terminal(60, 12)
        await pilot.pause()

        assert narrow == ["the loss was still", "falling when warmup", "ended", "next"]
        assert shown(tail) == ["the loss was still falling when warmup ended", "next"]


async def test_a_heading_begins_a_line_of_its_own() -> None:
    tail = Tail()

    async with on_stage(tail):
        tail.append("thinking")
        tail.heading("#7 hypothesis")
        tail.append("longer warmup")
        tail.flush()

        assert shown(tail) == ["thinking", "#7 hypothesis", "longer warmup"]


async def test_an_endless_line_and_a_flood_stay_bounded() -> None:
    tail = Tail()

    async with on_stage(tail):
        tail.append("x" * 300_000)
        tail.flush()
        for _ in range(100):
            tail.append("y\n" * 50_000)
        held = sum(len(text) for text, _ in tail._pending)
        tail.flush()
        assert_fit_to_paint(tail)

        assert held <= 2_000_000
        assert len(tail._lines) <= LINES_KEPT
        assert len(tail._partial) <= LONGEST_LINE


async def test_clearing_forgets_everything() -> None:
    tail = Tail(empty="no words yet")

    async with on_stage(tail):
        tail.append("secret")
        tail.flush()
        tail.clear()

        assert shown(tail) == ["no words yet"]


async def test_each_voice_has_its_mark_where_it_begins() -> None:
    tail = Tail()
    thinking, tool = Voice("thought", "…"), Voice("accent", "●", every_line=True)

    async with on_stage(tail, (40, 12)):
        for text, voice in [
            ("The curve still falls at its ve", thinking), ("ry end, so it is short of steps.\n\n", thinking),
            ("reads a\nreads b\n", tool), ("\nSo", thinking), (" be it", thinking),
        ]:  # fmt: skip
            tail.append(text, voice=voice)
            tail.flush()

        assert shown(tail) == [
            "… The curve still falls at its very",
            "  end, so it is short of steps.",
            "● reads a",
            "● reads b",
            "… So be it",
        ]


async def test_marks_and_margins_survive_another_width() -> None:
    tail = Tail()

    async with on_stage(tail, (40, 12)) as pilot:
        tail.append("one two three four five six", voice=Voice("thought", "…"))
        tail.flush()
        await pilot.resize_terminal(19, 12)
        await pilot.pause()

        assert shown(tail) == ["… one two three", "  four five six"]


async def test_a_held_view_keeps_the_end_in_sight_when_it_gets_less_room() -> None:
    tail = Tail()

    async with on_stage(tail, (40, 12)) as pilot:
        tail.append("".join(f"line {number}\n" for number in range(8)))
        tail.flush()
        tail.hold()
        await pilot.resize_terminal(40, 6)
        await pilot.pause()

        assert shown(tail)[-1] == "line 7"
