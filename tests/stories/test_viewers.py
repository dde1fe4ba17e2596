"""Several people at one run: the lower row wins, and the other one is told."""

import os
import signal
import subprocess
import sys

import pytest

from loopwatch.engine.commands import Note, Reply
from loopwatch.engine.events import Decided, EngineStarted, ProgramRead, Proposing, RunOpened, StopAsked, Stopped
from loopwatch.engine.telemetry import Telemetry
from tests.waiting import until

from .story import Story, change, fold, is_sound

KILLED_WHILE_ANSWERING = """\
import os, signal, sqlite3, sys
from loopwatch.engine.commands import Reply
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin immediate")
body = Reply(gate="apply", answer="veto").model_dump_json()
db.execute("insert into command (asked_at, due_at, by, via, kind, body) values (0, 0, 'ben', 'x', 'reply', ?)", (body,))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_of_two_people_who_disagree_the_first_row_wins_and_the_other_is_told_by_whom(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.begin([change(2.0)], ask=["apply"])
    asked = story.waits("apply", 2)
    other = story.look()

    # The engine stands still while both rows are written, so that both are there at its next look.
    os.kill(story.pid, signal.SIGSTOP)
    first = story.viewer.ask(Reply(ask=asked.ask, gate="apply", answer="veto", digest=asked.digest))
    monkeypatch.setenv("LOOPWATCH_USER", "ben")
    second = other.ask(Reply(ask=asked.ask, gate="apply", answer="approve", digest=asked.digest))
    os.kill(story.pid, signal.SIGCONT)
    story.ends()

    assert story.viewer.answer(first).answer == "vetoed #2"
    assert other.answer(second).ok is False
    assert other.answer(second).answer == "too late: #2 was already decided (vetoed by anna)"
    assert [fact.by for fact in story.all(Decided, experiment=2)] == ["anna"]
    other.poll()
    assert other.state == story.state


def test_a_viewer_killed_in_the_middle_of_an_answer_has_answered_nothing(story: Story) -> None:
    story.begin([change(2.0)], ask=["apply"])
    story.waits("apply", 2)

    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_ANSWERING, str(story.run.folder / "run.db")], check=False
    )
    story.reply("apply", 2, "approve")
    story.ends()

    assert killed.returncode == -signal.SIGKILL
    assert story.trained == ["0001-1 1.0", "0002-1 2.0"]
    assert [fact.by for fact in story.all(Decided, experiment=2, gate="apply")] == ["anna"]
    assert is_sound(story.run.folder / "run.db")


def test_an_answer_taken_back_in_time_changes_nothing_and_one_too_late_is_told_so(story: Story) -> None:
    story.begin([change(2.0)], ask=["apply"])
    story.waits("apply", 2)

    regretted = story.viewer.ask(Reply(gate="apply", answer="veto"), delay=600)
    taken_back = story.viewer.take_back(regretted)
    approved = story.reply("apply", 2, "approve")
    too_late = story.viewer.take_back(approved.id)
    story.ends()

    assert (taken_back, too_late) == (True, False)
    assert story.viewer.answer(regretted).answer == "taken back by anna"
    assert story.trained == ["0001-1 1.0", "0002-1 2.0"]
    assert story.verdict(2).verdict == "kept"


def test_a_viewer_that_comes_late_sees_what_the_first_one_sees(story: Story) -> None:
    story.begin([change(2.0, "for step in range(1, 4): print(f'step: {step} loss: {1 / step}')", reasoning="because")])
    story.ends()

    late = story.look()
    late.poll()

    assert late.state == story.state
    assert [point.step for point in late.points(2)] == [1, 2, 3]
    assert "".join(thought.text for thought in late.thoughts(2)) == "because"
    assert late.log_tail(2, 1).splitlines()[-1].startswith("step: 3 loss: 0.33")


def test_a_command_of_another_version_is_answered_and_harms_nothing(story: Story) -> None:
    story.begin([change(2.0)], ask=["apply"])
    story.waits("apply", 2)

    class Dance(Note):
        kind: str = "dance"  # type: ignore[assignment]

    answered = story.ask(Dance(text="please"))
    story.reply("apply", 2, "approve")
    story.ends()

    assert answered.answer == "this engine does not know that command; is the viewer of another version?"


def test_an_edited_programme_is_a_fact_with_its_diff_and_enters_the_next_brief(story: Story) -> None:
    story.begin([change(2.0), change(3.0)], ask=["apply"])
    story.waits("apply", 2)
    program = story.task / "program.md"

    draft = program.with_name("program.md.new")
    draft.write_text("Make the score bigger.\nBut not above 9.\n")
    draft.replace(program)
    until(lambda: len(story.all(ProgramRead)) == 2)
    story.kill()
    program.write_text("Anything goes.\n")
    story.start()
    story.reply("apply", 2, "approve")
    story.waits("apply", 3)
    program.write_text("Anything goes, but quickly.\n")
    until(lambda: len(story.all(ProgramRead)) == 4)
    story.reply("apply", 3, "approve")
    story.ends()

    first, edited, while_away, last = story.all(ProgramRead)
    assert first.diff == ""
    assert edited.diff == "--- before\n+++ after\n@@ -1 +1,2 @@\n Make the score bigger.\n+But not above 9.\n"
    assert while_away.text == "Anything goes.\n"
    assert (last.text, last.path) == ("Anything goes, but quickly.\n", str(program))


def test_a_clock_that_was_set_back_confuses_nobody(story: Story) -> None:
    story.begin([change(2.0)])
    story.ends()
    facts = story.facts
    told = story.state

    backwards = fold([(1e9 - 100 * number, fact) for number, fact in enumerate(facts)])

    assert [e.verdict for e in backwards.experiments.values()] == [e.verdict for e in told.experiments.values()]
    assert (backwards.best, backwards.best_commit) == (told.best, told.best_commit)
    assert backwards.worked_seconds == 0
    assert {type(fact) for fact in facts} >= {RunOpened, EngineStarted, Proposing, Stopped}
    assert not story.all(StopAsked)


def test_curves_and_thoughts_survive_their_engine(story: Story) -> None:
    story.begin([change(2.0, reasoning="one two", delay=0.01)], ask=["apply"])
    story.waits("apply", 2)
    until(lambda: "".join(thought.text for thought in story.viewer.thoughts(2)) == "one two")
    story.kill()

    kept = Telemetry.of(story.run.folder)

    assert "".join(thought.text for thought in kept.thoughts(2)) == "one two"
    kept.close()
