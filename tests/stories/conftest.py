"""One story per test, with a state folder of its own; nothing of it is alive afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .story import Story


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    told = Story(tmp_path)
    monkeypatch.setenv("LOOPWATCH_HOME", str(told.home))
    monkeypatch.setenv("LOOPWATCH_USER", "anna")
    yield told
    told.close()
