"""The sort task: its kinds, its clock, its suite's door and its generator, in real processes."""

import importlib.util
import json
import os
import random
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

TASK = load("sort")
START = (TASK.folder / "solution.py").read_text(encoding="utf-8")
REFERENCE = (TASK.folder / "reference.py").read_text(encoding="utf-8")
CASES: list[dict[str, Any]] = json.loads((TASK.folder / "cases.json").read_text(encoding="utf-8"))
SHORT = [{"input": {"kind": "files", "n": 40, "seed": 1}, "expected": None, "why": ""}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TASK.folder, tmp_path / "task", ignore=shutil.ignore_patterns("__pycache__")))


def command(words: tuple[str, ...]) -> list[str]:
    return [word.replace("{python}", sys.executable) for word in words]


def module(name: str) -> ModuleType:
    """A file of the task, as Python sees it."""
    spec = importlib.util.spec_from_file_location(f"sort_{Path(name).stem}", TASK.folder / name)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def measured(folder: Path, solution: str, tests: list[dict[str, Any]] = SHORT) -> subprocess.CompletedProcess[str]:
    """What the evaluator says of a solution that sorts at the other end of two named pipes."""
    (folder / "solution.py").write_text(solution, encoding="utf-8")
    (folder / "suite.json").write_text(json.dumps(tests), encoding="utf-8")
    pipes = {"LOOPWATCH_ASK": str(folder / "ask"), "LOOPWATCH_ANSWERS": str(folder / "answers")}
    for pipe in pipes.values():
        Path(pipe).unlink(missing_ok=True)
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


def doublings(done: subprocess.CompletedProcess[str]) -> float:
    assert done.returncode == 0, done.stderr
    return float(re.findall(r"^doublings: (-?[\d.]+)$", done.stdout, re.MULTILINE)[0])


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["img10", "img9", "img1"], ["img1", "img9", "img10"]),
        (["ab", "a-", "a1", "a"], ["a", "a1", "a-", "ab"]),
        (["a01", "a1", "a001"], ["a01", "a1", "a001"]),
        (["b", "B", "7"], ["7", "B", "b"]),
        (["1.10", "1.9", "1"], ["1", "1.9", "1.10"]),
    ],
)
def test_names_have_a_natural_order(names: list[str], order: list[str]) -> None:
    assert module("kinds.py").in_order(names) == module("reference.py").natural_sort(names) == order


@pytest.mark.parametrize(
    "constants", [{}, {"HALVING": True, "SPLIT_ONCE": True}, {"LOOK_FIRST": True, "CUTOFF": 1}], ids=str
)
def test_the_start_sorts_every_kind_with_any_of_its_constants(constants: dict[str, Any], tmp_path: Path) -> None:
    text = START
    for name, value in constants.items():
        text = set_constant(text, name, value)
    names: dict[str, Any] = {}
    exec(text, names)

    kinds = module("kinds.py")
    lists = [make(random.Random(1), 30) for make in kinds.KINDS.values()]

    assert [names["natural_sort"](list(one)) for one in lists] == [kinds.in_order(one) for one in lists]


def test_each_repetition_has_names_of_its_own() -> None:
    names_of = module("kinds.py").names_of

    first, again, second = (set(names_of(CASES[0]["input"], draw)) for draw in ("a/0", "a/0", "a/1"))

    assert first == again
    assert not first & second


def test_no_measurement_asks_for_lists_that_could_be_known_before(folder: Path) -> None:
    tells = START.replace("    key = {", "    print(names[:3], file=__import__('sys').stderr)\n    key = {")
    asked = []
    for _ in range(2):
        measured(folder, tells)
        asked.append((folder / "log").read_text(encoding="utf-8").splitlines())

    assert len(asked[0]) > 3
    assert not set(asked[0]) & set(asked[1])


