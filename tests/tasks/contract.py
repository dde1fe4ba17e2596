"""A task's commands under the process contract, in real processes, without an engine."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from loopwatch.engine.task import Task, load


@dataclass(frozen=True)
class Desk:
    """A copy of a shipped task with its data, where training and measuring can be tried."""

    task: Task
    root: Path

    @property
    def copy(self) -> Path:
        return self.root / "task"

    def _run(self, command: tuple[str, ...], **variables: object) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "OMP_NUM_THREADS": "1",  # threads that wait for each other in a circle need more time than they save
            "LOOPWATCH_BUDGET_KIND": "steps",
            "LOOPWATCH_DATA": str(self.root / "public"),
            **self.task.run.environment,
            **{name: str(value) for name, value in variables.items()},
        }
        words = [word.replace("{python}", sys.executable) for word in command]
        return subprocess.run(words, cwd=self.copy, env=environment, capture_output=True, text=True, timeout=120)

    def prepare(self) -> subprocess.CompletedProcess[str]:
        assert self.task.prepare is not None
        return self._run(self.task.prepare.command, LOOPWATCH_HIDDEN=self.root / "hidden")

    def train(self, out: Path, *, steps: int, seed: int = 1) -> subprocess.CompletedProcess[str]:
        out.mkdir(exist_ok=True)
        return self._run(self.task.run.command, LOOPWATCH_BUDGET=steps, LOOPWATCH_SEED=seed, LOOPWATCH_OUT=out)

    def evaluate(self, out: Path) -> subprocess.CompletedProcess[str]:
        return self._run(self.task.evaluate.command, LOOPWATCH_OUT=out, LOOPWATCH_HIDDEN=self.root / "hidden")


def desk(name: str, root: Path) -> Desk:
    """A shipped task, copied below `root` and prepared."""
    made = Desk(load(name), root)
    shutil.copytree(made.task.folder, made.copy, ignore=shutil.ignore_patterns("__pycache__"))
    prepared = made.prepare()
    assert prepared.returncode == 0, prepared.stderr
    return made
