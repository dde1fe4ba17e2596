from pathlib import Path

import pytest

from loopwatch.tui import editor


@pytest.fixture
def sed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that changes one word."""
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\nsed -i "s/rm -rf/ls/" "$1"\n')
    script.chmod(0o700)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(script))


@pytest.mark.usefixtures("sed")
@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("# a comment of the command's own\nrm -rf data\n", "# a comment of the command's own\nls data\n"),
        ("rm -rf data", "ls data"),
        ("cat data\n", None),
        ("cat data", None),
    ],
)
def test_what_was_written_is_what_comes_back(text: str, edited: str | None) -> None:
    assert editor.edit(3, text) == edited


def test_without_an_editor_a_person_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "there-is-no-such-editor")
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(editor.EditorProblem, match="no editor: 'there-is-no-such-editor' is not there; set EDITOR"):
        editor.edit(3, "x")
