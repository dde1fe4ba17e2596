"""The keeper against processes that do not want to end."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loopwatch.engine.keeper.process import read_log, run_command
from tests.engine.keeping import PROGRAMS, alive, eventually, is_running, spec_of, started
from tests.waiting import until

TREES = ["stubborn.py", "stopped.py", "wide.py", "storm.py"]


@pytest.mark.parametrize("program", TREES)
async def test_an_abort_leaves_nobody(tmp_path: Path, program: str) -> None:
    async with await started(spec_of(tmp_path, program)) as kept:
        await eventually((tmp_path / "up").exists)
        kept.abort()
        ended = await kept.ended()

    assert (ended.reason, ended.survivors, alive(tmp_path)) == ("aborted", 0, [])


@pytest.mark.parametrize("program", TREES)
async def test_the_wall_limit_leaves_nobody(tmp_path: Path, program: str) -> None:
    ended = (await run_command(spec_of(tmp_path, program, wall_seconds=0.7))).ended

    assert (ended.reason, ended.survivors, alive(tmp_path)) == ("wall_limit", 0, [])
    assert 0.7 <= ended.wall_seconds < 10


async def test_a_daemon_dies_with_its_experiment(tmp_path: Path) -> None:
    ended = (await run_command(spec_of(tmp_path, "daemon.py"))).ended

    assert (ended.reason, ended.exit, alive(tmp_path)) == ("exited", 0, [])


async def test_a_daemon_dies_when_the_engine_closes_the_line(tmp_path: Path) -> None:
    async with await started(spec_of(tmp_path, "daemon.py", tmp_path, "stay")) as kept:
        await eventually((tmp_path / "up").exists)

    assert (await kept.ended()).reason == "engine_gone"
    assert alive(tmp_path) == []


def test_killing_the_engine_takes_the_tree_with_it(tmp_path: Path) -> None:
    engine = subprocess.Popen([sys.executable, str(PROGRAMS / "engine.py"), str(tmp_path)])
    until((tmp_path / "up").exists)

    engine.kill()
    engine.wait()

    assert until(lambda: not alive(tmp_path))
    keeper = int((tmp_path / "keeper").read_text())
    assert until(lambda: not is_running(keeper))


def test_a_stopped_engine_does_not_stop_the_clock(tmp_path: Path) -> None:
    engine = subprocess.Popen([sys.executable, str(PROGRAMS / "engine.py"), str(tmp_path), "3"])
    until((tmp_path / "up").exists)

    os.kill(engine.pid, signal.SIGSTOP)

    assert until(lambda: alive(tmp_path) == [str(engine.pid)])
    engine.kill()
    engine.wait()


async def test_telling_the_keeper_to_stop_ends_the_experiment(tmp_path: Path) -> None:
    async with await started(spec_of(tmp_path, "wide.py")) as kept:
        await eventually((tmp_path / "up").exists)
        os.kill(kept.keeper_pid, signal.SIGINT)
        os.kill(kept.keeper_pid, signal.SIGHUP)
        os.kill(kept.keeper_pid, signal.SIGTERM)
        ended = await kept.ended()

    assert (ended.reason, ended.survivors, alive(tmp_path)) == ("aborted", 0, [])


async def test_cpu_seconds_count_for_the_whole_tree(tmp_path: Path) -> None:
    ended = (await run_command(spec_of(tmp_path, "busy.py", cpu_seconds=0.5))).ended

    assert (ended.reason, alive(tmp_path)) == ("cpu_limit", [])
    assert 0.5 <= ended.cpu_seconds < 5


async def test_a_held_experiment_stands_still_and_so_does_its_clock(tmp_path: Path) -> None:
    async with await started(spec_of(tmp_path, "counter.py")) as kept:
        await eventually(lambda: _count(tmp_path, "parent") and _count(tmp_path, "child"))
        kept.hold()
        await eventually(lambda: kept.usage.held)
        before = (_count(tmp_path, "parent"), _count(tmp_path, "child"), kept.usage.wall_seconds)
        seen = kept.usage
        await eventually(lambda: kept.usage is not seen)
        held = (_count(tmp_path, "parent"), _count(tmp_path, "child"), kept.usage.wall_seconds)
        kept.release()
        await eventually(lambda: _count(tmp_path, "parent") > held[0] and _count(tmp_path, "child") > held[1])

    assert held == before


async def test_a_held_experiment_can_be_aborted(tmp_path: Path) -> None:
    async with await started(spec_of(tmp_path, "counter.py")) as kept:
        kept.hold()
        await eventually(lambda: kept.usage.held)
        kept.abort()
        ended = await kept.ended()

    assert (ended.reason, ended.signal, alive(tmp_path)) == ("aborted", signal.SIGTERM, [])


async def test_a_flood_of_output_is_capped_and_its_ends_are_kept(tmp_path: Path) -> None:
    outcome = await run_command(spec_of(tmp_path, "flood.py", 200, log_cap_bytes=1 << 20))

    log = read_log(tmp_path / "run.log", 1 << 30)
    assert outcome.ok
    assert outcome.ended.log_bytes == 200_000_029
    assert len(log) < (1 << 20) + 100
    assert log.startswith(b"the first line\n")
    assert b"bytes dropped here]\n" in log
    assert outcome.tail.endswith(b"the last line\n")
    assert len(log) == (tmp_path / "run.log").stat().st_size


async def test_an_endless_line_hurts_nobody(tmp_path: Path) -> None:
    outcome = await run_command(spec_of(tmp_path, "endless_line.py", log_cap_bytes=1 << 20))

    assert outcome.ok
    assert outcome.tail.endswith(b"x\nstep: 7 loss: 1.5\n")


async def test_a_growing_log_can_be_read_with_its_gap(tmp_path: Path) -> None:
    async with await started(spec_of(tmp_path, "flood.py", 5000, log_cap_bytes=1 << 16)) as kept:
        await eventually(lambda: b"dropped" in read_log(kept.spec.log, 1 << 20))
        text = read_log(kept.spec.log, 1 << 20)

    assert text.startswith(b"the first line\n")
    assert len(text) < 1 << 17


async def test_a_full_output_folder_ends_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    ended = (await run_command(spec_of(tmp_path, "filler.py", out, out_folders=[out], out_cap_bytes=5 << 20))).ended

    assert ended.reason == "output_limit"


async def test_a_full_disk_ends_it(tmp_path: Path) -> None:
    ended = (await run_command(spec_of(tmp_path, "stubborn.py", disk_floor_bytes=1 << 60))).ended

    assert (ended.reason, alive(tmp_path)) == ("disk_full", [])


async def test_a_log_that_cannot_be_written_does_not_end_it(tmp_path: Path) -> None:
    (tmp_path / "run.log").symlink_to("/dev/full")

    outcome = await run_command(spec_of(tmp_path, "flood.py", 1))

    assert (outcome.ok, outcome.ended.log_bytes) == (True, 1_000_029)


async def test_an_experiment_may_delete_the_folder_it_runs_in(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    spec = spec_of(tmp_path, "uproot.py")

    outcome = await run_command(type(spec)(spec.command, home, spec.environment, spec.log, wall_seconds=30))

    assert (outcome.ok, outcome.tail, home.exists()) == (True, b"still here\n", False)


async def test_a_signal_is_reported_as_one(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "unused.py")
    kill = type(spec)(["sh", "-c", "kill -9 $$"], tmp_path, spec.environment, spec.log, wall_seconds=30)

    ended = (await run_command(kill)).ended

    assert (ended.reason, ended.exit, ended.signal) == ("exited", None, 9)


async def test_a_command_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "unused.py")
    nothing = type(spec)(["no-such-program"], tmp_path, spec.environment, spec.log, wall_seconds=30)

    ended = (await run_command(nothing)).ended

    assert ended.reason == "spawn_failed"
    assert "no-such-program" in ended.detail


async def test_the_experiment_never_waits_for_an_engine_that_does_not_read(tmp_path: Path) -> None:
    async with await started(spec_of(tmp_path, "flood.py", 20)) as kept:
        ended = await kept.ended()
        pieces = [piece async for piece in kept.output()]

    assert ended.ok
    assert 0 < sum(map(len, pieces)) < 20_000_000


async def test_a_cancelled_command_leaves_nobody(tmp_path: Path) -> None:
    running = asyncio.create_task(run_command(spec_of(tmp_path, "wide.py")))
    await eventually((tmp_path / "up").exists)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert alive(tmp_path) == []


def _count(folder: Path, name: str) -> int:
    try:
        return int((folder / name).read_text() or 0)
    except FileNotFoundError:
        return 0
