"""What a run spent, in words and as JSON: nothing unknown is passed off as nothing."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine import events
from loopwatch.engine.config import Caps
from loopwatch.engine.events import AnyFact
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.money import Usage
from loopwatch.tui.cli import main

from .command import made_run, opened, proposed

Cost = Callable[..., str]
HAIKU, LOCAL = "claude-haiku-5-5", "qwen3-coder"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def cost(home: Path, capsys: pytest.CaptureFixture[str]) -> Cost:
    """`loopwatch cost`, when it goes well."""

    def call(*typed: str) -> str:
        assert main(["cost", *typed]) == 0
        return capsys.readouterr().out

    return call


def asked(
    request: int, experiment: int = 2, *, model: str = HAIKU, role: Any = "proposer", worst: float | None = 0.5
) -> events.Requested:
    return events.Requested(
        experiment=experiment, request=request, role=role, model=model, prompt_tokens=1000, worst_usd=worst
    )


def billed(request: int, usd: float | None, experiment: int = 2, *, cached: int = 0, **more: Any) -> events.Billed:
    usage = Usage(input=1000, cache_read=cached, output=200)
    return events.Billed(experiment=experiment, request=request, usage=usage, usd=usd, **more)


TWO: list[AnyFact] = [
    opened(caps=Caps(run_usd=5, proposal_usd=1)),
    *proposed(2, "a larger LR", mechanism="it escapes"),
    asked(1), billed(1, 0.25, cached=3000),
    *proposed(3, "wider", mechanism="more features"),
    asked(2, 3), billed(2, 1.0, 3),
    asked(3, 3, role="reviewer"), billed(3, 0.125, 3),
]  # fmt: skip


def test_what_a_run_spent_is_told_by_role_model_day_and_proposal(home: Path, cost: Cost) -> None:
    made_run(home, *TWO, events.WentOn(experiment=3, waited_seconds=90))
    today = datetime.now(UTC).date().isoformat()

    assert cost() == (
        "made-1: $1.38, 3 requests, 6.0k tokens sent (50% from a cache), 600 written\n"
        "the run may cost $5.00; $3.62 is left\n"
        "a proposal may cost $1.00\n"
        "waited 1 min 30 s for limits and for services that did not answer\n"
        "\n"
        "by role\n"
        "  proposer  $1.25  2 requests  5.0k tokens sent (60% from a cache)  400 written\n"
        "  reviewer  $0.12  1 request   1.0k tokens sent (0% from a cache)   200 written\n"
        "\n"
        "by model\n"
        "  claude-haiku-5-5  $1.38  3 requests  6.0k tokens sent (50% from a cache)  600 written\n"
        "\n"
        "by day (UTC)\n"
        f"  {today}  $1.38  3 requests  6.0k tokens sent (50% from a cache)  600 written\n"
        "\n"
        "the dearest proposals, their reviews included\n"
        "  #3 wider        $1.12  2 requests  2.0k tokens sent (0% from a cache)   400 written\n"
        "  #2 a larger LR  $0.25  1 request   4.0k tokens sent (75% from a cache)  200 written\n"
    )


def test_what_a_run_spent_is_told_to_scripts(home: Path, cost: Cost) -> None:
    made_run(home, *TWO)

    told = json.loads(cost("made-1", "--json"))

    assert (told["usd"], told["requests"], told["cache_share"]) == (1.375, 3, 0.5)
    assert told["caps"] == {"run": {"usd": 5, "left_usd": 3.625}, "proposal": {"usd": 1, "left_usd": None}}
    assert [(share["role"], share["usd"]) for share in told["by_role"]] == [("proposer", 1.25), ("reviewer", 0.125)]
    assert [(share["experiment"], share["usd"]) for share in told["dearest"]] == [(3, 1.125), (2, 0.25)]


def test_a_request_without_a_price_is_unknown_and_never_nothing(home: Path, cost: Cost) -> None:
    made_run(home, *TWO, asked(4, model=LOCAL, worst=None), billed(4, None))

    text, told = cost(), json.loads(cost("--json"))

    assert text.startswith("made-1: $1.38 + unknown, 4 requests,")
    assert "the run may cost $5.00; at most $3.62 is left\n" in text
    assert "  qwen3-coder       unknown cost  1 request" in text
    assert "unknown: the model has no price; write one into /" in text
    assert [(share["model"], share["usd"], share["unpriced"]) for share in told["by_model"]] == [
        (HAIKU, 1.375, 0),
        (LOCAL, None, 1),
    ]


def test_an_estimate_is_marked(home: Path, cost: Cost) -> None:
    made_run(home, *TWO, asked(4), billed(4, 0.125, estimated=True))

    text = cost()

    assert text.startswith("made-1: ~$1.50, 4 requests,")
    assert "~ part of it is an estimate" in text
    assert json.loads(cost("--json"))["estimated"] == 1


def test_an_open_request_counts_against_the_cap_with_the_most_that_it_can_cost(home: Path, cost: Cost) -> None:
    made_run(home, *TWO, asked(4), asked(5), billed(5, 0.125, final=False))

    text = cost()

    assert text.startswith("made-1: $1.50, 5 requests (2 open),")
    assert "the run may cost $5.00; $2.62 is left\n" in text
    assert "open: nobody has heard the end yet; at most $0.88 more" in text


def test_a_run_whose_only_request_is_open_has_no_known_cost(home: Path, cost: Cost) -> None:
    made_run(home, opened(), *proposed(2, "a larger LR"), asked(1))

    assert cost().startswith("made-1: unknown cost, 1 request (1 open), 0 tokens sent, 0 written\n")
    assert json.loads(cost("--json"))["usd"] is None


def test_the_day_s_cap_counts_all_runs_of_today(home: Path, cost: Cost) -> None:
    spending = [*proposed(2, "wider"), asked(1), billed(1, 0.5)]
    made_run(home, opened("other"), *spending, name="other")
    old = made_run(home, opened("old"), name="old")
    yesterday = Ledger(old.folder / "run.db", clock=lambda: time.time() - 2 * 86_400)
    yesterday.append(*spending)
    yesterday.close()
    broken = made_run(home, opened("broken"), name="broken")
    (broken.folder / "run.db").write_bytes(b"this is no database, and it is long enough to say so" * 40)
    made_run(home, opened(caps=Caps(day_usd=10)), *spending)

    assert "a day (UTC), all runs together, may cost $10.00; $9.00 is left\n" in cost("made-1")


def test_a_run_that_asked_nobody_says_so(home: Path, cost: Cost) -> None:
    made_run(home, opened(caps=Caps(run_usd=5)))

    assert cost() == "made-1: no model was asked so far\nthe run may cost $5.00; $5.00 is left\n"
    assert json.loads(cost("--json"))["requests"] == 0


def test_no_terminal_obeys_the_name_of_a_model_or_a_hypothesis(home: Path, cost: Cost) -> None:
    made_run(home, opened(), *proposed(2, "\x1b[2J\u202egone\nforged"), asked(1, model="\x1b]0;x\x07"), billed(1, 0.5))

    text = cost()

    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "  #2 \ufffdgone forged  $0.50" in text
