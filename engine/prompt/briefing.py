"""From a run, as its facts say it is, to the brief for the next proposal.

The desk uses it before a proposer is asked, and the viewers' door to show what would be asked: the same state gives the same
brief, to the byte.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from ..config import RunConfig
from ..events import Proposing, Reviewed
from ..state import Experiment, State
from ..task import Task
from ..telemetry import Point
from .brief import Brief
from .diagnostics import diagnostics

LOG_BYTES = 4000
"""Of the end of a log, where a script sums up."""


def begun(state: State, number: int, revision: int, comment: str, *, proposer: str, agent: str = "") -> Proposing:
    """The fact that a proposer is asked, with the notes that enter its prompt."""
    notes = () if number == 1 else tuple(note.number for note in state.unread_notes())
    return Proposing(experiment=number, revision=revision, proposer=proposer, agent=agent, notes=notes, comment=comment)


def brief_for(
    state: State,
    experiment: Experiment,
    *,
    task: Task,
    config: RunConfig,
    sources: Mapping[str, str],
    points: Callable[[int], Sequence[Point]],
    run_dir: Path,
) -> Brief:
    """The brief for an experiment that was begun.

    sources  the editable files as they are in the best experiment
    points   an experiment's curve
    """
    # Those of an earlier revision or request too: whoever proposes now has not read them.
    notes = tuple(note.text for note in state.notes.values() if note.read_in == experiment.number)
    return Brief(
        experiment=experiment.number,
        revision=experiment.revision,
        task=task,
        program=state.program.text if state.program else "",
        sources=sources,
        history=tuple(e for e in state.experiments.values() if e.verdict is not None),
        best=state.best_value,
        notes=notes,
        comment=experiment.comment,
        seed=config.seed,
        sent_back=experiment if experiment.comment and experiment.diff else None,
        diagnostics=diagnostics(state, points, lambda one: end_of_log(run_dir, one)),
        review=_words(state),
        memory="review" if config.strategy.partition(":")[0] == "reviewer" else "history",
        sigma=state.noise.sigma,
        hints=_hints(state),
    )


def end_of_log(run_dir: Path, experiment: Experiment) -> str:
    """The end of what an experiment's last attempt printed; "" when that is gone."""
    path = run_dir / "logs" / f"{experiment.number:04d}-{experiment.attempt}.log"
    try:
        with open(path, "rb") as log:
            log.seek(max(0, path.stat().st_size - LOG_BYTES))
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _words(state: State) -> str:
    """What the reviewer said last, unless a person muted it."""
    reviews = [e.review for e in state.experiments.values() if e.review]
    return "" if state.muted_by or not reviews else _told(reviews[-1])


def _hints(state: State) -> Mapping[str, JsonValue]:
    """What follows from the last review, unless a person muted the reviewer."""
    reviews = [e.review for e in state.experiments.values() if e.review]
    return {} if state.muted_by or not reviews else reviews[-1].hints


def _told(review: Reviewed) -> str:
    pattern = f"\npattern: {review.pattern_detected}" if review.pattern_detected else ""
    return (
        f"on #{review.experiment}: {review.issue_type} ({review.severity}, confidence {review.confidence:.0%})\n"
        f"fix: {review.fix_suggestion}{pattern}"
    )
