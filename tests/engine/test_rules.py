"""What has to be true of facts, one after the other."""

import pytest

from loopwatch.engine import events
from loopwatch.engine.events import AnyFact, Entry
from loopwatch.engine.money import Usage
from loopwatch.engine.rules import Rules
from loopwatch.engine.state import State
from tests.engine import facts

OPENED: list[AnyFact] = [facts.opened(), facts.engine()]
APPROVED = events.Decided(experiment=1, gate="apply", answer="approve", by="anna", digest=facts.DIGEST)
RUN_UP = [*facts.proposed(1), APPROVED]
FIRST = [*RUN_UP, *facts.started(1), facts.finished(1), facts.measured(1, 2.0), *facts.judged(1, "kept", 2.0)]


def proposed(number: int, *, parent: str = "c1", digest: str = facts.DIGEST) -> list[AnyFact]:
    begun, proposal = facts.proposed(number)
    return [begun, proposal.model_copy(update={"parent": parent, "digest": digest})]


def second(value: float, judged: events.Judged, **settled: str) -> list[AnyFact]:
    """A whole second experiment with this verdict."""
    approved = APPROVED.model_copy(update={"experiment": 2})
    ran = [*facts.started(2), facts.finished(2), facts.measured(2, value)]
    best = settled.get("best", "c2" if judged.verdict == "kept" else "c1")
    return [*FIRST, *proposed(2), approved, *ran, judged, events.Settled(experiment=2, best_commit=best)]


def verdict(verdict: events.Verdict, value: float, gain: float) -> events.Judged:
    return events.Judged(
        experiment=2, verdict=verdict, value=value, gain=gain, reason="it says so", by="judge", commit="c2"
    )


def broken(*told: AnyFact) -> list[str]:
    rules, state = Rules(), State()
    found: list[str] = []
    for seq, fact in enumerate((*OPENED, *told), start=1):
        found += rules.broken(fact, state)
        state.apply(Entry(seq, float(seq), fact))
    return found


@pytest.mark.parametrize(
    "told",
    [
        FIRST,
        second(2.5, verdict("discarded", 2.5, -0.5)),
        [
            *RUN_UP,
            *facts.started(1),
            events.AttemptLost(experiment=1, attempt=1, why="?"),
            *facts.started(1, attempt=2),
        ],
        [*facts.proposed(1), *facts.proposed(1, revision=2), APPROVED, *facts.started(1)],
        [*FIRST, events.Warned(text="a fact that no table names")],
        second(1.5, verdict("discarded", 1.5, 0.5).model_copy(update={"flags": ("it is too good",)})),
        second(
            1.5, verdict("discarded", 1.5, 0.5).model_copy(update={"reason": "a gain that costs too much: 9 lines"})
        ),
    ],
    ids=["a life", "a discarded one", "a lost attempt", "one sent back", "another kind", "a flagged one", "a dear one"],
)
def test_what_is_in_order_breaks_no_rule(told: list[AnyFact]) -> None:
    assert broken(*told) == []


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([*facts.proposed(1), *facts.started(1)], "#1 was applied without having been approved"),
        ([*RUN_UP, *facts.started(1), facts.measured(1, 2.0)], "#1 was measured without having been finished"),
        ([*RUN_UP, *facts.started(1, attempt=2)], "attempt 2 of #1 began after attempt 0"),
        ([*FIRST, *facts.judged(1)], "#1 was judged twice"),
        ([*FIRST, facts.measured(1, 3.0)], "#1 was measured after its verdict"),
        ([*FIRST, *proposed(3)], "#3 was begun as the 2. experiment"),
        ([*RUN_UP, *proposed(2, parent="base")], "#2 was begun while #1 had no settled verdict"),
        ([*FIRST, *proposed(2, parent="base")], "#2 was proposed against base, but the best was c1"),
        (
            [*FIRST, *proposed(2, digest="0" * 64)],
            "the diff of #2 has another digest than the one that was written down with it",
        ),
        (
            [*facts.proposed(1), APPROVED.model_copy(update={"digest": "0" * 64})],
            "what was decided at the apply gate for #1 was another diff than the proposed one",
        ),
        (
            [*RUN_UP, events.Applied(experiment=1, digest="0" * 64)],
            "what was applied for #1 is not the diff that was proposed",
        ),
        (second(2.5, verdict("kept", 1.0, 1.0)), "#2 was judged by 1.0, but it was measured as 2.5"),
        (
            second(1.5, verdict("discarded", 1.5, 0.7)),
            "the gain of #2 was written down as +0.7, which its numbers do not give",
        ),
        (second(2.5, verdict("kept", 2.5, -0.5)), "#2 was kept by the judge, whose rules say: discarded: "),
        (second(1.5, verdict("discarded", 1.5, 0.5)), "#2 was discarded by the judge, whose rules say: kept"),
        (
            second(2.5, verdict("discarded", 2.5, -0.5), best="c9"),
            "after #2 the best was written down as c9, but it is c1",
        ),
        (
            [*FIRST, events.Requested(experiment=1, request=2, role="proposer", model="m", prompt_tokens=1)],
            "request 2 was sent as the 1.",
        ),
    ],
)
def test_what_is_not_in_order_is_said(told: list[AnyFact], sentence: str) -> None:
    assert [text for text in broken(*told) if text.startswith(sentence)], broken(*told)


def test_a_bill_for_what_was_never_sent_is_said() -> None:
    rules, state = Rules(), State()

    found = list(rules.broken(events.Billed(experiment=1, request=4, usage=Usage()), state))

    assert found == ["request 4 was billed, but never sent"]
