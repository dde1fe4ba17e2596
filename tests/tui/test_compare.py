"""`loopwatch compare` on a task of two files: cells are run once, hidden tests are asked at the end, and asking again goes on."""

import json
from pathlib import Path

import pytest

from loopwatch.engine import client
from tests.tui.command import Command

TASK = """\
name = "guess"
editable = ["solution.py"]
frozen = ["evaluate.py", "predict.py", "cases.json", "hidden.json"]
unseen = ["cases.json", "hidden.json"]
[metric]
name = "score"
direction = "up"
noise = 0
[budget]
kind = "steps"
amount = 1
wall_seconds = 30
[run]
command = ["{python}", "-c", "pass"]
[evaluate]
command = ["{python}", "-I", "-B", "evaluate.py"]
predictor = ["{python}", "-I", "-B", "predict.py"]
[suite]
file = "cases.json"
hidden = "hidden.json"
[[hyperparameter]]
name = "GUESS"
file = "solution.py"
low = 0
high = 10
"""
EVALUATE = """\
import json, os
from pathlib import Path
tests = json.loads(Path(os.environ["LOOPWATCH_SUITE"]).read_text())
with open(os.environ["LOOPWATCH_ASK"], "w") as ask, open(os.environ["LOOPWATCH_ANSWERS"]) as answers:
    ask.write("?\\n")
    ask.flush()
    guess = float(answers.readline())
print("score:", sum(10 - abs(test["expected"] - guess) for test in tests) / len(tests))
"""
PREDICT = """\
import sys
from pathlib import Path
found = {}
exec(Path("solution.py").read_text(), found)
for _ in sys.stdin:
    print(found["GUESS"], flush=True)
"""


@pytest.fixture
def command(tmp_path: Path) -> Command:
    home = tmp_path / "home"
    home.mkdir()
    return Command(home)


@pytest.fixture
def guess(tmp_path: Path) -> Path:
    folder = tmp_path / "guess"
    folder.mkdir()
    files = {"task.toml": TASK, "evaluate.py": EVALUATE, "predict.py": PREDICT, "solution.py": "GUESS = 1.0\n"}
    files |= {"cases.json": '[{"input": "a", "expected": 5}]', "hidden.json": '[{"input": "b", "expected": 6}]'}
    files["program.md"] = "Guess it.\n"
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def asked(command: Command, guess: Path, *more: str) -> list[str]:
    words = ["compare", "--levels", "simple,reviewer", "--tasks", str(guess), "--experiments", "2"]
    return [*words, "--proposer", "random", "--sandbox", "none", *more]


def test_every_level_is_run_once_and_its_best_meets_hidden_tests(
    command: Command, guess: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cells = tmp_path / "cells.csv"
    first = command(*asked(command, guess, "--json", "--csv", str(cells)))
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)["tasks"]["guess"]["cells"]
    assert [cell["level"] for cell in found] == ["simple", "reviewer"]
    for cell in found:
        assert (cell["start"], cell["hidden_start"]) == (6.0, 5.0)
        assert cell["best"] >= cell["start"]
        assert cell["ended"] == "experiments"
    assert len(cells.read_text().splitlines()) == 3

    monkeypatch.setenv("LOOPWATCH_HOME", str(command.home))
    runs = {run.name for run in client.runs()}
    (record,) = (command.home / "comparisons").iterdir()
    kept = json.loads(record.read_text())
    failed = {"experiment": 0, "baseline": None, "best": None, "problem": "killed"}
    record.write_text(json.dumps({**kept, "cells": [{**kept["cells"][0], "hidden": failed}, *kept["cells"][1:]]}))
    again = command(*asked(command, guess))
    assert again.returncode == 0, again.stderr
    assert json.loads(record.read_text()) == kept
    assert {run.name for run in client.runs()} == runs
    assert "One repeat shows no spread" in again.stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--levels", "simpel"), "there is no strategy 'simpel'"),
        (("--levels", "hyperagent:x"), "write hyperagent:K"),
        (("--tasks", "snaek"), "no task 'snaek'"),
        (("--tasks", ","), "--tasks names none"),
        (("--repeat", "0"), "--repeat 0: at least one"),
    ],
)
def test_a_question_that_cannot_be_asked_is_answered_before_anything_runs(
    command: Command, guess: Path, more: tuple[str, str], said: str
) -> None:
    found = command(*asked(command, guess, *more))

    assert found.returncode != 0
    assert said in found.stderr
    assert not (command.home / "comparisons").exists()
