"""The support task: its questions, its pipes, its oracle and its generator, in real processes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.task import load

TASK = load("support")
PYTHON = (sys.executable, "-E", "-s", "-B")
FACT = {
    "fact": "It runs a block with a context manager.",
    "weight": 2,
    "topic": "with",
    "pattern": "defined by a context manager",
}
TEST = {"input": "Which statement wraps the execution of a block?", "expected": [FACT], "why": ""}
SILENT = "def answer(question, knowledge):\n    return ''\n"
KNOWING = "def answer(question, knowledge):\n    return knowledge['with']\n"

FLOODING = """\
import contextlib, os
for file in range(3, 9):
    with contextlib.suppress(OSError):
        os.write(file, b"x" * 300_000)
"""
BAD: list[tuple[dict[str, Any], str]] = [
    ({"pattern": "(a+)+$"}, "can be tried in more than"),
    ({"pattern": "(a|a){0,40}b"}, "can be tried in more than"),
    ({"pattern": ".*.*.*manager"}, "can be tried in more than"),
    ({"pattern": r"(manager) \1"}, "nothing that looks around or back"),
    ({"pattern": "(?=context) context"}, "nothing that looks around or back"),
    ({"pattern": "(manager"}, "is no regular expression"),
    ({"pattern": "m?"}, "matches an empty answer"),
    ({"pattern": "x" * 121}, "has 121 characters"),
    ({"pattern": "bananas"}, "is not found in the topic"),
    ({"pattern": "execution of a block"}, "is found in the question"),
    ({"pattern": "e"}, "is found in the question"),
    ({"pattern": r"\bit\b"}, "topics, so it says nothing"),
    ({"topic": "cookery"}, "there is no topic"),
    ({"weight": 0}, "a weight is a whole number"),
    ({"weight": True}, "a weight is a whole number"),
    ({"fact": "a\x1b[31m red fact"}, "a fact is a sentence"),
    ({"hint": "x"}, "and nothing else"),
]
"""What is wrong with a fact, and what is said of it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TASK.folder, tmp_path / "task", ignore=shutil.ignore_patterns("__pycache__")))


