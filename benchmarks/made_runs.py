"""Runs that were never run: real ledgers and telemetry of any length, written in bulk through the engine's own classes."""

import fcntl
import hashlib
import math
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from loopwatch.engine import events
from loopwatch.engine.client import Run
from loopwatch.engine.config import RunConfig
from loopwatch.engine.events import AnyFact
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.records import Sample
from loopwatch.engine.task import Budget, Metric
from loopwatch.engine.telemetry import Telemetry

BUDGET_SECONDS = 60.0
BASELINE_LOSS = 3.2
KEPT_SHARE = 0.15
FACTS_AT_ONCE = 6000

_DIFF = """\
--- a/train.py
+++ b/train.py
@@ -10,9 +10,11 @@
 DEPTH = 8
 ASPECT_RATIO = 64
 HEAD_DIM = 128
-MATRIX_LR = 0.04
+MATRIX_LR = {lr:.5f}
 WEIGHT_DECAY = 0.2
-ADAM_BETAS = (0.8, 0.95)
+ADAM_BETAS = (0.9, {beta:.4f})
 WARMUP_RATIO = 0.0
+# A short warm-up, because the larger rate made the first steps noisy.
+WARMUP_STEPS = {steps}
 WARMDOWN_RATIO = 0.5
 FINAL_LR_FRAC = 0.0
"""


def environment(home: Path) -> dict[str, str]:
    """What makes a command look at these runs."""
    return {"LOOPWATCH_HOME": str(home)}


def make_run(home: Path, *, experiments: int, samples: int, running: bool, name: str = "made") -> Run:
    """A run of so many settled experiments with so many samples each; with `running`, one more that trains.

    The same arguments make the same facts.
    """
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    config = RunConfig(run=name, task="made", by="benchmark")
    (folder / "run.json").write_text(config.model_dump_json(indent=1), encoding="utf-8")
    facts = [*_opening(config), *(fact for number in range(1, experiments + 1) for fact in _life(number))]
    if running:
        facts += _life(experiments + 1)[:6]
    ledger, telemetry = Ledger.of(folder), Telemetry.of(folder)
    for start in range(0, len(facts), FACTS_AT_ONCE):
        ledger.append(*facts[start : start + FACTS_AT_ONCE])
    for number in range(1, experiments + 1):
        telemetry.add_samples(number, 1, BUDGET_SECONDS, curve(number, samples))
        telemetry.add_thought(number, f"Experiment {number}: the last gain came from the learning rate. Go on there.\n")
        if number % 100 == 0:
            telemetry.flush()
    ledger.close()
    telemetry.close()
    return Run(folder)


@contextmanager
def engine_of(run: Run) -> Iterator[IO[str]]:
    """Hold the run's lock, as an engine does, so that viewers take it for one at work."""
    with open(run.folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def curve(seed: int, steps: int, *, first: int = 0, of: int | None = None) -> Iterator[Sample]:
    """The samples `first` to `first + steps` of a training of `of` steps: a falling loss with noise."""
    whole = of or steps
    chance = random.Random(seed * 1_000_003 + first)
    for step in range(first + 1, first + steps + 1):
        progress = step / whole
        loss = 2.9 + 5 * math.exp(-12 * progress) + chance.gauss(0, 0.03) - 0.2 * progress
        yield Sample(step=step, progress=progress, loss=loss, lr_multiplier=1.0, speed=25_000.0)


def _opening(config: RunConfig) -> list[AnyFact]:
    metric = Metric(name="val_bpb", direction="down", unit="bits per byte", low=0.3, high=8.5, noise=0.008)
    budget = Budget(kind="wall_seconds", amount=BUDGET_SECONDS, wall_seconds=300)
    opened = events.RunOpened(
        run=config.run, task="made", metric=metric, budget=budget, config=config, base_commit="0" * 40
    )
    return [opened, events.EngineStarted(pid=os.getpid(), host="here", versions=_VERSIONS)]


_VERSIONS: Mapping[str, str] = {"loopwatch": "0", "python": "3"}


def _life(number: int) -> list[AnyFact]:
    """The twelve facts of an experiment that a person was asked about twice."""
    chance = random.Random(number)
    diff = _DIFF.format(lr=chance.uniform(0.01, 0.1), beta=chance.uniform(0.9, 0.99), steps=chance.randrange(10, 200))
    digest = hashlib.sha256(diff.encode()).hexdigest()
    commit = hashlib.sha1(diff.encode()).hexdigest()
    kept = number == 1 or chance.random() < KEPT_SHARE
    value = BASELINE_LOSS - 0.0005 * number + (0.0 if kept else chance.uniform(0.001, 0.2))
    asks = [f"ask-{number}-{gate}" for gate in ("apply", "verdict")]
    about = {"experiment": number}
    return [
        events.Proposing(**about, revision=1, proposer="random"),
        events.Proposed(
            **about,
            revision=1,
            author="random",
            hypothesis=f"a larger matrix learning rate with a warm-up of {chance.randrange(10, 200)} steps helps",
            mechanism="the optimiser is under-stepping in the middle of training, as the flat gradient norm shows",
            diff=diff,
            digest=digest,
            parent="0" * 40,
            paths=("train.py",),
            added=4,
            removed=2,
        ),
        events.Asked(ask=asks[0], **about, gate="apply", question="may it run?", digest=digest, policy="ask"),
        events.Decided(ask=asks[0], **about, gate="apply", answer="approve", by="you", person=True, digest=digest),
        events.Applied(**about, digest=digest),
        events.Started(**about, attempt=1, seed=1, warm=True),
        events.Finished(
            **about, attempt=1, reason="exited", exit_code=0, wall_seconds=60.2, cpu_seconds=59.1, peak_memory_mb=410
        ),
        events.Measured(**about, attempt=1, value=value, evaluate_seconds=2.1),
        events.Asked(ask=asks[1], **about, gate="verdict", question="keep it?", digest=digest, policy="ask"),
        events.Decided(ask=asks[1], **about, gate="verdict", answer="accept", by="you", person=True),
        events.Judged(
            **about,
            verdict="kept" if kept else "discarded",
            value=value,
            gain=None if number == 1 else BASELINE_LOSS - value,
            sigma=None if number == 1 else (BASELINE_LOSS - value) / 0.008,
            reason=f"{value:.6f} against the best so far",
            by="judge",
            commit=commit,
        ),
        events.Settled(**about, best_commit=commit),
    ]
