"""Answers from the command line: they count for what waits when they are given, or for nothing."""

from pathlib import Path

import pytest

from loopwatch.engine import events
from loopwatch.tui.cli import main

from .command import made_run, opened, proposed, started


@pytest.fixture(autouse=True)
def _waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proposal waits at the apply gate; no engine runs."""
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path))
    asked = {
        "ask": "2-apply-1",
        "experiment": 2,
        "gate": "apply",
        "question": "x",
        "digest": "c0ffee" * 10,
        "policy": "ask",
    }
    made_run(tmp_path, opened(), started(), *proposed(2, "x", diff="-a\n+b\n"), events.Asked.model_validate(asked))


def test_an_answer_to_another_hash_than_the_one_that_waits_is_not_given(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["approve", "made-1", "--digest", "beef"])

    assert code == 1
    assert capsys.readouterr().err == (
        "loopwatch: #2 has the hash c0ffeec0ffee now, not 'beef'; look again: loopwatch show made-1 2\n"
    )


@pytest.mark.parametrize("more", [["--digest", "C0FFEE"], []])
def test_an_answer_to_what_waits_reaches_the_inbox(capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    main(["approve", "made-1", *more])

    assert "no engine runs, so nothing was asked" in capsys.readouterr().err


def test_the_hash_is_shown_with_the_proposal(capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "made-1", "2"])

    assert "hash        d\n" in capsys.readouterr().out
