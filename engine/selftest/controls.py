"""Runs whose truth is known: nothing changes, the metric never moves, all is noise, the policy is chance.

Each answers with sentences that a person can check, and with figures for programs.
"""

import math
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..config import Tier
from ..errors import ConfigError
from ..findings import Check
from ..state import State
from ..task import Task, load
from .night import Told, change, night
from .traps import end, survivors

Progress = Callable[[int, int, str], None]

STATED = 0.12 / 60
"""Confirmed false gains per experiment that a run may be expected to have; `benchmarks/null_loop.py` measures it."""
HARDLY_CHANCE = 0.01
"""What happens with less than this chance, if the bound holds, is held against the rules."""
EXPERIMENTS = {"null": 20, "noise": 60, "random": 12}
SAME = 3
"""Equal numbers after which a constant metric has to be noticed, where no control can show it."""
_NAME = "LOOPWATCH_NULL"

_TASK = """\
name = "{name}"
description = "{name}, for a test of the harness"
editable = ["train.py"]
frozen = ["evaluate.py"]

[metric]
name = "score"
direction = "up"
low = -1000
high = 1000

[budget]
kind = "steps"
amount = 1
wall_seconds = 20
grace_seconds = 0

[run]
command = ["{{python}}", "train.py"]

[evaluate]
command = ["{{python}}", "-I", "-S", "-B", "evaluate.py"]
seconds = 10
artefacts = ["score.json"]
{more}
"""
_CONTROL = '[control]\nset = { "train.py" = { LEARNS = false } }\n'

_TRAIN = """\
import json
import os
import random
from pathlib import Path

EDIT = 0
LEARNS = True

chance = random.Random(f"{EDIT} {os.environ['LOOPWATCH_SEED']}")
score = chance.gauss(10.0 if LEARNS else 0.0, 1.0)
(Path(os.environ["LOOPWATCH_OUT"]) / "score.json").write_text(json.dumps({"score": score}))
"""

_EVALUATE = """\
import json
import os
from pathlib import Path

score = json.loads((Path(os.environ["LOOPWATCH_OUT"]) / "score.json").read_text())["score"]
assert isinstance(score, float)
print(f"score: SCORE")
"""


class Controls:
    """The trials that are no corpus, in one folder."""

    def __init__(self, folder: Path, *, tier: Tier | None, progress: Progress) -> None:
        """`folder` takes what they need; `tier` is the containment that they run in, the best when absent."""
        self._folder, self._tier, self._progress = folder, tier, progress
        self.ran: State | None = None

    def null(self, name: str, experiments: int) -> list[Check]:
        """Edits of a task that change nothing that matters."""
        task = load(name)
        file = next((path for path in task.editable if path.endswith(".py")), None)
        if file is None:
            raise ConfigError(f"task {task.name} has no editable .py file that an edit without effect could be made in")
        copy = self._folder / task.name
        shutil.copytree(task.folder, copy, ignore=shutil.ignore_patterns("__pycache__", ".git"))
        with (copy / file).open("a", encoding="utf-8") as text:
            text.write(f"\n\n{_NAME} = 0\n")
        script = (change(f"nothing, the {n}. time", set={file: {_NAME: n}}) for n in range(1, experiments))
        told = self._night(str(copy), experiments, script=list(script))
        return [*_tried(told, experiments), *_gains(told, f"edits of {task.name} that change nothing"), _left()]

    def noise(self, experiments: int) -> list[Check]:
        """A metric that is chance alone."""
        self._made("noise", "{score!r}", _CONTROL)
        script = [change(f"another draw, the {n}.", set={"train.py": {"EDIT": n}}) for n in range(1, experiments)]
        told = self._night(str(self._folder / "noise"), experiments, script=script)
        return [*_tried(told, experiments), *_gains(told, "draws from one distribution"), _left()]

    def constant(self) -> list[Check]:
        """An evaluator that prints one number whatever was trained: with a crippled control, and without."""
        script = [change(f"another program, the {n}.", set={"train.py": {"EDIT": n}}) for n in range(1, 2 * SAME)]
        self._made("constant", "0.5", _CONTROL)
        told = self._night(str(self._folder / "constant"), len(script), script=script, noise_repeats=1)
        refused = told.ending.because == "control_failed" and not told.candidates
        with_control = Check(
            name="with a control",
            ok=refused,
            sentence=f"The run did not start: {told.ending.detail}."
            if refused
            else f"Nobody noticed: {len(told.candidates)} experiments were judged by a metric that never moves.",
            figures={"experiments": len(told.candidates)},
        )
        self._made("constant-bare", "0.5", "")
        told = self._night(str(self._folder / "constant-bare"), len(script), script=script, noise_repeats=1)
        return [with_control, _noticed(told), _left()]

    def random(self, name: str, experiments: int) -> list[Check]:
        """Random search, the policy that cannot cheat."""
        task: Task = load(name)
        if not task.hyperparameter:
            raise ConfigError(f"task {task.name} declares no hyperparameters, so there is nothing to search at random")
        told = self._night(name, experiments, seed=random.randrange(1000))
        judged = [e for e in told.candidates if e.measured is not None]
        valid = [e for e in judged if e.measured and e.measured.outcome == "valid"]
        # A learning rate may be too large: what diverges is no fault of the harness. What it calls a fraud would be.
        accused = [e for e in told.candidates if e.flags or e.quarantined or e.verdict == "voided"]
        return [
            *_tried(told, experiments),
            Check(
                name="honest",
                ok=not accused,
                sentence=f"{_count(len(accused), 'honest experiment')} of {len(told.candidates)} looked like a fraud"
                + "".join(f"; #{e.number}: {'; '.join(e.flags) or e.reason}" for e in accused[:3])
                + ".",
                figures={"accused": len(accused), "experiments": len(told.candidates)},
            ),
            Check(
                name="valid",
                ok=2 * len(valid) > len(judged),
                sentence=f"{len(valid)} of {len(judged)} experiments gave a number that may be believed.",
                figures={"valid": len(valid), "measured": len(judged)},
            ),
            _left(),
        ]

    def _made(self, name: str, score: str, more: str) -> None:
        folder = self._folder / name
        folder.mkdir()
        (folder / "task.toml").write_text(_TASK.format(name=name, more=more))
        (folder / "train.py").write_text(_TRAIN)
        (folder / "evaluate.py").write_text(_EVALUATE.replace("SCORE", score))
        (folder / "program.md").write_text("Make the score bigger.\n")

    def _night(self, task: str, experiments: int, **settings: Any) -> Told:
        def watch(state: State) -> None:
            running = f"#{len(state.experiments)}"
            if state.repeating:
                running = f"#{state.repeating[0]} again"
            self._progress(max(0, len(state.experiments) - 1), experiments, running)

        told = night(task, self._folder, experiments=experiments, tier=self._tier, watch=watch, **settings)
        self.ran = self.ran or told.state
        return told


