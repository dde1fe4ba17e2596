"""Wins that are real: the noise floor, candidates that are trained again, and engines that are killed meanwhile."""

import json

import pytest

from loopwatch.engine.commands import Abort, Stop
from loopwatch.engine.events import (
    Asked,
    AttemptLost,
    Drifted,
    Judged,
    Measured,
    RepeatMeasured,
    RepeatStarted,
    Started,
    Stopped,
    Warned,
)
from loopwatch.engine.ledger import Ledger
from tests.waiting import until

from .story import HOLD_ON, Story, change

NOISY = """
import random
dice = random.Random(int(os.environ["LOOPWATCH_SEED"]))
(out / "score").write_text(str(SCORE + dice.uniform(-0.01, 0.01)))
"""

WAITS_WHEN_REPEATED = "while '-1001' in out.name and not pathlib.Path(os.environ['TRUTH'] + '.go').exists(): pass"

LONGER = "--- a/train.py\n+++ b/train.py\n@@ -4,1 +4,2 @@\n SCORE = 1.0\n+SCORE = 9.0\n"
SHORTER = "--- a/train.py\n+++ b/train.py\n@@ -4,2 +4,1 @@\n SCORE = 1.0\n-SCORE = SCORE + 0\n"

STEADY = "(out / 'score').write_text(str(SCORE + (0, 0.01, -0.01)[int(out.name[-1]) % 3]))"
SLIGHTLY = "(out / 'score').write_text('1.012')"
"""One σ better than trainings of STEADY, always."""


@pytest.fixture
def noisy(story: Story) -> Story:
    """A story whose trainings differ by a hundredth with their seed, which the task does not know."""
    train = story.make_task() / "train.py"
    train.write_text(train.read_text().replace("exec(DO)", f"{NOISY}exec(DO)"))
    toml = story.task / "task.toml"
    toml.write_text(toml.read_text().replace("noise = 0\n", ""))
    return story


def test_the_noise_is_measured_before_the_first_proposal_and_a_clear_gain_is_confirmed(noisy: Story) -> None:
    noisy.begin([change(2.0), change(1.5)], noise_repeats=5)

    noisy.ends()

    floor = noisy.all(RepeatStarted, experiment=1, why="noise")
    first_proposal = next(fact for fact in noisy.facts if getattr(fact, "experiment", 0) == 2)
    assert [(fact.repeat, fact.of) for fact in floor] == [(number, 5) for number in range(1, 6)]
    assert len({fact.seed for fact in noisy.all(RepeatStarted)} | {fact.seed for fact in noisy.all(Started)}) == len(
        noisy.all(RepeatStarted) + noisy.all(Started)
    )
    assert noisy.facts.index(floor[-1]) < noisy.facts.index(first_proposal)
    assert noisy.state.noise.sigma is not None
    assert 0.001 < noisy.state.noise.sigma < 0.02
    assert noisy.verdicts[:3] == ["kept", "kept", "discarded"]
    assert noisy.state.best_confirmed == noisy.state.best == 2
    assert "confirmed on 2 + 8 seeds" in noisy.verdict(2).reason
    assert noisy.state.experiments[2].estimate != noisy.state.experiments[2].value
    assert not noisy.all(RepeatStarted, experiment=3)
    assert noisy.state.count() == 3


def test_a_gain_within_the_noise_is_kept_for_now_and_is_no_headline(noisy: Story) -> None:
    _steadily(noisy)
    noisy.begin([change(1.0, SLIGHTLY)], noise_repeats=5)

    noisy.ends()

    judged, state = noisy.verdict(2), noisy.state
    assert judged.verdict == "kept"
    assert judged.confirmed is False
    assert judged.reason.startswith("kept for now: ")
    assert (state.best, state.best_confirmed) == (2, 1)
    assert state.confirmed_value == state.experiments[1].estimate


def test_a_lucky_number_is_let_go_when_it_does_not_come_again(noisy: Story) -> None:
    lucky = "if '-1' == out.name[-2:]: (out / 'score').write_text('5')\nelse: (out / 'score').write_text('0.5')"
    noisy.begin([change(1.0, lucky)], noise_repeats=3)

    noisy.ends()

    judged = noisy.verdict(2)
    assert judged.verdict == "discarded"
    assert judged.value == 5
    assert "worse by" in judged.reason


