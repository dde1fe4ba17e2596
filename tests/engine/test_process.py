"""The engine's side: spares, live output, keepers that are lost, descriptors."""

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.keeper.process import Kept, Spec, can_be_spare, read_log, run_command, spare_command
from tests.engine.keeping import ENVIRONMENT, PROGRAMS, alive, eventually, spec_of, started


async def test_a_script_cannot_tell_a_spare_from_a_plain_start(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes((PROGRAMS / "looks.py").read_bytes())
    (tmp_path / "link.py").symlink_to(PROGRAMS / "looks.py")

    plain = await _looks(tmp_path, "train.py", spare=None)
    spare = await _looks(tmp_path, "train.py", spare=["decimal"])
    plain_link = await _looks(tmp_path, "./link.py", spare=None)
    spare_link = await _looks(tmp_path, "./link.py", spare=["decimal"])

    assert spare == plain
    assert spare_link == plain_link


async def test_a_spare_shows_errors_as_a_plain_start_does(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def f():\n    raise ValueError('as planned')\n\n\nf()\n")
    (tmp_path / "broken.py").write_text("def f(:\n")

    for script in ("train.py", "broken.py", "missing.py"):
        plain = await _run(tmp_path, script, spare=None)
        spare = await _run(tmp_path, script, spare=[])

        assert spare == plain
        assert plain[0] in (1, 2)


async def test_a_spare_works_when_its_modules_do_not_exist(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('trained')\n")

    assert await _run(tmp_path, "train.py", spare=["no_such_module"]) == (0, b"trained\n")


async def test_what_a_spare_prints_while_it_imports_belongs_to_its_experiment(tmp_path: Path) -> None:
    (tmp_path / "chatty.py").write_text("print('warning: chatty')\n")
    (tmp_path / "train.py").write_text("import chatty\nprint('trained')\n")
    chatty = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}

    outcome = await _run(tmp_path, "train.py", spare=["chatty"], environment=chatty)

    assert outcome == (0, b"warning: chatty\ntrained\n")


async def test_a_spare_that_waits_costs_no_budget(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\nstop = time.process_time() + 0.4\nwhile time.process_time() < stop: pass\n"
    )
    (tmp_path / "train.py").write_text("import slow\n")
    environment = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}
    spare = spare_command(sys.executable, ["slow"])
    spec = Spec([sys.executable, "train.py"], tmp_path, environment, tmp_path / "log", wall_seconds=30, spare=spare)

    async with await Kept.launch(spec) as kept:
        assert await kept.ready()
        await kept.go()
        ended = await kept.ended()

    assert ended.ok
    assert ended.cpu_seconds < 0.3


async def test_a_spare_that_dies_while_it_waits_is_reported(tmp_path: Path) -> None:
    (tmp_path / "fatal.py").write_text("import os\nprint('out of luck', flush=True)\nos._exit(3)\n")
    environment = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}
    spare = spare_command(sys.executable, ["fatal"])
    spec = Spec([sys.executable, "train.py"], tmp_path, environment, tmp_path / "log", wall_seconds=30, spare=spare)

    async with await Kept.launch(spec) as kept:
        assert not await kept.ready()
        ended = await kept.ended()

    assert (ended.reason, ended.exit) == ("spawn_failed", 3)
    assert "out of luck" in ended.detail


async def test_an_unused_spare_dies_with_its_line(tmp_path: Path) -> None:
    spare = [*spare_command(sys.executable, ["decimal"]), str(tmp_path)]
    async with await Kept.launch(replace(spec_of(tmp_path, "unused.py"), spare=spare)) as kept:
        assert await kept.ready()
        assert alive(tmp_path)

    assert alive(tmp_path) == []


@pytest.mark.parametrize(
    ("command", "fits"),
    [
        (["/usr/bin/python3", "train.py", "--fast"], True),
        (["python", "-m", "train"], False),
        (["python", "-u", "train.py"], False),
        (["bash", "train.py"], False),
        (["python"], False),
    ],
)
def test_only_plain_scripts_fit_a_spare(command: list[str], fits: bool) -> None:
    assert can_be_spare(command) == fits


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and PDEATHSIG")
async def test_a_lost_keeper_is_noticed_and_its_tree_swept(tmp_path: Path) -> None:
    async with await started(spec_of(tmp_path, "keeper_killer.py")) as kept:
        await eventually(lambda: (tmp_path / "up").exists() and kept.usage.processes == 2)
        (tmp_path / "now").touch()
        ended = await kept.ended()

    assert (ended.reason, ended.exit, ended.survivors) == ("keeper_lost", None, 0)
    assert await eventually(lambda: not alive(tmp_path))


