"""Why a run ends, in words, as its last fact; and what keeps it from beginning."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine import client
from loopwatch.engine.errors import LoopwatchError, RunInUse, StateFolderError
from loopwatch.engine.events import EngineStarted, Judged, RunOpened, Stopped

from .story import HOLD_ON, Story, change, kinds

CRASH = "raise SystemExit(1)"

LOOKING = """\
import sys
from pathlib import Path
from loopwatch.engine.client import Run

run = Run(Path(sys.argv[1]))
print(flush=True)
while True:
    run.is_alive
"""

ENDINGS: list[tuple[list[dict[str, Any]], dict[str, Any], str, str]] = [
    ([change(2.0), change(3.0)], {"experiments": 2}, "experiments", "all 2 experiments are done"),
    ([change(2.0)], {"hours": 1e-9}, "hours", "1e-09 hours are over"),
    ([change(2.0), change(3.0)], {"target": 2.0}, "target", "the target is reached: score 2.0000"),
    (
        [change(2.0, CRASH), {"hypothesis": "out", "diff": "no diff"}, change(3.0, CRASH), change(4.0)],
        {"failures": 3},
        "failures",
        "3 experiments in a row failed; the last one: crashed after 0 s: exit code 1",
    ),
    ([change(0.1), change(0.2), change(3.0)], {"no_gain": 2}, "no_gain", "no gain in 2 experiments in a row"),
    ([], {}, "nothing_to_propose", "the script has 0 proposals, and all were played"),
]


@pytest.mark.parametrize(("script", "stop", "because", "detail"), ENDINGS, ids=[because for *_, because, _ in ENDINGS])
def test_each_stop_condition_says_its_own_words(
    story: Story, script: list[dict[str, Any]], stop: dict[str, Any], because: str, detail: str
) -> None:
    story.begin(script, stop=stop)

    stopped = story.ends()

    assert (stopped.because, stopped.detail) == (because, detail)
    assert kinds(story.facts).count("stopped") == 1


def test_a_baseline_that_cannot_be_measured_ends_the_run(story: Story) -> None:
    (story.make_task() / "evaluate.py").write_text("raise SystemExit('no data')\n")
    story.begin([change(2.0)])

    stopped = story.ends()

    assert stopped.because == "baseline_failed"
    assert stopped.detail == (
        "the baseline could not be measured, so there is nothing to compare with (no metric: the evaluator ended with "
        "exit code 1: no data); mend the task and start a new run"
    )
    assert [fact.verdict for fact in story.all(Judged)] == ["no_metric"]


def test_a_target_of_the_task_itself_ends_the_run(story: Story) -> None:
    toml = story.make_task() / "task.toml"
    toml.write_text(toml.read_text().replace("noise = 0", "noise = 0\ntarget = 5"))
    story.begin([change(2.0), change(6.0), change(7.0)])

    stopped = story.ends()

    assert stopped.because == "target"
    assert story.verdicts == ["kept", "kept", "kept"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "tiny"', "name = ", "not valid TOML"),
        ('direction = "up"', "", "metric.direction is missing; add direction"),
        ('editable = ["train.py"]', 'editable = ["nowhere.py"]', "nowhere.py is not there"),
        ("noise = 0", "nose = 0", "metric.nose is not known"),
    ],
)
def test_a_broken_task_ends_the_run_with_what_to_mend(story: Story, old: str, new: str, says: str) -> None:
    toml = story.make_task() / "task.toml"
    toml.write_text(toml.read_text().replace(old, new))
    story.begin([])

    stopped = story.ends()

    assert stopped.because == "user_error"
    assert str(toml) in stopped.detail
    assert says in stopped.detail
    assert not story.all(RunOpened)


def test_a_mended_task_goes_on_in_the_same_run(story: Story) -> None:
    toml = story.make_task() / "task.toml"
    good = toml.read_text()
    toml.write_text("")
    story.begin([change(2.0)], stop={"hours": 1})
    story.ends()
    toml.write_text(good)

    story.start()
    stopped = story.ends()

    assert stopped.because == "nothing_to_propose"
    assert story.verdicts[:2] == ["kept", "kept"]


def test_a_prepare_command_that_fails_ends_the_run_in_its_own_words(story: Story) -> None:
    code = "raise SystemExit('the server said 404')"
    story.make_task(more=f'\n[prepare]\ncommand = ["{{python}}", "-c", "{code}"]\n')
    story.begin([change(2.0)])

    stopped = story.ends()

    assert stopped.because == "user_error"
    assert stopped.detail == (
        "task tiny: the prepare command ended with exit code 1: the server said 404; "
        f"run it by hand in {story.task} to see why"
    )
    assert not story.trained


def test_data_is_prepared_once_and_what_is_hidden_is_hidden(story: Story) -> None:
    code = "import os, pathlib; [pathlib.Path(os.environ['LOOPWATCH_' + name], 'x').write_text('x') for name in ('DATA', 'HIDDEN')]"
    story.make_task(more=f'\n[prepare]\ncommand = ["{{python}}", "-c", "{code}"]\n')
    looks = "print(sorted(n for n in os.environ if 'LOOPWATCH' in n), os.listdir(os.environ['LOOPWATCH_DATA']))"
    story.begin([change(2.0, looks)], stop={"experiments": 2})
    story.ends()
    log = story.run.folder / "logs" / "prepare.log"
    made = log.stat().st_mtime_ns

    client.reconfigure(
        story.run,
        story.run.config.model_copy(update={"stop": story.run.config.stop.model_copy(update={"experiments": 3})}),
    )
    story.start()
    story.ends()

    assert log.stat().st_mtime_ns == made
    seen = story.log_of(2).decode()
    assert "LOOPWATCH_BUDGET_KIND" in seen
    assert "['x']" in seen
    assert "LOOPWATCH_HIDDEN" not in seen
    assert "LOOPWATCH_HOME" not in seen


def test_a_second_engine_is_refused_with_the_pid_of_the_first(story: Story) -> None:
    story.begin([change(2.0, HOLD_ON)])
    story.sees(EngineStarted)

    second = subprocess.run(
        [sys.executable, "-P", "-m", "loopwatch.engine", str(story.run.folder)],
        cwd=story.run.folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert second.returncode == 5
    assert second.stderr == (
        f"another engine (pid {story.pid}) works on {story.run.name}; a second one would run everything twice\n"
    )
    with pytest.raises(RunInUse, match="watch it with: loopwatch attach"):
        client.start(story.run)
    assert len(story.all(EngineStarted)) == 1


def test_viewers_that_look_whether_it_is_alive_do_not_keep_it_from_starting(story: Story) -> None:
    story.create([change(2.0)])
    (story.run.folder / "lock").touch()
    with subprocess.Popen([sys.executable, "-c", LOOKING, str(story.run.folder)], stdout=subprocess.PIPE) as looking:
        assert looking.stdout
        looking.stdout.readline()
        try:
            for _ in range(3):
                story.start()
                story.ends()
        finally:
            looking.kill()

    assert [fact.because for fact in story.all(Stopped)] == ["nothing_to_propose"] * 3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/sys is Linux's")
def test_a_state_folder_that_cannot_be_written_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, story: Story
) -> None:
    monkeypatch.setenv("LOOPWATCH_HOME", "/sys/loopwatch")

    with pytest.raises(StateFolderError, match=r"cannot be made: .*; set LOOPWATCH_HOME to a folder you can write"):
        story.begin([])


def test_a_run_folder_that_cannot_be_written_is_refused_in_words(story: Story) -> None:
    story.create([])
    story.run.engine_log.mkdir()  # root may write anywhere, but not into a folder

    with pytest.raises(StateFolderError, match=r"engine\.log cannot be written: .*; see that the folder is yours"):
        story.start()


def test_an_engine_that_cannot_work_says_so_to_whoever_started_it(story: Story) -> None:
    story.create([])
    Path(story.run.folder, "run.db").mkdir()

    with pytest.raises(LoopwatchError, match=r"run\.db cannot be read"):
        story.start()
