"""Gates: who is asked, what silence means, and what a restart remembers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine.events import Answer, Asked, Decided, PolicyChanged, Verdict
from loopwatch.engine.gate import Gates, override
from loopwatch.engine.journal import Journal
from loopwatch.engine.policy import Gate, Occasion
from tests.engine import facts
from tests.engine.bench import journal_in
from tests.engine.keeping import eventually

ALL: list[Gate] = ["apply", "run", "verdict"]
SUGGESTED: dict[Gate, Answer] = {"apply": "approve", "run": "abort", "verdict": "accept"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = journal_in(tmp_path, facts.opened(), facts.engine(), *facts.life(1), *facts.proposed(2))
    yield journal
    close(journal)


def close(journal: Journal) -> None:
    journal.telemetry.close()
    journal.ledger.close()


def set_policy(journal: Journal, gate: Gate, policy: str) -> None:
    journal.append(PolicyChanged(gate=gate, policy=policy, by="anna"))


async def decide(journal: Journal, gate: Gate = "apply", gates: Gates | None = None, lines: int = 2) -> Decided:
    return await (gates or Gates(journal)).decide(
        gate, 2, question="?", occasion=Occasion(lines=lines), digest=facts.DIGEST, suggestion=SUGGESTED[gate]
    )


def asked(journal: Journal) -> list[Asked]:
    return [entry.fact for entry in journal.ledger.since() if isinstance(entry.fact, Asked)]


@pytest.mark.parametrize("gate", ALL)
async def test_auto_takes_the_suggestion_at_once_and_says_that_no_person_did(journal: Journal, gate: Gate) -> None:
    set_policy(journal, gate, "auto")

    decided = await decide(journal, gate)

    assert (decided.answer, decided.by, decided.person) == (SUGGESTED[gate], "policy auto", False)
    assert asked(journal) == []
    assert journal.ledger.since()[-1].fact == decided


async def test_a_rule_that_does_not_hold_asks_nobody(journal: Journal) -> None:
    set_policy(journal, "apply", "ask-if:lines>20")

    decided = await decide(journal, lines=20)

    assert (decided.answer, decided.by) == ("approve", "policy ask-if:lines>20")


async def test_a_gate_waits_for_a_person_and_returns_what_the_person_said(journal: Journal) -> None:
    gates = Gates(journal)
    waiting = asyncio.create_task(decide(journal, gates=gates))
    await eventually(lambda: asked(journal))
    said = facts.decided(2, "veto")

    journal.append(said)
    gates.replied(said)

    assert await waiting == said
    assert [(fact.ask, fact.digest, fact.suggestion) for fact in asked(journal)] == [
        ("2-apply-1", facts.DIGEST, "approve")
    ]
    assert journal.ledger.since()[-1].fact == said


@pytest.mark.parametrize(
    ("gate", "policy", "answer"),
    [
        ("apply", "ask:0.05=veto", "veto"),
        ("apply", "ask:0.05=approve", "approve"),
        ("run", "ask:0.05=veto", "let_run"),
        ("run", "ask:0.05=approve", "abort"),
        ("verdict", "ask:0.05=veto", "discard"),
        ("verdict", "ask:0.05=approve", "accept"),
    ],
)
async def test_silence_until_the_deadline_is_the_policy_s_answer(
    journal: Journal, gate: Gate, policy: str, answer: str
) -> None:
    set_policy(journal, gate, policy)

    decided = await decide(journal, gate)

    assert (decided.answer, decided.by, decided.person) == (answer, f"policy {policy}", False)
    assert decided.reason == "nobody answered for 0.05 s"
    assert asked(journal)[0].on_silence == answer
    assert journal.state.waiting is None


async def test_an_answer_in_the_moment_of_the_deadline_is_the_only_one(journal: Journal) -> None:
    set_policy(journal, "apply", "ask:0=approve")
    gates = Gates(journal)
    waiting = asyncio.create_task(decide(journal, gates=gates))
    await asyncio.sleep(0)  # it asks
    await asyncio.sleep(0)  # its time is over, and it has not noticed yet
    said = facts.decided(2, "veto")

    journal.append(said)
    gates.replied(said)

    assert await waiting == said
    assert journal.state.experiments[2].decisions == [said]


@pytest.mark.parametrize("policy", ["ask", "ask:3600=veto"])
async def test_a_restart_asks_the_same_again_without_a_second_fact(
    tmp_path: Path, journal: Journal, policy: str
) -> None:
    set_policy(journal, "apply", policy)
    before = asyncio.create_task(decide(journal))
    await eventually(lambda: asked(journal))
    before.cancel()

    restarted = journal_in(tmp_path)
    restarted.append(facts.engine(8))
    gates = Gates(restarted)
    after = asyncio.create_task(decide(restarted, gates=gates))
    await asyncio.sleep(0)
    gates.replied(facts.decided(2))

    assert await after == facts.decided(2)
    assert [fact.ask for fact in asked(restarted)] == ["2-apply-1"]
    close(restarted)


async def test_a_deadline_that_passed_while_no_engine_was_there_counts_at_once(
    tmp_path: Path, journal: Journal
) -> None:
    set_policy(journal, "apply", "ask:0.05=veto")
    before = asyncio.create_task(decide(journal))
    await eventually(lambda: asked(journal))
    before.cancel()

    restarted = journal_in(tmp_path)
    decided = await decide(restarted)

    assert decided.answer == "veto"
    assert len(asked(restarted)) == 1
    close(restarted)


async def test_a_policy_that_changed_in_between_asks_anew(tmp_path: Path, journal: Journal) -> None:
    before = asyncio.create_task(decide(journal))
    await eventually(lambda: asked(journal))
    before.cancel()
    set_policy(journal, "apply", "ask:0.05=approve")

    decided = await decide(journal)

    assert decided.answer == "approve"
    assert [fact.policy for fact in asked(journal)] == ["ask", "ask:0.05=approve"]


async def test_a_reply_when_nothing_waits_is_left_alone(journal: Journal) -> None:
    Gates(journal).replied(facts.decided(2))

    assert journal.state.experiments[2].decisions == []


@pytest.mark.parametrize(
    ("answer", "judged", "verdict"),
    [
        ("accept", "kept", "kept"),
        ("accept", "discarded", "discarded"),
        ("keep", "discarded", "kept"),
        ("keep", "kept", "kept"),
        ("discard", "kept", "discarded"),
        ("discard", "crashed", "crashed"),
    ],
)
def test_a_person_may_turn_a_verdict_round(answer: Answer, judged: Verdict, verdict: Verdict) -> None:
    assert override(answer, judged) == verdict
