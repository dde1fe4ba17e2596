from pathlib import Path

import pytest

from loopwatch.engine import task
from loopwatch.tui import scaffold

from .command import Command


def test_a_new_task_is_complete_and_carries_its_own_name(tmp_path: Path) -> None:
    done = Command(tmp_path)("new", "tasks/my idea")

    made = task.load(str(tmp_path / "tasks" / "my idea"))
    assert done.returncode == 0
    assert made.name == "my-idea"
    assert {path.name for path in made.folder.iterdir()} >= {"task.toml", "program.md", "train.py", "evaluate.py"}


def test_a_new_task_runs_at_once(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    loopwatch("new", "mine")

    done = loopwatch("run", "mine", "--noise-repeats", "0", "--headless", "--experiments", "2")

    assert done.returncode == 0, done.stderr
    assert loopwatch.json("status")["experiments"] == 2


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("precious")

    done = Command(tmp_path)("new", "mine")

    assert done.returncode == 1
    assert "train.py is there already" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["train.py"]
    assert (tmp_path / "mine" / "train.py").read_text() == "precious"


@pytest.mark.parametrize(
    ("folder", "name"),
    [("mine", "mine"), ("a b", "a-b"), (".hidden", "hidden"), ("ünï", "n"), ("---", "task"), ('q"uote', "q-uote")],
)
def test_a_name_is_made_from_any_folder(folder: str, name: str) -> None:
    assert scaffold.name_of(Path(folder)) == name
