"""Exact search and replace: what is there once is replaced, anything else is refused in words for the model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine.editing.replacements import Replacement, replaced
from loopwatch.engine.errors import EditRefused

SOURCES = {"train.py": "LR = 0.01\nWIDTH = 8\nfor step in range(10):\n    LR = 0.01\n", "eval.py": "pass\n"}


def refusal(*replacements: Replacement) -> str:
    with pytest.raises(EditRefused) as raised:
        replaced(replacements, SOURCES)
    return str(raised.value)


def test_replacements_are_applied_in_order_each_to_what_the_ones_before_made() -> None:
    edits = [Replacement("train.py", "WIDTH = 8", "WIDTH = 16"), Replacement("train.py", "WIDTH = 16\n", "DEPTH = 2\n")]

    after = replaced(edits, SOURCES)

    assert after == {"train.py": SOURCES["train.py"].replace("WIDTH = 8", "DEPTH = 2")}


def test_a_new_file_has_nothing_to_replace() -> None:
    assert replaced([Replacement("models/big.py", "", "x = 1\n")], SOURCES) == {"models/big.py": "x = 1\n"}


def test_a_text_that_is_there_twice_is_refused_with_its_lines() -> None:
    said = refusal(Replacement("train.py", "LR = 0.01", "LR = 0.02"))

    assert said == "edit 1, of train.py: old is in the file more than once, at lines 1, 4; add the lines around it"


def test_a_text_that_is_not_there_is_refused_with_the_nearest_line() -> None:
    said = refusal(Replacement("train.py", "\n  WIDTH  = 8\n", "WIDTH = 9"))

    assert "the nearest to its first line is line 2: 'WIDTH = 8'; copy it exactly" in said


def test_a_text_that_is_like_nothing_is_refused_without_a_guess() -> None:
    said = refusal(Replacement("train.py", "optimizer = Muon()", ""))

    assert said == "edit 1, of train.py: old is not in the file; copy it exactly, with its indentation"


def test_a_file_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert "there are: train.py, eval.py" in refusal(Replacement("trian.py", "a", "b"))


def test_nothing_to_replace_in_a_file_that_is_there_is_refused() -> None:
    assert "old is empty, but the file is there already" in refusal(Replacement("train.py", "", "x"))


def test_texts_that_overlap_themselves_are_there_twice() -> None:
    with pytest.raises(EditRefused, match="more than once"):
        replaced([Replacement("a", "aa", "b")], {"a": "aaa"})


@given(st.text("ab\n", max_size=30), st.text("ab\n", min_size=1, max_size=5), st.text("ab\n", max_size=5))
def test_what_is_replaced_was_there_once_and_the_rest_stays(text: str, old: str, new: str) -> None:
    try:
        after = replaced([Replacement("f", old, new)], {"f": text})["f"]
    except EditRefused:
        assert sum(text.startswith(old, at) for at in range(len(text))) != 1
        return

    before, _, behind = text.partition(old)
    assert after == before + new + behind
