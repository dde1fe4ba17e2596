"""kill -9 at random moments, judged by what the experiments themselves wrote down outside of the run.

    python -m benchmarks.kills --kills 1000

A tiny task, scripted proposals, an engine that is started and killed again and again: while it starts, while it works, alone or
together with its keepers and experiments. Every training appends its name to a file that no engine knows. At the end nothing may
be missing from the ledger or be there twice, an audit has to agree, and no engine may have ended but by a kill or by its own will.
Experiments run without a sandbox here, because in one they could not write that file.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from loopwatch.engine import client
from loopwatch.engine.client import Run, Viewer
from loopwatch.engine.commands import Stop
from loopwatch.engine.config import Gates, RunConfig, StopConditions
from loopwatch.engine.events import AttemptLost, EngineStarted, Judged, Settled, Started, Warned

from .figures import Aim, arguments, heading, load, note, percentile, tell
from .made_runs import environment

NEXT_STEP_SECONDS = 2.0

_TASK = """\
name = "tiny"
editable = ["train.py"]
frozen = ["evaluate.py"]
[metric]
name = "score"
direction = "up"
noise = 0
[budget]
kind = "steps"
amount = 1
wall_seconds = 60
[run]
command = ["{{python}}", "train.py"]
environment = {{ TRUTH = "{truth}" }}
[evaluate]
command = ["{{python}}", "evaluate.py"]
seconds = 60
"""
_TRAIN = """\
import os
from pathlib import Path
SCORE = 1.0
out = Path(os.environ["LOOPWATCH_OUT"])
with open(os.environ["TRUTH"], "a") as truth:
    truth.write(out.name + "\\n")
(out / "score").write_text(str(SCORE))
"""
_EVALUATE = """\
import os
from pathlib import Path
print("score:", (Path(os.environ["LOOPWATCH_OUT"]) / "score").read_text())
"""
_NO_STEP = EngineStarted | AttemptLost | Warned
"""What an engine writes down before it does anything."""


def made(folder: Path, chance: random.Random, experiments: int) -> Run:
    """A run whose proposals are better, by chance, every other time."""
    task, script = folder / "task", folder / "script.jsonl"
    task.mkdir()
    (task / "task.toml").write_text(_TASK.format(truth=folder / "truth"))
    (task / "train.py").write_text(_TRAIN)
    (task / "evaluate.py").write_text(_EVALUATE)
    (task / "program.md").write_text("Make it big.\n")
    (folder / "truth").touch()
    best, lines = 1.0, []
    for _ in range(experiments):
        score = round(best + chance.uniform(-1, 1), 6)
        best = max(best, score)
        lines.append({"hypothesis": str(score), "mechanism": "chance", "set": {"train.py": {"SCORE": score}}})
    script.write_text("".join(json.dumps(line) + "\n" for line in lines))
    gates = Gates(apply="auto", run="auto", verdict="auto")
    stop, chosen = StopConditions(failures=None), {"task": str(task), "proposer": f"scripted:{script}", "by": "anna"}
    more = {"gates": gates, "stop": stop, "keep": "improve", "sandbox": "none", "noise_repeats": 0}
    return client.create("tiny", lambda name: RunConfig.model_validate({"run": name, **chosen, **more}))


class Killer:
    """Starts engines on one run and kills them."""

    def __init__(self, run: Run, chance: random.Random) -> None:
        self.run, self.chance = run, chance
        self.next_steps: list[float] = []
        self.repairs: list[str] = []

    def engine(self) -> subprocess.Popen[bytes]:
        """A new engine."""
        with open(self.run.engine_log, "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "loopwatch.engine", str(self.run.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill_one(self) -> None:
        """Start an engine, and kill it: one in four while it starts, the others soon after their first step."""
        began, engine = time.monotonic(), self.engine()
        if self.chance.random() < 0.25:
            time.sleep(self.chance.uniform(0.005, 0.6))
        else:
            self._first_step(engine)
            self.next_steps.append(time.monotonic() - began)
            time.sleep(self.chance.uniform(0.0, 1.5))
        self._kill(engine)

    def end(self) -> None:
        """Let an engine work to its end, which somebody asks for."""
        engine = self.engine()
        self._first_step(engine)
        viewer = Viewer(self.run, name="benchmark")
        viewer.ask(Stop())
        viewer.close()
        if engine.wait(120) != 0:
            self.repairs.append(f"the last engine ended with {engine.returncode}")

    def _first_step(self, engine: subprocess.Popen[bytes]) -> None:
        viewer = Viewer(self.run, name="benchmark")
        try:
            last = max((e.seq for e in viewer.poll() if isinstance(e.fact, EngineStarted)), default=0)
            pid = 0

            def stepped() -> bool:
                nonlocal last, pid
                for entry in viewer.poll():
                    if isinstance(entry.fact, EngineStarted):
                        pid = entry.fact.pid
                    elif pid == engine.pid and not isinstance(entry.fact, _NO_STEP):
                        return True
                return engine.poll() is not None

            assert viewer.state.engine is None or viewer.state.engine.pid != engine.pid, "it was too quick to be seen"
            _until(stepped)
        finally:
            viewer.close()

    def _kill(self, engine: subprocess.Popen[bytes]) -> None:
        if engine.poll() is not None:  # nobody killed it: somebody would have to see why
            self.repairs.append(f"an engine ended by itself with {engine.returncode}")
            return
        victims = [engine.pid, *(_tree(engine.pid) if self.chance.random() < 0.33 else ())]
        for pid in self.chance.sample(victims, len(victims)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        engine.wait()


def _tree(pid: int) -> list[int]:
    """All that a process started, and what that started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _until(fact: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.002)


