"""The desk: what it takes, what it refuses before it costs anything and in which words, and what it writes beside a proposal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine.agent_events import RoundBegan, SuiteChanged
from loopwatch.engine.editing import edits
from loopwatch.engine.editing.constants import set_constant
from loopwatch.engine.errors import EditRefused
from loopwatch.engine.events import Judged, Settled, Verdict
from loopwatch.engine.proposers import Lesson, Proposal
from loopwatch.engine.state import Experiment
from loopwatch.engine.task import load
from tests.engine.bench import Engine
from tests.engine.says import Says

SOURCE = (load("sine").folder / "train.py").read_text()


def proposal(
    lr: float = 0.5, *, comment: str = "", hypothesis: str = "it learns", mechanism: str = "bolder steps"
) -> Proposal:
    """Another learning rate."""
    after = set_constant(SOURCE, "LR", lr).replace("LR =", f"{comment}LR =", 1)
    return Proposal(hypothesis, mechanism, edits.render("train.py", SOURCE, after))


@pytest.fixture
def says() -> Says:
    return Says()


@pytest.fixture
def engine(tmp_path: Path, says: Says) -> Iterator[Engine]:
    engine = Engine(tmp_path, proposes=says)
    yield engine
    engine.close()


async def propose(engine: Engine, says: Says, *proposals: Proposal) -> Experiment:
    """Have these proposed, one experiment each; the last one."""
    for one in proposals:
        number = len(engine.journal.state.experiments) + 1
        says.left.append(one)
        engine.desk.begin(number, 1, "")
        await engine.desk.ask(engine.journal.state.experiments[number])
    return engine.journal.state.experiments[number]


def judge(engine: Engine, verdict: Verdict, *, by: str = "judge") -> None:
    """End the open experiment."""
    last = engine.journal.state.last
    assert last is not None
    best = engine.journal.state.best_commit
    engine.journal.append(
        Judged(experiment=last.number, verdict=verdict, reason=f"{verdict.replace('_', ' ')}: so it was", by=by),
        Settled(experiment=last.number, best_commit=best),
    )


@pytest.mark.parametrize(
    ("hypothesis", "mechanism", "why"),
    [
        ("", "bolder steps", "it has no hypothesis; say what should happen, and why it should"),
        ("it learns", " \n", "it has no mechanism; say what should happen, and why it should"),
    ],
)
async def test_a_proposal_without_a_reason_is_refused_in_words(
    engine: Engine, says: Says, hypothesis: str, mechanism: str, why: str
) -> None:
    experiment = await propose(engine, says, proposal(hypothesis=hypothesis, mechanism=mechanism))

    assert (experiment.verdict, experiment.by) == ("vetoed", "edit gate")
    assert experiment.reason == f"refused before it was applied: {why}"
    assert experiment.turn is not None
    assert experiment.turn.outcome == "invalid"


async def test_the_same_code_with_another_comment_is_refused_naming_the_experiment_and_its_verdict(
    engine: Engine, says: Says
) -> None:
    await propose(engine, says, proposal())
    judge(engine, "timed_out")

    experiment = await propose(engine, says, proposal(comment="# bold\n"))

    assert experiment.verdict == "vetoed"
    assert "the same code was tried in #2, which was timed out: so it was" in experiment.reason


@pytest.mark.parametrize(
    ("verdict", "by", "refused"),
    [
        ("discarded", "judge", True), ("crashed", "judge", True), ("no_metric", "judge", True), ("aborted", "judge", True),
        ("vetoed", "anna", True), ("vetoed", "edit gate", False), ("interrupted", "judge", False),
    ],
)  # fmt: skip
async def test_what_counts_as_tried_is_what_was_judged_on_its_code(
    engine: Engine, says: Says, verdict: Verdict, by: str, refused: bool
) -> None:
    await propose(engine, says, proposal())
    judge(engine, verdict, by=by)

    again = await propose(engine, says, proposal())

    assert (again.verdict == "vetoed") is refused


async def test_a_diff_that_changes_nothing_but_a_comment_is_refused_naming_the_best(engine: Engine, says: Says) -> None:
    after = SOURCE.replace("LR =", "# bold\nLR =", 1)

    experiment = await propose(engine, says, Proposal("it learns", "a word", edits.render("train.py", SOURCE, after)))

    assert "the diff changes nothing but comments or layout of #1, the best so far" in experiment.reason


async def test_a_person_may_repeat_what_was_tried(engine: Engine, says: Says) -> None:
    await propose(engine, says, proposal())
    judge(engine, "discarded")
    open_one = await propose(engine, says, proposal(0.25))

    amended = engine.desk.amended(open_one, proposal().diff, by="anna")

    assert (amended.author, amended.diff, amended.revision) == ("anna", proposal().diff, 2)
    with pytest.raises(EditRefused, match="may not be changed"):
        engine.desk.amended(open_one, "--- a/evaluate.py\n+++ b/evaluate.py\n@@ -1 +1 @@\n-a\n+b\n", by="anna")


async def test_a_near_one_is_taken_with_its_distance(engine: Engine, says: Says) -> None:
    await propose(
        engine, says, Proposal("h", "m", edits.render("train.py", SOURCE, f"{SOURCE}\n\nprint('something else')\n"))
    )
    judge(engine, "discarded")
    await propose(engine, says, proposal(0.5))
    judge(engine, "discarded")

    experiment = await propose(engine, says, proposal(0.25))

    assert experiment.step == "proposed"
    assert experiment.nearest == 3
    assert experiment.distance is not None
    assert 0 < experiment.distance < 0.3


async def test_several_unrelated_changes_are_counted(engine: Engine, says: Says) -> None:
    after = set_constant(set_constant(SOURCE, "LR", 0.5), "HIDDEN", 7)

    experiment = await propose(engine, says, Proposal("h", "m", edits.render("train.py", SOURCE, after)))

    assert experiment.changes == 2


async def test_what_a_proposer_learned_is_written_beside_the_verdict(engine: Engine, says: Says) -> None:
    await propose(engine, says, proposal())
    judge(engine, "discarded")
    lesson = Lesson(2, "refuted", "steps are bold enough")

    await propose(engine, says, Proposal("h", "m", proposal(0.25).diff, lesson=lesson))

    explained = engine.journal.state.experiments[2].explained
    assert explained is not None
    assert (explained.mechanism, explained.theory, explained.by) == ("refuted", "steps are bold enough", "random")
    assert engine.journal.state.experiments[2].verdict == "discarded"


@pytest.mark.parametrize("about", [3, 99])
async def test_a_lesson_from_an_experiment_without_a_verdict_is_no_lesson(
    engine: Engine, says: Says, about: int
) -> None:
    await propose(engine, says, proposal())
    judge(engine, "discarded")

    await propose(engine, says, Proposal("h", "m", proposal(0.25).diff, lesson=Lesson(about, "confirmed")))

    assert all(experiment.explained is None for experiment in engine.journal.state.experiments.values())


async def test_an_engine_s_prompt_is_in_the_ledger_and_in_its_file(engine: Engine, says: Says, tmp_path: Path) -> None:
    experiment = await propose(engine, says, proposal())

    assert experiment.brief is not None
    assert experiment.brief.digest == says.prompts[0].digest
    assert (tmp_path / "briefs" / f"{experiment.brief.digest}.txt").read_bytes() == says.prompts[0].text.encode()


async def test_what_was_no_gain_on_fewer_tests_may_be_tried_on_those_of_now(engine: Engine, says: Says) -> None:
    await propose(engine, says, proposal())
    judge(engine, "discarded")
    engine.journal.append(RoundBegan(round=1, code=(), test=()), SuiteChanged(suite=1, round=1, size=9, digest=""))

    again = await propose(engine, says, proposal())

    assert again.step == "proposed"
