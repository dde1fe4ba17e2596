"""What people answer at the gates, what silence means, and what never happens."""

import pytest

from loopwatch.engine.commands import Note, Reply, SetPolicy
from loopwatch.engine.editing import edits
from loopwatch.engine.events import (
    Answer,
    Applied,
    Asked,
    Decided,
    Judged,
    Noted,
    PolicyChanged,
    Proposed,
    Proposing,
    Started,
)
from tests.waiting import until

from .story import HOLD_ON, TRAIN, Story, change


def test_a_vetoed_proposal_never_runs_and_keeps_its_reason(story: Story) -> None:
    story.begin([change(2.0), change(3.0)], ask=["apply"])

    vetoed = story.reply("apply", 2, "veto", reason="too bold")
    approved = story.reply("apply", 3, "approve")
    story.ends()

    assert (vetoed.ok, vetoed.answer) == (True, "vetoed #2")
    assert (approved.ok, approved.answer) == (True, "approved #3")
    assert story.trained == ["0001-1 1.0", "0003-1 3.0"]
    verdict = story.verdict(2)
    assert (verdict.verdict, verdict.by, verdict.reason) == ("vetoed", "anna", "vetoed by anna: too bold")
    assert not story.all(Applied, experiment=2)
    assert story.remembered(2)["Loopwatch-Verdict"] == "vetoed"
    assert story.branch()[-1]["Approved-By"] == "anna"
    assert story.all(Decided, experiment=3, gate="apply")[0].person


def test_a_bad_amendment_is_refused_in_words_and_a_good_one_is_what_runs(story: Story) -> None:
    story.begin([change(2.0)], ask=["apply"])
    better = edits.render("train.py", TRAIN, TRAIN.replace("SCORE = 1.0", "SCORE = 5.0"))
    frozen = better.replace("train.py", "evaluate.py")

    garbled = story.reply("apply", 2, "amend", diff="make it better")
    outside = story.reply("apply", 2, "amend", diff=frozen)
    nothing = story.reply("apply", 2, "amend", diff="")
    misfit = story.reply("apply", 2, "amend", diff=better.replace("-SCORE = 1.0", "-SCORE = 7.0"))
    amended = story.reply("apply", 2, "amend", diff=better)
    shown = story.sees(Asked, ask="2-apply-2")
    story.reply("apply", 2, "approve")
    story.ends()

    for refused in (garbled, outside, nothing, misfit):
        assert not refused.ok
        assert refused.answer.startswith("the amended diff was refused: ")
    assert "evaluate.py may not be changed" in outside.answer
    assert (amended.ok, amended.answer) == (True, "amended #2")
    proposed = story.all(Proposed, experiment=2)
    assert [(fact.revision, fact.author) for fact in proposed] == [(1, "scripted"), (2, "anna")]
    assert shown.digest == proposed[1].digest == edits.digest(better) == story.all(Applied, experiment=2)[0].digest
    assert story.trained == ["0001-1 1.0", "0002-1 5.0"]


def test_sent_back_it_comes_again_with_the_comment_in_its_brief(story: Story) -> None:
    story.begin([change(2.0, again=[change(2.5), change(2.7)])], ask=["apply"])

    story.reply("apply", 2, "send_back", reason="a little more")
    story.waits("apply", 2)
    second = story.sees(Asked, ask="2-apply-2")
    story.reply("apply", 2, "send_back")
    story.sees(Asked, ask="2-apply-3")
    story.reply("apply", 2, "approve")
    story.ends()

    assert [(fact.revision, fact.comment) for fact in story.all(Proposing, experiment=2)] == [
        (1, ""),
        (2, "a little more"),
        (3, "try something else"),
    ]
    assert second.question == "a score of 2.5"
    assert story.trained == ["0001-1 1.0", "0002-1 2.7"]


def test_silence_is_answered_by_the_policy(story: Story) -> None:
    policies = {"apply": "ask:0.2=veto", "verdict": "ask:0.2=approve"}
    story.begin([change(2.0), change(3.0), change(4.0)], gates=policies)

    story.sees(Asked, experiment=2, gate="apply")
    story.verdict(2)
    opened = story.ask(SetPolicy(gate="apply", policy="ask:0.2=approve"))
    closed = story.ask(SetPolicy(gate="verdict", policy="ask:0.2=veto"))
    story.ends()

    assert opened.answer == "gate apply is ask:0.2=approve from now on"
    assert closed.ok
    silent = story.all(Decided, experiment=2, gate="apply")[0]
    assert (silent.answer, silent.by, silent.person) == ("veto", "policy ask:0.2=veto", False)
    assert silent.reason == "nobody answered for 0.2 s"
    assert story.verdict(2).reason == "vetoed by policy ask:0.2=veto: nobody answered for 0.2 s"
    assert [fact.policy for fact in story.all(PolicyChanged)] == ["ask:0.2=approve", "ask:0.2=veto"]
    assert story.verdict(4).verdict == "discarded"
    assert story.verdict(4).by == "policy ask:0.2=veto"


def test_ask_if_asks_only_about_what_its_rules_name(story: Story) -> None:
    story.begin(
        [change(2.0), change(3.0, "pass"), change(3.5), change(9.0)],
        gates={"apply": "ask-if:lines>2", "verdict": "ask-if:gain>2"},
    )

    story.reply("apply", 3, "approve")
    story.reply("verdict", 5, "accept")
    story.ends()

    assert [(fact.experiment, fact.gate) for fact in story.all(Asked)] == [(3, "apply"), (5, "verdict")]


