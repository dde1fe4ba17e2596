"""Diffs as data: what is refused, where a hunk lands, and that a diff survives being written and read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwatch.engine.editing import edits
from loopwatch.engine.editing.edits import EditRefused

TRAIN = "import math\n\nALPHA = 1.0\nBETA = 2  # keep\n\n\ndef train():\n    return ALPHA\n"
GOOD = "--- a/train.py\n+++ b/train.py\n@@ -3 +3 @@\n-ALPHA = 1.0\n+ALPHA = 0.5\n"


def _diff(header: str = "--- a/train.py\n+++ b/train.py\n", added: str = "ALPHA = 0.5") -> str:
    return f"{header}@@ -3 +3 @@\n-ALPHA = 1.0\n+{added}\n"


def _apply(diff: str, source: str = TRAIN, *, recount: bool = False) -> str:
    return edits.apply(edits.parse(diff, recount=recount), {"train.py": source})["train.py"]


@pytest.mark.parametrize(
    "header",
    [
        "--- a/train.py\n+++ b/train.py\n",
        "--- train.py\n+++ train.py\n",
        "--- a/train.py\t2026-01-01 10:00:00\n+++ b/train.py\t2026-01-01 10:00:01\n",
        "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n",
        "diff --git a/train.py b/train.py\nindex 1a2b3c..4d5e6f 100644\n--- a/train.py\n+++ b/train.py\n",
    ],
)
def test_ordinary_headers_are_read(header: str) -> None:
    assert _apply(_diff(header)) == TRAIN.replace("1.0", "0.5")


@pytest.mark.parametrize(
    ("reason", "diff"),
    [
        ("names no file", ""),
        ("expected --- a/FILE", "ALPHA = 0.5\n"),
        ("has no hunk", "--- a/train.py\n+++ b/train.py\n"),
        ("rename or copy", _diff("--- a/train.py\n+++ b/evaluate.py\n")),
        ("names two files", _diff("diff --git a/train.py b/immutable/eval.py\nsimilarity index 100%\n")),
        ("only the text", _diff("diff --git a/t.py b/t.py\nrename from t.py\n--- a/t.py\n+++ b/t.py\n")),
        ("only the text", _diff("diff --git a/t.py b/t.py\ncopy from t.py\n--- a/t.py\n+++ b/t.py\n")),
        ("only the text", _diff("diff --git a/t.py b/t.py\nold mode 100644\nnew mode 100755\n")),
        ("only the text", _diff("diff --git a/t b/t\nnew file mode 120000\n--- /dev/null\n+++ b/t\n")),
        ("only the text", _diff("diff --git a/t b/t\nnew file mode 160000\n--- /dev/null\n+++ b/t\n")),
        ("only the text", _diff("diff --git a/t b/t\nindex 1a..2b 120000\n--- a/t\n+++ b/t\n")),
        ("only the text", "diff --git a/t b/t\nBinary files a/t and b/t differ\n"),
        ("only the text", "diff --git a/t b/t\nGIT binary patch\nliteral 3\n"),
        ("only the text", "diff --git a/t b/t\ndeleted file mode 100644\n--- a/t\n+++ /dev/null\n"),
        ("deleted", _diff("--- a/train.py\n+++ /dev/null\n")),
        ("disagree", _diff("diff --git a/other.py b/other.py\n--- a/train.py\n+++ b/train.py\n")),
        ("appears twice", GOOD + GOOD),
        ("appears twice", GOOD + _diff("--- a/Train.py\n+++ b/Train.py\n")),
        ("NUL", _diff(added="a\0b")),
        ("not valid Unicode", _diff(added="x = '\udc80'")),
        ("at most", _diff(added="#" * 20_000_000)),
        ("other line counts", GOOD.replace("@@ -3 +3 @@", "@@ -3 +3,0 @@")),
        ("other line counts", GOOD + " import math\n"),
        ("still to come", GOOD.replace("@@ -3 +3 @@", "@@ -3,2 +3,2 @@")),
        ("expected @@", GOOD.replace("@@ -3 +3 @@", "@@ somewhere @@")),
        ("changes nothing", "--- a/train.py\n+++ b/train.py\n@@ -3 +3 @@\n ALPHA = 1.0\n"),
        ("neither a space", GOOD.replace("+ALPHA", "ALPHA")),
    ],
)
def test_anything_but_a_change_of_text_is_refused(reason: str, diff: str) -> None:
    with pytest.raises(EditRefused, match=reason):
        edits.parse(diff)


@pytest.mark.parametrize(
    "path",
    [
        "../outside.py", "a/../train.py", "./train.py", "/etc/passwd", "a//b.py", "C:\\train.py", "a\\b.py",
        "train.py/",         '"tr\\303\\244in.py"', "trаin.py", "train\x1b[2J.py", "train.py\r",
        ".git/hooks/pre-commit", "lib/.GIT/config",
        "git~1/config", ".gitattributes", "model/.gitmodules", ".GitIgnore", "train.py\u200b",
        "train\u202e.py", "train.py.", "train.py ", "a:b", "x" * 300, " ", "...",
    ],
)  # fmt: skip
def test_an_odd_path_is_refused(path: str) -> None:
    with pytest.raises(EditRefused, match="plain"):
        edits.parse(_diff(f"--- a/{path}\n+++ b/{path}\n"))


@pytest.mark.parametrize("path", ["train.py", "lib/model-2.py", "a b/c (1).py", "__init__.py", ".hidden", "...x"])
def test_a_plain_path_is_read(path: str) -> None:
    (patch,) = edits.parse(_diff(f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"))

    assert patch.path == path


@pytest.mark.parametrize(
    "character",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200f",
        "\ufeff",
        "\u00ad",
        "\u3164",
        "\u2028",
        "\x85",
        "\x1b",
        "\x0c",
        "\x08",
        "\U000e0041",
        "\U000e0100",
        "\u061c",
        "\u180e",
        "\u2800",
        "\u2060",
        "\ufe00",
        "\U0001d173",
        "\x9b",
        "\r",
    ],
)
def test_a_character_that_no_reader_sees_cannot_be_added(character: str) -> None:
    with pytest.raises(EditRefused, match=f"U\\+{ord(character):04X}"):
        edits.parse(_diff(added=f"x = 1  # {character}y"))


@pytest.mark.parametrize("text", ["lr\ufe0f = 1", "# ❤\ufe0f\ufe0e\ufe0f", "\ufe0fx = 1", "'a' + \ufe0f'b'"])
def test_a_variation_selector_says_how_an_emoji_looks_and_nothing_else(text: str) -> None:
    with pytest.raises(EditRefused, match="unseen character U\\+FE0"):
        edits.parse(_diff(added=text))


@pytest.mark.parametrize(
    "text", ["損失 = 1", "# ✅ ⚠️ 1️⃣ café", "x\t= 1", "x = 1\r", "", "s = '→ ≤ ∑ β'", "größe = 'ไทย'"]
)
def test_ordinary_text_in_any_language_can_be_added(text: str) -> None:
    assert f"{text}\n" in _apply(_diff(added=text))


def test_an_unseen_character_can_be_removed() -> None:
    source = TRAIN.replace("1.0", "1.0  # \u202e")

    after = _apply(GOOD.replace("-ALPHA = 1.0", "-ALPHA = 1.0  # \u202e"), source)

    assert after == TRAIN.replace("1.0", "0.5")


def test_a_hunk_lands_at_the_one_place_that_fits() -> None:
    assert _apply(GOOD.replace("-3 +3", "-7 +7")) == TRAIN.replace("1.0", "0.5")


def test_a_hunk_that_fits_twice_is_refused_unless_its_line_decides() -> None:
    source = "a\nx\nb\nx\n"
    diff = "--- a/train.py\n+++ b/train.py\n@@ -{0} +{0} @@\n-x\n+y\n"

    assert _apply(diff.format(4), source) == "a\nx\nb\ny\n"
    with pytest.raises(EditRefused, match="fits at lines 2, 4"):
        _apply(diff.format(1), source)


def test_a_refusal_names_the_hunk_and_the_first_line_that_differs() -> None:
    second = "@@ -7,2 +7,2 @@\n def train():\n-    return BETA\n+    return 3\n"

    with pytest.raises(EditRefused, match=r"hunk 2 of train\.py does not fit: line 8 is '    return ALPHA"):
        _apply(GOOD + second)


def test_a_hunk_may_not_reach_back_over_the_one_before_it() -> None:
    with pytest.raises(EditRefused, match="overlaps"):
        _apply(GOOD + "@@ -3 +3 @@\n-ALPHA = 1.0\n+ALPHA = 0.1\n")


def test_a_hunk_without_context_has_no_place() -> None:
    with pytest.raises(EditRefused, match="no line of context"):
        _apply("--- a/train.py\n+++ b/train.py\n@@ -3,0 +4 @@\n+x = 1\n")


def test_a_missing_last_newline_is_kept_and_mended() -> None:
    bare = TRAIN.removesuffix("\n")

    mend = edits.render("train.py", bare, TRAIN)

    assert mend.count("\\ No newline at end of file") == 1
    assert _apply(mend, bare) == TRAIN
    with pytest.raises(EditRefused, match="does not fit"):
        _apply(mend, TRAIN)


def test_a_line_without_newline_must_be_the_last() -> None:
    with pytest.raises(EditRefused, match="not the last"):
        _apply(GOOD + "\\ No newline at end of file\n")


def test_an_empty_context_line_may_have_lost_its_space() -> None:
    diff = "--- a/train.py\n+++ b/train.py\n@@ -1,3 +1,3 @@\n import math\n\n-ALPHA = 1.0\n+ALPHA = 0.5\n"

    assert _apply(diff) == TRAIN.replace("1.0", "0.5")


@pytest.mark.parametrize("header", ["@@ -3,9 +3,1 @@", "@@ -3 +3 @@ def f():", "@@ @@", "@@ ... @@"])
def test_a_diff_edited_by_a_person_may_have_wrong_counts_and_comments(header: str) -> None:
    edited = "# Change what you like.\n#\n\n" + GOOD.replace("@@ -3 +3 @@", header) + "\n\n"

    assert _apply(edited, recount=True) == TRAIN.replace("1.0", "0.5")


def test_a_removed_line_that_looks_like_a_header_is_a_line() -> None:
    source = "-- old\nkeep\n"
    diff = "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n--- old\n+++ new\n keep\n"

    assert _apply(diff, source) == "++ new\nkeep\n"
    assert _apply(diff, source, recount=True) == "++ new\nkeep\n"


def test_a_change_that_changes_nothing_is_refused() -> None:
    with pytest.raises(EditRefused, match="changes nothing in"):
        _apply(GOOD.replace("0.5", "1.0"))


def test_a_file_may_not_grow_without_limit() -> None:
    source = TRAIN + "#" * (edits.FILE_BYTES - len(TRAIN))

    with pytest.raises(EditRefused, match="524,288"):
        _apply(GOOD.replace("0.5", "0.55"), source)


def test_only_editable_files_may_be_changed() -> None:
    patches = edits.parse(_diff("--- a/evaluate.py\n+++ b/evaluate.py\n"))

    with pytest.raises(EditRefused, match=r"evaluate\.py may not be changed; editable: train\.py, model/"):
        edits.allowed(patches, ["train.py", "model/"])


NEW = "--- /dev/null\n+++ b/{}\n@@ -0,0 +1 @@\n+x = 1\n"


@pytest.mark.parametrize(
    "path",
    [
        "sitecustomize.py", "json.py", "Train.py", "modelx/a.py", "model", "evil.pth", "conftest.py", "setup.cfg", ".env",
        "Makefile", "AGENTS.md", ".vscode/settings.json", "MODEL/a.py",
    ],
)  # fmt: skip
def test_a_new_file_outside_an_editable_folder_is_refused(path: str) -> None:
    with pytest.raises(EditRefused, match="may not be changed"):
        edits.allowed(edits.parse(NEW.format(path)), ["train.py", "model/"])


def test_a_new_file_in_an_editable_folder_is_made() -> None:
    patches = edits.parse(NEW.format("model/layers.py"))

    edits.allowed(patches, ["train.py", "model/"])

    assert edits.apply(patches, {"train.py": TRAIN}) == {"model/layers.py": "x = 1\n"}


@pytest.mark.parametrize("path", ["model/.env", "model/.hidden/x.py", "model/TRAIN.py", "Model/new.py"])
def test_a_hidden_new_file_or_a_second_spelling_is_refused(path: str) -> None:
    with pytest.raises(EditRefused, match=r"hidden|is there already"):
        edits.apply(edits.parse(NEW.format(path)), {"model/train.py": TRAIN})


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("model/eval.py", "model/EVAL.py"),
        ("model/stra\u00dfe.py", "model/STRASSE.py"),
        ("caf\u00e9/x.py", "cafe\u0301/y.py"),
        ("\uff4dodel/x.py", "model/y.py"),
        ("a/b/c.py", "A/b/d.py"),
    ],
)
def test_names_that_some_file_systems_take_for_one_are_told(path: str, other: str) -> None:
    assert other.startswith(edits.alias(path, [other]) or "none")
    assert edits.alias(path, [path]) == ""
    assert edits.alias(path, ["train.py", "lib/eval.py"]) == ""


def test_a_changed_file_must_be_there() -> None:
    with pytest.raises(EditRefused, match="is not there"):
        edits.apply(edits.parse(GOOD), {"other.py": TRAIN})


def test_two_ways_to_write_a_change_have_one_canonical_form() -> None:
    long_way = edits.render("train.py", TRAIN, TRAIN.replace("1.0", "0.5"))

    short_way = edits.canonical(GOOD, {"train.py": TRAIN})

    assert short_way == long_way
    assert edits.digest(short_way) == edits.digest(long_way) != edits.digest(GOOD)


def test_changes_are_counted() -> None:
    assert edits.count_changes(GOOD + NEW.format("model/a.py")) == (2, 1, 2, 2)


def test_a_constant_is_rewritten_and_nothing_else() -> None:
    source = "A = 1\r\nLR: float = -1e-3   # é, the rate\r\n\r\ndef f():\r\n    LR = 5\r\n"

    after = edits.set_constant(source, "LR", 3e-05)

    assert after == source.replace("-1e-3", "3e-05")
    assert edits.constant(after, "LR") == 3e-05


@pytest.mark.parametrize("value", [0.1, 1e-30, -5, True, None, 'it\'s "q"\n', (1, 2.5), [64, "a"]])
def test_a_constant_reads_back_as_it_was_set(value: edits.Value) -> None:
    assert edits.constant(edits.set_constant("é = 1; X = 2; Y = 3  # é\n", "X", value), "X") == value


@pytest.mark.parametrize(
    ("reason", "source"),
    [
        ("there are 0", "Y = 1\n"),
        ("there are 0", "if True:\n    X = 1\n"),
        ("there are 0", "X = [\n  1,\n]\n"),
        ("there are 0", "X: int\n"),
        ("there are 2", "X = 1\nX = 2\n"),
        ("cannot be read as Python", "X = = 1\n"),
        ("cannot be read as Python", "X = 1\0\n"),
        ("cannot be read as Python", "X = " + "(" * 5000 + "1" + ")" * 5000 + "\n"),
        ("not a plain literal", "X = open('/etc/passwd').read()\n"),
    ],
)
def test_a_constant_that_is_not_one_plain_line_is_refused(reason: str, source: str) -> None:
    with pytest.raises(EditRefused, match=reason):
        edits.constant(source, "X")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_constant_is_never_set_to_what_no_literal_can_say(value: float) -> None:
    with pytest.raises(EditRefused, match="cannot be set"):
        edits.set_constant("X = 1\n", "X", value)


LINES = st.lists(
    st.sampled_from(["", "a", "b", "-- x", "++ y", "@@ -1 +1 @@", "\\ odd", "# c", "  x = 1\t", "é✅"]),
    max_size=12,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    return "\n".join(draw(LINES)) + draw(st.sampled_from(["", "\n"]))


def test_few_different_lines_very_often_each_do_not_keep_the_engine_busy() -> None:
    before = "".join(f"{line % 101}\n" for line in range(20_000))
    after = f"first\n{before}"[::-1].lstrip() + "\n0\n"

    diff = edits.render("train.py", before, after)

    assert diff.count("\n@@") == 1
    assert _apply(diff, before) == after


@settings(max_examples=150, deadline=None)
@given(before=texts(), after=texts())
def test_a_rendered_diff_turns_the_one_text_into_the_other(before: str, after: str) -> None:
    diff = edits.render("train.py", before, after)

    assert (diff == "") == (before == after)
    if diff:
        assert _apply(diff, before) == after
        assert edits.canonical(diff, {"train.py": before}) == diff


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(texts(), min_size=2, max_size=2),
    noise=st.lists(st.integers(0, 400), max_size=4),
    filler=st.text(max_size=3),
)
def test_a_damaged_diff_is_refused_or_keeps_to_its_file(texts: list[str], noise: list[int], filler: str) -> None:
    diff = edits.render("train.py", *texts)
    for at in noise:
        diff = diff[:at] + filler + diff[at + 1 :]

    try:
        result = edits.apply(edits.parse(diff), {"train.py": texts[0]})
    except EditRefused:
        return
    assert set(result) == {"train.py"}
