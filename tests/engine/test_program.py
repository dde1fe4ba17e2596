"""program.md: read once, and again whenever a person changes it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from loopwatch.engine import program
from loopwatch.engine.events import ProgramRead

SECONDS = 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "research" / "program.md"
    path.parent.mkdir()
    path.write_text("Lower the loss.\n")
    return path


def test_the_programme_is_read_with_its_path(path: Path) -> None:
    assert program.read(path) == ProgramRead(path=str(path), text="Lower the loss.\n")


def test_a_change_is_told_as_a_diff(path: Path) -> None:
    fact = program.read(path, before="Lower the score.\n")

    assert fact is not None
    assert fact.diff.splitlines()[2:] == ["@@ -1 +1 @@", "-Lower the score.", "+Lower the loss."]


def test_what_did_not_change_is_no_news(path: Path) -> None:
    assert program.read(path, before="Lower the loss.\n") is None


def test_a_programme_that_is_not_there_is_no_news(path: Path) -> None:
    assert program.read(path.parent / "gone.md", before="text") is None
    assert program.read(path.parent, before="text") is None


def test_bytes_that_are_no_text_are_read_all_the_same(path: Path) -> None:
    path.write_bytes(b"Lower \xff the loss")

    fact = program.read(path)

    assert fact is not None
    assert fact.text == "Lower \ufffd the loss"


def test_of_an_endless_programme_the_beginning_is_read(path: Path) -> None:
    path.write_text("x" * (program.LIMIT + 1))

    fact = program.read(path)

    assert fact is not None
    assert len(fact.text) == program.LIMIT


def replace_folder(path: Path, text: str) -> None:
    """As git does when it checks something else out."""
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    path.write_text(text)


async def next_edit(path: Path, text: str) -> ProgramRead:
    async with asyncio.timeout(SECONDS):
        return await anext(program.edits(path, text))


async def keep_writing(path: Path, text: str) -> None:
    """As a person does who saves again: the watch may not have begun at the first time."""
    while True:
        replacement = path.with_suffix(".new")
        replacement.write_text(text)
        replacement.replace(path)
        await asyncio.sleep(0.3)


async def test_an_edit_by_an_editor_that_replaces_the_file_is_seen(path: Path) -> None:
    writing = asyncio.create_task(keep_writing(path, "Raise the score.\n"))

    fact = await next_edit(path, "Lower the loss.\n")
    writing.cancel()

    assert fact.text == "Raise the score.\n"
    assert "+Raise the score." in fact.diff


async def test_an_edit_made_before_the_watching_began_is_seen(path: Path) -> None:
    fact = await next_edit(path, "What the engine read before.\n")

    assert fact.text == "Lower the loss.\n"


async def test_a_folder_that_went_away_and_came_back_is_watched_again(path: Path) -> None:
    edits = program.edits(path, "Nothing yet.\n")
    async with asyncio.timeout(SECONDS):
        await anext(edits)
        replace_folder(path, "Here again.\n")
        fact = await anext(edits)

    assert fact.text == "Here again.\n"
