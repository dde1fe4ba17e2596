"""A model on the real screen, in a real terminal: what it thinks, what it waits for, what it costs, and the keys that steer it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.client import runs
from loopwatch.engine.money import dollars
from tests.servers.anthropic import Server, Step
from tests.tui.terminal import Terminal
from tests.waiting import until

LONG_THOUGHT = "Nothing I know of would help here. " * 50
QUICK = ("--keep", "improve", "--noise-repeats", "0")
DOLLARS = {"input": 2.0, "output": 10.0, "cache_read": 0.1, "cache_write_5m": 2.5, "cache_write_1h": 4.0}
"""For a million tokens of claude-sonnet-5-5."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LOOPWATCH_HOME", str(folder))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-marked-0a1b2c3d4e")
    yield folder
    for run in runs():
        if run.is_alive:
            os.kill(int((run.folder / "lock").read_text()), signal.SIGKILL)


def thinks(thought: str, old: str, new: str, **others: Any) -> Step:
    claims = {"hypothesis": "a larger step learns faster", "mechanism": "it is far from flat", "expected": "a third"}
    call = {**claims, "previous_mechanism": None, "edits": [{"path": "train.py", "old": old, "new": new}]}
    blocks = [
        {"type": "thinking", "thinking": thought},
        {"type": "tool_use", "name": "propose_experiment", "input": call},
    ]
    return Step.model_validate({"content": blocks, **others})


def both_sizes_show(terminal: Terminal, *words: str) -> None:
    for columns, rows in [(80, 24), (120, 40), (80, 24)]:
        terminal.resize(columns, rows)
        terminal.shows(*words)


def test_a_model_is_watched_steered_waited_for_and_cut(home: Path) -> None:
    limit = Step(status=429, type="rate_limit_error", message="too fast", headers={"retry-after": "600"})
    steps = [
        thinks("The loss still falls at the end.", "LR = 7", "LR = 0.1", size=32, after=1, then="wait"),
        thinks("I copied the line wrongly.", "LR = 0.01", "LR = 0.1"),
        limit,
        thinks(LONG_THOUGHT, "LR = 0.1", "LR = 0.2", after=5, then="stall"),
    ]
    options = ["--proposer", "anthropic", "--usd", "1", "--gate", "verdict=auto", "--experiments", "3", *QUICK]
    with (
        Server(*steps) as server,
        Terminal(home, "run", "sine", "--noise-repeats", "0", *options, "--base-url", server.url) as terminal,
    ):
        both_sizes_show(terminal, "PROPOSING #2", "The loss still falls at the end", "spent $", "x veto this thought")
        terminal.press("n")
        terminal.shows("note to the proposer")
        terminal.press("leave the width alone\r")
        both_sizes_show(terminal, "note 1 reaches the proposer with its next request")
        server.go_on()
        terminal.shows("WAITING FOR YOU", "#2", "+ LR = 0.1", "armed")
        until(lambda: server.requests[1].outcome)
        paid = sum(DOLLARS[kind] * count for one in server.requests for kind, count in one.usage.items()) / 1e6
        both_sizes_show(terminal, f"spent {dollars(paid)} of $1.00")

        terminal.press("a")
        both_sizes_show(terminal, "WAITING #3", "again in 9 min", "r try now")
        terminal.press("r")
        both_sizes_show(terminal, "PROPOSING #3", "Nothing I know of", "x veto this thought")
        terminal.press("x")
        until(lambda: server.requests[3].outcome == "client_gone", seconds=5)
        both_sizes_show(terminal, "ENDED", "vetoed", "spent ~$")
    assert "leave the width alone" in str(server.requests[1].body["messages"])
    assert len(server.requests) == 4
