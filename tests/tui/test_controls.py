from pathlib import Path

import pytest

from loopwatch.engine import events
from loopwatch.engine.client import Viewer
from loopwatch.engine.commands import AnyCommand
from loopwatch.engine.ledger import Ledger
from loopwatch.tui.controls import Controls
from loopwatch.tui.deciding import Answers
from loopwatch.tui.moments import moments

from .command import judged, made_run, opened, proposed, started

ASKED = events.Asked(ask="3-tool-1.1", experiment=3, gate="tool", question="Edit", digest="", policy="ask")


@pytest.fixture
def viewer(tmp_path: Path) -> Viewer:
    run = made_run(
        tmp_path, opened(), started(), *proposed(2, "x"), *judged(2, "kept", 2.0), *proposed(3, "y")[:1], ASKED
    )
    viewer = Viewer(run, name="screen")
    viewer.poll()
    return viewer


def asked_by(viewer: Viewer) -> list[AnyCommand]:
    rows = Ledger(viewer.run.folder / "run.db", clock=lambda: 4e9).due()
    return [row.command for row in rows if row.command is not None]


@pytest.mark.parametrize(
    ("typed", "mechanism", "theory"),
    [
        ("confirmed", "confirmed", ""),
        ("R the noise is what limits it", "refuted", "the noise is what limits it"),
        ("open: too short to tell", "open", "too short to tell"),
    ],
)
def test_the_mechanism_is_typed_in_a_word_or_its_beginning(
    viewer: Viewer, typed: str, mechanism: str, theory: str
) -> None:
    Controls(viewer, Answers(viewer)).explain(2, typed)

    assert asked_by(viewer)[0].model_dump() == {
        "kind": "explain", "experiment": 2, "mechanism": mechanism, "theory": theory,
    }  # fmt: skip


@pytest.mark.parametrize("typed", ["", "   ", "perhaps", ":"])
def test_a_word_that_says_nothing_marks_nothing(viewer: Viewer, typed: str) -> None:
    answers = Answers(viewer)

    Controls(viewer, answers).explain(2, typed)

    assert asked_by(viewer) == []
    assert answers.line() is not None


def test_allowing_all_allows_this_and_opens_the_gate(viewer: Viewer) -> None:
    Controls(viewer, Answers(viewer)).approve_all(ASKED)

    assert [command.model_dump(include={"kind", "gate", "policy", "answer"}) for command in asked_by(viewer)] == [
        {"kind": "set_policy", "gate": "tool", "policy": "auto"},
        {"kind": "reply", "gate": "tool", "answer": "allow"},
    ]


@pytest.mark.parametrize(("gate", "undone"), [("tool", True), ("apply", False)])
def test_an_amended_permission_can_be_taken_back_and_an_amended_proposal_is_asked_again(
    viewer: Viewer, gate: str, undone: bool
) -> None:
    answers = Answers(viewer)

    Controls(viewer, answers).reply(ASKED.model_copy(update={"gate": gate}), "amend", diff="ls")

    assert answers.can_undo == undone


def test_the_veto_of_a_thought_takes_effect_at_once(viewer: Viewer) -> None:
    answers = Answers(viewer)

    Controls(viewer, answers).abort()

    assert not answers.can_undo
    assert asked_by(viewer)[0].model_dump(include={"kind", "experiment"}) == {"kind": "abort", "experiment": 3}


def test_what_is_trained_again_can_be_held_and_aborted(tmp_path: Path) -> None:
    again = events.RepeatStarted(experiment=2, repeat=1, seed=1, why="noise", of=5)
    run = made_run(tmp_path, opened(), started(), *proposed(2, "x"), *judged(2, "kept", 2.0), again)
    viewer = Viewer(run, name="screen")
    viewer.poll()

    assert {"running", "training"} <= moments(viewer.state, alive=True, busy=False, can_undo=False)
    Controls(viewer, Answers(viewer)).abort()
    [command] = asked_by(viewer)
    assert command.model_dump(include={"kind", "experiment"}) == {"kind": "abort", "experiment": 2}