def judged(run: Run, truth: Path) -> tuple[int, int, list[str]]:
    """Experiments lost, experiments or attempts that were counted twice, and what an audit says."""
    viewer = Viewer(run, name="benchmark")
    facts = [entry.fact for entry in viewer.poll()]
    viewer.close()
    verdicts = Counter(fact.experiment for fact in facts if isinstance(fact, Judged))
    settled = Counter(fact.experiment for fact in facts if isinstance(fact, Settled))
    started = Counter(f"{fact.experiment:04d}-{fact.attempt}" for fact in facts if isinstance(fact, Started))
    trained = Counter(name for name in truth.read_text().split() if int(name.partition("-")[2]) < 1000)
    everyone = set(range(1, max(verdicts, default=0) + 1))
    lost = len(everyone - verdicts.keys()) + len(everyone - settled.keys()) + len(trained.keys() - started.keys())
    lost += len(everyone - {int(name.partition("-")[0]) for name in trained})
    doubled = sum(count - 1 for counter in (verdicts, settled, started, trained) for count in counter.values())
    found = client.audit(run, progress=lambda *_: None)
    note(f"{len(verdicts)} experiments, {sum(trained.values())} trainings, {len(facts)} facts")
    return lost, doubled, [one.text for one in found.disagreements]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    kills = 40 if chosen.quick else chosen.kills
    heading(f"kills: {kills} random kill -9, a third of them of engine, keepers and experiments together")
    chance = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
        folder = Path(scratch)
        os.environ.update(environment(folder))
        killer = Killer(made(folder, chance, 10 * kills + 10), chance)
        for number in range(kills):
            killer.kill_one()
            if number % 50 == 49:
                note(f"{number + 1} kills, load {load():.1f}")
        killer.end()
        lost, doubled, disagreements = judged(killer.run, folder / "truth")
    for text in (*killer.repairs, *disagreements):
        note(text)
    told = "met" if not (lost or doubled or killer.repairs or disagreements) else "MISSED"
    print(
        f"{kills} kills: {lost} lost, {doubled} duplicated, {len(killer.repairs)} repairs by hand, "
        f"{len(disagreements)} disagreements   load {load():4.1f}   aim 0: {told}",
        flush=True,
    )
    tell("start of an engine to its next step", killer.next_steps, "s", Aim(NEXT_STEP_SECONDS, "p95"), digits=2)
    print(f"   p99 {percentile(killer.next_steps, 99):.2f} s   aim p99 ≤ {NEXT_STEP_SECONDS:g} s", flush=True)


if __name__ == "__main__":
    main()
