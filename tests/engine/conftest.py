from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine.repository.workspace import Workspace

from .repositories import task_in, user_repository
from .workspaces import begin


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def workspace(tmp_path: Path, run: Path) -> Iterator[Workspace]:
    workspace = begin(run, task_in(tmp_path / "task"))
    yield workspace
    workspace.close()


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return user_repository(tmp_path / "user")
