"""One real run: its own engine, the real runner, no person; followed from its task to its last process."""

import json
import math
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import client
from ..client import Run
from ..config import Gates, RunConfig, StopConditions, Tier
from ..errors import LoopwatchError
from ..events import Entry, Finished, RepeatMeasured, RepeatStarted, Started, Stopped
from ..state import Experiment, State

LOOK_SECONDS = 0.02
_ATTENDED_BY_NOBODY = Gates(tool="auto", apply="auto", run="off", verdict="auto")


@dataclass(frozen=True, slots=True)
class Told:
    """A run that is over."""

    run: Run
    state: State
    entries: tuple[Entry, ...]

    @property
    def candidates(self) -> list[Experiment]:
        """Every experiment after the baseline that came to a verdict."""
        there = self.state.experiments.values()
        return [experiment for experiment in there if not experiment.is_baseline and experiment.verdict is not None]

    @property
    def trainings(self) -> int:
        """How many there were of whatever kind, without the crippled control."""
        started = sum(isinstance(entry.fact, Started) for entry in self.entries)
        return started + sum(len(experiment.repeats) for experiment in self.state.experiments.values())

    @property
    def times(self) -> list[tuple[float, float]]:
        """When each training after the baseline began and ended."""
        spans: list[tuple[float, float]] = []
        for entry in self.entries:
            match entry.fact:
                case Started() | RepeatStarted() if entry.fact.experiment > 1:
                    spans.append((entry.at, math.inf))
                case Finished() | RepeatMeasured() if spans and entry.fact.experiment > 1:
                    spans[-1] = (spans[-1][0], entry.at)
                case _:
                    pass
        return spans

    @property
    def ending(self) -> Stopped:
        """Why it ended."""
        last = self.entries[-1].fact if self.entries else None
        return last if isinstance(last, Stopped) else Stopped(because="engine_failed", detail=self.said)

    @property
    def said(self) -> str:
        """The last that its engine said."""
        try:
            lines = self.run.engine_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "the engine said nothing"


def change(what: str, **line: Any) -> dict[str, Any]:
    """One line of a script."""
    return {"hypothesis": what, "mechanism": "a test of the harness", **line}


def night(
    task: str,
    folder: Path,
    *,
    script: Sequence[Mapping[str, Any]] | None = None,
    experiments: int | None = None,
    tier: Tier | None = None,
    seconds: float = 3600,
    before: Callable[[Run], None] = lambda run: None,
    watch: Callable[[State], None] = lambda state: None,
    **settings: Any,
) -> Told:
    """Make a run, let it work until it ends by itself, and tell what came of it.

    script       what is proposed, one experiment after the other; random search when absent
    experiments  when it ends, the baseline counted
    tier         the containment that is wanted, no less and no more; the best there is when absent
    before       is told the run's folder before the engine starts
    watch        is told every new state
    """
    proposer = "random"
    if script is not None:
        lines = folder / "script.jsonl"
        lines.write_text("".join(json.dumps(line) + "\n" for line in script), encoding="utf-8")
        proposer = f"scripted:{lines}"

    def settle(name: str) -> RunConfig:
        return RunConfig(
            run=name,
            task=task,
            proposer=proposer,
            gates=_ATTENDED_BY_NOBODY,
            stop=StopConditions(experiments=experiments, failures=None),
            **({"sandbox": tier} if tier else {}),
            by="selftest",
            **{"forecaster": "never", **settings},
        )

    run = client.create("selftest", settle)
    before(run)
    client.start(run, at_most=tier)
    return _followed(run, time.monotonic() + seconds, watch)


def _followed(run: Run, deadline: float, watch: Callable[[State], None]) -> Told:
    viewer, entries = client.Viewer(run, name="selftest"), list[Entry]()
    try:
        while True:
            alive = run.is_alive
            if new := viewer.poll():
                entries += new
                watch(viewer.state)
            elif not alive:
                return Told(run, viewer.state, tuple(entries))
            elif time.monotonic() > deadline:
                raise LoopwatchError(f"the run {run.folder} did not come to its end")
            else:
                time.sleep(LOOK_SECONDS)
    finally:
        engine = viewer.state.engine
        viewer.close()
        if engine is not None and run.is_alive:  # we are being stopped; its keepers take the rest with it
            os.kill(engine.pid, signal.SIGKILL)
