"""What the command line tells of agents: standing, one experiment, lines."""

from pathlib import Path

import pytest

from loopwatch.engine import events
from loopwatch.engine.config import Caps
from loopwatch.engine.events import AnyFact
from loopwatch.engine.money import Usage
from loopwatch.tui.facts import experiment_json, run_json
from loopwatch.tui.headless import is_told
from loopwatch.tui.report import standing
from loopwatch.tui.starting import read_state

from .command import Command, judged, made_run, opened, proposed, started

NOW = 1_750_000_000.0
WAITS = events.BackedOff(experiment=3, why="overloaded", until=NOW + 12, attempt=1, attempts=8)


def an_agents_run() -> list[AnyFact]:
    proposing, made = proposed(2, "warm up longer", mechanism="it was still falling")
    return [
        opened(caps=Caps(run_usd=5)), started(), *proposed(1, "baseline"), *judged(1, "kept", 3.0),
        events.Noted(note=1, text="leave the optimizer alone", by="anna"),
        proposing,
        events.Briefed(experiment=2, revision=1, digest="c0ffee" * 10, tokens=9_400),
        events.Requested(experiment=2, request=1, role="proposer", model="claude-opus-5", prompt_tokens=9_000),
        events.NoteRead(note=1, experiment=2, where="this turn"),
        events.Billed(experiment=2, request=1, usage=Usage(input=9_000, output=800), usd=0.25, estimated=True),
        events.TurnEnded(experiment=2, revision=1, outcome="proposed"),
        made.model_copy(update={"expected": "0.02 lower", "changes": 2, "nearest": 1, "distance": 0.17}),
        *judged(2, "discarded", 3.1),
        events.Explained(experiment=2, mechanism="confirmed", theory="but the noise is larger", by="anna"),
        events.Reviewed(
            experiment=2, by="haiku", issue_type="too small", severity="low", fix_suggestion="a larger step",
            confidence=0.8, pattern_detected="",
        ),
        *proposed(3, "x")[:1],
    ]  # fmt: skip


def test_the_standing_tells_money_waits_notes_and_the_review(tmp_path: Path) -> None:
    run = made_run(tmp_path, *an_agents_run(), WAITS)

    told = standing(run, read_state(run), alive=True, now=NOW)

    for line in (
        "money        spent ~$0.25 of $5.00 (5%)",
        "waits        overloaded; again in 12 s, try 2 of 8",
        "review       #2: too small (low, 80% sure); fix: a larger step",
        "note 1       read in #2, in the middle of its turn: leave the optimizer alone",
        "next         loopwatch resume made-1 (tries again at once)",
    ):
        assert line in told.splitlines()


def test_the_standing_says_what_to_mend(tmp_path: Path) -> None:
    run = made_run(tmp_path, *an_agents_run(), events.Paused(by="loopwatch", why="no key; set ANTHROPIC_API_KEY"))

    told = standing(run, read_state(run), alive=True, now=NOW)

    assert told.splitlines()[0] == "made-1: paused by loopwatch: no key; set ANTHROPIC_API_KEY"
    assert told.splitlines()[-1] == "next         mend it, then: loopwatch resume made-1"


def test_one_experiment_is_told_with_its_claims_its_cost_and_its_review(tmp_path: Path) -> None:
    made_run(tmp_path, *an_agents_run())

    told = Command(tmp_path)("show", "2").stdout.splitlines()

    for line in (
        "expected    0.02 lower",
        "beware      2 changes at once; much like #1 (kept), distance 0.17",
        "note 1      read in the middle of its turn: leave the optimizer alone",
        "held        the mechanism: confirmed, by anna: but the noise is larger",
        "review      too small (low, 80% sure); fix: a larger step, by haiku",
        "cost        ~$0.25 in 1 request, 9.0k tokens sent and 800 written",
        "brief       c0ffeec0ffee, about 9.4k tokens",
    ):
        assert line in told


def test_scripts_are_told_the_same(tmp_path: Path) -> None:
    run = made_run(tmp_path, *an_agents_run(), WAITS)
    state = read_state(run)

    whole, one = run_json(run.name, state, alive=True), experiment_json(run.name, state.experiments[2])

    assert whole["spent"] == one["spent"]
    assert whole["backing_off"] == {**WAITS.model_dump(), "until": "2025-06-15T15:06:52.000Z"}
    assert whole["notes"] == [
        {"note": 1, "by": "anna", "text": "leave the optimizer alone", "read_in": 2, "where": "this turn"}
    ]
    assert (one["expected"], one["changes"], one["nearest"], one["distance"]) == ("0.02 lower", 2, 1, 0.17)
    assert (one["mechanism_held"], one["brief"]) == ("confirmed", "c0ffee" * 10)


@pytest.mark.parametrize(("usd", "told"), [(None, None), (0.5, 0.5)])
def test_an_unknown_price_is_null_and_not_nothing(tmp_path: Path, usd: float | None, told: float | None) -> None:
    asked = events.Requested(experiment=2, request=1, role="proposer", model="mine", prompt_tokens=10)
    billed = events.Billed(experiment=2, request=1, usage=Usage(input=10), usd=usd)
    run = made_run(tmp_path, opened(), started(), *proposed(2, "x")[:1], asked, billed)

    spent = run_json(run.name, read_state(run), alive=True)["spent"]

    assert isinstance(spent, dict)
    assert (spent["usd"], spent["unpriced"]) == (told, int(usd is None))


def test_an_experiment_without_a_proposal_is_a_crash_in_the_classic_table(tmp_path: Path) -> None:
    ended = events.TurnEnded(experiment=2, revision=1, outcome="refused", category="cyber", detail="it would not")
    made_run(tmp_path, opened(), started(), *proposed(2, "x")[:1], ended, *judged(2, "unproposed"))

    row = Command(tmp_path)("export", "--format", "tsv").stdout.splitlines()[1]

    assert row.split("\t")[1:] == ["0.000000", "0.0", "crash", "no proposal: the model refused (cyber): it would not"]


def test_lines_leave_out_what_the_next_one_says_again() -> None:
    told = [
        fact
        for fact in an_agents_run()
        if fact.kind in ("briefed", "requested", "turn_ended", "billed") and is_told(fact)
    ]

    assert [fact.kind for fact in told] == ["billed"]
