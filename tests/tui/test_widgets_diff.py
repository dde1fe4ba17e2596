from textual.containers import Vertical

from loopwatch.tui.widgets.diff import Diff, changed_words, parse

from .stage import on_stage, text_of

SMALL = """\
diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,3 +1,3 @@ class Config:
 n_head = 6
-warmup = 100
+warmup = 250
 beta2 = 0.95
"""


def hunk(number: int, lines: int) -> str:
    return f"@@ -{number},0 +{number},{lines} @@\n" + "".join(f"+line {number}.{at}\n" for at in range(lines))


async def test_signs_are_always_there() -> None:
    diff = Diff()

    async with on_stage(diff, (60, 14)):
        diff.set_diff(SMALL)
        text = text_of(diff)

    assert "- warmup = 100" in text
    assert "+ warmup = 250" in text
    assert "@@ -1,3 +1,3 @@ class Config:" in text


async def test_only_the_changed_words_are_underlined() -> None:
    diff = Diff()

    async with on_stage(diff, (60, 14)):
        diff.set_diff(SMALL)
        underlined = [
            segment.text
            for y in range(diff.size.height)
            for segment in diff.render_line(y)
            if segment.style and segment.style.underline
        ]

    assert underlined == ["100", "250"]


def test_lines_with_hardly_a_common_word_are_not_compared() -> None:
    assert changed_words("-a = b + c", "+import os, sys, json") == ()
    assert changed_words("-" + "x " * 400, "+" + "y " * 400) == ()


def test_a_removed_line_that_looks_like_a_header_is_a_removed_line() -> None:
    lines = parse("--- a/q.sql\n+++ b/q.sql\n@@ -1,2 +1,2 @@\n--- old comment\n+++ new comment\n same\n")

    assert [line.kind for line in lines] == ["file", "file", "hunk", "removed", "added", "context"]


def test_a_header_that_promises_too_many_lines_does_not_swallow_the_next_hunk() -> None:
    lines = parse("@@ -1,99 +1,99 @@\n+one\n@@ -200 +200 @@\n-two\n+three\n")

    assert [line.kind for line in lines] == ["hunk", "added", "hunk", "removed", "added"]


async def test_a_long_line_is_wrapped_with_its_sign_and_nothing_is_lost() -> None:
    diff = Diff()
    tail = "x" * 100 + "; rm -rf"

    async with on_stage(diff, (40, 20)):
        diff.set_diff(f"@@ -1,0 +1 @@\n+{tail}\n")
        rows = [line[2:-2] for line in text_of(diff).splitlines() if line[2:4] in ("+ ", "+↳")]

    assert len(rows) == 4
    assert "".join(row[2:] for row in rows).strip() == tail


async def test_hidden_characters_are_spelt_out() -> None:
    diff = Diff()

    async with on_stage(diff, (60, 10)):
        diff.set_diff("@@ -1,0 +1,2 @@\n+if admin:\u202e # safe\n+a\rb\n")
        text = text_of(diff)

    assert "+ if admin:<U+202E> # safe" in text
    assert "+ a<U+000D>b" in text


async def test_a_hunk_is_seen_when_all_its_rows_were_on_the_screen() -> None:
    diff = Diff()

    async with on_stage(diff, (40, 12)) as pilot:
        diff.set_diff(hunk(1, 5) + hunk(50, 20) + hunk(90, 3))
        await pilot.pause()
        at_start = diff.hunks_seen
        diff.end()
        await pilot.pause()
        after_a_jump = diff.hunks_seen
        diff.home()
        for _ in range(4):
            diff.page(1)
            await pilot.pause()
        foot = text_of(diff).splitlines()[-1]

    assert diff.hunks_total == 3
    assert at_start == 1
    assert after_a_jump == 2
    assert diff.hunks_seen == 3
    assert "seen 3/3 hunks" in foot


async def test_a_diff_that_is_not_shown_is_not_seen() -> None:
    diff = Diff()
    diff.display = False

    async with on_stage(Vertical(diff)) as pilot:
        diff.set_diff(SMALL)
        await pilot.pause()
        hidden = diff.hunks_seen
        diff.display = True
        await pilot.pause()

        assert hidden == 0
        assert diff.hunks_seen == 1


async def test_rows_beyond_the_edge_of_the_screen_are_not_seen() -> None:
    diff = Diff()
    diff.styles.height = 30

    async with on_stage(diff, (60, 6)) as pilot:
        diff.set_diff(SMALL)
        await pilot.pause()

        assert diff.hunks_seen == 0


async def test_another_diff_starts_unseen_and_at_its_top() -> None:
    diff = Diff()

    async with on_stage(diff, (40, 8)) as pilot:
        diff.set_diff(hunk(1, 30))
        diff.end()
        await pilot.pause()
        diff.set_diff(hunk(2, 30))
        await pilot.pause()

        assert diff.hunks_seen == 0
        assert "line 2.0" in text_of(diff)


async def test_next_hunk_goes_from_header_to_header() -> None:
    diff = Diff()

    async with on_stage(diff, (40, 8)):
        diff.set_diff(hunk(1, 9) + hunk(50, 9) + hunk(90, 9))
        tops = []
        for step in (1, 1, -1):
            diff.next_hunk(step)
            tops.append(text_of(diff).splitlines()[1].split()[2])

    assert tops == ["-50,0", "-90,0", "-50,0"]
