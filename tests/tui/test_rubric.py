"""`loopwatch rubric`, with the real task, its commands in processes of their own, and a scripted Messages API."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.servers.anthropic import Server, Step

from .command import UNCONTAINED, Command

QUESTION = "Which keys may a dictionary have?"
GOOD = {"fact": "Keys must be hashable.", "weight": 3, "topic": "dict", "pattern": r"\bhashable\b"}
WRONG = {"fact": "Keys are bananas.", "weight": 1, "topic": "dict", "pattern": "bananas"}


@pytest.fixture
def command(tmp_path: Path) -> Command:
    (tmp_path / "questions.txt").write_text(f"{QUESTION}\n\nHow do I leave a loop early?\n", encoding="utf-8")
    return Command(tmp_path)


def read(folder: Path, name: str = "support.rubric.json") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def test_a_draft_needs_no_model_and_passes_its_own_check(command: Command, tmp_path: Path) -> None:
    drafted = command("rubric", "support", "--questions", "questions.txt", *UNCONTAINED)
    checked = command("rubric", "support", "--check", "support.rubric.json", *UNCONTAINED)

    assert (drafted.returncode, checked.returncode) == (0, 0)
    assert "then: loopwatch rubric support --check support.rubric.json" in drafted.stderr
    assert [(test["input"], len(test["expected"])) for test in read(tmp_path)] == [
        (QUESTION, 3),
        ("How do I leave a loop early?", 3),
    ]
    assert "all 2 may stand in the suite" in checked.stderr


def test_what_a_person_wrote_is_not_written_over(command: Command, tmp_path: Path) -> None:
    (tmp_path / "support.rubric.json").write_text("precious", encoding="utf-8")

    done = command("rubric", "support", "--questions", "questions.txt", *UNCONTAINED)

    assert done.returncode == 1
    assert "support.rubric.json is there already" in done.stderr
    assert (tmp_path / "support.rubric.json").read_text(encoding="utf-8") == "precious"


def test_a_check_says_what_is_wrong_with_each_test(command: Command, tmp_path: Path) -> None:
    tests = [{"input": QUESTION, "expected": [GOOD]}, {"input": "Is\x1b[31m it red?", "expected": [WRONG]}, 7]
    (tmp_path / "mine.json").write_text(json.dumps(tests), encoding="utf-8")

    done = command("rubric", "support", "--check", "mine.json", *UNCONTAINED)

    assert done.returncode == 1
    assert [line.split(".")[0] for line in done.stdout.splitlines()] == ["2", "3"]
    assert "\x1b" not in done.stdout
    assert "2 of 3 may not stand in the suite" in done.stderr


def test_a_model_drafts_and_only_what_the_task_admits_is_written(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    said = {"type": "tool_use", "name": "draft_rubric", "input": {"facts": [WRONG, GOOD]}}
    (tmp_path / "questions.txt").write_text(QUESTION, encoding="utf-8")
    with Server(Step(content=[said])) as server:
        command.environment["ANTHROPIC_API_KEY"] = "sk-ant-test"
        done = command(
            "rubric", "support", "--questions", "questions.txt", "--model", "anthropic:claude-haiku-5-5",
            "--base-url", server.url, *UNCONTAINED,
        )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert [test["expected"] for test in read(tmp_path)] == [[GOOD]]
    assert "the model cost $0.00" in done.stderr
    assert "> Which keys may a dictionary have?" in json.dumps(server.requests[0].body)


def test_a_model_costs_no_more_than_was_allowed(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    with Server() as server:
        command.environment["ANTHROPIC_API_KEY"] = "sk-ant-test"
        done = command(
            "rubric", "support", "--questions", "questions.txt", "--model", "anthropic:claude-haiku-5-5",
            "--base-url", server.url, "--usd", "0.000001", *UNCONTAINED,
        )  # fmt: skip

    assert done.returncode == 1
    assert "--usd X allows more" in done.stderr
    assert server.requests == []


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (("sine",), "sine has no suite"),
        (("support", "--questions", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("support", "--check", "questions.txt"), "questions.txt is not JSON"),
        (("support", "--questions", "questions.txt", "--model", "oracle:delphi"), "no provider of models 'oracle'"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_reason(command: Command, typed: tuple[str, ...], reason: str) -> None:
    done = command("rubric", *typed, *UNCONTAINED)

    assert done.returncode == 1
    assert reason in done.stderr
