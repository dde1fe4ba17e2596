"""Numbers that cannot be faked: what is tampered with is voided and kept, what is hard to believe waits for somebody."""

import hashlib

from loopwatch.engine.commands import Resume
from loopwatch.engine.events import Asked, ControlMeasured, ControlStarted, Judged, Measured, Paused, Started, Warned
from loopwatch.engine.prompt import telling

from .story import Story, change

CONTROL = '\n[control]\nset = { "train.py" = { SCORE = 0.0 } }\n'
ARTEFACT = "print('score: 999'); (out / 'score').unlink()"
"""A metric that is printed, and nothing to measure."""
NOISY = "if out.name != '0002-1': (out / 'score').write_text('0.5')"
"""A training that was lucky, and is not again."""


def _task(story: Story, *, artefacts: str = "", noise: str = "0", more: str = "") -> None:
    story.make_task(more=more)
    text = (story.task / "task.toml").read_text()
    text = text.replace("noise = 0", f"noise = {noise}").replace("seconds = 3\n", f"seconds = 3\n{artefacts}\n")
    (story.task / "task.toml").write_text(text)


def _measured(story: Story, experiment: int) -> Measured:
    return story.all(Measured, experiment=experiment)[-1]


def test_what_an_experiment_did_to_the_engine_s_files_voids_it_and_is_put_back(story: Story) -> None:
    planted, git = "exit 1", "git = out.parent.parent / 'repo.git'; "
    hook = f"{git}(git / 'hooks').mkdir(exist_ok=True); (git / 'hooks' / 'post-commit').write_text({planted!r})"
    rewind = f"{git}next((git / 'refs/heads/loopwatch').iterdir()).write_text('0' * 40)"
    story.begin([change(9.0, hook), change(9.0, rewind), change(2.0)], sandbox="none", stop={"invalid": None})

    story.ends()

    assert story.verdicts[:4] == ["kept", "voided", "voided", "kept"]
    evidence = _measured(story, 2).evidence[0]
    assert (evidence.what, evidence.path) == ("git data", "repo.git/hooks/post-commit")
    assert evidence.digest == hashlib.sha256(planted.encode()).hexdigest()
    assert _measured(story, 3).evidence[0].path == f"repo.git/refs/heads/loopwatch/{story.run.name}"
    assert not (story.run.folder / "repo.git" / "hooks" / "post-commit").exists()
    assert [kept["Loopwatch-Experiment"] for kept in story.branch()] == ["1", "4"]


def test_whoever_proposes_hears_that_it_was_rejected_and_not_what_gave_it_away(story: Story) -> None:
    touch = "(pathlib.Path(__file__).parent / 'evaluate.py').write_text('print(999)')"
    story.begin([change(9.0, touch)], sandbox="none")

    story.ends()

    experiment, metric = story.state.experiments[2], story.state.metric
    assert "frozen files were changed while it ran: evaluate.py" in experiment.reason
    assert telling.outcome(experiment, metric) == "#2 voided | rejected: integrity"
    assert "evaluate.py" not in " ".join((telling.entry(experiment, metric), *telling.failures([experiment])))


def test_a_number_is_made_of_this_attempt_s_artefact_and_of_nothing_that_is_printed(story: Story) -> None:
    _task(story, artefacts='artefacts = ["score"]')
    link = "(out / 'score').unlink(); (out / 'score').symlink_to(pathlib.Path(__file__))"
    story.begin([change(3.0, ARTEFACT), change(4.0, link), change(2.0, "(out / 'other').write_text('9')")])

    story.ends()

    assert story.verdicts[:4] == ["kept", "no_metric", "no_metric", "kept"]
    assert _measured(story, 2).problem == "what it saved was not measured: there is no score in what it saved"
    assert "score is no plain file" in _measured(story, 3).problem
    assert _measured(story, 4).artefacts == {"score": hashlib.sha256(b"2.0").hexdigest()}


def test_what_lies_in_the_way_of_an_attempt_is_not_taken_for_its_own(story: Story) -> None:
    story.begin([change(3.0, ARTEFACT)], ask=["apply"])
    story.waits("apply", 2)
    stale = story.run.folder / "out" / "0002-1"
    stale.mkdir(parents=True)
    (stale / "score").write_text("999")
    (stale / "evaluate").write_text("print('score: 999')")
    story.reply("apply", 2, "approve")

    assert story.verdict(2).verdict == "no_metric"


