"""For the tests of agents that are source code: real boxes, and versions that do what a test says."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from loopwatch.engine.agents.box import Boxes
from loopwatch.engine.agents.code import AgentCode
from loopwatch.engine.sandbox.means import Host, Means
from loopwatch.engine.sandbox.sandbox import Sandbox

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are built on Linux")
SEALED = Means("own", Host.here().landlock, seccomp=True)


def boxes(run_dir: Path, means: Means = SEALED) -> Boxes:
    """Those of a run that is nowhere else."""
    run_dir.mkdir(exist_ok=True)
    return Boxes(run_dir, lambda: Sandbox(means, hidden=[run_dir]))


def task_agent(code: str, *, before: str = "") -> AgentCode:
    """One of an arena, whose propose() has this body."""
    body = "".join(f"    {line}\n" for line in code.splitlines())
    return AgentCode("code", {"task_agent.py": f"{before}\ndef propose(task, ask):\n{body}"})


def changes(path: str, old: str, new: str) -> str:
    """The body of a propose() that makes one replacement by itself."""
    files = f"{{{path!r}: task['files'][{path!r}].replace({old!r}, {new!r})}}"
    return f"return {{'hypothesis': 'h', 'mechanism': 'm', 'expected': 'e', 'files': {files}}}"


def seed_with(files: Mapping[str, str]) -> AgentCode:
    """The shipped agent with these files in the place of its own."""
    return AgentCode.seed("task").with_files(files)
