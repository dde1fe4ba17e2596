"""Whole runs with agents as real processes: a person at the tool gate, a veto in mid-turn, a note, and a killed engine."""

import sys
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.commands import Abort, Note
from loopwatch.engine.events import Asked, Billed, EngineStarted, Judged, NoteRead, Proposed, TurnEnded, Warned
from tests.engine.agents import SERVERS, command, scripted
from tests.waiting import until

from .story import TRAIN, Story

CLAIMS = '```json\n{"hypothesis": "a score of 2", "mechanism": "it says so"}\n```\n'
BETTER: list[dict[str, Any]] = [{"write": {"train.py": TRAIN.replace("SCORE = 1.0", "SCORE = 2.0")}}, {"say": CLAIMS}]
ASK = {"toolCall": {"toolCallId": "c1", "title": "Edit train.py", "kind": "edit", "locations": [{"path": "train.py"}]}}
STOP = {"experiments": 2}
DAEMON = (
    "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', str(folder)], "
    "start_new_session=True, stdin=-3, stdout=-3, stderr=-3)"
)


def test_what_an_agent_may_do_is_asked_at_the_tool_gate_and_what_it_leaves_is_measured(story: Story) -> None:
    story.begin([], proposer=f"acp:{command(story.folder, [{'ask': {**ASK, 'then': BETTER}}])}", stop=STOP)

    story.reply("tool", 2, "allow")
    story.ends()

    assert story.sees(Judged, experiment=2).verdict == "kept"
    assert story.sees(Proposed, experiment=2).hypothesis == "a score of 2"
    assert [line.split()[1] for line in story.trained] == ["1.0", "2.0"]
    assert "agents are not contained here" in story.sees(Warned, once="agents").text


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are built on Linux")
def test_an_agent_in_its_box_finds_no_run_and_the_run_goes_on(story: Story) -> None:
    look = """
import os, sys
run = folder.parents[1]
for way, name in ((open, 'run.db'), (os.listdir, 'work'), (os.listdir, 'repo.git')):
    try:
        way(run / name)
    except OSError:
        continue
    print(name, file=sys.stderr)
(folder / 'evaluate.py').write_text('print(999)')
"""
    better = {"train.py": TRAIN.replace("SCORE = 1.0", "SCORE = 2.0")}
    agent = command(story.folder, [{"python": DAEMON}, {"python": look}, {"write": better}, {"say": CLAIMS}])
    story.begin([], proposer=f"acp:{agent}", stop=STOP, sandbox="fenced", gates={"tool": "auto"})
    story.ends()

    assert story.verdict(2).verdict == "kept"
    assert "an agent can use the network" in story.all(EngineStarted)[0].not_protected
    assert not story.all(Warned, once="agents")
    assert [log.read_text() for log in (story.run.folder / "logs").glob("*.agent.log")] == [""]
    assert story.sees(Proposed, experiment=2).paths == ("train.py",)


def test_a_veto_in_mid_turn_ends_the_agent_and_everything_that_it_started(story: Story) -> None:
    agent = command(story.folder, [{"python": DAEMON}, {"ask": ASK}], deaf=True)
    story.begin([], proposer=f"acp:{agent}", stop=STOP)
    story.sees(Asked, gate="tool")

    story.ask(Abort(experiment=2, reason="no"))
    ended = story.sees(TurnEnded, experiment=2)
    story.ends()

    assert ended.outcome == "cancelled"
    assert story.sees(Billed, experiment=2).estimated
    assert not story.processes()


def test_an_agent_and_its_daemon_die_with_a_killed_engine(story: Story) -> None:
    agent = command(story.folder, [{"python": DAEMON}, {"ask": ASK}])
    story.begin([], proposer=f"acp:{agent}", stop=STOP)
    story.sees(Asked, gate="tool")
    until(lambda: any("time.sleep(300)" in words for words in story.processes().values()))

    story.kill()

    until(lambda: not story.processes(), seconds=5)


def test_a_note_and_the_reason_of_a_denial_reach_claude_code_in_its_turn(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = {
        "name": "Edit",
        "input": {"file_path": "train.py", "old_string": "SCORE = 1.0", "new_string": "SCORE = 2.0"},
    }
    script = scripted(story.folder, [{"ask": edit}, {"listen": True}, {"ask": edit}, {"say": CLAIMS}])
    _install(story.folder / "bin" / "claude", script, monkeypatch)
    story.begin([], proposer="claude-code", stop=STOP)

    story.reply("tool", 2, "deny", reason="not yet")
    story.ask(Note(text="go on then"))
    story.reply("tool", 2, "allow")
    story.ends()

    assert story.sees(NoteRead).where == "this turn"
    assert story.sees(Judged, experiment=2).verdict == "kept"
    said = script.with_name("agent.json.heard").read_text()
    assert '"message":"not yet"' in said
    assert '"text":"go on then"' in said


def _install(program: Path, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {SERVERS / "claude_code.py"} {script} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
