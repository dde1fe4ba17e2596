"""Novelty: the same code is the same however it is written, and a near one is near."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine import novelty
from loopwatch.engine.editing.edits import render
from loopwatch.engine.novelty import fingerprint, nearest

SOURCE = '"""Train."""\n\nLR = 0.01\nDECAY = 0.1\n\n\ndef step(x):\n    """One step."""\n    return x * LR\n'


def same(one: str, other: str) -> bool:
    return fingerprint({"train.py": one}) == fingerprint({"train.py": other})


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(SOURCE.replace("LR = 0.01", "LR = 0.01  # bold"), id="a comment"),
        pytest.param(SOURCE.replace("\n\n\n", "\n"), id="empty lines"),
        pytest.param(SOURCE.replace('"""One step."""', '"""Another."""'), id="another docstring"),
        pytest.param(SOURCE.replace('    """One step."""\n', ""), id="no docstring"),
        pytest.param(SOURCE.replace("\n", "\r\n"), id="line ends"),
        pytest.param("\ufeff" + SOURCE, id="a byte order mark"),
        pytest.param("# -*- coding: latin-1 -*-\n" + SOURCE, id="a declared encoding"),
        pytest.param(SOURCE.replace("0.01", "1e-2"), id="another spelling of a number"),
        pytest.param(SOURCE.replace("x * LR", "(x\n    * LR)"), id="brackets"),
    ],
)
def test_the_same_code_is_the_same_however_it_is_written(other: str) -> None:
    assert other != SOURCE
    assert same(SOURCE, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"), ("x = 1", "x = True"), ("x = b'a'", "x = 'a'"), ("x = 0.0", "x = -0.0"), ("a = 1\nb = 2", "b = 2\na = 1"),
        ("def f():\n    'doc'\n    return 1", "def f():\n    'doc'\n    return 2"), ("x = 'é'", "x = 'e\u0301'"), ("x = 'a'", "x = 'a '"),
    ],
)  # fmt: skip
def test_other_code_is_other_code(one: str, other: str) -> None:
    assert not same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = u'a'", "x = 'a'"), ("x = 0x10", "x = 16"), ("def f():\n    'doc'", "def f():\n    pass"),
        ("class A:\n    'doc'\n    x = 1", "class A:\n    x = 1"), ("'doc'", ""),
    ],
)  # fmt: skip
def test_what_reads_the_same_to_python_is_the_same(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = " + "-" * 50_000 + "1", id="nested deeply"),
        pytest.param("x = " + "(" * 5_000 + ")" * 5_000, id="brackets"),
        pytest.param("x" + ".y" * 20_000, id="a long chain"),
        pytest.param("x = 0x" + "f" * 20_000, id="a number too long to print"),
        pytest.param("x = 1" + "0" * 20_000, id="a number too long to read"),
        pytest.param("def f(:", id="a syntax error"),
        pytest.param("x = 'a\0b'", id="a zero byte"),
        pytest.param("x = '\ud800'", id="half a character"),
    ],
)
def test_code_that_python_cannot_read_or_print_is_still_told_apart(text: str) -> None:
    assert same(text, text)
    assert not same(text, f"{text} + 2")


def test_a_doubtful_escape_warns_nobody_and_changes_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert same("x = '\\d'", "x = '\\\\d'  # the same string")


def test_the_order_of_files_does_not_matter_and_their_names_do() -> None:
    one, other = {"a.py": "x = 1", "b.txt": "y"}, {"b.txt": "y", "a.py": "x = 1"}

    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint({"c.py": "x = 1", "b.txt": "y"})
    assert fingerprint(one) != fingerprint({"a.py": "x = 1", "b.txt": "y "})


# -- near --------------------------------------------------------------------------------------------------------------


def diff(old: str, new: str) -> str:
    return render("train.py", SOURCE, SOURCE.replace(old, new))


def test_the_same_change_is_at_distance_0_and_an_unrelated_one_far() -> None:
    lr = diff("LR = 0.01", "LR = 0.02")

    assert nearest(lr, [(2, lr)]) == (2, 0.0)
    far = nearest(lr, [(2, "+++ b/train.py\n+import os\n+print(os.name)\n")])
    assert far is not None
    assert far.distance > 0.8


def test_another_value_is_nearer_than_another_setting() -> None:
    lr, bolder, decay = (
        diff("LR = 0.01", "LR = 0.02"),
        diff("LR = 0.01", "LR = 0.03"),
        diff("DECAY = 0.1", "DECAY = 0.2"),
    )

    near = nearest(lr, [(4, decay), (3, bolder), (2, decay)])

    assert near is not None
    assert near.experiment == 3
    assert near.distance < 0.2
    far = nearest(lr, [(4, decay)])
    assert far is not None
    assert far.distance > 0.4


def test_of_two_that_are_equally_near_it_is_the_newer_one() -> None:
    lr = diff("LR = 0.01", "LR = 0.02")

    assert nearest(lr, [(9, lr), (2, lr)]) == (9, 0.0)


def test_without_earlier_ones_none_is_near() -> None:
    assert nearest(diff("LR = 0.01", "LR = 0.02"), []) is None


def test_only_the_last_ones_are_compared() -> None:
    lr, decay = diff("LR = 0.01", "LR = 0.02"), diff("DECAY = 0.1", "DECAY = 0.2")

    near = nearest(lr, [*((number, decay) for number in range(novelty.LAST + 1, 1, -1)), (1, lr)])

    assert near is not None
    assert near.experiment == novelty.LAST + 1


TEXTS = st.text(alphabet="ab=+-\n 1", max_size=60)


@given(TEXTS, st.lists(TEXTS, max_size=6))
def test_the_nearest_is_really_the_nearest(new: str, others: list[str]) -> None:
    alone = [nearest(new, [(number, other)]) for number, other in enumerate(others)]

    near = nearest(new, list(enumerate(others)))

    assert (near.distance if near else None) == min((one.distance for one in alone if one), default=None)
