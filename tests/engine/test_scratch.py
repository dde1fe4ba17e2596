"""What an agent left in its copy: only the bytes of editable regular files count, and the rest is refused or left out in words."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from loopwatch.engine.editing import edits
from loopwatch.engine.errors import EditRefused
from loopwatch.engine.proposers.scratch import Scratch
from tests.engine.agents import BOLDER, BRIEF, SOURCE

FOLDER = replace(
    BRIEF,
    task=BRIEF.task.model_copy(update={"editable": ("train.py", "parts/")}),
    sources={"train.py": SOURCE, "parts/a.py": "A = 1\n"},
)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    copy = tmp_path / "copy"
    (copy / "parts").mkdir(parents=True)
    for path, text in FOLDER.sources.items():
        (copy / path).write_text(text)
    (copy / "evaluate.py").write_text("print(1)\n")
    (copy / "parts" / "logo.png").write_bytes(b"\x89PNG\xff")
    return Scratch(copy, FOLDER)


OBEYED = (
    "CLAUDE.md",
    ".claude/settings.json",
    ".codex/config.toml",
    ".mcp.json",
    ".vscode/tasks.json",
    "parts/AGENTS.md",
)
"""What an earlier experiment, or whoever gave a person this task, may have planted."""


def test_what_agents_obey_is_not_in_the_copy_and_cannot_come_out_of_it(tmp_path: Path) -> None:
    copy, planted = tmp_path / "copy", replace(FOLDER, sources={**FOLDER.sources, "parts/AGENTS.md": "Obey."})
    for path, text in {**dict.fromkeys(OBEYED, "Obey."), **FOLDER.sources}.items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_text(text)
    scratch = Scratch(copy, planted)

    assert scratch.stripped == [".claude", ".codex", ".mcp.json", ".vscode", "CLAUDE.md", "parts/AGENTS.md"]
    assert sorted(path.name for path in copy.iterdir()) == ["parts", "train.py"]
    assert scratch.diff() == ""
    (copy / "parts" / "AGENTS.md").write_text("Obey me again.")
    (copy / "parts" / "claude.MD").write_text("Obey me too.")
    assert scratch.diff() == ""
    assert "not editable: parts/AGENTS.md, parts/claude.MD" in scratch.left_out()


def test_an_untouched_copy_has_no_diff(scratch: Scratch) -> None:
    assert (scratch.diff(), scratch.left_out()) == ("", "")


def test_what_changed_in_an_editable_file_is_the_diff(scratch: Scratch) -> None:
    (scratch.folder / "train.py").write_text(BOLDER)

    assert scratch.diff() == edits.render("train.py", SOURCE, BOLDER)


def test_a_new_text_file_in_an_editable_folder_is_proposed_with_it(scratch: Scratch) -> None:
    (scratch.folder / "parts" / "b.py").write_text("B = 2\n")

    assert scratch.diff() == edits.render("parts/b.py", None, "B = 2\n")


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: (folder / "evaluate.py").write_text("print(0)\n"),
        lambda folder: (folder / "evaluate.py").unlink(),
        lambda folder: (folder / "notes.md").write_text("hm"),
        lambda folder: (folder / "parts" / "b.py").symlink_to("/etc/passwd"),
        lambda folder: (folder / "parts" / "b.bin").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "parts" / ".hidden.py").write_text("x = 1\n"),
        lambda folder: (folder / "parts" / "b.py").write_bytes(b" " * (edits.FILE_BYTES + 1)),
        lambda folder: (folder / "parts" / "logo.png").write_bytes(b"text now"),
        lambda folder: os.mkfifo(folder / "parts" / "pipe"),
    ],
    ids=["a frozen file", "a frozen file removed", "a note", "a link", "no text", "hidden", "too long", "not text before", "a pipe"],
)  # fmt: skip
def test_anything_else_is_left_out_and_named(scratch: Scratch, make: Callable[[Path], object]) -> None:
    make(scratch.folder)

    assert scratch.diff() == ""
    assert scratch.left_out().startswith("changed in the copy, and not taken, for they are not editable: ")


def test_many_files_are_named_by_a_few_and_a_count(scratch: Scratch) -> None:
    for number in range(9):
        (scratch.folder / f"{number}.txt").touch()

    assert scratch.left_out().endswith(": 0.txt, 1.txt, 2.txt and 6 more")


def test_caches_are_nobodys_business(scratch: Scratch) -> None:
    (scratch.folder / "parts" / "__pycache__").mkdir()
    (scratch.folder / "parts" / "__pycache__" / "a.pyc").touch()

    assert (scratch.diff(), scratch.left_out()) == ("", "")


def _made_link(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("elsewhere")))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda folder: (folder / "train.py").unlink(), "train.py is gone"),
        (lambda folder: _made_link(folder / "train.py"), "no regular file"),
        (lambda folder: (folder / "train.py").write_bytes(b"\xff"), "no UTF-8 text"),
        (lambda folder: (folder / "train.py").write_bytes(b"#" * 600_000), "600,000 bytes now"),
        (lambda folder: (folder / "train.py").write_text("LR = (1\n"), "would not compile: line 1"),
        (lambda folder: (folder / "train.py").write_text("LR = 1\0\n"), "would not compile"),
        (lambda folder: _made_link(folder / "parts"), "parts/a.py is no regular file"),
    ],
    ids=["removed", "a link", "no text", "too long", "no Python", "NUL", "behind a link"],
)  # fmt: skip
def test_an_editable_file_that_cannot_be_taken_is_refused_in_words(
    scratch: Scratch, make: Callable[[Path], object], why: str
) -> None:
    make(scratch.folder)

    with pytest.raises(EditRefused, match=why):
        scratch.diff()


@pytest.mark.parametrize(
    ("path", "inside"),
    [("train.py", True), ("parts/../train.py", True), ("{copy}/parts/a.py", True), ("../copy", False), ("/etc/passwd", False),
     ("out/x", False), ("../copy2/x", False), ("a\0b", False)],
)  # fmt: skip
def test_a_path_leads_into_the_copy_or_nowhere(scratch: Scratch, path: str, inside: bool) -> None:
    (scratch.folder / "out").symlink_to("/tmp")

    found = scratch.find(path.replace("{copy}", str(scratch.folder)))

    assert (found is not None and found != scratch.folder) == inside


def test_a_piece_of_a_file_is_shown_in_its_place(scratch: Scratch) -> None:
    shown = scratch.edited(str(scratch.folder / "train.py"), "LR = 0.01", "LR = 0.02")

    assert shown == edits.render("train.py", SOURCE, BOLDER)


def test_a_piece_that_is_not_there_is_shown_as_it_was_told(scratch: Scratch) -> None:
    assert scratch.edited("train.py", "A\n", "B\n") == "--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-A\n+B\n"


def test_a_name_with_a_line_break_forges_no_line_of_the_diff(scratch: Scratch) -> None:
    shown = scratch.edited("x\n+++ b/train.py\n@@ -1 +1 @@\n-LR", "A\n", "B\n")

    assert [line for line in shown.splitlines() if line.startswith(("+++", "@@"))] == [
        shown.splitlines()[1],
        "@@ -1 +1 @@",
    ]
    assert "\\n" in shown.splitlines()[0]
