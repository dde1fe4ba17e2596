import pytest

from loopwatch.engine import events
from loopwatch.engine.client import Thought
from loopwatch.engine.events import AnyFact, Entry
from loopwatch.engine.state import State
from loopwatch.tui import question, telling
from loopwatch.tui.headline import header
from loopwatch.tui.view import DETAIL_KEPT, MECHANISM_LOOK, VERDICT_ROLE, diff_body, experiment_rows

from .command import judged, opened, proposed, started


def folded(*facts: AnyFact) -> State:
    state = State()
    for seq, fact in enumerate(facts, start=1):
        state.apply(Entry(seq, float(seq), fact))
    return state


def asked(gate: str, detail: str = "", question: str = "Edit train.py") -> events.Asked:
    return events.Asked.model_validate(
        {"ask": "2-x-1", "experiment": 2, "gate": gate, "question": question, "detail": detail, "digest": "", "policy": "ask"}
    )  # fmt: skip


def lines(*facts: AnyFact) -> list[str]:
    view = question.ask_view(folded(opened(), started(), *facts), now=10)
    assert view is not None
    return [line if isinstance(line, str) else line[0] for line in view.lines]


def test_of_an_edit_only_the_changed_lines_are_in_the_box() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n"

    assert lines(*proposed(2, "x")[:1], asked("tool", diff)) == ["Edit train.py", "-old", "+new"]


def test_a_command_is_in_the_box_as_it_is() -> None:
    assert lines(*proposed(2, "x")[:1], asked("tool", "rm -rf /\n\necho done")) == [
        "Edit train.py", "rm -rf /", "echo done",
    ]  # fmt: skip


@pytest.mark.parametrize(("detail", "shown"), [("", 2), ("line\n" * 5000, question.WANTED_LINES + 1), ("x" * 10**6, 2)])
def test_the_box_is_neither_empty_nor_endless(detail: str, shown: int) -> None:
    asks = lines(*proposed(2, "x")[:1], asked("tool", detail))

    assert len(asks) == shown
    assert max(map(len, asks)) <= question.WANTED_CHARACTERS


def test_of_an_endless_wish_what_is_not_shown_is_said() -> None:
    state = folded(opened(), started(), *proposed(2, "x")[:1], asked("tool", "x" * (DETAIL_KEPT + 7)))

    assert diff_body(state, state.experiments[2]).endswith("x\n(7 more characters are not shown)")


def test_what_is_expected_is_asked_along_and_remembered_at_the_verdict() -> None:
    proposing, made = proposed(2, "warm up longer", mechanism="it was still falling")
    made = made.model_copy(update={"expected": "0.02 lower"})

    assert lines(proposing, made, asked("apply")) == [
        "why  warm up longer", "how  it was still falling", "so   0.02 lower", "do   +0 −0 lines in ",
    ]  # fmt: skip
    assert lines(proposing, made, asked("verdict", question="kept")) == [
        "kept", "idea  warm up longer", "hope  0.02 lower",
    ]  # fmt: skip


def test_what_is_to_be_doubted_comes_first() -> None:
    proposing, made = proposed(2, "warm up longer")

    assert lines(proposing, made.model_copy(update={"changes": 3}), asked("apply"))[0].endswith("· 3 changes at once")


def test_why_a_person_is_asked_about_a_doubtful_gain_comes_first() -> None:
    flags = ("the curve did not change", "a gain of 300 σ")
    measured = events.Measured(experiment=2, attempt=1, value=1.0, flags=flags)
    reason = f"discarded: quarantined, 2.0 → 1.0; but it is hard to believe: {'; '.join(flags)}"
    ask = asked("verdict", "better with a probability of 99.9%; one more training costs about 20 s", reason)
    view = question.ask_view(folded(opened(), started(), *proposed(2, "sum of all"), measured, ask), now=10)

    assert view is not None
    assert "quarantined" in view.title
    assert "+ one more" in view.keys
    assert [line if isinstance(line, str) else line[0] for line in view.lines] == [
        "hard to believe: the curve did not change · a gain of 300 σ",
        "discarded: quarantined, 2.0 → 1.0; o keeps it all the same",
        "odds  better with a probability of 99.9%; one more training costs about 20 s",
        "idea  sum of all",
    ]