def test_two_invalid_reports_in_a_row_end_a_run_that_nobody_attends(story: Story) -> None:
    lie = change(1.0, "(out / 'score').write_text('1e9')")
    story.begin(
        [
            change(2.0),
            lie,
            change(2.5),
            change(1.1, "(out / 'score').write_text('1e9')"),
            change(3.0, "(out / 'score').write_text('inf')"),
        ]
    )

    stopped = story.ends()

    assert stopped.because == "integrity"
    assert stopped.detail.startswith("2 invalid reports in a row (#5, #6)")
    assert story.verdicts == ["kept", "kept", "voided", "kept", "voided", "no_metric"]


def test_where_somebody_attends_the_breaker_pauses_and_they_may_go_on(story: Story) -> None:
    lies = [change(1.0 + n / 10, f"(out / 'score').write_text('{n}e9')") for n in (1, 2)]
    gate = {"apply": "ask-if:lines>100"}
    story.begin([*lies, change(2.0)], gates=gate, stop={"experiments": 4})

    paused = story.sees(Paused)
    story.ask(Resume())
    stopped = story.ends()

    assert (paused.by, paused.because) == ("loopwatch", "integrity")
    assert paused.why.startswith("2 invalid reports in a row (#2, #3); the last one: voided: ")
    assert (stopped.because, story.verdicts[-1]) == ("experiments", "kept")


def test_a_win_that_is_hard_to_believe_is_not_kept_where_nobody_attends(story: Story) -> None:
    story.begin([change(999.5), change(2.0)], keep="improve")

    story.ends()

    judged = story.verdict(2)
    assert (judged.verdict, judged.quarantined) == ("discarded", True)
    assert judged.flags == ("a jump of 998.5: 100% of all that was left to gain",)
    assert judged.reason.startswith("discarded: quarantined, ")
    assert judged.reason.endswith("but it is hard to believe: a jump of 998.5: 100% of all that was left to gain")
    assert story.verdict(3).verdict == "kept"


def test_fresh_seeds_clear_a_win_that_is_hard_to_believe_or_do_not(story: Story) -> None:
    _task(story, noise="0.01")
    story.begin([change(999.0, NOISY), change(999.5)], noise_repeats=0)

    story.ends()

    assert [fact.flags != () for fact in story.all(Judged)] == [False, True, True]
    assert story.verdicts[:3] == ["kept", "discarded", "kept"]
    assert story.verdict(3).confirmed


def test_a_person_who_attends_is_asked_about_it_whatever_the_gate_s_policy(story: Story) -> None:
    gates = {"apply": "ask-if:lines>100", "verdict": "auto"}
    story.begin([change(999.5), change(2.0)], gates=gates, stop={"experiments": 3})

    asked = story.waits("verdict", 2)
    story.reply("verdict", 2, "keep", reason="it is a joke task")
    story.ends()

    assert "hard to believe: a jump of 998.5" in asked.question
    assert asked.suggestion == "accept"
    assert story.verdict(2).verdict == "kept"
    assert [fact.experiment for fact in story.all(Asked)] == [2]


def test_a_control_that_scores_worse_is_told_once_and_is_no_experiment(story: Story) -> None:
    story.make_task(more=CONTROL)
    story.begin([change(2.0), change(3.0)])
    story.sees(ControlMeasured)
    story.kill()
    story.start()

    story.ends()

    control = story.all(ControlMeasured)
    assert [fact.kind for fact in story.facts if isinstance(fact, ControlStarted | ControlMeasured)] == [
        "control_started",
        "control_measured",
    ]
    assert [fact.clearly_worse for fact in control] == [True]
    assert control[0].reason == "an untrained model scores 0, clearly worse than the baseline's 1.0000 (by 1.0000)"
    assert story.trained[:2] == ["0001-1 1.0", "0000-1 0.0"]
    assert story.verdicts[:3] == ["kept", "kept", "kept"]
    assert not story.all(Warned, once="control")
    assert [fact.experiment for fact in story.all(Started)][:2] == [1, 2]


def test_a_metric_that_does_not_mind_the_model_ends_the_run_before_the_first_proposal(story: Story) -> None:
    story.make_task(more=CONTROL)
    (story.task / "evaluate.py").write_text("print('score: 1.026098')\n")
    story.begin([change(2.0)])

    stopped = story.ends()

    assert stopped.because == "control_failed"
    assert "exactly what the baseline does: the metric is constant, or does not mind the model" in stopped.detail
    assert list(story.state.experiments) == [1]
