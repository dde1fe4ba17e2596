"""Runs that go well: the facts, the commits, the folders."""

from loopwatch.engine.events import EngineStarted, Finished, Judged, RunOpened, Settled

from .story import TRAIN, Story, change, kinds

EXPERIMENT = [
    "proposing",
    "proposed",
    "decided",
    "applied",
    "started",
    "finished",
    "measured",
    "decided",
    "judged",
    "settled",
]
LATER = [EXPERIMENT[0], "turn_ended", *EXPERIMENT[1:]]
"""Of an experiment that somebody proposed."""


def test_a_run_is_told_in_order_and_its_last_fact_says_why_it_ended(story: Story) -> None:
    story.begin([change(2.0), change(1.5), change(3.0)])

    stopped = story.ends()

    opening = ["run_opened", "engine_started", "program_read"]
    assert kinds(story.facts) == [*opening, *EXPERIMENT, "warned", *LATER * 3, "proposing", "stopped"]
    assert (stopped.because, stopped.detail) == (
        "nothing_to_propose",
        "the script has 3 proposals, and all were played",
    )
    assert story.verdicts[:4] == ["kept", "kept", "discarded", "kept"]
    assert [fact.gain for fact in story.all(Judged)] == [None, 1.0, -0.5, 1.0]
    assert story.trained == ["0001-1 1.0", "0002-1 2.0", "0003-1 1.5", "0004-1 3.0"]
    assert story.state.best_so_far() == [1.0, 2.0, 2.0, 3.0]
    assert story.all(RunOpened)[0].config.by == "anna"
    assert story.all(EngineStarted)[0].not_protected
    assert all(fact.reason == "exited" and fact.exit_code == 0 for fact in story.all(Finished))
    assert [kept["Loopwatch-Experiment"] for kept in story.branch()] == ["1", "2", "4"]
    assert {name: text for name, text in story.branch()[2].items() if name != "Loopwatch-Ledger"} == {
        "Loopwatch-Experiment": "4",
        "Loopwatch-Verdict": "kept",
        "Loopwatch-Metric": "score 3.0",
        "Loopwatch-Change": "+1",
        "Approved-By": "policy auto",
    }
    assert story.remembered(3)["Loopwatch-Verdict"] == "discarded"
    work = (story.run.folder / "work" / "train.py").read_text()
    assert work == TRAIN.replace("SCORE = 1.0", "SCORE = 3.0")
    assert story.all(Settled)[-1].best_commit == str(
        story.repository().references[f"refs/heads/loopwatch/{story.run.name}"].target
    )
    assert [folder.name for folder in (story.run.folder / "out").iterdir()] == ["0004-1"]
    assert (story.run.folder.stat().st_mode & 0o777) == 0o700