def test_what_comes_after_the_verdict_is_the_reviewers() -> None:
    experiment = folded(opened(), started(), *proposed(2, "x"), *judged(2, "kept", 2.0)).experiments[2]
    before = Thought(1, 2, experiment.ended_at - 1, "x")
    after = Thought(2, 2, experiment.ended_at + 1, "y", "text")

    assert telling.voice(before, experiment)[0] == "scripted"
    assert telling.voice(after, experiment)[0] == "the reviewer"


def test_each_kind_of_text_has_a_mark_of_its_own() -> None:
    marks = [voice.mark for voice in telling.VOICES.values()]

    assert len(set(marks)) == len(marks)
    assert all(marks)


def test_the_mechanism_is_marked_apart_from_the_verdict() -> None:
    facts = [
        *proposed(1, "baseline"), *judged(1, "kept", 3.0),
        *proposed(2, "a", mechanism="m"), *judged(2, "kept", 2.9),
        *proposed(3, "b", mechanism="m"), *judged(3, "discarded", 3.1),
        *proposed(4, "c", mechanism="m"), *judged(4, "discarded", 3.1),
        events.Explained(experiment=2, mechanism="refuted", by="anna"),
        events.Explained(experiment=3, mechanism="confirmed", by="anna"),
    ]  # fmt: skip
    rows = experiment_rows(folded(opened(), started(), *facts), alive=True)

    assert [(row.cells[1][0], row.cells[2][0]) for row in rows] == [
        ("discarded", "○"), ("discarded", "✓"), ("□ for now", "✗"), ("kept", ""),
    ]  # fmt: skip


def test_every_verdict_and_every_mark_has_a_colour() -> None:
    assert set(VERDICT_ROLE) == set(events.Verdict.__args__)  # type: ignore[attr-defined]
    assert set(MECHANISM_LOOK) == set(events.Mechanism.__args__)  # type: ignore[attr-defined]


def test_the_table_says_how_a_turn_without_a_proposal_ended() -> None:
    ended = events.TurnEnded(experiment=2, revision=1, outcome="over_budget", detail="it may spend $0.10")
    state = folded(opened(), started(), *proposed(2, "x")[:1], ended, *judged(2, "unproposed", reason="no money"))

    assert experiment_rows(state, alive=True)[0].cells[1] == ("no money", "bad")


def test_a_reviewer_at_work_is_shown_at_work() -> None:
    asked = events.Requested(experiment=2, request=1, role="reviewer", model="haiku", prompt_tokens=10)
    state = folded(opened(), started(), *proposed(2, "x"), *judged(2, "kept", 2.0), asked)

    top = header(state, alive=True, now=10, width=100, ascii_only=True, progress=None)[0]
    assert "* REVIEWING #2" in "".join(text for text, _ in top)


def test_repeats_and_what_got_out_of_the_box_stand_beside_the_reasoning() -> None:
    engine = events.EngineStarted(
        pid=1, host="here", versions={}, sandbox="fenced", not_protected=("experiments can use the network",)
    )
    measured = [
        events.RepeatMeasured(experiment=2, repeat=at, value=value, why="confirmation")
        for at, value in enumerate((2.0, 2.1), start=1)
    ]
    again = [
        fact
        for done in measured
        for fact in (events.RepeatStarted(experiment=2, repeat=done.repeat, seed=1, why="confirmation"), done)
    ]
    ran = events.Started(experiment=2, attempt=1, seed=1, sandbox="fenced")
    state = folded(opened(), engine, *proposed(2, "x"), ran, *again, *judged(2, "kept", 1.9))

    said = [line for line, _ in telling.reasoning_end(state.experiments[2], state, told="")]

    assert said == [
        "hypothesis: x", "contained: fenced, but it can use the network",
        "repeat 1 (confirmation): 2.0000", "repeat 2 (confirmation): 2.1000",
        "kept", "mean: #2 2.0500 ± 0.071 (2 seeds)",
    ]  # fmt: skip


def test_a_claim_that_was_streamed_is_not_said_again() -> None:
    state = folded(opened(), started(), *proposed(2, "warm up longer", mechanism="it still falls"))
    streamed = "hypothesis: warm up\nlonger\nmechanism: it"

    said = [line for line, _ in telling.reasoning_end(state.experiments[2], state, told=streamed)]

    assert said == ["mechanism: it still falls"]
