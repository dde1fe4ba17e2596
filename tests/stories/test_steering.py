"""Pausing, holding, aborting and stopping, and what is said about each."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.commands import Abort, Hold, Pause, Resume, Stop
from loopwatch.engine.events import (
    Applied,
    Asked,
    AttemptLost,
    EngineStarted,
    Finished,
    Held,
    Paused,
    Proposed,
    Proposing,
    Resumed,
    Settled,
    Started,
    Stopped,
)
from tests.waiting import until

from .story import HOLD_ON, Story, change

COUNT = "import time\nwhile True: (out / 'beat').write_text(str(time.process_time()))"
"""An experiment that works for ever, and says how long it has."""

THINKS_LONG: dict[str, Any] = {"reasoning": "one two three four five", "delay": 30}


def test_a_paused_run_finishes_what_it_began_and_starts_nothing_until_it_is_resumed(story: Story) -> None:
    story.begin([change(2.0), change(3.0)], ask=["apply"])

    story.waits("apply", 2)
    paused = story.ask(Pause())
    again = story.ask(Pause())
    story.reply("apply", 2, "approve")
    story.sees(Settled, experiment=2)
    story.kill()
    story.start()
    still = story.state.paused_by
    proposed_while_paused = story.all(Proposing, experiment=3)
    resumed = story.ask(Resume())
    idle = story.ask(Resume())
    story.reply("apply", 3, "approve")
    story.ends()

    assert paused.answer == "paused: the experiment at hand is finished, no other is started"
    assert again.answer == "it is paused already, by anna"
    assert still == "anna"
    assert not proposed_while_paused
    assert (resumed.answer, idle.answer) == ("it goes on", "it is neither paused nor held")
    assert (len(story.all(Paused)), len(story.all(Resumed))) == (1, 1)
    assert story.verdicts[:3] == ["kept", "kept", "kept"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc says how much time a process had")
def test_while_an_experiment_is_held_it_uses_no_time_of_any_kind(story: Story) -> None:
    story.begin([change(2.0, COUNT)], stop={"experiments": 2})

    story.sees(Started, experiment=2)
    beat = story.run.folder / "out" / "0002-1" / "beat"
    until(lambda: beat.exists() and beat.read_text())
    held = story.ask(Hold())
    twice = story.ask(Hold())
    states = until(lambda: _states(story) == {"T"} and _states(story))
    before = _cpu_ticks(story)
    # Other things happen meanwhile: two rounds of questions and answers, each at least one look of the engine's long.
    for _ in range(5):
        story.ask(Hold())
    after = _cpu_ticks(story)
    story.ask(Resume())
    until(lambda: _states(story) != {"T"})
    until(lambda: _cpu_ticks(story) > after)
    story.ask(Abort(experiment=2))
    story.ends()

    assert held.answer == "held #2: its clock stands still"
    assert twice.answer == "it is held already, by anna"
    assert states == {"T"}
    assert after == before
    finished = story.all(Finished, experiment=2)[0]
    held_at = next(entry.at for entry in story.entries if isinstance(entry.fact, Held))
    resumed_at = next(entry.at for entry in story.entries if isinstance(entry.fact, Resumed))
    started_at, ended_at = (
        next(e.at for e in story.entries if e.fact == f) for f in (story.all(Started)[-1], finished)
    )
    assert finished.wall_seconds < ended_at - started_at - 0.8 * (resumed_at - held_at)


def test_an_aborted_experiment_is_gone_and_says_by_whom(story: Story) -> None:
    story.begin([change(2.0, HOLD_ON), change(3.0)], stop={"experiments": 3})

    story.sees(Started, experiment=2)
    wrong = story.ask(Abort(experiment=7))
    aborted = story.ask(Abort(experiment=2, reason="seen enough"))
    story.ends()

    assert wrong.answer == "that experiment does not run"
    assert aborted.answer == "aborted #2"
    verdict = story.verdict(2)
    assert verdict.verdict == "aborted"
    assert verdict.reason.endswith("aborted by anna: seen enough")
    assert story.verdicts == ["kept", "aborted", "kept"]


def test_what_is_held_can_be_aborted_and_a_paused_run_be_stopped(story: Story) -> None:
    story.begin([change(2.0, HOLD_ON), change(3.0)])

    story.sees(Started, experiment=2)
    story.ask(Hold())
    story.ask(Pause())
    story.ask(Abort())
    story.verdict(2)
    stopping = story.ask(Stop())
    stopped = story.ends()

    assert stopping.answer == "stopping now"
    assert stopped.because == "person"
    assert story.verdicts == ["kept", "aborted"]
    assert (story.state.held_by, story.state.paused_by) == (None, "anna")


def test_a_proposer_that_thinks_can_be_interrupted(story: Story) -> None:
    story.begin([change(2.0, **THINKS_LONG), change(3.0)], stop={"experiments": 3})

    story.sees(Proposing, experiment=2)
    until(lambda: story.viewer.thoughts(2))
    cancelled = story.ask(Abort())
    story.ends()

    assert cancelled.answer == "cancelled the proposal of #2"
    assert story.verdict(2).verdict == "vetoed"
    assert story.verdict(2).by == "anna"
    assert not story.all(Proposed, experiment=2)
    assert story.verdicts == ["kept", "vetoed", "kept"]


def test_a_stop_waits_for_the_experiment_that_runs(story: Story) -> None:
    story.begin([change(2.0, "while not (out / 'go').exists(): pass"), change(3.0)])

    story.sees(Started, experiment=2)
    stopping = story.ask(Stop())
    (story.run.folder / "out" / "0002-1" / "go").touch()
    stopped = story.ends()

    assert stopping.answer == "stopping after #2"
    assert (stopped.because, stopped.detail) == ("person", "stopped by anna")
    assert story.verdicts == ["kept", "kept"]
    assert story.state.current is None


def test_a_stop_at_once_interrupts_and_the_next_engine_goes_on(story: Story) -> None:
    story.begin([change(2.0, HOLD_ON), change(3.0)], stop={"experiments": 3})

    story.sees(Started, experiment=2)
    stopping = story.ask(Stop(now=True))
    first = story.ends()
    story.start()
    last = story.ends()

    assert stopping.answer == "stopping now"
    assert (first.because, last.because) == ("person", "experiments")
    assert story.verdicts == ["kept", "interrupted", "kept"]
    assert story.verdict(2).reason == "interrupted: anna stopped the run before it had finished"


def test_a_baseline_that_was_stopped_is_run_again(story: Story) -> None:
    story.make_task()
    wait_once = "if len(open(os.environ['TRUTH']).readlines()) == 1:\n    import time; time.sleep(300)"
    train = story.task / "train.py"
    train.write_text(train.read_text().replace('DO = ""', f"DO = {wait_once!r}"))
    story.begin([change(2.0)])

    story.sees(Started, experiment=1)
    until(lambda: story.trained)
    story.ask(Stop(now=True))
    story.ends()
    story.start()
    story.ends()

    assert story.trained[:2] == ["0001-1 1.0", "0001-2 1.0"]
    assert story.all(AttemptLost)[0].why == "the run was stopped before the baseline had finished"
    assert story.verdicts[:2] == ["kept", "kept"]


def test_a_run_stopped_at_a_gate_asks_again_and_loses_nothing(story: Story) -> None:
    story.begin([change(2.0)], ask=["apply", "verdict"])

    story.waits("apply", 2)
    story.ask(Stop())
    story.ends()
    story.start()
    story.reply("apply", 2, "approve")
    story.waits("verdict", 2)
    story.ask(Stop(now=True))
    story.ends()
    story.start()
    story.reply("verdict", 2, "accept")
    story.ends()

    assert story.trained == ["0001-1 1.0", "0002-1 2.0"]
    assert [fact.ask for fact in story.all(Asked)] == ["2-apply-1", "2-apply-1", "2-verdict-1", "2-verdict-1"]
    assert len(story.all(Proposed, experiment=2)) == 1
    assert story.verdicts[:2] == ["kept", "kept"]
    assert [fact.recovered for fact in story.all(EngineStarted)] == ["", "", ""]


def test_a_signal_stops_it_like_a_person_and_the_second_one_at_once(story: Story) -> None:
    story.begin([change(2.0, HOLD_ON)])

    story.sees(Started, experiment=2)
    os.kill(story.pid, signal.SIGHUP)
    os.kill(story.pid, signal.SIGTERM)
    until(lambda: story.state.stop_asked)
    os.kill(story.pid, signal.SIGTERM)
    stopped = story.ends()

    assert (stopped.because, stopped.signal) == ("signal", 15)
    assert story.verdicts == ["kept", "interrupted"]


def test_a_stop_lets_go_of_what_is_held_so_that_it_can_end(story: Story) -> None:
    story.begin([change(2.0, "while not (out / 'go').exists(): pass")])

    story.sees(Started, experiment=2)
    until(lambda: len(story.trained) == 2)
    story.ask(Hold())
    (story.run.folder / "out" / "0002-1" / "go").touch()
    story.ask(Stop())
    story.ends()

    assert story.verdicts == ["kept", "kept"]
    assert len(story.all(Resumed)) == 1


def test_what_is_held_does_not_outlive_its_engine_and_the_next_attempt_is_not_held(story: Story) -> None:
    story.begin([change(2.0, "while not out.name.endswith('-2'): pass")], stop={"experiments": 2})

    story.sees(Started, experiment=2)
    until(lambda: len(story.trained) == 2)
    story.ask(Hold())
    story.kill()
    until(lambda: not story.processes())
    story.start()
    story.ends()

    assert story.state.held_by is None
    assert story.trained[1:] == ["0002-1 2.0", "0002-2 2.0"]
    assert story.all(AttemptLost)[0].why == "the engine was killed while it ran"
    assert story.all(EngineStarted)[1].recovered == "the last engine was killed while #2 ran; it is run again"


@pytest.mark.parametrize("now", [False, True])
def test_a_stop_between_applying_and_starting_is_not_lost(story: Story, now: bool) -> None:
    toml = story.make_task() / "task.toml"
    toml.write_text(toml.read_text().replace("[run]", "canary = true\ncanary_tolerance = 0.99\n\n[run]", 1))
    story.begin([change(2.0, HOLD_ON)])

    story.sees(Applied, experiment=2)  # the machine's speed is measured now
    if story.ask(Stop(now=now)).answer == "stopping after #2":
        story.ask(Stop(now=True))  # it had begun: this machine is slow
    stopped = story.ends()

    assert stopped.because == "person"
    assert story.state.experiments[2].verdict in (None, "interrupted")


def test_a_stop_ends_the_preparation_too(story: Story) -> None:
    story.make_task(more='\n[prepare]\ncommand = ["{python}", "-c", "import time; time.sleep(300)"]\nseconds = 400\n')
    story.begin([change(2.0)])

    until(lambda: any("time.sleep" in words for words in story.processes().values()))
    story.ask(Stop(now=True))
    stopped = story.ends()

    assert stopped.because == "person"
    assert isinstance(story.facts[-1], Stopped)
    assert not story.trained


def _trainers(story: Story) -> list[Path]:
    processes = [Path(f"/proc/{pid}") for pid in story.processes()]
    return [process for process in processes if (process / "cwd").readlink() == story.run.folder / "work"]


def _states(story: Story) -> set[str]:
    return {_stat(process)[0] for process in _trainers(story)}


def _cpu_ticks(story: Story) -> int:
    return sum(int(field) for process in _trainers(story) for field in _stat(process)[11:13])


def _stat(process: Path) -> list[str]:
    return (process / "stat").read_text().rpartition(") ")[2].split()