def scored(folder: Path, tests: Any = None, solution: str = "") -> subprocess.CompletedProcess[str]:
    """What the evaluator prints of a solution that answers from the other end of two named pipes."""
    if solution:
        (folder / "solution.py").write_text(solution, encoding="utf-8")
    if tests is not None:
        (folder / "cases.json").write_text(json.dumps(tests), encoding="utf-8")
    ask, answers = folder / "ask", folder / "answers"
    os.mkfifo(ask)
    os.mkfifo(answers)
    log = folder / "log"
    environment = {"LOOPWATCH_ASK": str(ask), "LOOPWATCH_ANSWERS": str(answers), "LOOPWATCH_RECORD": f"{folder}/record"}
    line = f'exec "$0" -E -s -B predict.py < {ask} > {answers} 2> {log}'
    with subprocess.Popen(["sh", "-c", line, sys.executable], cwd=folder) as predictor:
        found = subprocess.run(
            [*PYTHON, "evaluate.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
        predictor.wait(timeout=60)
    return found


def score(found: subprocess.CompletedProcess[str]) -> float:
    return float(re.findall(r"^score: (\S+)$", found.stdout, re.MULTILINE)[0])


def admitted(folder: Path, *tests: object, suite: Any = ()) -> list[dict[str, Any]]:
    (folder / "proposed").write_text(json.dumps(tests), encoding="utf-8")
    (folder / "suite").write_text(json.dumps(list(suite)), encoding="utf-8")
    environment = {"LOOPWATCH_TESTS": str(folder / "proposed"), "LOOPWATCH_SUITE": str(folder / "suite")}
    found = subprocess.run(
        [*PYTHON, "admit.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line) for line in found.stdout.splitlines()]


def test_the_start_is_weak_and_its_score_is_told_test_by_test(folder: Path) -> None:
    found = scored(folder)

    told = json.loads(re.findall(r"^scores: (.*)$", found.stdout, re.MULTILINE)[0])
    assert len(told) == len(json.loads((folder / "cases.json").read_text(encoding="utf-8")))
    assert score(found) == pytest.approx(100 * sum(told) / len(told), abs=1e-3)
    assert 5 < score(found) < 30
    assert "knowledge: " in found.stdout


def test_an_answer_is_worth_the_weights_of_the_facts_that_it_holds(folder: Path) -> None:
    missing = {"fact": "Bananas are yellow.", "weight": 1, "topic": "with", "pattern": "bananas"}

    found = scored(folder, [{**TEST, "expected": [FACT, missing]}], KNOWING)

    assert score(found) == pytest.approx(200 / 3, abs=1e-3)
    assert "1 of 2 facts do not stand in the knowledge base" in found.stdout


def test_what_was_asked_and_answered_is_recorded(folder: Path) -> None:
    scored(folder, [TEST], KNOWING)

    record = json.loads((folder / "record").read_text(encoding="utf-8"))
    assert record["answers"][0]["question"] == TEST["input"]
    assert record["answers"][0]["facts"] == [{"fact": FACT["fact"], "weight": 2, "holds": True}]


def test_whoever_quotes_everything_has_not_answered(folder: Path) -> None:
    everything = "def answer(question, knowledge):\n    return ' '.join(knowledge.values())\n"

    assert score(scored(folder, solution=everything)) < 5


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("def answer(question, knowledge):\n    return 7\n", "is no text"),
        ("def answer(question, knowledge):\n    raise ValueError\n", "failed at"),
        (FLOODING + SILENT, "does not end"),
        ("import os\ndef answer(question, knowledge):\n    os._exit(0)\n", "failed at"),
    ],
)
def test_an_answer_that_is_none_is_refused(folder: Path, solution: str, reason: str) -> None:
    found = scored(folder, [TEST], solution)

    assert (found.returncode, re.search(r"^score:", found.stdout)) == (1, None)
    assert re.search(rf"evaluate.py: refused: .*({reason})", found.stderr)
    assert str(TEST["input"]) not in found.stderr  # whoever proposes reads that


def test_what_a_solution_prints_is_not_taken_for_an_answer(folder: Path) -> None:
    printing = (
        'def answer(question, knowledge):\n    print(\'{"answer": "defined by a context manager"}\')\n    return ""\n'
    )

    assert score(scored(folder, [TEST], printing)) == 0


def test_practice_shows_that_a_solution_answers(folder: Path) -> None:
    found = subprocess.run([*PYTHON, "practice.py"], cwd=folder, capture_output=True, text=True, timeout=60)

    assert re.findall(r"^step (\d{5}) \(\d+\.\d%\) \| score: \d+\.\d\d", found.stdout, re.MULTILINE) == [
        "00001",
        "00002",
        "00003",
    ]


# -- the oracle --------------------------------------------------------------------------------------------------------


def test_all_questions_of_the_task_are_admitted_in_this_python(folder: Path) -> None:
    suite = [
        *json.loads((folder / "cases.json").read_text(encoding="utf-8")),
        *json.loads((folder / "hidden.json").read_text(encoding="utf-8")),
    ]

    found = admitted(folder, *suite)

    assert [test["reason"] for test in found if not test["ok"]] == []


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    copy = Path(shutil.copytree(TASK.folder, tmp_path_factory.mktemp("support") / "task"))
    tests = [{**TEST, "expected": [{**FACT, **change}]} for change, _ in BAD]
    return [found.get("reason", "") for found in admitted(copy, *tests)]


@pytest.mark.parametrize("number", range(len(BAD)), ids=[reason for _, reason in BAD])
def test_a_fact_that_cannot_be_trusted_is_refused_with_the_reason(refusals: list[str], number: int) -> None:
    assert BAD[number][1] in refusals[number]


def test_a_question_that_is_there_already_in_other_words_is_refused(folder: Path) -> None:
    again = {**TEST, "input": "Which statement wraps the execution of some block?"}
    same_facts = {**TEST, "input": "What is this thing called with good for?"}

    found = admitted(folder, again, same_facts, suite=[TEST])

    assert [test["reason"] for test in found] == [
        "there is such a question already",
        "there is a question with these facts already",
    ]


def test_a_question_that_has_nothing_to_do_with_its_topic_is_refused(folder: Path) -> None:
    [found] = admitted(folder, {**TEST, "input": "Où sont mes bananes?"})

    assert "nobody could find it" in found["reason"]


def test_generated_questions_are_admitted_and_the_same_seed_makes_the_same(folder: Path) -> None:
    program = (
        "import json, sys\nsys.path.insert(0, 'agents')\nfrom test_agent import propose_tests\n"
        "tests = json.load(open('cases.json'))\n"
        "task = {'seed': 1, 'experiment': 3, 'tests': tests, 'failed': tests[:4], 'wanted': 12}\n"
        "print(json.dumps([propose_tests(task, None), propose_tests(task, None)]))\n"
    )
    made = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    proposed, again = json.loads(made.stdout)

    found = admitted(folder, *proposed, suite=json.loads((folder / "cases.json").read_text(encoding="utf-8")))

    assert proposed == again
    assert sum(test["ok"] for test in found) >= 10
