"""Whole runs whose experiments are contained: what they try to reach is not there, and the run goes on."""

import socket
import sys

import pytest

from loopwatch.engine.commands import Hold, Resume
from loopwatch.engine.events import EngineStarted, Finished, Held, Started

from .story import HOLD_ON, Story, change

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are built on Linux")

TRIES = [
    ("pathlib.Path('evaluate.py').write_text('print(999)')", "evaluate.py"),
    ("import shutil; shutil.rmtree(os.getcwd())", "Read-only file system"),
    ("pathlib.Path('../pristine/evaluate.py').write_text('print(999)')", "No such file or directory"),
    ("print(pathlib.Path('../run.db').stat())", "No such file or directory"),
    ("open({mine!r})", "No such file or directory"),
    ("import socket; socket.create_connection(('127.0.0.1', {port}), 3)", "Connection refused"),
    ("os.kill({engine}, 15)", "No such process"),
    ("import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0", "AssertionError"),
]


def _sealed(story: Story) -> None:
    engine = story.sees(EngineStarted)
    if engine.sandbox != "sealed":
        pytest.skip(f"no namespaces here: {engine.not_protected}")


def test_what_tampers_or_reaches_out_fails_inside_and_what_is_honest_counts(story: Story) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        known = {"mine": str(story.folder / "script.jsonl"), "port": listener.getsockname()[1], "engine": 99_999}
        script = [change(9.0, do.format(**known)) for do, _ in TRIES]
        story.begin([*script, change(2.0)], sandbox="fenced", stop={"failures": None, "experiments": len(script) + 2})
        _sealed(story)
        story.ends()

    for number, (_, why) in enumerate(TRIES, start=2):
        judged = story.verdict(number)
        assert judged.verdict == "crashed"
        assert why in judged.reason
    assert story.verdicts[0] == story.verdicts[-1] == "kept"
    assert {fact.sandbox for fact in story.all(Started)} == {"sealed"}
    assert story.all(EngineStarted)[0].not_protected == ()
    assert story.state.experiments[1].sandbox == "sealed"


def test_a_contained_experiment_can_be_held_and_memory_and_time_are_limited(story: Story) -> None:
    story.make_task(wall_seconds=3, more="\n[limits]\nmemory_mb = 150\n")
    hoard = "for _ in range(3):\n    if not os.fork(): break\nmine = bytearray(b'x') * (100 << 20)\n" + HOLD_ON
    wait = "while not (out / 'go').exists(): pass"
    story.begin(
        [change(2.0, wait), change(3.0, hoard), change(4.0, HOLD_ON)], sandbox="fenced", stop={"failures": None}
    )
    _sealed(story)

    story.sees(Started, experiment=2)
    assert story.ask(Hold()).answered
    story.sees(Held, experiment=2)
    assert story.ask(Resume()).answered
    (story.run.folder / "out" / "0002-1" / "go").touch()
    story.ends()

    assert [fact.reason for fact in story.all(Finished)[1:]] == ["exited", "memory_limit", "wall_limit"]
    assert "MB are allowed" in story.verdict(3).reason
