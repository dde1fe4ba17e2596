"""Boxes and keepers together: limits, holds, spares and ends of what runs in a box."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loopwatch.engine.keeper.process import Kept, Spec, run_command, spare_command
from loopwatch.engine.sandbox.means import Host, Means
from loopwatch.engine.sandbox.sandbox import Folder, Limits, Sandbox
from tests.engine.keeping import ENVIRONMENT, PROGRAMS, alive, eventually, started

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are built on Linux")
LIMITS = Limits(memory_bytes=1 << 30, processes=200, file_bytes=1 << 30)
FENCED = Means(None, Host.here().landlock, seccomp=True)
KINDS = [Means("own", Host.here().landlock, seccomp=True), *([FENCED] if FENCED.landlock else [])]
by_kind = pytest.mark.parametrize("means", KINDS, ids=[kind.tier for kind in KINDS])
sealed = KINDS[0]


def boxed(folder: Path, means: Means, *command: object, **limits: int | float) -> Spec:
    """A spec that runs `command` in a box that has `work`, and may write `out`, which it knows as $OUT, and `tmp`."""
    for name in ("work", "out", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    sandbox = Sandbox(means, hidden=[folder])
    out = Folder(folder / "out", writable=True, at="/out")
    tmp = Folder(folder / "tmp", writable=True, at=sandbox.scratch)
    spec = Spec(
        command=[str(word).replace("$OUT", sandbox.seen(out)) for word in command],
        cwd=folder / "work",
        environment={**ENVIRONMENT, "OUT": sandbox.seen(out), "TMPDIR": sandbox.seen(tmp)},
        log=folder / "log",
        wall_seconds=60,
        disk_floor_bytes=0,
        out_folders=[folder / "out", folder / "tmp"],
        box=sandbox.box([out, tmp, Folder(folder / "work"), Folder(PROGRAMS)], LIMITS),
    )
    return replace(spec, **limits)  # type: ignore[arg-type]


def program(folder: Path, means: Means, name: str, **limits: int | float) -> Spec:
    """One of the hostile programs, which writes into its output folder."""
    return boxed(folder, means, sys.executable, PROGRAMS / name, "$OUT", folder, **limits)


@by_kind
@pytest.mark.parametrize("name", ["stubborn.py", "stopped.py", "wide.py", "storm.py"])
async def test_an_abort_leaves_nobody(tmp_path: Path, means: Means, name: str) -> None:
    async with await started(program(tmp_path, means, name)) as kept:
        await eventually((tmp_path / "out" / "up").exists)
        kept.abort()
        ended = await kept.ended()

    assert (ended.reason, ended.survivors, alive(tmp_path)) == ("aborted", 0, [])


@by_kind
async def test_the_wall_limit_and_the_cpu_limit_hold(tmp_path: Path, means: Means) -> None:
    late = (await run_command(program(tmp_path, means, "stubborn.py", wall_seconds=0.7))).ended
    busy = (await run_command(program(tmp_path, means, "busy.py", cpu_seconds=0.5))).ended

    assert (late.reason, busy.reason, alive(tmp_path)) == ("wall_limit", "cpu_limit", [])
    assert 0.5 <= busy.cpu_seconds < 5


async def test_a_held_experiment_stands_still_and_goes_on(tmp_path: Path) -> None:
    def count() -> int:
        path = tmp_path / "out" / "parent"
        return int(path.read_text() or 0) if path.exists() else 0

    async with await started(program(tmp_path, sealed, "counter.py")) as kept:
        await eventually(count)
        kept.hold()
        await eventually(lambda: kept.usage.held)
        before, seen = count(), kept.usage
        await eventually(lambda: kept.usage is not seen)
        held = count()
        kept.release()
        await eventually(lambda: count() > held)

    assert held == before


@by_kind
async def test_an_exit_code_and_a_signal_come_out_as_they_are(tmp_path: Path, means: Means) -> None:
    code = (await run_command(boxed(tmp_path, means, "sh", "-c", "exit 7"))).ended
    killed = (await run_command(boxed(tmp_path, means, "sh", "-c", "kill -11 $$"))).ended
    told = boxed(
        tmp_path, means, "sh", "-c", "trap 'echo tidied; exit 3' TERM; : >$OUT/up; while :; do sleep 0.05; done"
    )
    async with await started(told) as kept:
        await eventually((tmp_path / "out" / "up").exists)
        await eventually(lambda: kept.usage.processes)
        kept.abort()
        aborted = await kept.ended()

    assert (code.exit, killed.signal) == (7, signal.SIGSEGV)
    assert aborted.exit == 3
    assert (tmp_path / "log").read_text().endswith("tidied\n")


@by_kind
async def test_what_cannot_be_started_is_reported(tmp_path: Path, means: Means) -> None:
    ended = (await run_command(boxed(tmp_path, means, "no-such-program"))).ended

    assert ended.reason == "spawn_failed"
    assert "no-such-program" in ended.detail


async def test_a_box_that_cannot_be_built_runs_nothing(tmp_path: Path) -> None:
    spec = boxed(tmp_path, sealed, "touch", "$OUT/ran")
    (tmp_path / "work").rmdir()

    ended = (await run_command(spec)).ended

    assert ended.reason == "spawn_failed"
    assert "work" in ended.detail
    assert not (tmp_path / "out" / "ran").exists()


@by_kind
async def test_a_spare_works_in_a_box_whose_folders_are_named_later(tmp_path: Path, means: Means) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "train.py").write_text(
        "import os, pathlib\npathlib.Path(os.environ['OUT'], 'saved').write_text(os.getcwd())\nopen('touched', 'w')\n"
    )
    spec = replace(boxed(tmp_path, means, sys.executable, "train.py"), spare=spare_command(sys.executable, ["decimal"]))
    async with await Kept.launch(replace(spec, cwd=Path("/"))) as kept:
        assert await kept.ready()
        (tmp_path / "out").rename(tmp_path / "0007-1")
        environment = {**spec.environment}
        if not means.namespaces:
            environment["OUT"] = str(tmp_path / "0007-1")
        await kept.go(replace(spec, environment=environment))
        ended = await kept.ended()

    assert ended.exit == 1
    assert (tmp_path / "0007-1" / "saved").read_text() == str(tmp_path / "work")
    assert "touched" in (tmp_path / "log").read_text()
    assert not (tmp_path / "work" / "touched").exists()


async def test_an_experiment_finds_nothing_of_ours_but_the_standard_descriptors(tmp_path: Path) -> None:
    looks = "import os; print(os.listdir('/proc/self/fd'), os.getsid(0) == os.getpid(), os.getppid())"
    outcome = await run_command(boxed(tmp_path, sealed, sys.executable, "-I", "-c", looks))

    # The fourth is the listing's own.
    assert outcome.tail == b"['0', '1', '2', '3'] True 1\n"


async def test_memory_of_the_whole_tree_is_limited_and_shared_memory_counts_once(tmp_path: Path) -> None:
    hoard = "import os, time; kept = bytearray(b'x') * (60 << 20)\nfor _ in range(3): os.fork()\n"
    share = f"{hoard}time.sleep(0.6)"
    take = f"{hoard}mine = bytearray(b'y') * (60 << 20)\ntime.sleep(30)"

    shared = (await run_command(boxed(tmp_path, sealed, sys.executable, "-c", share, memory_bytes=250 << 20))).ended
    taken = (await run_command(boxed(tmp_path, sealed, sys.executable, "-c", take, memory_bytes=250 << 20))).ended

    assert (shared.reason, shared.exit) == ("exited", 0)
    assert shared.peak_rss_mb > 400
    assert taken.reason == "memory_limit"
    assert "MB are allowed" in taken.detail


async def test_a_process_with_too_much_memory_gets_an_error_of_its_own(tmp_path: Path) -> None:
    hoard = "try: bytearray(2 << 30)\nexcept MemoryError: print('no more')"

    outcome = await run_command(boxed(tmp_path, sealed, sys.executable, "-c", hoard))

    assert (outcome.ok, outcome.tail) == (True, b"no more\n")


async def test_too_many_processes_end_it(tmp_path: Path) -> None:
    forks = "import os, time\nfor _ in range(60):\n  if not os.fork(): time.sleep(30)\ntime.sleep(30)"

    ended = (await run_command(boxed(tmp_path, sealed, sys.executable, "-c", forks, processes=40))).ended

    assert (ended.reason, alive(tmp_path)) == ("process_limit", [])


def test_hidden_folders_are_empty_wherever_they_lie(tmp_path: Path) -> None:
    box = Sandbox(sealed, hidden=[Path(sys.prefix) / "bin"]).box([], LIMITS)

    assert box is not None
    assert os.path.realpath(Path(sys.prefix) / "bin") in box.order["covered"]