def test_what_fails_when_it_is_trained_again_is_not_kept(noisy: Story) -> None:
    noisy.begin([change(2.0, "if '-100' in out.name: raise SystemExit('only on lucky seeds')")], noise_repeats=2)

    noisy.ends()

    reason = noisy.verdict(2).reason
    assert noisy.verdict(2).verdict == "discarded"
    assert "trained again it gave no number: exit code 1: only on lucky seeds" in reason


def test_a_killed_engine_does_the_same_repeat_again_and_loses_none(noisy: Story) -> None:
    noisy.begin([change(2.0, WAITS_WHEN_REPEATED)], noise_repeats=2)

    noisy.sees(RepeatStarted, experiment=2)
    until(lambda: any("0002-1001" in line for line in noisy.trained))
    noisy.kill()
    (noisy.folder / "truth.go").touch()
    noisy.start()
    noisy.ends()

    started = noisy.all(RepeatStarted, experiment=2, repeat=1)
    assert [fact.seed for fact in started] == [started[0].seed] * 2
    assert [fact.repeat for fact in noisy.all(RepeatMeasured, experiment=1)] == [1, 2, 3, 4]
    assert [fact.repeat for fact in noisy.all(RepeatMeasured, experiment=2)][:2] == [1, 2]
    assert len(noisy.all(Judged, experiment=2)) == 1
    assert [line.split()[0] for line in noisy.trained].count("0002-1") == 1


def test_a_stop_ends_a_repeat_and_the_next_engine_goes_on_with_it(noisy: Story) -> None:
    noisy.begin([change(2.0, WAITS_WHEN_REPEATED)], noise_repeats=2)

    noisy.sees(RepeatStarted, experiment=2)
    noisy.ask(Stop())
    first = noisy.ends()
    (noisy.folder / "truth.go").touch()
    noisy.start()
    noisy.ends()

    assert isinstance(first, Stopped)
    assert first.because == "person"
    assert noisy.state.repeating is None
    assert noisy.verdicts[:2] == ["kept", "kept"]


def test_an_aborted_repeat_ends_the_repeating_and_what_is_known_decides(noisy: Story) -> None:
    noisy.begin([change(2.0, f"if '-100' in out.name: {HOLD_ON}")], noise_repeats=2)

    noisy.sees(RepeatStarted, experiment=2)
    aborted = noisy.ask(Abort(reason="it takes too long"))
    noisy.ends()

    assert aborted.answer == "aborted the repeat of #2"
    assert noisy.verdict(2).verdict == "kept"
    assert not noisy.verdict(2).confirmed
    assert noisy.state.best_confirmed == 1


def test_at_the_verdict_gate_one_more_can_be_asked_for(noisy: Story) -> None:
    noisy.begin([change(2.0, "print('step 00001 (100.0%) | loss: 0.5')")], noise_repeats=2, ask=["verdict"])

    asked = noisy.waits("verdict", 2)
    before = len(noisy.state.experiments[2].repeats)
    noisy.reply("verdict", 2, "one_more")
    again = noisy.sees(Asked, ask=f"{asked.ask}-1")
    noisy.reply("verdict", 2, "discard")
    noisy.ends()

    assert "better with a probability of 9" in asked.detail
    assert "one more training costs about 0 s" in asked.detail
    assert [fact.why for fact in noisy.all(RepeatStarted, experiment=2)][before:] == ["person"]
    assert [point.attempt for point in noisy.viewer.points(2)] == [1, *range(1001, 1002 + before)]
    assert again.question != asked.question
    assert noisy.verdict(2).verdict == "discarded"


def test_where_only_what_is_confirmed_is_kept_an_unconfirmed_gain_is_discarded(noisy: Story) -> None:
    _steadily(noisy)
    noisy.begin([change(1.0, SLIGHTLY)], noise_repeats=5, keep="strict")

    noisy.ends()

    assert noisy.verdict(2).verdict == "discarded"
    assert "is better by 0.0103, within noise: 1.2 σ" in noisy.verdict(2).reason


