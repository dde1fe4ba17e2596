"""Small edits: whatever is drawn compiles and changes only its place; known rewritings keep what the code does."""

import ast
import re
from pathlib import Path
from random import Random as Dice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine.mutation import Change, Code, Kind, mutations
from loopwatch.engine.mutation.constant import another
from loopwatch.engine.mutation.text import characters, pattern

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    ROOT / "tasks" / "sine" / "train.py",
    ROOT / "engine" / "editing" / "edits.py",
    ROOT / "engine" / "mutation" / "text.py",
]


def changes(text: str, kind: Kind | None = None, seed: int = 1) -> list[Change]:
    """Every edit of a text, or those of one kind."""
    code = Code.read(text)
    assert code is not None
    return [one for one in mutations(code, Dice(seed), 0.5) if kind in (None, one.kind)]


def edited(text: str, kind: Kind | None = None) -> set[str]:
    """What the text may become."""
    code = Code.read(text)
    assert code is not None
    return {made for one in changes(text, kind) if (made := code.changed(one.pieces))}


# -- every kind --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_edit_of_real_code_compiles_or_is_none(file: Path) -> None:
    text = file.read_text()
    code = Code.read(text)
    assert code is not None
    found = changes(text)[::7]

    made = [code.changed(one.pieces) for one in found]
    assert len([text for text in made if text]) > 0.9 * len(found) > 10
    assert all(ast.parse(text) for text in made if text)


def test_comments_and_layout_stay() -> None:
    text = "A = 1   # one, as ever\n\n\nif  A   ==  2 : # odd\n\tprint( 'ä' , A+1 )\n"

    made = edited(text, "operator")
    assert text.replace("==", "!=") in made
    assert text.replace("A+1", "A-1") in made


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_end_of_line_and_a_mark_at_the_beginning_are_counted(ending: str) -> None:
    text = ending.join(("\ufeffA = True", "é = 1", "B = False", ""))

    assert ending.join(("\ufeffA = True", "é = 1", "B = True", "")) in edited(text, "constant")


def test_what_is_no_python_has_no_edits() -> None:
    assert Code.read("def (") is None
    assert Code.read("A = '\0'") is None


def test_docstrings_annotations_imports_and_f_strings_are_left_alone() -> None:
    text = 'def f(a: "[0-9]+"):\n    """[0-9]+ of 12"""\n    from x import y\n    return f"{a + 12} [a-z]+"\n'

    assert not changes(text, "constant")
    assert not changes(text, "text")


def test_places_are_the_setting_or_the_function_around() -> None:
    text = "WIDE = 3\n\n\nclass Net:\n    deep = 2\n\n    def learn(self):\n        return 7\n"

    assert {(one.place, one.is_setting) for one in changes(text, "constant")} == {
        ("WIDE", True),
        ("deep", True),
        ("Net.learn", False),
    }


# -- constants ---------------------------------------------------------------------------------------------------------


@given(
    st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9).filter(lambda number: abs(number) > 1e-9)),
    st.integers(),
    st.floats(0.001, 10),
)
def test_another_number_is_another_one_of_the_same_kind_and_sign_unless_it_is_small(
    now: float, seed: int, step: float
) -> None:
    value = another(now, Dice(seed), step)

    assert value != now
    assert type(value) is type(now)
    assert abs(now) <= 1 or value * now >= 0 or abs(now) <= 2


def test_a_step_is_as_large_as_it_is_said_to_be() -> None:
    small, large = (
        sorted(abs(another(1000.0, Dice(seed), step) - 1000) for seed in range(99))[49] for step in (0.02, 1.0)
    )

    assert small < 40 < 200 < large


def test_nothing_and_something_become_each_other() -> None:
    assert {another(0, Dice(seed), 0.5) for seed in range(99)} == {-2, -1, 1, 2}
    assert 0.0 in {another(0.5, Dice(seed), 0.5) for seed in range(99)}


