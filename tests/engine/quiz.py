"""A task whose evaluator asks: for tests of predictors, suites, and of arenas. Each test is a number, and the answer its double."""

import json
import shutil
from pathlib import Path

from loopwatch.engine.running.runner import Runner
from loopwatch.engine.task import load

SOLUTION = "MOST = 4\n\n\ndef double(number):\n    return 2 * number if number <= MOST else 0\n"

PREDICT = """\
import json
import sys

import solution

for line in sys.stdin:
    print(json.dumps(solution.double(json.loads(line))), flush=True)
"""

EVALUATE = """\
import json
import os
import sys

tests = json.load(open(os.environ["LOOPWATCH_SUITE"]))
ask, answers = open(os.environ["LOOPWATCH_ASK"], "w"), open(os.environ["LOOPWATCH_ANSWERS"])
scores = []
for test in tests:
    try:
        print(json.dumps(test["input"]), file=ask, flush=True)
    except BrokenPipeError:
        sys.exit("refused: nobody answers")
    line = answers.readline(100)
    if not line:
        sys.exit("refused: nobody answers")
    scores.append(float(line.strip() == json.dumps(test["expected"])))
json.dump({"scores": scores}, open(os.environ["LOOPWATCH_RECORD"], "w"))
print("scores:", json.dumps(scores))
print("score:", sum(scores) / len(scores))
"""

ADMIT = """\
import json
import os

known = {test["input"] for test in json.load(open(os.environ["LOOPWATCH_SUITE"]))}
for test in json.load(open(os.environ["LOOPWATCH_TESTS"])):
    number, expected = test["input"], test["expected"]
    if not isinstance(number, int):
        said = {"ok": False, "reason": "no number"}
    elif expected != 2 * number:
        said = {"ok": False, "reason": f"the oracle says {2 * number}"}
    else:
        said = {"ok": True, "input": number, "expected": expected}
    print(json.dumps(said))
"""

TASK = """\
name = "quiz"
editable = ["solution.py"]
frozen = ["evaluate.py", "predict.py", "admit.py", "tests.json", "agents/"]
unseen = ["admit.py", "tests.json", "agents/"]

[metric]
name = "score"
direction = "up"
low = 0
high = 1
noise = 0
{target}

[budget]
kind = "steps"
amount = 1
wall_seconds = 60
grace_seconds = 0

[run]
command = ["{{python}}", "-c", "import solution"]

[evaluate]
command = ["{{python}}", "-B", "evaluate.py"]
predictor = ["{{python}}", "-B", "predict.py"]
seconds = {seconds}

[suite]
file = "tests.json"
check = {{ command = ["{{python}}", "-B", "admit.py"], seconds = 30 }}
most = {most}
"""


def doubled(number: int) -> dict[str, int]:
    """A valid test."""
    return {"input": number, "expected": 2 * number}


def quiz_in(
    folder: Path,
    *,
    numbers: tuple[int, ...] = (1, 2, 3, 4),
    most: int = 400,
    seconds: float = 30,
    target: float | None = None,
    agents: dict[str, str] | None = None,
    **programs: str,
) -> Path:
    """The task's folder; `programs` are other texts for evaluate, predict, admit or solution, `agents` other seeds."""
    (folder / "agents").mkdir(parents=True)
    (folder / "agents" / "README").write_text("Agents that begin a run.\n")
    shipped = {"evaluate": EVALUATE, "predict": PREDICT, "admit": ADMIT, "solution": SOLUTION}
    for name, text in {**shipped, **programs}.items():
        (folder / f"{name}.py").write_text(text)
    for name, text in (agents or {}).items():
        (folder / "agents" / name).write_text(text)
    goal = "" if target is None else f"target = {target}"
    (folder / "tests.json").write_text(json.dumps([doubled(number) for number in numbers]))
    (folder / "task.toml").write_text(TASK.format(most=most, seconds=seconds, target=goal))
    (folder / "program.md").write_text("Double every number.\n")
    return folder


def runner_in(folder: Path, **texts: str) -> Runner:
    """A runner of that task, not contained, with an attempt whose folder is there."""
    seconds = float(texts.pop("seconds", "30"))
    task = load(str(quiz_in(folder / "task", seconds=seconds, **texts)))  # type: ignore[arg-type]
    run_dir = folder / "run"
    for copy in ("work", "pristine"):
        shutil.copytree(task.folder, run_dir / copy)
    for name in task.unseen:
        path = run_dir / "work" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (run_dir / "out" / "0002-1").mkdir(parents=True)
    return Runner(task, run_dir, workdir=run_dir / "work", pristine=run_dir / "pristine", seed=1)