def test_without_repeats_the_task_is_believed_and_every_gain_counts_at_once(story: Story) -> None:
    story.begin([change(2.0), change(2.0, "pass")])

    story.ends()

    assert not story.all(RepeatStarted)
    assert story.state.best_confirmed == 2
    assert story.verdict(2).reason == "kept: 1.0000 → 2.0000, the metric has no noise"
    assert story.verdict(3).reason == "discarded: 2.0000 is exactly the best so far"


def test_numbers_that_never_move_are_a_warning(story: Story) -> None:
    toml = story.make_task() / "task.toml"
    toml.write_text(toml.read_text().replace("noise = 0\n", "noise = 0.01\n"))
    story.begin([], noise_repeats=2)

    story.ends()

    assert [fact.text for fact in story.all(Warned, once="noise")] == [
        "3 trainings on different seeds all gave exactly 1.0000: does the metric see the model?"
    ]


def test_a_gain_that_costs_too_many_lines_is_discarded_in_words(story: Story) -> None:
    story.make_task(more="\n[limits]\nsize_lines = 0\n")
    story.begin([{"hypothesis": "longer", "mechanism": "why not", "diff": LONGER}, change(3.0)])

    story.ends()

    assert story.verdict(2).reason == (
        "discarded: a gain of 8.0000 that costs too much: 1 line more than the baseline, where the task allows 0"
    )
    assert story.verdict(3).verdict == "kept"


def test_of_two_equal_numbers_the_shorter_code_wins(story: Story) -> None:
    train = story.make_task() / "train.py"
    train.write_text(train.read_text().replace("SCORE = 1.0\n", "SCORE = 1.0\nSCORE = SCORE + 0\n"))
    story.begin([{"hypothesis": "shorter", "mechanism": "less to go wrong", "diff": SHORTER}])

    story.ends()

    assert story.verdict(2).reason == "kept: 1.0000 is exactly the best so far, with 1 line fewer"


def test_a_machine_that_became_slower_for_good_is_measured_again_and_nothing_is_voided(story: Story) -> None:
    toml = story.make_task() / "task.toml"
    fair = 'kind = "cpu_seconds"\ncanary = true\ncanary_tolerance = 0.99\n'
    toml.write_text(toml.read_text().replace('kind = "steps"\n', fair).replace("amount = 1\n", "amount = 50\n"))
    story.begin([])
    story.ends()
    _remember_a_faster_machine(story)
    (story.folder / "script.jsonl").write_text(json.dumps(change(2.0)) + "\n")

    story.start()
    story.ends()

    assert [line.split()[0] for line in story.trained] == ["0001-1", "0002-1", "0002-2", "0001-1001", "0002-3"]
    assert [len(fact.speeds) for fact in story.all(AttemptLost)] == [2, 2]
    assert story.all(RepeatStarted)[0].why == "drift"
    assert len(story.all(Drifted)) == 1
    assert "of its former speed, and stays there" in story.all(Warned)[-1].text
    assert story.verdict(2).reason == "kept: 1.0000 → 2.0000, the metric has no noise"


def _remember_a_faster_machine(story: Story) -> None:
    """Write the run's ledger again, as on a machine that was a thousand times as fast."""
    measured = story.sees(Measured, experiment=1)
    assert measured.speed is not None
    faster = {"speed": 1000 * measured.speed, "speeds": (1000 * measured.speed,) * 2}
    facts = [fact.model_copy(update=faster) if fact == measured else fact for fact in story.facts]
    story.viewer.close()
    for file in story.run.folder.glob("run.db*"):
        file.unlink()
    ledger = Ledger.of(story.run.folder)
    ledger.append(*facts)
    ledger.close()


def _steadily(story: Story) -> None:
    """Let a training differ by its place instead of its seed, so that the noise is the same in each story."""
    train = story.task / "train.py"
    train.write_text(train.read_text().replace(NOISY, f"{STEADY}\n"))