def test_a_negative_number_is_one_number() -> None:
    found = [one for one in changes("A = 3 ** -2.0\n", "constant") if " -2.0 →" in one.what]

    assert found
    assert all(one.pieces[0].start == 9 for one in found)


def test_an_index_moves_by_one() -> None:
    assert edited("a = b[5]\n", "constant") <= {"a = b[4]\n", "a = b[6]\n"}


# -- operators ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = b if c else d\n", "a = d if c else b\n"),
        ("a = min(b, c)\n", "a = max(b, c)\n"),
        ("a = b and c and d\n", "a = b or c or d\n"),
        ("a = b and (c or d)\n", "a = (b)\n"),
        ("a = b and (c or d)\n", "a = ((c or d))\n"),
        ("a = not (b and c)\n", "a = not ((b or c))\n"),
        ("while a not  in b:\n    c()\n", "while a in b:\n    c()\n"),
        ("if not a:\n    b()\n", "if (a):\n    b()\n"),
        ("if a:\n    b()\n", "if not (a):\n    b()\n"),
        ("a += 1\n", "a -= 1\n"),
        ("def f(a):\n    if not a:\n        return 0\n    return 1\n", "def f(a):\n    return 1\n"),
        ("def f(a):\n    a()  # done\n    return 1\n", "def f(a):\n    return 1\n"),
        ("def f(a):\n    return a\n", "def f(a):\n    pass\n"),
    ],
)
def test_an_operator_a_condition_or_a_statement_becomes_another(before: str, after: str) -> None:
    assert after in edited(before, "operator")


@pytest.mark.parametrize(
    "text",
    [
        "A = 1\n",
        "def f():\n    '''Say it.'''\n",
        'if __name__ == "__main__":\n    raise f\n',
        "import a\n\n\nclass B:\n    pass\n",
    ],
)
def test_what_everything_hangs_on_is_not_left_out(text: str) -> None:
    assert not [one for one in changes(text, "operator") if "left out" in one.what or "negated" in one.what]


def test_an_operator_between_comments_is_not_looked_for() -> None:
    assert not [one for one in changes("a = (b  # < c\n     < d)\n", "operator") if "with" in one.what]


# -- idioms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = b in [1, 2]\n", "a = b in {1, 2}\n"),
        ("a = b in c.keys()\n", "a = b in c\n"),
        ("a = (b or c) != None\n", "a = ((b or c) is not None)\n"),
        ("a = sorted(b)[0]\n", "a = min(b)\n"),
        ("a = sorted(b, key=c)[-1]\n", "a = max(b, key=c)\n"),
        ("a = sum([b for b in c])\n", "a = sum(b for b in c)\n"),
        ("a = b ** 2 + 1\n", "a = (b * b) + 1\n"),
        ("a = sorted(a, reverse=True)\n", "a = sorted(a, reverse=True)\n"),
        ("b = sorted(b, key=len)\n", "b.sort(key=len)\n"),
        ("a = []\nfor b in c:\n    if b:\n        a.append(b + 1)\n", "a = [b + 1 for b in c if b]\n"),
        ('a = ""\nfor b in c:\n    a += str(b)\n', 'a = "".join(str(b) for b in c)\n'),
        (
            "def f(a):\n    for b in a:\n        if b > 1:\n            return True\n    return False\n",
            "def f(a):\n    return any(b > 1 for b in a)\n",
        ),
        (
            "a = False\nfor b in c:\n    if b:\n        a = True\n",
            "a = False\nfor b in c:\n    if b:\n        a = True\n        break\n",
        ),
        (
            "import re\n\n\ndef f(a):\n    return re.match('b', a)\n",
            "import re\n\nPATTERN = re.compile('b')\n\n\ndef f(a):\n    return PATTERN.match(a)\n",
        ),
        (
            "import re\n\n\ndef f(a):\n    return re.match('b', a)\n",
            "import re\n\n\ndef f(a):\n    return re.fullmatch('b', a)\n",
        ),
        (
            "d = [x, y]\nfor a in b:\n    c(a in d)\n",
            "d = [x, y]\nd_set = set(d)\nfor a in b:\n    c(a in d_set)\n",
        ),
        ("for a in b:\n    c(a, len(d))\n", "len_of_d = len(d)\nfor a in b:\n    c(a, len_of_d)\n"),
        (
            '"""Doc."""\n\n\ndef f(a):\n    return a + 1\n',
            '"""Doc."""\n\n\nimport functools\n\n\n@functools.cache\ndef f(a):\n    return a + 1\n',
        ),
    ],
)
def test_a_known_rewriting(before: str, after: str) -> None:
    assert after in {*edited(before, "idiom"), *([before] if before == after else [])}


