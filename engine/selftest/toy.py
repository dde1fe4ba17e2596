"""The toy task of a corpus, as a task folder of ours: its evaluator in a process of its own, its validation data out of sight.

What the cases expect in their environment (LW_OUT, LW_CANARY and so on) is put there by `start.py` before it becomes the case.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

LIMIT_SECONDS = 8
MEMORY_MB = 1024
HIDDEN = Path("data", "val.txt")
"""Of the corpus's task: goes to where only the evaluator sees it."""

_TASK = """\
name = "toy"
description = "a table of letters, for attacks on the harness"
editable = ["train.py"]
frozen = {frozen}
data = [{told}]

[metric]
name = "val_bpb"
direction = "down"
unit = "bits per letter"
low = 0
high = 64
noise = 0

[budget]
kind = "steps"
amount = 1
wall_seconds = {limit}
grace_seconds = 0

[limits]
memory_mb = {memory}

[run]
command = ["{{python}}", "start.py"]
environment = {{ SELFTEST = {told} }}

[evaluate]
command = ["{{python}}", "-I", "-S", "-B", "evaluate.py"]
seconds = 10
artefacts = ["model.json"]
artefact_mb = 8
{control}"""

_CONTROL = """
[control]
set = { "train.py" = { ALPHA = 1000000000.0 } }
"""

_START = '''\
"""Become train.py, with the environment that it expects."""

import json
import os
import sys
from pathlib import Path

told = json.loads((Path(os.environ.pop("SELFTEST")) / "environment.json").read_text())
out = os.environ["LOOPWATCH_OUT"]
os.environ.update(told, LW_OUT=out, LW_SEED=os.environ["LOOPWATCH_SEED"])
os.execv(sys.executable, [sys.executable, "train.py"])
'''

_EVALUATE = '''\
"""Score the table that was saved, on text that training has not seen."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from immutable.eval import evaluate

model = Path(os.environ["LOOPWATCH_OUT"]) / "model.json"
print(f"val_bpb: {evaluate(str(model), str(Path(os.environ['LOOPWATCH_HIDDEN']) / 'val.txt')):.6f}")
'''


class Toy:
    """A corpus's task in a folder of ours."""

    def __init__(self, source: Path, folder: Path) -> None:
        """Write it into `folder`."""
        self.task, self._told, self._hidden = folder / "task", folder / "told", source / HIDDEN
        shutil.copytree(source, self.task, ignore=shutil.ignore_patterns("__pycache__", HIDDEN.name))
        self._told.mkdir()
        self.tell({})
        (self.task / "start.py").write_text(_START)
        (self.task / "evaluate.py").write_text(_EVALUATE)
        (self.task / "program.md").write_text("Lower the number.\n")
        files = [path.relative_to(self.task).as_posix() for path in sorted(self.task.rglob("*")) if path.is_file()]
        control = _CONTROL if "\nALPHA = " in self.train else ""
        text = _TASK.format(
            frozen=json.dumps([name for name in files if name not in ("train.py", "program.md")]),
            told=json.dumps(str(self._told)),
            limit=LIMIT_SECONDS,
            memory=MEMORY_MB,
            control=control,
        )
        (self.task / "task.toml").write_text(text)

    @property
    def train(self) -> str:
        """The file that a case replaces."""
        return (self.task / "train.py").read_text(encoding="utf-8")

    def tell(self, environment: Mapping[str, str]) -> None:
        """What the next training finds in its environment, besides what loopwatch puts there."""
        draft = self._told / "environment.json.new"
        draft.write_text(json.dumps({"LW_LIMIT": str(LIMIT_SECONDS), **environment}))
        draft.rename(self._told / "environment.json")

    def hide(self, run: Path) -> Path:
        """Put the validation text where only a run's evaluator finds it."""
        hidden = run / "data" / "hidden"
        hidden.mkdir(parents=True)
        return Path(shutil.copy(self._hidden, hidden / HIDDEN.name))