def test_a_person_may_overrule_the_judge_both_ways(story: Story) -> None:
    story.begin([change(0.5), change(2.0), change(3.0), change(0.1)], ask=["verdict"])

    story.reply("verdict", 2, "keep", reason="simpler")
    story.reply("verdict", 3, "discard")
    story.reply("verdict", 4, "accept")
    story.reply("verdict", 5, "accept")
    story.ends()

    assert story.verdicts[:5] == ["kept", "kept", "discarded", "kept", "discarded"]
    assert [story.verdict(number).by for number in (2, 3, 4, 5)] == ["anna", "anna", "judge", "judge"]
    assert (
        story.verdict(2).reason
        == "kept by anna (simpler), against the judge: discarded: 1.0000 → 0.5000 is worse by 0.5000"
    )
    assert story.verdict(3).reason.startswith("discarded by anna, against the judge: kept: 0.5000 → 2.0000")
    assert story.verdict(4).gain == 2.5
    assert [kept["Loopwatch-Experiment"] for kept in story.branch()] == ["1", "2", "4"]


def test_a_note_gets_a_receipt_that_names_the_prompt_it_entered(story: Story) -> None:
    story.begin([change(2.0), change(3.0)], ask=["apply"])

    story.waits("apply", 2)
    noted = story.ask(Note(text="try 3"))
    story.reply("apply", 2, "approve")
    story.reply("apply", 3, "approve")
    story.ends()

    assert noted.answer == "note 1 will be in the next prompt"
    assert [fact.text for fact in story.all(Noted)] == ["try 3"]
    assert [fact.notes for fact in story.all(Proposing)][:3] == [(), (), (1,)]
    assert story.state.notes[1].read_in == 3


def test_a_policy_changed_while_it_runs_holds_from_the_next_question_on(story: Story) -> None:
    story.begin([change(2.0), change(3.0)], ask=["apply"])

    story.waits("apply", 2)
    refused = story.ask(Reply(gate="apply", answer="keep"))
    story.ask(SetPolicy(gate="apply", policy="auto"))
    story.reply("apply", 2, "approve")
    story.ends()

    assert refused.answer == "keep is no answer at the apply gate; there are: approve, veto, amend, send_back"
    assert [fact.experiment for fact in story.all(Asked)] == [2]
    assert story.all(Decided, experiment=3, gate="apply")[0].by == "policy auto"


def test_a_question_about_an_attempt_that_was_lost_is_asked_anew_about_the_next_one(story: Story) -> None:
    nans = "for step in range(1, 5): print(f'step: {step} loss: nan', flush=True)\n"
    story.begin([change(2.0, nans + HOLD_ON)], ask=["run"], stop={"experiments": 2})

    first = story.waits("run", 2)
    story.kill()
    story.start()
    second = story.sees(Asked, ask="2-run-2")
    stale = story.ask(Reply(ask=first.ask, gate="run", answer="let_run"))
    aborted = story.reply("run", 2, "abort")
    story.ends()

    assert second.ask != first.ask
    assert not stale.ok
    assert aborted.ok
    assert story.verdicts == ["kept", "aborted"]


@pytest.mark.parametrize(
    ("answer", "verdict"), [("approve", "kept"), ("veto", "vetoed"), ("send_back", "kept"), ("amend", "kept")]
)
def test_an_answer_outlives_the_engine_that_took_it(story: Story, answer: Answer, verdict: str) -> None:
    story.begin([change(2.0, again=[change(4.0)])], ask=["apply"], stop={"experiments": 2})
    better = edits.render("train.py", TRAIN, TRAIN.replace("SCORE = 1.0", "SCORE = 5.0"))

    story.reply("apply", 2, answer, diff=better if answer == "amend" else "")
    story.kill()
    story.start()
    if answer in ("send_back", "amend"):
        until(lambda: story.state.waiting and story.state.waiting.asked.ask == "2-apply-2")
        story.reply("apply", 2, "approve")
    story.ends()

    assert story.verdict(2).verdict == verdict
    assert len(story.all(Decided, experiment=2, gate="apply", answer=answer)) == 1
    assert any(line.startswith("0002") for line in story.trained) == (verdict == "kept")
    assert [fact.ask for fact in story.all(Asked)].count("2-apply-1") == 1


def test_a_policy_changed_between_two_engines_answers_the_question_left_open(story: Story) -> None:
    story.begin([change(2.0)], ask=["apply"])

    story.waits("apply", 2)
    story.kill()
    story.viewer.ask(SetPolicy(gate="apply", policy="auto"))
    story.start()
    # The inbox and the loop begin together: whichever is first, one answer ends the question.
    if story.state.waiting:
        story.viewer.ask(Reply(gate="apply", answer="approve"))
    story.ends()

    assert story.verdicts[:2] == ["kept", "kept"]
    assert story.state.waiting is None
    assert len(story.all(Decided, experiment=2, gate="apply")) == 1


@pytest.mark.parametrize("answer", ["approve", "veto"])
def test_an_answer_to_what_is_no_longer_shown_is_refused(story: Story, answer: str) -> None:
    story.begin([change(2.0, again=[change(2.5)])], ask=["apply"])

    first = story.waits("apply", 2)
    story.reply("apply", 2, "send_back", reason="more")
    story.sees(Asked, ask="2-apply-2")
    stale = Reply.model_validate({"gate": "apply", "answer": answer, "digest": first.digest})
    changed = story.ask(stale)
    old = story.ask(stale.model_copy(update={"ask": first.ask}))
    story.reply("apply", 2, "approve")
    late = story.ask(stale.model_copy(update={"ask": "2-apply-2", "digest": None}))
    story.ends()

    assert changed.answer == "too late: #2 was changed after you saw it; look again"
    assert not old.ok
    assert late.answer == "too late: #2 was already decided (approved by anna)" or not late.answered
    assert len(story.all(Started, experiment=2)) == 1
    assert len(story.all(Judged, experiment=2)) == 1