@pytest.mark.parametrize(
    "text",
    [
        "a = []\nfor b in c:\n    a.append(len(a))\n",  # it looks at what it makes
        "a = []\nfor b in c:\n    a.append(b)\nd = b\n",  # what was last is used later
        "a = []\nfor b in c:  # each\n    a.append(b)\n",  # a comment would be lost
        "for a in b:\n    d.append(a)\n    c(len(d))\n",  # not the same in every turn
        "def f(a):\n    a[0] = 1\n    return a\n",  # it writes to what it is given
        "def f(a):\n    return random.choice(a)\n",  # not the same for the same
        "a = b in [c, d]\n",  # perhaps these have no hash
        "d = {x, y}\nfor a in b:\n    c(a in d)\n",  # a set already
        "for a in len(b):\n    c()\n",  # worked out once already
    ],
)
def test_where_a_rewriting_could_not_keep_the_meaning_there_is_none(text: str) -> None:
    assert not changes(text, "idiom")


def test_the_same_comes_out_after_a_rewriting() -> None:
    text = (
        "import re\n\n\ndef f(words, stop):\n    found = []\n    for word in words:\n"
        "        if re.match('[a-z]+', word) and word not in stop:\n            found.append(word)\n"
        "    text = ''\n    for word in found:\n        text += word[0]\n    found = sorted(found)\n"
        "    most = 0\n    for word in found:\n        most = max(most, len(stop) + len(word))\n"
        "    return found, text, most, sorted(found)[0] == None\n"
    )
    given = (["bee", "1", "ant", "the", "cow"], ["the"])
    wanted = "(['ant', 'bee', 'cow'], 'bac', 4, False)"

    made = [text for text in edited(text, "idiom") if "fullmatch" not in text and "cache" not in text]
    assert len(made) >= 6
    for changed in made:
        names: dict[str, object] = {}
        exec(changed, names)
        assert repr(names["f"](*given)) == wanted, changed  # type: ignore[operator]


# -- patterns and sets -------------------------------------------------------------------------------------------------


@given(st.from_regex(r"(\[[a-z.]{1,3}\]|\\[dws.]|[a-z]|[a-z][*+?]|\([a-z]{1,3}\)){1,5}", fullmatch=True), st.integers())
def test_an_edited_pattern_still_compiles_and_is_another(text: str, seed: int) -> None:
    made = pattern(text, Dice(seed))

    assert made != text
    re.compile(made)


def test_a_class_gets_another_member() -> None:
    made = {pattern("[a-z]+@", Dice(seed)) for seed in range(3000)}

    assert {"[a-z0-9]+@", r"[a-z\.]+@", "[a-z]*@", "^[a-z]+@", "[a-z]+@$"} <= made


def test_a_set_of_characters_gets_one_or_loses_one() -> None:
    made = {characters("._", Dice(seed)) for seed in range(99)}

    assert {".", "_"} <= made
    assert all(abs(len(text) - 2) == 1 for text in made)


def test_only_what_looks_like_a_pattern_or_a_set_is_edited() -> None:
    text = "a = 'hello there'\nb = c in '._-'\nd = re.match('x', c)\ne = {'name': r'\\d+'}\nf = '''\n'''\n"

    assert {one.place for one in changes(text, "text")} == {"b", "d", "e"}


def test_a_raw_text_stays_raw() -> None:
    assert all("r'" in text for text in edited("a = re.match(r'[a]\\d', b)\n", "text"))