async def test_output_arrives_while_it_runs(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import os, sys\nos.write(1, b'step 1\\n')\nopen(sys.argv[1]).read()\n")
    os.mkfifo(tmp_path / "gate")
    command = [sys.executable, "train.py", "gate"]
    spec = Spec(command, tmp_path, ENVIRONMENT, tmp_path / "log", wall_seconds=30)

    async with await started(spec) as kept:
        pieces = kept.output()
        first = await anext(pieces)
        (tmp_path / "gate").write_text("")
        ended = await kept.ended()
        await pieces.aclose()

    assert (first, ended.ok) == (b"step 1\n", True)


async def test_go_may_say_what_the_launch_did_not_know(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "unused.py")
    async with await Kept.launch(spec) as kept:
        await kept.go(
            replace(spec, command=["sh", "-c", "echo $WHO"], environment={"WHO": "experiment 7", **ENVIRONMENT})
        )
        ended = await kept.ended()

    assert ended.ok
    assert read_log(spec.log, 100) == b"experiment 7\n"


async def test_nothing_is_inherited_but_the_standard_descriptors(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        seen = await _looks(tmp_path, str(PROGRAMS / "looks.py"), spare=None)

    assert seen["environment"] == {**ENVIRONMENT, "LC_CTYPE": "C.UTF-8"} or seen["environment"] == ENVIRONMENT
    assert len(seen["descriptors"]) <= 4  # the fourth is the listing's own
    assert seen["session_leader"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
async def test_many_commands_leave_no_descriptors_and_no_children(tmp_path: Path) -> None:
    spec = Spec(["true"], tmp_path, ENVIRONMENT, tmp_path / "log", wall_seconds=30)
    await run_command(spec)
    gc.collect()
    before, children = _descriptors(), _children()

    for _ in range(10):
        await run_command(spec)

    assert _descriptors() <= before
    assert _children() == children


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.parametrize("steps", range(4))
async def test_a_launch_that_is_cancelled_leaves_no_descriptors_and_no_children(tmp_path: Path, steps: int) -> None:
    spec = Spec(["true"], tmp_path, ENVIRONMENT, tmp_path / "log", wall_seconds=30)
    await run_command(spec)
    gc.collect()
    before, children = _descriptors(), _children()

    launching = asyncio.ensure_future(Kept.launch(spec))
    for _ in range(steps):
        await asyncio.sleep(0)
    launching.cancel()

    with pytest.raises(asyncio.CancelledError):
        await launching
    assert _descriptors() <= before
    assert _children() == children


async def test_orders_to_one_that_has_ended_do_nothing(tmp_path: Path) -> None:
    kept = await started(Spec(["true"], tmp_path, ENVIRONMENT, tmp_path / "log", wall_seconds=30))
    ended = await kept.ended()
    kept.hold()
    kept.release()
    kept.abort()
    await kept.close()
    await kept.close()

    assert await kept.ended() == ended


async def test_a_keeper_that_was_stopped_is_woken(tmp_path: Path) -> None:
    async with await started(spec_of(tmp_path, "stubborn.py", wall_seconds=1)) as kept:
        os.kill(kept.keeper_pid, signal.SIGSTOP)
        ended = await kept.ended()

    assert (ended.reason, alive(tmp_path)) == ("wall_limit", [])


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


async def _run(
    folder: Path, script: str, spare: list[str] | None, environment: Mapping[str, str] = ENVIRONMENT
) -> tuple[int | None, bytes]:
    spec = Spec(
        command=[sys.executable, script, "out.json", "--flag"],
        cwd=folder,
        environment={"PYTHONDONTWRITEBYTECODE": "1", **environment},
        log=folder / "log",
        wall_seconds=30,
        spare=None if spare is None else spare_command(sys.executable, spare),
    )
    outcome = await run_command(spec)
    return outcome.ended.exit, outcome.tail


async def _looks(folder: Path, script: str, spare: list[str] | None) -> dict[str, Any]:
    code, printed = await _run(folder, script, spare, environment={**ENVIRONMENT})
    seen = json.loads((folder / "out.json").read_text())
    assert isinstance(seen, dict)
    seen["environment"].pop("PYTHONDONTWRITEBYTECODE")
    return {**seen, "exit": code, "printed": printed}
