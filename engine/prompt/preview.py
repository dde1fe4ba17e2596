"""The prompt that an experiment had, or that the next one will have: read only, beside a running engine or none.

It goes the engine's own way: the fact that a proposer is asked is folded into a state of its own, and from there the same brief
makes the same prompt, to the byte, as long as nothing else happens before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..config import RunConfig
from ..errors import RunNotFound, TaskError
from ..events import Briefed, Entry
from ..repository.workspace import Workspace
from ..state import Experiment, State
from ..task import load
from ..telemetry import Point
from .brief import compose
from .briefing import begun, brief_for


@dataclass(frozen=True, slots=True)
class Preview:
    """A prompt, and what is known of it."""

    experiment: int
    revision: int
    text: str
    digest: str
    tokens: int
    """Estimated."""
    left_out: tuple[str, ...]
    given: bool
    """A proposer was given it; else one would be."""
    awaits: int | None = None
    """An experiment that is not settled: what becomes of it will be in the prompt too."""


def given(run_dir: Path, experiment: Experiment) -> Preview:
    """The prompt that an experiment had; RunNotFound when it had none, or its file is gone."""
    briefed = experiment.brief
    if briefed is None:
        raise RunNotFound(f"#{experiment.number} had no prompt: it was proposed without a model")
    return _given(run_dir, experiment, briefed)


def upcoming(
    run_dir: Path, config: RunConfig, state: State, points: Callable[[int], Sequence[Point]], *, alive: bool
) -> Preview:
    """The next prompt; the one that is being answered, where an engine waits for a proposer. `state` is changed."""
    if state.opened is None:
        raise RunNotFound(f"{run_dir.name} has not begun yet, so there is nothing to tell a proposer")
    current = state.current
    thinking = current if current and current.step == "proposing" and not current.is_baseline else None
    if alive and thinking and thinking.brief:
        return _given(run_dir, thinking, thinking.brief)
    awaits = current.number if current and not thinking else None
    number = thinking.number if thinking else max(2, len(state.experiments) + 1)
    if not (alive and thinking):  # else it is begun already
        revision, comment = (thinking.revision, thinking.comment) if thinking else (1, "")
        fact = begun(state, number, revision, comment, proposer=config.proposer.partition(":")[0])
        state.apply(Entry(state.seq, state.at, fact))
    workspace = Workspace.look(run_dir)
    try:
        task = load(str(workspace.pristine_folder)).with_budget(state.opened.budget)
        brief = brief_for(
            state, state.experiments[number], task=task, config=config,
            sources=workspace.sources(state.best_commit), points=points, run_dir=run_dir,
        )  # fmt: skip
    except TaskError as error:
        raise TaskError(f"the engine is just restoring the task's folder; try again ({error})") from None
    finally:
        workspace.close()
    prompt = compose(brief)
    return Preview(
        number, brief.revision, prompt.text, prompt.digest, prompt.tokens, prompt.left_out, given=False, awaits=awaits
    )


def _given(run_dir: Path, experiment: Experiment, briefed: Briefed) -> Preview:
    try:
        text = (run_dir / "briefs" / f"{briefed.digest}.txt").read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise RunNotFound(f"the prompt of #{experiment.number} cannot be read: {error.strerror}") from None
    if sha256(text.encode()).hexdigest() != briefed.digest:
        raise RunNotFound(f"the prompt of #{experiment.number} was changed after it was given: {briefed.digest}.txt")
    return Preview(
        experiment.number, briefed.revision, text, briefed.digest, briefed.tokens, briefed.left_out, given=True
    )
