"""The engine is killed at any moment, the disk fills up: no experiment is lost, and none is judged twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine import client
from loopwatch.engine.events import AttemptLost, EngineStarted, Judged, Proposed, Settled, Started, Stopped, Warned
from loopwatch.engine.keeper.process import SILENCE_SECONDS
from tests.engine.repositories import git
from tests.waiting import until

from .story import HOLD_ON, Story, change, fold, is_sound

KILLS = 12
EXPERIMENTS = 18


def test_killing_the_engine_at_any_moment_loses_no_experiment_and_judges_none_twice(story: Story) -> None:
    # Every even experiment beats all before it; the odd ones do not.
    script = [change(float(number) if number % 2 == 0 else number / 1000) for number in range(2, EXPERIMENTS + 1)]
    story.create(script)
    delays = random.Random(1)

    for _ in range(KILLS // 2):
        _kill_while_it_starts(story, delays.uniform(0.005, 0.6))
        _kill_while_it_works(story, delays.uniform(0.005, 0.3))
    story.start()
    story.ends()

    numbers = list(range(1, EXPERIMENTS + 1))
    kept = [number for number in numbers if number == 1 or number % 2 == 0]
    assert [fact.experiment for fact in story.all(Judged)] == numbers
    assert [fact.experiment for fact in story.all(Settled)] == numbers
    assert [fact.experiment for fact in story.all(Judged, verdict="kept")] == kept
    assert [fact.experiment for fact in story.all(Judged, verdict="discarded")] == sorted({*numbers} - {*kept})
    assert len(story.all(Proposed)) == EXPERIMENTS
    started = [f"{fact.experiment:04d}-{fact.attempt}" for fact in story.all(Started)]
    trained = [line.split()[0] for line in story.trained]
    assert len(set(started)) == len(started) == EXPERIMENTS + len(story.all(AttemptLost))
    assert len(set(trained)) == len(trained)
    assert set(trained) <= set(started)
    assert {name[:4] for name in trained} == {f"{number:04d}" for number in numbers}
    assert [int(commit["Loopwatch-Experiment"]) for commit in story.branch()] == kept
    assert [int(story.remembered(number)["Loopwatch-Experiment"]) for number in numbers] == numbers
    assert f"SCORE = {kept[-1]:.1f}" in (story.run.folder / "work" / "train.py").read_text()
    git(story.run.folder / "repo.git", "fsck", "--strict", "--no-dangling")
    assert is_sound(story.run.folder / "run.db")
    assert is_sound(story.run.folder / "telemetry.db")
    assert len(story.all(EngineStarted)) > KILLS / 2
    assert len(story.all(Stopped)) == 1


def test_of_two_engines_started_at_once_one_works(story: Story) -> None:
    story.create([change(2.0)])

    engines = [_engine(story) for _ in range(2)]

    assert sorted(engine.wait(60) for engine in engines) == [0, 5]
    story.viewer = story.look()
    assert len(story.all(EngineStarted)) == 1
    assert story.trained == ["0001-1 1.0", "0002-1 2.0"]


def test_the_time_between_two_engines_is_no_work(story: Story) -> None:
    story.begin([change(2.0, HOLD_ON)])
    story.sees(Started, experiment=2)
    story.kill()
    story.start()
    story.sees(Started, experiment=2, attempt=2)
    told = [(entry.at, entry.fact) for entry in story.entries]
    second = max(number for number, (_, fact) in enumerate(told) if isinstance(fact, EngineStarted))
    late = [(at + (3600 if number >= second else 0), fact) for number, (at, fact) in enumerate(told)]

    assert isinstance(told[second + 1][1], AttemptLost)
    assert fold(late).worked_seconds < 600


def test_an_engine_that_fails_says_so_as_its_last_fact(story: Story) -> None:
    story.begin([change(2.0, "import shutil; shutil.rmtree('../repo.git')")])

    failed = story.ends()
    story.start()
    again = story.ends()

    assert (failed.because, again.because) == ("engine_failed", "engine_failed")
    assert again.detail.startswith("WorkspaceError: ")
    assert "has no repository of a run" in again.detail
    assert story.verdicts[0] == "kept"


def _engine(story: Story) -> subprocess.Popen[bytes]:
    """An engine, started by hand."""
    with open(story.run.engine_log, "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "loopwatch.engine", str(story.run.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _kill_while_it_starts(story: Story, seconds: float) -> None:
    """Start an engine, and kill -9 it so long after its first instruction."""
    engine = _engine(story)
    _let_pass(seconds)
    engine.send_signal(signal.SIGKILL)
    assert engine.wait() == -signal.SIGKILL, story.said


def _kill_while_it_works(story: Story, seconds: float) -> None:
    """Start an engine, and kill -9 it so long after it said that it works."""
    client.start(story.run)
    _let_pass(seconds)
    os.kill(int((story.run.folder / "lock").read_text()), signal.SIGKILL)
    until(lambda: not story.run.is_alive)


def _let_pass(seconds: float) -> None:
    """Until a random moment: nothing is waited for here."""
    moment = time.monotonic() + seconds
    until(lambda: time.monotonic() > moment, every=0.001)


@pytest.fixture
def small_disk(story: Story, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 700 MB that runs are kept on."""
    image, disk = story.folder / "image", story.folder / "disk"
    disk.mkdir()
    with open(image, "wb") as file:
        file.truncate(700 * 2**20)
    for command in (["mkfs.ext4", "-q", "-m", "0", str(image)], ["mount", "-o", "loop", str(image), str(disk)]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip(f"there is no {command[0]} here, so no disk can be filled")
        if done.returncode != 0:
            pytest.skip(f"no disk of its own for this test ({done.stderr.strip()[:100]}); it needs root")
    monkeypatch.setenv("LOOPWATCH_HOME", str(disk / "home"))
    yield disk
    story.close()
    # A process that has just ended may still be giving back its files.
    until(lambda: subprocess.run(["umount", str(disk)], capture_output=True, check=False).returncode == 0)


def test_on_a_full_disk_a_run_waits_and_when_there_is_room_it_goes_on(story: Story, small_disk: Path) -> None:
    go = story.folder / "go"
    waits = f"while not os.path.exists({str(go)!r}): pass"
    story.begin([change(2.0, waits), change(3.0)], stop={"experiments": 3})

    story.sees(Started, experiment=2)
    _fill(small_disk)
    lost = story.sees(AttemptLost, experiment=2)
    warned = story.sees(Warned, once="")
    go.touch()
    (small_disk / "filler").unlink()
    story.ends()

    assert lost.why.startswith("the disk was full")
    assert warned.text.startswith("only ")
    assert "the loop goes on by itself" in warned.text
    assert story.verdicts == ["kept", "kept", "kept"]
    assert is_sound(story.run.folder / "run.db")


def test_a_ledger_that_cannot_be_written_keeps_what_it_has_and_can_be_resumed(story: Story, small_disk: Path) -> None:
    story.begin([change(2.0), change(3.0)], ask=["verdict"])
    story.reply("verdict", 2, "accept")
    story.waits("verdict", 3)
    told = story.facts

    (story.run.folder / "ballast").unlink()
    _fill(small_disk)
    os.kill(story.pid, signal.SIGTERM)
    until(lambda: not story.run.is_alive)
    (small_disk / "filler").unlink()
    story.start()
    story.reply("verdict", 3, "accept")
    story.ends()

    assert story.facts[: len(told)] == told
    assert story.verdicts[:3] == ["kept", "kept", "kept"]
    assert story.trained == ["0001-1 1.0", "0002-1 2.0", "0003-1 3.0"]
    assert is_sound(story.run.folder / "run.db")


def _fill(disk: Path) -> None:
    with open(disk / "filler", "wb", buffering=0) as filler:
        free = os.statvfs(disk)
        os.posix_fallocate(filler.fileno(), 0, (free.f_bavail - 100) * free.f_frsize)
        try:
            while filler.write(bytes(4096)):
                filler.seek(0, os.SEEK_END)
        except OSError:
            return


@pytest.mark.parametrize("ballast", [True, False])
def test_a_disk_that_is_full_when_an_experiment_ends_is_waited_for(
    story: Story, small_disk: Path, ballast: bool
) -> None:
    story.begin([change(2.0), change(3.0)], gates={"verdict": "ask:2=approve"}, stop={"experiments": 3})
    story.waits("verdict", 2)

    if not ballast:
        (story.run.folder / "ballast").unlink()
    _fill(small_disk)
    _let_pass(3)
    (small_disk / "filler").unlink()
    story.ends()

    assert story.verdicts == ["kept", "kept", "kept"]
    assert story.trained == ["0001-1 1.0", "0002-1 2.0", "0003-1 3.0"]
    assert len(story.all(EngineStarted)) == 1
    assert client.audit(story.run, progress=lambda *_: None).disagreements == []


def test_killed_all_at_once_it_goes_on_past_the_locks_that_were_left(story: Story) -> None:
    flag = story.folder / "flag"
    story.begin([change(2.0, f"import time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.02)")])
    story.sees(Started, experiment=2)
    until(lambda: len(story.trained) == 2)

    for pid in story.processes():  # engine, keepers and experiment
        os.kill(pid, signal.SIGKILL)
    until(lambda: not story.processes() and not story.run.is_alive)
    repository = story.run.folder / "repo.git"
    locks = [repository / "HEAD.lock", repository / "refs" / "heads" / "loopwatch" / f"{story.run.name}.lock"]
    for lock in locks:
        lock.touch()
    flag.touch()
    story.start()
    story.ends()

    assert story.verdicts[:2] == ["kept", "kept"]
    assert story.trained == ["0001-1 1.0", "0002-1 2.0", "0002-2 2.0"]
    assert not any(lock.exists() for lock in locks)
    assert client.audit(story.run, progress=lambda *_: None).disagreements == []


def test_an_engine_that_was_suspended_with_all_that_it_runs_takes_up_where_it_was(story: Story) -> None:
    flag = story.folder / "flag"
    story.begin([change(2.0, f"import time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.02)")])
    story.sees(Started, experiment=2)
    until(lambda: len(story.trained) == 2)
    suspended = list(story.processes())

    for pid in suspended:
        os.kill(pid, signal.SIGSTOP)
    _let_pass(SILENCE_SECONDS + 0.5)
    for pid in suspended:
        os.kill(pid, signal.SIGCONT)
    flag.touch()
    story.ends()

    assert story.verdicts[:2] == ["kept", "kept"]
    assert story.all(AttemptLost) == []
    assert story.trained == ["0001-1 1.0", "0002-1 2.0"]
