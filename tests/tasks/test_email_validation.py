"""The email task: its cases, its pipes, its oracle and its generator, in real processes."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from loopwatch.engine.editing.constants import set_constant
from loopwatch.engine.task import load

TASK = load("email_validation")
START = (TASK.folder / "solution.py").read_text(encoding="utf-8")
CASES: list[dict[str, Any]] = json.loads((TASK.folder / "cases.json").read_text(encoding="utf-8"))
HIDDEN: list[dict[str, Any]] = json.loads((TASK.folder / "hidden.json").read_text(encoding="utf-8"))
FEW = [
    {"input": "a@example.com", "expected": True, "why": ""},
    {"input": "no", "expected": False, "why": ""},
    {"input": '"@"@example.com', "expected": True, "why": ""},
    {"input": "ü@", "expected": False, "why": ""},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TASK.folder, tmp_path / "task", ignore=shutil.ignore_patterns("__pycache__")))


def command(words: tuple[str, ...]) -> list[str]:
    return [word.replace("{python}", sys.executable) for word in words]


def measured(folder: Path, solution: str, tests: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """What the evaluator says of a solution that answers from the other end of two named pipes."""
    (folder / "solution.py").write_text(solution, encoding="utf-8")
    (folder / "suite.json").write_text(json.dumps(tests), encoding="utf-8")
    pipes = {"LOOPWATCH_ASK": str(folder / "ask"), "LOOPWATCH_ANSWERS": str(folder / "answers")}
    for pipe in pipes.values():
        os.mkfifo(pipe)
    assert TASK.evaluate.predictor
    line = 'exec "$@" <"$LOOPWATCH_ASK" >"$LOOPWATCH_ANSWERS" 2>log'
    predictor = ["sh", "-c", line, "sh", *command(TASK.evaluate.predictor)]
    environment = {"PATH": os.environ["PATH"], "LOOPWATCH_SUITE": str(folder / "suite.json"), **pipes}
    with subprocess.Popen(predictor, cwd=folder, env=environment) as answering:
        done = subprocess.run(
            command(TASK.evaluate.command), cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
        answering.kill()
    return done


def module(name: str) -> ModuleType:
    """A file of the task, as Python sees it."""
    spec = importlib.util.spec_from_file_location(f"email_{Path(name).stem}", TASK.folder / name)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def accuracy(done: subprocess.CompletedProcess[str]) -> float:
    assert done.returncode == 0, done.stderr
    return float(re.findall(r"^accuracy: ([\d.]+)$", done.stdout, re.MULTILINE)[0])


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert "accuracy" not in done.stdout
    assert done.stderr.startswith("evaluate.py: refused: ")
    return done.stderr


def admitted(folder: Path, *tests: object, suite: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the suite's door says of some tests."""
    for name, content in (("proposed.json", list(tests)), ("suite.json", suite)):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    assert TASK.suite
    assert TASK.suite.check
    done = subprocess.run(
        command(TASK.suite.check.command),
        cwd=folder,
        env={"LOOPWATCH_TESTS": str(folder / "proposed.json"), "LOOPWATCH_SUITE": str(folder / "suite.json")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


# -- the cases ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", [CASES, HIDDEN], ids=["suite", "hidden"])
def test_half_of_the_cases_are_valid_and_each_names_its_paragraph(cases: list[dict[str, Any]]) -> None:
    assert 2 * sum(case["expected"] for case in cases) == len(cases)
    assert [case for case in cases if not re.match(r"RFC \d{4} §[\d.]+: ", case["why"])] == []


def test_the_oracle_agrees_with_every_case_and_no_two_are_alike(folder: Path) -> None:
    answers = admitted(folder, *CASES, *HIDDEN, suite=[])

    assert [answer for answer in answers if not answer["ok"]] == []
    assert len(answers) == len(CASES) + len(HIDDEN)


# -- the oracle --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ({"input": "b@c@example.com", "expected": True}, "contradicted: expected to be valid"),
        ({"input": "x+y@example.com", "expected": False}, "contradicted: expected to be invalid"),
        ({"input": "Someone@EXAMPLE.org", "expected": True}, "duplicate"),
        ({"input": "cafe\u0301@example.org", "expected": True}, "duplicate"),
        ({"input": "a" * 401, "expected": False}, "too long"),
        ({"input": 7, "expected": False}, "malformed"),
        ({"input": "a@b.example", "expected": 1}, "malformed"),
        ({"input": "a@b.example", "expected": True, "why": "x" * 301}, "malformed"),
        ({"input": "\ud800@b.example", "expected": False}, "malformed"),
        ("a@b.example", "malformed"),
        (None, "malformed"),
        ({"input": '""@example.com', "expected": True}, "undecided"),
        ({"input": "a@example.test", "expected": False}, "undecided"),
        ({"input": "a@example.v2", "expected": True}, "undecided"),
        ({"input": "a@[192.0.2.01]", "expected": True}, "undecided"),
        ({"input": "a@[IPv6:1:2:3:4:5:6:7::]", "expected": True}, "undecided"),
        ({"input": "a\u200bb@example.com", "expected": False}, "undecided"),
        ({"input": "é" * 40 + "@example.com", "expected": True}, "undecided"),
        ({"input": '"\\é"@example.com', "expected": False}, "undecided"),
        ({"input": "a@Ｅxample.com", "expected": False}, "undecided"),
        ({"input": '"' + "a " * 32 + '"@example.com', "expected": False}, "undecided"),
    ],
)
def test_a_test_that_may_not_enter_is_refused_with_the_reason(test: object, reason: str) -> None:
    admit = module("admit.py")
    known = {admit.shape("anybody@example.org"), admit.shape("café@example.org")}

    answer = admit.answer(test, known)

    assert answer["ok"] is False
    assert answer["reason"].startswith(reason)


