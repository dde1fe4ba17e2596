"""Print how much a metric differs between seeds, or between runs of one seed, measured by the task itself.

    python benchmarks/task_noise.py tasks/pretrain --seeds 3 --set DROPOUT=0.0

Covered: the commands of task.toml under the process contract, one after the other, on a copy of the task.
Not covered: the sandbox, the hard limits and the speed check of an engine; run it on a quiet machine.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def seconds_of(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, str]:
    """Run one command of a task; return its wall seconds and what it printed."""
    began = time.perf_counter()
    finished = subprocess.run(
        [word.replace("{python}", sys.executable) for word in command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, finished.stdout


@contextmanager
def predictor(task: dict[str, Any], folder: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Start the predictor of a task that has one; yield the names of its pipes, as the evaluator is told them."""
    if "predictor" not in task["evaluate"]:
        yield {}
        return
    with tempfile.TemporaryDirectory() as scratch:
        pipes = {name: f"{scratch}/{name}" for name in ("LOOPWATCH_ASK", "LOOPWATCH_ANSWERS")}
        for pipe in pipes.values():
            os.mkfifo(pipe)
        # A shell opens them in the order that the evaluator does.
        words = [word.replace("{python}", sys.executable) for word in task["evaluate"]["predictor"]]
        line = 'exec "$@" <"$LOOPWATCH_ASK" >"$LOOPWATCH_ANSWERS"'
        with subprocess.Popen(["sh", "-c", line, "sh", *words], cwd=folder, env=environment | pipes) as process:
            yield pipes
            process.kill()


def set_constant(folder: Path, task: dict[str, Any], assignment: str) -> None:
    """Rewrite the line of one declared hyperparameter, as a proposal would."""
    name, value = assignment.split("=")
    file = folder / next(h["file"] for h in task["hyperparameter"] if h["name"] == name)
    file.write_text(
        re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", file.read_text(encoding="utf-8")), encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("task", type=Path, help="a folder with a task.toml")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds to run")
    parser.add_argument("--same", action="store_true", help="run the first seed again and again")
    parser.add_argument("--budget", type=float, help="instead of the task's own amount")
    parser.add_argument("--kind", help="instead of the task's own kind of budget, e.g. steps")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a constant")
    chosen = parser.parse_args()
    task = tomllib.loads((chosen.task / "task.toml").read_text(encoding="utf-8"))
    metric_line = re.compile(rf"(?m)^{task['metric']['name']}: (\S+)$")

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        folder = root / "task"
        shutil.copytree(chosen.task, folder)
        for assignment in chosen.set:
            set_constant(folder, task, assignment)
        environment = {
            "PATH": os.environ["PATH"],
            "LOOPWATCH_BUDGET": str(chosen.budget or task["budget"]["amount"]),
            "LOOPWATCH_BUDGET_KIND": chosen.kind or task["budget"]["kind"],
            "LOOPWATCH_DATA": str(root / "public"),
            **task["run"].get("environment", {}),
        }
        hidden = {"LOOPWATCH_HIDDEN": str(root / "hidden")}
        if "prepare" in task:
            seconds, _ = seconds_of(task["prepare"]["command"], folder, environment | hidden)
            print(f"prepare  {seconds:.2f} s")
        scores = []
        for turn in range(1, chosen.seeds + 1):
            seed = 1 if chosen.same else turn
            out = root / f"out-{turn}"
            out.mkdir()
            seeded = environment | {"LOOPWATCH_SEED": str(seed), "LOOPWATCH_OUT": str(out)}
            run_seconds, log = seconds_of(task["run"]["command"], folder, seeded)
            steps = re.findall(r"(?m)^step (\d+)", log)[-1]
            with predictor(task, folder, seeded) as pipes:
                eval_seconds, answer = seconds_of(task["evaluate"]["command"], folder, seeded | hidden | pipes)
            scores.append(float(metric_line.findall(answer)[0]))
            print(
                f"seed {seed}   {task['metric']['name']} {scores[-1]:.6f}   steps {int(steps)}"
                f"   run {run_seconds:.2f} s   evaluate {eval_seconds:.2f} s   load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
        spread = statistics.stdev(scores) if len(scores) > 1 else float("nan")
        print(f"mean {statistics.mean(scores):.6f}   standard deviation {spread:.6f}   runs {len(scores)}")


if __name__ == "__main__":
    main()
