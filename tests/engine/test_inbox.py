"""The inbox: what is asked is checked against what is true now, acted on once, and answered in words."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from loopwatch.engine import commands, events
from loopwatch.engine.commands import AnyCommand, Reply
from loopwatch.engine.config import Caps
from loopwatch.engine.editing.constants import set_constant
from loopwatch.engine.editing.edits import render
from loopwatch.engine.events import AnyFact, Decided
from loopwatch.engine.ledger import Inbox as Row
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.task import load
from tests.engine import facts
from tests.engine.bench import Engine
from tests.engine.keeping import eventually

SOURCE = (load("sine").folder / "train.py").read_text(encoding="utf-8")
GOOD_DIFF = render("train.py", SOURCE, set_constant(SOURCE, "HIDDEN", 24))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    engine.close()


class Viewer:
    """Asks as somebody, over a connection of its own, and waits for the answer."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger.of(folder)

    def put(self, command: AnyCommand, by: str = "anna") -> int:
        return self.ledger.ask(command, by=by, via="test")

    async def answer(self, number: int) -> Row:
        await eventually(lambda: self.ledger.command(number).answered)
        return self.ledger.command(number)

    async def ask(self, command: AnyCommand, by: str = "anna") -> tuple[bool, str]:
        row = await self.answer(self.put(command, by))
        return row.ok, row.answer

    def facts(self) -> list[AnyFact]:
        return [entry.fact for entry in self.ledger.since()]


@pytest_asyncio.fixture
async def viewer(tmp_path: Path, engine: Engine) -> AsyncIterator[Viewer]:
    watching = asyncio.create_task(engine.inbox.watch())
    viewer = Viewer(tmp_path)
    yield viewer
    watching.cancel()
    viewer.ledger.close()


def waits(engine: Engine, gate: str = "apply", diff: str = GOOD_DIFF) -> events.Asked:
    """Proposal 2 waits at a gate."""
    engine.journal.append(*facts.proposed(2, diff=diff))
    digest = engine.journal.state.experiments[2].digest
    asked = facts.asked(2, gate=gate, digest=digest)
    engine.journal.append(asked)
    return asked


def reply(answer: events.Answer, **more: object) -> Reply:
    return Reply.model_validate({"ask": "2-apply-1", "gate": "apply", "answer": answer, **more})


async def test_a_reply_is_answered_and_its_fact_says_who(engine: Engine, viewer: Viewer) -> None:
    asked = waits(engine)

    answer = await viewer.ask(reply("veto", digest=asked.digest, reason="too bold"))

    assert answer == (True, "vetoed #2")
    decided = viewer.facts()[-1]
    assert decided == Decided(
        ask="2-apply-1", experiment=2, gate="apply", answer="veto", by="anna", person=True, reason="too bold", digest=asked.digest
    )  # fmt: skip


async def test_the_lower_row_wins_and_the_other_is_told_who_decided(engine: Engine, tmp_path: Path) -> None:
    waits(engine)
    viewer = Viewer(tmp_path)
    first, second = viewer.put(reply("veto"), "anna"), viewer.put(reply("approve"), "bo")

    watching = asyncio.create_task(engine.inbox.watch())
    answers = [await viewer.answer(first), await viewer.answer(second)]
    watching.cancel()

    assert [(row.ok, row.answer) for row in answers] == [
        (True, "vetoed #2"),
        (False, "too late: #2 was already decided (vetoed by anna)"),
    ]
    assert [fact.answer for fact in viewer.facts() if isinstance(fact, Decided) and fact.experiment == 2] == ["veto"]
    viewer.ledger.close()


async def test_a_reply_to_a_policy_s_decision_is_told_of_it(engine: Engine, viewer: Viewer) -> None:
    waits(engine)
    engine.journal.append(facts.decided(2, "approve", by="policy ask:5=approve"))

    assert await viewer.ask(reply("veto")) == (
        False,
        "too late: #2 was already decided (approved by policy ask:5=approve)",
    )


async def test_a_reply_to_an_older_version_is_refused(engine: Engine, viewer: Viewer) -> None:
    waits(engine)
    engine.journal.append(
        facts.decided(2, "amend", by="bo"),
        facts.proposed(2, revision=2, diff="other")[1],
        facts.asked(2, revision=2),
    )

    assert await viewer.ask(reply("approve")) == (False, "too late: #2 was changed after you saw it; look again")


async def test_a_reply_to_other_bytes_than_those_that_wait_is_refused(engine: Engine, viewer: Viewer) -> None:
    waits(engine)

    answer = await viewer.ask(reply("approve", digest="0" * 64))

    assert answer == (False, "too late: #2 was changed after you saw it; look again")
    assert engine.journal.state.waiting is not None