def test_the_same_test_enters_only_once(folder: Path) -> None:
    test = {"input": "new+one@example.com", "expected": True, "why": "RFC 5322 §3.2.3: + is atext"}

    answers = admitted(folder, test, test, suite=FEW)

    assert [answer["ok"] for answer in answers] == [True, False]
    assert answers[0] == {"ok": True, "input": "new+one@example.com", "expected": True}


# -- the measurement ---------------------------------------------------------------------------------------------------


def test_the_start_is_a_little_better_than_a_coin_and_the_control_is_one(folder: Path, tmp_path: Path) -> None:
    start = measured(folder, START, CASES)
    other = Path(shutil.copytree(TASK.folder, tmp_path / "other"))
    control = measured(other, set_constant(START, "LONGEST_ADDRESS", 0), CASES)

    assert accuracy(start) == pytest.approx(50 / 84, abs=1e-6)
    assert accuracy(control) == 0.5


def test_each_test_has_its_score_and_an_exception_is_a_wrong_answer(folder: Path) -> None:
    done = measured(folder, "def is_valid(address):\n    return {'a@example.com': True, 'ü@': 1}[address]\n", FEW)

    assert done.stdout == "scores: [1.0, 0.0, 0.0, 0.0]\naccuracy: 0.250000\n"


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("raise SystemExit", "ended without an answer"),
        ("def valid(address): ...", "ended without an answer"),
        ("import os\nos.write(3, b'true\\n' * 9)\nis_valid = bool", "more than it was asked"),
        ("import os\nos.write(3, b'1\\n')\nos._exit(0)", "an answer is neither true nor false"),
        ("import email_validator\nis_valid = bool", "ended without an answer"),
        ("open('cases.json')\nis_valid = bool", "ended without an answer"),
        ("import subprocess\nsubprocess.run(['true'])\nis_valid = bool", "ended without an answer"),
        ("from _posixsubprocess import fork_exec\nis_valid = bool", "ended without an answer"),
        ("from _xxsubinterpreters import create\nis_valid = bool", "ended without an answer"),
    ],
)
def test_a_solution_that_does_anything_but_answer_is_refused(folder: Path, solution: str, reason: str) -> None:
    assert reason in refusal(measured(folder, solution, FEW))


def test_what_a_solution_prints_is_no_answer(folder: Path) -> None:
    done = measured(folder, "def is_valid(address):\n    print('true')\n    return False\n", FEW)

    assert accuracy(done) == 0.5


def test_practice_prints_its_progress_and_fails_on_what_is_no_truth_value(folder: Path) -> None:
    worked = subprocess.run(command(TASK.run.command), cwd=folder, capture_output=True, text=True, timeout=60)
    (folder / "solution.py").write_text("def is_valid(address): ...", encoding="utf-8")
    failed = subprocess.run(command(TASK.run.command), cwd=folder, capture_output=True, text=True, timeout=60)

    assert worked.stdout.splitlines()[-1].startswith("step 00008 (100.0%) | score: 0.")
    assert failed.returncode == 1
    assert failed.stdout.startswith("FAIL: is_valid(")


# -- the generator -----------------------------------------------------------------------------------------------------


def proposals(failed: list[dict[str, Any]], wanted: int = 200) -> list[dict[str, Any]]:
    task = {"seed": 3, "experiment": 1, "tests": CASES, "failed": failed, "wanted": wanted}
    found: list[dict[str, Any]] = module("agents/test_agent.py").propose_tests(task, None)
    return found


def test_the_generator_proposes_as_many_valid_as_invalid_and_nearly_all_may_enter(folder: Path) -> None:
    proposed = proposals([])

    answers = admitted(folder, *proposed, suite=CASES)
    assert len(proposed) == 200
    assert sum(test["expected"] for test in proposed) == 100
    assert sum(answer["ok"] for answer in answers) > 180


def test_the_generator_asks_more_about_what_the_solution_fails() -> None:
    literals = [test for test in CASES if "§4.1.3" in test["why"]]

    about = [sum("§4.1.3" in test["why"] for test in proposals(failed)) for failed in ([], literals)]

    assert about[1] > 2 * about[0]
