"""What makes an experiment's number hard to believe, from what a run knows of it and of those before. Pure."""

from collections.abc import Callable
from dataclasses import replace

from ..events import Measured
from ..state import Experiment, State
from ..task import Task
from .flags import Flag, Result, flags
from .touches import touched

LONGEST_HISTORY = 100
"""Earlier experiments that are looked at."""

Losses = Callable[[int, int], tuple[float, ...]]
"""What an attempt of an experiment printed of its loss."""


def doubts(
    state: State,
    experiment: Experiment,
    measured: Measured,
    task: Task,
    losses: Losses,
) -> tuple[Flag, ...]:
    """What is odd about an experiment that was measured.

    losses  what an attempt of an experiment printed
    """
    if measured.value is None or experiment.is_baseline:
        return ()
    best, metric = state.best_experiment, task.metric
    is_win = best is not None and metric.gain(measured.value, state.best_value or 0.0) > 0
    judged = [e for e in state.experiments.values() if e.verdict in ("kept", "discarded") and not e.quarantined]
    # A number on other tests is another number: neither a jump nor a constant is one across a change of the suite.
    known = [e for e in judged if e.suite == measured.suite and e.score is not None]
    past = [_result(e, losses if is_win else _nothing) for e in known[-LONGEST_HISTORY:]]
    now = Result(
        experiment.number,
        measured.value,
        _program(experiment, measured),
        losses=losses(experiment.number, measured.attempt),
    )
    # The best is worth what its repeats say, not the number that it was chosen for.
    to_beat = next(
        (replace(r, value=state.best_value or r.value) for r in past if best and r.number == best.number), None
    )
    control = state.control.value if state.control and not measured.suite else None
    grown = measured.suite > 0
    found = flags(metric, now, past, best=to_beat, sigma=state.noise.sigma, control=control, grown=grown)
    return found + (touched(experiment.diff, metric, task.frozen) if is_win else ())


def _result(experiment: Experiment, losses: Losses) -> Result:
    assert experiment.score is not None, "only what was measured is compared"
    program = _program(experiment, experiment.measured)
    printed = losses(experiment.number, experiment.attempt)
    return Result(experiment.number, experiment.score, program, experiment.verdict == "kept", printed)


def _program(experiment: Experiment, measured: Measured | None) -> str:
    """Programs that train the same model are one."""
    artefacts = measured.artefacts if measured else {}
    return " ".join(sorted(artefacts.values())) or experiment.fingerprint or str(experiment.number)


def _nothing(_experiment: int, _attempt: int) -> tuple[float, ...]:
    return ()
