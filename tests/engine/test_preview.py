"""The next prompt before it is asked: the same bytes that the engine then sends."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from loopwatch.engine import client
from loopwatch.engine.client import Run
from loopwatch.engine.config import RunConfig
from loopwatch.engine.errors import RunNotFound
from loopwatch.engine.events import Noted, ProgramRead, Reviewed, ReviewerMuted
from loopwatch.engine.records import Sample
from tests.engine import facts
from tests.engine.bench import Engine
from tests.engine.says import Says
from tests.engine.test_desk import judge, proposal, propose


@pytest.fixture
def says() -> Says:
    return Says()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "run.json").write_text(RunConfig(run="sine-1", task="sine").model_dump_json())
    return Run(tmp_path)


@pytest.fixture
def engine(run: Run, says: Says) -> Iterator[Engine]:
    engine = Engine(run.folder, proposes=says)
    engine.journal.append(
        ProgramRead(path="program.md", text="Be bold.\r\n"), Noted(note=1, text="try SCALE", by="anna")
    )
    yield engine
    engine.close()


@pytest.fixture
def alive(run: Run) -> Iterator[None]:
    """An engine has the run's lock."""
    with open(run.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def review(number: int, fix: str) -> Reviewed:
    return Reviewed(experiment=number, by="r", issue_type="slow", severity="low", fix_suggestion=fix, confidence=0.5)


async def test_the_preview_is_what_the_engine_then_sends_to_the_byte(run: Run, engine: Engine, says: Says) -> None:
    await propose(engine, says, proposal())
    engine.journal.append(*facts.started(2), facts.finished(2))
    engine.journal.telemetry.add_samples(2, 1, 1.0, [Sample(step, loss=3 - step / 50, speed=9) for step in range(100)])
    engine.journal.telemetry.flush()
    judge(engine, "discarded")
    engine.journal.append(Noted(note=2, text="and `LR`", by="anna"), review(2, "be bolder"))

    seen = client.brief(run)
    await propose(engine, says, proposal(0.25))

    assert seen.text == says.prompts[-1].text
    assert (seen.experiment, seen.revision, seen.given, seen.awaits) == (3, 1, False, None)
    assert (seen.digest, seen.tokens) == (says.prompts[-1].digest, says.prompts[-1].tokens)
    for what in ("Be bold.", "> and `LR`", "be bolder", "training loss: 3.0000 at first"):
        assert what in seen.text
    assert "try SCALE" not in seen.text


async def test_looking_changes_nothing(run: Run, engine: Engine) -> None:
    before = engine.journal.ledger.since()

    client.brief(run)

    assert engine.journal.ledger.since() == before
    assert engine.journal.state.unread_notes()
    assert not (run.folder / "briefs").exists()


@pytest.fixture
async def thinking(engine: Engine, says: Says) -> AsyncIterator[None]:
    """A proposer was given its prompt for #2, and has not answered yet; a note was written since."""
    says.may_answer.clear()
    asked = asyncio.create_task(propose(engine, says, proposal()))
    await says.thinks.wait()
    engine.journal.append(Noted(note=2, text="since then", by="anna"))
    yield
    says.may_answer.set()
    await asked


@pytest.mark.usefixtures("thinking", "alive")
async def test_while_a_proposer_thinks_it_is_the_prompt_that_it_has(run: Run, says: Says) -> None:
    seen = client.brief(run)

    assert (seen.experiment, seen.given) == (2, True)
    assert seen.text == says.prompts[0].text
    assert "since then" not in seen.text


@pytest.mark.usefixtures("thinking")
async def test_when_the_engine_was_killed_meanwhile_it_is_the_one_that_the_next_engine_will_ask(
    run: Run, engine: Engine
) -> None:
    seen = client.brief(run)

    assert (seen.experiment, seen.given) == (2, False)
    assert "> try SCALE" in seen.text
    assert "> since then" in seen.text


async def test_an_open_experiment_is_named_because_its_outcome_will_be_told_too(
    run: Run, engine: Engine, says: Says
) -> None:
    await propose(engine, says, proposal())

    seen = client.brief(run)

    assert (seen.experiment, seen.awaits) == (3, 2)


async def test_every_experiment_s_prompt_can_be_read_again(run: Run, engine: Engine, says: Says) -> None:
    await propose(engine, says, proposal())
    judge(engine, "discarded")
    await propose(engine, says, proposal(0.25))

    seen = client.brief(run, 2)

    assert (seen.text, seen.given) == (says.prompts[0].text, True)


async def test_a_prompt_that_is_not_there_is_said_to_be_so(run: Run, engine: Engine, says: Says) -> None:
    experiment = await propose(engine, says, proposal())
    assert experiment.brief is not None
    (run.folder / "briefs" / f"{experiment.brief.digest}.txt").write_text("\x1b[2Jother words")

    with pytest.raises(RunNotFound, match="the prompt of #2 was changed after it was given"):
        client.brief(run, 2)
    with pytest.raises(RunNotFound, match="#1 had no prompt: it was proposed without a model"):
        client.brief(run, 1)
    with pytest.raises(RunNotFound, match="has no experiment 7; there are 2"):
        client.brief(run, 7)


async def test_what_a_muted_reviewer_says_stays_out(run: Run, engine: Engine, says: Says) -> None:
    await propose(engine, says, proposal())
    judge(engine, "discarded")
    engine.journal.append(review(2, "be bolder"), ReviewerMuted(muted=True, by="anna"))

    muted = client.brief(run).text
    engine.journal.append(ReviewerMuted(muted=False, by="anna"))

    assert "be bolder" not in muted
    assert "be bolder" in client.brief(run).text


async def test_a_version_that_is_sent_back_comes_with_all_notes_of_the_experiment(engine: Engine, says: Says) -> None:
    await propose(engine, says, proposal())
    engine.journal.append(Noted(note=2, text="since then", by="anna"))
    says.left.append(proposal(0.25))
    engine.desk.begin(2, 2, "smaller")

    await engine.desk.ask(engine.journal.state.experiments[2])

    for what in ("> smaller", "> try SCALE", "> since then", "+LR = 0.5"):
        assert what in says.prompts[-1].text


async def test_with_a_reviewer_the_worker_is_told_nothing_of_the_history(run: Run, engine: Engine, says: Says) -> None:
    await propose(engine, says, proposal(hypothesis="a secret of #2"))
    judge(engine, "discarded")
    engine.journal.append(review(2, "be bolder"))
    config = RunConfig(run="sine-1", task="sine", strategy="reviewer")
    (run.folder / "run.json").write_text(config.model_dump_json())

    seen = client.brief(run).text

    assert "be bolder" in seen
    assert "a secret of #2" not in seen
