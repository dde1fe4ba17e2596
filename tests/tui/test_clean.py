import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from loopwatch.tui.clean import (
    MARKS_PER_LETTER,
    cell_fit,
    chop,
    clean,
    clean_lines,
    reveal,
    reveal_lines,
    to_ascii,
    wrap,
)

from .stage import HOSTILE

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)
NASTY = st.lists(st.one_of(ANYTHING, st.sampled_from(HOSTILE)), max_size=6).map("".join)


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Co", "Me", "Zl", "Zp") for char in text)


@given(NASTY)
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    assert is_harmless(clean(text))
    assert is_harmless(reveal(text))
    assert all(is_harmless(line) for line in clean_lines(text))


@given(NASTY)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert reveal(reveal(text)) == reveal(text)


@given(NASTY)
def test_marks_do_not_pile_up_and_never_come_first(text: str) -> None:
    run = MARKS_PER_LETTER
    for char in clean(text):
        run = 0 if cell_len(char) else run + 1
        assert run <= MARKS_PER_LETTER


@pytest.mark.parametrize("text", ["step 12 loss 2.731", "größer, 日本語, 한국어, Việt Nam, ไทย", "a → b ≤ c █▁⣿"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
    assert reveal(text) == text


def test_colours_of_a_log_vanish_but_other_sequences_leave_a_trace() -> None:
    assert clean("\x1b[1;31mloss\x1b[0m 2.7\x1b[K") == "loss 2.7"
    assert clean("a\x1b]52;c;eA==\x07b") == "a␛]52;c;eA==␇b"


def test_an_override_of_the_reading_direction_shows() -> None:
    assert clean("if ok:\u202e # safe") == "if ok:� # safe"
    assert reveal("if ok:\u202e # sa\u200bfe") == "if ok:<U+202E> # sa<U+200B>fe"


def test_tabs_become_spaces_up_to_the_next_stop() -> None:
    assert clean("a\tb") == "a   b"


def test_a_carriage_return_hides_nothing() -> None:
    assert clean_lines("rm -rf\rharmless\r\nnext\n") == ["rm -rf", "harmless", "next", ""]
    assert reveal_lines("rm -rf\rharmless\r\n") == ["rm -rf<U+000D>harmless", ""]


@given(NASTY.map(clean), st.integers(0, 40), st.sampled_from(["left", "right"]), st.sampled_from(["", "…"]))
def test_fitted_text_has_exactly_the_width(text: str, width: int, align: str, more: str) -> None:
    fitted = cell_fit(text, width, align="left" if align == "left" else "right", more=more)

    assert cell_len(fitted) == width


@given(NASTY, st.integers(0, 40))
def test_clean_text_has_exactly_the_width_it_is_asked_for(text: str, width: int) -> None:
    assert cell_len(clean(text, width=width)) == width


def test_half_a_wide_character_is_a_space() -> None:
    assert cell_fit("日本", 3) == "日 "
    assert cell_fit("日本語", 4, more="…") == "日 …"


@given(NASTY.map(clean), st.integers(2, 30))
def test_wrapped_rows_fit_and_lose_only_spaces(text: str, width: int) -> None:
    rows = wrap(text, width)

    assert rows
    assert all(cell_len(row) <= width for row in rows)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")


@given(NASTY.map(clean), st.integers(2, 30))
def test_chopped_text_loses_nothing(text: str, width: int) -> None:
    pieces = chop(text, width)

    assert "".join(pieces) == text
    assert all(cell_len(piece) <= width for piece in pieces)


def test_text_is_wrapped_between_words() -> None:
    assert wrap("the loss was still falling", 10) == ["the loss", "was still", "falling"]
    assert wrap("    indented code", 13) == ["    indented", "code"]


@given(NASTY.map(clean))
def test_ascii_text_is_as_wide_as_before(text: str) -> None:
    assert to_ascii(text).isascii()
    assert cell_len(to_ascii(text)) == cell_len(text)


def test_a_million_characters_without_a_space_are_wrapped_in_linear_time() -> None:
    rows = wrap("é" * 1_000_000, 80)

    assert len(rows) == 12_500