def test_the_start_is_many_times_slower_than_the_reference_and_the_reference_as_fast_as_itself(folder: Path) -> None:
    start = doublings(measured(folder, START))
    reference = measured(folder, REFERENCE)

    assert start < -2.5
    assert abs(doublings(reference)) < 1.5
    assert 0.2 < json.loads(re.findall(r"^scores: (.*)$", reference.stdout, re.MULTILINE)[0])[0] < 0.8


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("natural_sort = sorted", "in a wrong order"),
        ("def natural_sort(names):\n    return names[:1]", "wrong order"),
        ("def natural_sort(names):\n    return None", "ended without an answer"),
        ("raise SystemExit", "ended without an answer"),
        ("import threading\nthreading.Thread(target=print).start()\nnatural_sort = sorted", "ended without an answer"),
        ("import os\nos.fork()\nnatural_sort = sorted", "ended without an answer"),
        ("from _posixsubprocess import fork_exec\nnatural_sort = sorted", "ended without an answer"),
        ("import numpy\nnatural_sort = sorted", "ended without an answer"),
    ],
)
def test_a_solution_that_does_anything_but_sort_has_no_number(folder: Path, solution: str, reason: str) -> None:
    done = measured(folder, solution)

    assert done.returncode == 1
    assert "doublings" not in done.stdout
    assert reason in done.stderr


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ({"input": {"kind": "files", "n": 110, "seed": 9}}, "duplicate"),
        ({"input": {"kind": "lists", "n": 10, "seed": 9}}, "malformed"),
        ({"input": {"kind": ["files"], "n": 10, "seed": 9}}, "malformed"),
        ({"input": {"kind": "files", "n": 1001, "seed": 9}}, "malformed"),
        ({"input": {"kind": "files", "n": True, "seed": 9}}, "malformed"),
        ({"input": {"kind": "files", "n": 60, "seed": -1}}, "malformed"),
        ({"input": {"kind": "files", "n": 60, "seed": 1}, "expected": ["a"]}, "contradicted"),
        ({"input": 7}, "malformed"),
        ("files", "malformed"),
    ],
)
def test_a_test_that_may_not_enter_is_refused_with_the_reason(test: object, reason: str) -> None:
    answer = module_with_siblings("admit.py").answer(test, [case["input"] for case in CASES])

    assert answer["ok"] is False
    assert answer["reason"].startswith(reason)


def module_with_siblings(name: str) -> ModuleType:
    """A file of the task that imports another one."""
    sys.modules["kinds"] = module("kinds.py")
    try:
        return module(name)
    finally:
        del sys.modules["kinds"]


def test_the_generator_proposes_what_may_enter_and_asks_more_about_what_is_slow(folder: Path) -> None:
    agent = module("agents/test_agent.py")
    task = {"seed": 1, "experiment": 2, "tests": CASES, "failed": [CASES[2]], "wanted": 100}

    proposed = agent.propose_tests(task, None)
    (folder / "proposed.json").write_text(json.dumps(proposed), encoding="utf-8")
    assert TASK.suite
    assert TASK.suite.check
    door = subprocess.run(
        command(TASK.suite.check.command),
        cwd=folder,
        env={"LOOPWATCH_TESTS": str(folder / "proposed.json"), "LOOPWATCH_SUITE": str(folder / "cases.json")},
        capture_output=True,
        text=True,
        timeout=60,
    )

    answers = [json.loads(line) for line in door.stdout.splitlines()]
    refused = {answer["reason"].split(":")[0] for answer in answers if not answer["ok"]}
    assert tuple(module("kinds.py").KINDS) == agent.KINDS
    assert len(answers) == 100
    assert refused == {"duplicate"}
    assert sum(test["input"]["kind"] == "versions" for test in proposed) > 20


def test_practice_prints_its_progress_and_fails_on_a_wrong_order(folder: Path) -> None:
    worked = subprocess.run(command(TASK.run.command), cwd=folder, capture_output=True, text=True, timeout=60)
    (folder / "solution.py").write_text("natural_sort = sorted", encoding="utf-8")
    failed = subprocess.run(command(TASK.run.command), cwd=folder, capture_output=True, text=True, timeout=60)

    assert worked.stdout.splitlines()[-1].startswith("step 00009 (100.0%) | milliseconds: ")
    assert failed.returncode == 1
    assert failed.stdout.startswith("FAIL: wrong order")