@pytest.mark.parametrize("ask", ["2-apply-1", None, "99-apply-1", "nonsense", "²-apply-1"])
async def test_a_reply_when_nothing_waits_is_refused(engine: Engine, viewer: Viewer, ask: str | None) -> None:
    engine.journal.append(*facts.proposed(2))

    assert await viewer.ask(reply("approve", ask=ask)) == (False, "nothing waits at the apply gate")


async def test_an_answer_of_another_gate_is_refused_with_those_there_are(engine: Engine, viewer: Viewer) -> None:
    waits(engine)

    assert await viewer.ask(reply("keep")) == (
        False,
        "keep is no answer at the apply gate; there are: approve, veto, amend, send_back",
    )


async def test_the_command_line_answers_whatever_waits_at_the_gate(engine: Engine, viewer: Viewer) -> None:
    waits(engine, gate="verdict")

    assert await viewer.ask(Reply(gate="verdict", answer="keep", reason="I want it")) == (True, "kept #2")


async def test_an_amended_diff_becomes_a_proposal_of_the_person_s(engine: Engine, viewer: Viewer) -> None:
    waits(engine)

    answer = await viewer.ask(reply("amend", diff=GOOD_DIFF.replace("24", "6")))

    assert answer == (True, "amended #2")
    amended = engine.journal.state.experiments[2]
    assert (amended.author, amended.revision, amended.step) == ("anna", 2, "proposed")
    assert "+HIDDEN = 6" in amended.diff


@pytest.mark.parametrize(
    ("diff", "why"),
    [
        ("", "the diff names no file"),
        ("--- a/evaluate.py\n+++ b/evaluate.py\n@@ -1 +1 @@\n-x\n+y\n", "evaluate.py may not be changed"),
        ("--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-no such line\n+y\n", "train.py"),
    ],
)
async def test_an_amended_diff_that_may_not_be_applied_is_refused_in_words(
    engine: Engine, viewer: Viewer, diff: str, why: str
) -> None:
    waits(engine)

    ok, answer = await viewer.ask(reply("amend", diff=diff))

    assert not ok
    assert answer.startswith("the amended diff was refused: ")
    assert why in answer
    assert engine.journal.state.waiting is not None


async def test_a_withdrawn_reply_decides_nothing(engine: Engine, viewer: Viewer) -> None:
    waits(engine)
    number = viewer.ledger.ask(reply("approve"), by="anna", via="test", delay=3600)
    viewer.ledger.withdraw(number, by="anna")

    answer = await viewer.ask(reply("veto"), by="bo")

    assert answer == (True, "vetoed #2")


async def test_a_pause_closes_the_lab_once_and_resume_opens_it(engine: Engine, viewer: Viewer) -> None:
    engine.lab.resumed.set()

    answers = [
        await viewer.ask(commands.Pause()),
        await viewer.ask(commands.Pause(), by="bo"),
    ]
    paused = not engine.lab.resumed.is_set()
    answers += [await viewer.ask(commands.Resume(), by="bo"), await viewer.ask(commands.Resume())]

    assert paused
    assert answers == [
        (True, "paused: the experiment at hand is finished, no other is started"),
        (False, "it is paused already, by anna"),
        (True, "it goes on"),
        (False, "it is neither paused nor held"),
    ]
    await eventually(engine.lab.resumed.is_set)


async def test_whoever_does_not_want_to_wait_for_a_service_says_resume(engine: Engine, viewer: Viewer) -> None:
    engine.journal.append(
        facts.proposed(2)[0], events.BackedOff(experiment=2, why="overloaded", until=2e9, attempt=1, attempts=8)
    )

    assert await viewer.ask(commands.Resume()) == (True, "it tries again at once")


async def test_a_cap_that_is_not_named_stays_as_it_is(engine: Engine, viewer: Viewer) -> None:
    await viewer.ask(commands.SetCaps(caps=Caps(run_usd=20, day_usd=5)))

    ok, text = await viewer.ask(commands.SetCaps(caps=Caps(run_usd=30)), by="bo")

    assert (ok, text) == (True, "$30.00 for the run and $5.00 for a day of all runs from now on")
    assert viewer.facts()[-1] == events.CapsChanged(caps=Caps(run_usd=30, day_usd=5), by="bo")