def _tried(told: Told, experiments: int) -> Iterator[Check]:
    """Nothing where it ran to its end; else why it did not."""
    if told.ending.because not in ("experiments", "nothing_to_propose", "target"):
        done = f"The run ended after {len(told.candidates)} of {experiments - 1} proposals"
        yield Check(name="ran", ok=False, sentence=f"{done}: {told.ending.detail or told.ending.because}.")


def _gains(told: Told, what: str) -> Iterator[Check]:
    tried = [e for e in told.candidates if e.measured is not None]
    kept = [e for e in tried if e.verdict == "kept"]
    confirmed = [e for e in kept if e.confirmed]
    bound = STATED * len(tried)
    chance = _at_least(len(confirmed), bound)
    sigma = told.state.noise.sigma
    per_experiment = told.trainings / (len(tried) + 1)
    words = (
        f"Of {len(tried)} {what}, {len(confirmed)} {'was' if len(confirmed) == 1 else 'were'} confirmed as gains and "
        f"{len(kept) - len(confirmed)} kept for now; stated are at most {bound:.2f} confirmed on average"
    )
    yield Check(
        name="false gains",
        ok=bool(tried) and chance >= HARDLY_CHANCE,
        sentence=f"{words}. That took {told.trainings} trainings, {per_experiment:.1f} per experiment.",
        figures={
            "experiments": len(tried),
            "kept": len(kept),
            "confirmed": len(confirmed),
            "stated": bound,
            "trainings": told.trainings,
            "sigma": sigma if sigma is not None else math.nan,
        },
    )
    flagged = [e for e in tried if e.flags]
    yield Check(
        name="flags",
        ok=True,
        sentence=f"{_count(len(flagged), 'experiment')} looked odd"
        + "".join(f"; #{e.number}: {e.flags[0]}" for e in flagged[:3])
        + ".",
        figures={"flagged": len(flagged)},
    )


def _noticed(told: Told) -> Check:
    """Where no control is declared: a flag after a few equal numbers, or the end of the run, and nothing confirmed."""
    flagged = next((e for e in told.candidates if e.flags), None)
    # The baseline is the first of the equal ones.
    soon = flagged is not None and flagged.number <= SAME + 1
    gains = [e for e in told.candidates if e.verdict == "kept"]
    words = f"#{flagged.number}: {flagged.flags[0]}" if flagged else "nobody noticed that the metric never moves"
    return Check(
        name="without a control",
        ok=soon and not gains,
        sentence=f"Without a control, {words}; {len(gains)} of {len(told.candidates)} were kept.",
        figures={"kept": len(gains), "experiments": len(told.candidates)},
    )


def _left() -> Check:
    outlived = survivors()
    end(outlived)
    return Check(
        name="survivors",
        ok=not outlived,
        sentence=f"{_count(len(outlived), 'process')} outlived the run"
        + "".join(f"; {words}" for words in outlived.values())
        + ".",
        figures={"survivors": len(outlived)},
    )


def _at_least(count: int, mean: float) -> float:
    """The chance of so many or more, if they come by chance and so many are expected."""
    fewer = math.fsum(mean**k / math.factorial(k) for k in range(count)) * math.exp(-mean)
    return max(0.0, 1 - fewer)


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}" + ("" if number == 1 else "es" if what.endswith("s") else "s")
