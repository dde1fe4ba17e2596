"""The hash that a person saw is the hash of what is applied, at every gate, whatever happens in between."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from loopwatch.engine.commands import Reply
from loopwatch.engine.editing import diff as diffs
from loopwatch.engine.editing import edits
from loopwatch.engine.editing.constants import set_constant
from loopwatch.engine.errors import LedgerError
from loopwatch.engine.events import Answer, Applied, Asked, Decided, PolicyChanged, Proposed
from loopwatch.engine.ledger import Inbox as Row
from loopwatch.engine.policy import Gate
from loopwatch.engine.proposers import Proposal
from loopwatch.engine.sitting import Sitting
from loopwatch.engine.task import load
from loopwatch.engine.turn import Permission
from tests.engine.bench import Engine
from tests.engine.keeping import eventually
from tests.engine.says import Says

F = TypeVar("F")

SOURCE = (load("sine").folder / "train.py").read_text()


def diff_to(lr: float) -> str:
    return edits.render("train.py", SOURCE, set_constant(SOURCE, "LR", lr))


@pytest.fixture
def says() -> Says:
    return Says()


@pytest.fixture
def engine(tmp_path: Path, says: Says) -> Iterator[Engine]:
    engine = Engine(tmp_path, proposes=says)
    engine.journal.append(*(PolicyChanged(gate=gate, policy="ask", by="anna") for gate in GATES))
    yield engine
    engine.close()


GATES: tuple[Gate, ...] = ("apply", "tool")


async def proposed(engine: Engine, says: Says, lr: float = 0.5) -> "asyncio.Task[bool]":
    """A proposal that waits at the apply gate; what says whether it may be applied."""
    says.left.append(Proposal("it learns", "bolder steps", diff_to(lr)))
    approval = asyncio.create_task(engine.lab.approved(await engine.lab.propose()))
    await eventually(lambda: engine.journal.state.waiting)
    return approval


def asked(engine: Engine) -> Asked:
    assert engine.journal.state.waiting
    return engine.journal.state.waiting.asked


async def answer(engine: Engine, seen: Asked, says: Answer, diff: str = "") -> Row:
    """What somebody who saw `seen` is told."""
    ledger = engine.journal.ledger
    command = Reply(ask=seen.ask, gate=seen.gate, answer=says, digest=seen.digest, diff=diff)
    number = ledger.ask(command, by="anna", via="test")
    watching = asyncio.create_task(engine.inbox.watch())
    await eventually(lambda: ledger.command(number).answered)
    watching.cancel()
    return ledger.command(number)


def facts_of(engine: Engine, kind: type[F]) -> list[F]:
    return [entry.fact for entry in engine.journal.ledger.since() if isinstance(entry.fact, kind)]


async def test_one_hash_goes_all_the_way_from_the_proposal_to_the_folder(engine: Engine, says: Says) -> None:
    approval = await proposed(engine, says)
    seen = asked(engine)

    await answer(engine, seen, "approve")
    assert await approval
    experiment = engine.journal.state.experiments[2]
    engine.lab._archive.apply(experiment)

    (decided,) = (fact for fact in facts_of(engine, Decided) if fact.experiment == 2)
    hashes = {facts_of(engine, Proposed)[-1].digest, seen.digest, decided.digest, facts_of(engine, Applied)[-1].digest}
    assert hashes == {edits.digest(diff_to(0.5))}
    folder = engine.desk._workspace.work_folder
    assert (folder / "train.py").read_text() == set_constant(SOURCE, "LR", 0.5)


async def test_whoever_saw_what_was_amended_since_is_told_to_look_again(engine: Engine, says: Says) -> None:
    approval = await proposed(engine, says)
    before = asked(engine)

    amended = await answer(engine, before, "amend", diff_to(0.25))
    await eventually(lambda: engine.journal.state.waiting)
    after = asked(engine)
    late = await answer(engine, before, "approve")
    await answer(engine, after, "approve")

    assert amended.ok
    assert (late.ok, late.answer) == (False, "too late: #2 was changed after you saw it; look again")
    assert after.digest == edits.digest(diff_to(0.25)) != before.digest
    assert await approval
    assert engine.journal.state.experiments[2].diff == diff_to(0.25)


async def test_whoever_saw_what_was_sent_back_cannot_approve_what_came_instead(engine: Engine, says: Says) -> None:
    approval = await proposed(engine, says)
    before = asked(engine)
    says.left.append(Proposal("it learns", "smaller steps", diff_to(0.125)))

    await answer(engine, before, "send_back")
    await eventually(lambda: engine.journal.state.waiting)
    late = await answer(engine, before, "approve")

    assert (late.ok, late.answer) == (False, "too late: #2 was changed after you saw it; look again")
    approval.cancel()


async def test_a_diff_that_was_changed_after_it_was_approved_is_not_applied(engine: Engine, says: Says) -> None:
    approval = await proposed(engine, says)
    await answer(engine, asked(engine), "approve")
    await approval
    experiment = engine.journal.state.experiments[2]
    experiment.diff = diff_to(9.0)

    with pytest.raises(LedgerError, match="not the one that was approved"):
        engine.lab._archive.apply(experiment)

    assert not facts_of(engine, Applied)[1:]


async def test_another_command_under_the_same_name_has_another_hash(engine: Engine, says: Says, tmp_path: Path) -> None:
    engine.desk.begin(2, 1, "")
    first = await permission(engine, tmp_path, "ls")
    seen = asked(engine)
    first.cancel()
    second = await permission(engine, tmp_path, "rm -rf ~")  # an engine that starts again counts from one

    late = await answer(engine, seen, "allow")

    assert asked(engine).ask == seen.ask
    assert asked(engine).digest != seen.digest
    assert not late.ok
    second.cancel()


async def permission(engine: Engine, run_dir: Path, command: str) -> "asyncio.Task[object]":
    """An agent asks to run a command."""
    desk = engine.desk
    brief = desk._brief(engine.journal.state.experiments[2])
    sitting = Sitting(
        brief, journal=engine.journal, gates=engine.gates, books=desk._books, run_dir=run_dir,
        check=lambda _: None, export=lambda _: None,
    )  # fmt: skip
    asking = asyncio.create_task(sitting.permit(Permission("Bash", "execute", command, ())))
    await eventually(lambda: engine.journal.state.waiting and asked(engine).detail == command)
    return asking


def test_a_hash_is_of_what_the_ledger_keeps() -> None:
    assert edits.digest("x = '\ud800'") == edits.digest("x = '?'")


def test_one_canonical_form_has_one_hash() -> None:
    short = "--- train.py\n+++ train.py\n@@ -2 +2 @@\n-b\n+B\n"

    canonical = edits.canonical(short, {"train.py": "a\nb\nc\n"})

    assert edits.digest(canonical) == edits.digest(edits.render("train.py", "a\nb\nc\n", "a\nB\nc\n"))
    assert diffs.parse(canonical)