async def test_what_does_not_run_is_neither_held_nor_aborted(engine: Engine, viewer: Viewer) -> None:
    nothing = [await viewer.ask(commands.Hold()), await viewer.ask(commands.Abort())]
    waits(engine)
    waiting = [await viewer.ask(commands.Abort(experiment=1)), await viewer.ask(commands.Abort(experiment=2))]

    assert nothing == [
        (False, "no experiment runs that could be held; pause keeps the next one from starting"),
        (False, "nothing runs"),
    ]
    assert waiting == [
        (False, "that experiment does not run"),
        (False, "#2 does not run: it waits for approval; veto it"),
    ]


async def test_an_abort_answers_the_question_about_the_running_experiment(engine: Engine, viewer: Viewer) -> None:
    waits(engine, gate="run")
    engine.journal.append(*facts.started(2))

    answer = await viewer.ask(commands.Abort(reason="enough"))

    assert answer == (True, "aborted #2")
    assert engine.journal.state.waiting is None
    assert engine.journal.state.experiments[2].decided("run") == Decided(
        ask="2-run-1", experiment=2, gate="run", answer="abort", by="anna", person=True, reason="enough"
    )


async def test_notes_are_numbered_and_promised_for_the_next_prompt(engine: Engine, viewer: Viewer) -> None:
    first = await viewer.ask(commands.Note(text="one"))
    second = await viewer.ask(commands.Note(text="two"), by="bo")

    assert (first, second) == ((True, "note 1 will be in the next prompt"), (True, "note 2 will be in the next prompt"))
    assert [(note.text, note.by) for note in engine.journal.state.unread_notes()] == [("one", "anna"), ("two", "bo")]


async def test_a_new_policy_holds_from_now_on(engine: Engine, viewer: Viewer) -> None:
    answer = await viewer.ask(commands.SetPolicy(gate="apply", policy="ask:9=veto"))

    assert answer == (True, "gate apply is ask:9=veto from now on")
    assert engine.journal.state.gates["apply"] == "ask:9=veto"


async def test_a_policy_that_the_gate_does_not_have_is_refused(engine: Engine, viewer: Viewer) -> None:
    ok, answer = await viewer.ask(commands.SetPolicy(gate="apply", policy="shadow"))
    run = await viewer.ask(commands.SetPolicy(gate="run", policy="shadow"))

    assert not ok
    assert answer.startswith("'shadow' is a policy of the run gate; for the apply gate use auto, ask")
    assert run == (True, "gate run is shadow from now on")
    assert (engine.journal.state.gates["apply"], engine.journal.state.gates["run"]) == ("ask", "shadow")


async def test_trust_is_given_once_and_says_by_whom(engine: Engine, viewer: Viewer) -> None:
    first, second = await viewer.ask(commands.Trust()), await viewer.ask(commands.Trust(), by="bo")

    assert first == (True, "the forecaster may act from now on")
    assert second == (False, "it may act already, since anna let it")
    assert viewer.facts()[-1] == events.ForecasterTrusted(by="anna", why="a person said go")
    assert engine.journal.state.trusted_by == "anna"


async def test_trust_comes_too_late_when_it_was_earned(engine: Engine, viewer: Viewer) -> None:
    engine.journal.append(events.ForecasterTrusted(by="its back-test", why="proven"))

    assert await viewer.ask(commands.Trust()) == (False, "it may act already, since its back-test let it")


async def test_a_stop_reaches_the_lab(engine: Engine, viewer: Viewer) -> None:
    answer = await viewer.ask(commands.Stop(now=True))

    assert answer == (True, "stopping now")
    await eventually(engine.lab.stop.is_set)
    assert viewer.facts()[-1] == events.StopAsked(by="anna", now=True)


async def test_a_command_of_another_version_is_answered_too(engine: Engine, tmp_path: Path, viewer: Viewer) -> None:
    class Dance(commands.Command):
        kind: str = "dance"

    ok, answer = await viewer.ask(Dance())  # type: ignore[arg-type]

    assert (ok, answer) == (False, "this engine does not know that command; is the viewer of another version?")


async def test_a_person_says_of_a_judged_experiment_whether_its_mechanism_held(viewer: Viewer) -> None:
    command = commands.Explain(experiment=1, mechanism="refuted", theory="it was the scale")

    assert await viewer.ask(command) == (True, "the mechanism of #1 is refuted")
    assert viewer.facts()[-1] == events.Explained(
        experiment=1, mechanism="refuted", theory="it was the scale", by="anna"
    )


async def test_a_mechanism_is_open_until_there_is_a_verdict(viewer: Viewer) -> None:
    ok, answer = await viewer.ask(commands.Explain(experiment=2, mechanism="confirmed"))

    assert (ok, answer) == (False, "#2 has no verdict yet, so its mechanism is open")
