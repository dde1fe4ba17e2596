"""`loopwatch noise TASK`: how much do identical trainings of a task differ, here and now?"""

import sys
from argparse import Namespace
from contextlib import redirect_stdout
from typing import Final

from loopwatch.engine import client, task
from loopwatch.engine.config import Gates, RunConfig
from loopwatch.engine.state import State

from . import certainty, headless, words
from .exits import Exit
from .facts import dump, noise_json
from .headless import say
from .starting import checked, read_state

REPEATS: Final = 5


def noise(args: Namespace) -> int:
    """Start a run that does nothing else, follow it, and say what it found."""
    found = task.load(args.task)
    settings = {
        "task": str(found.folder),
        "strategy": "noise",
        "noise_repeats": REPEATS if args.repeats is None else args.repeats,
        "gates": Gates(apply="auto", run="off", verdict="auto", tool="auto"),
        "seed": args.seed,
        "sandbox": args.sandbox,
        "by": client.me(),
    }
    given = {name: value for name, value in settings.items() if value is not None}
    made = client.create(f"{found.name}-noise", lambda name: checked(RunConfig, run=name, **given))
    with redirect_stdout(sys.stderr):  # the progress is talk, what was found is the data
        code = headless.follow(made, start=lambda: client.start(made))
    state = read_state(made)
    if code == Exit.OK:
        say(dump(noise_json(state), indent=2) if args.json else "\n".join(told(state)))
    return code


def told(state: State) -> list[str]:
    """What was measured, and the line for task.toml."""
    baseline = state.baseline
    lines = [certainty.noise(state)]
    if baseline and baseline.repeats:
        lines.append(
            f"{words.one_line(state.metric.name)}: {', '.join(words.number(value) for value in baseline.values)}"
        )
    declared, known = state.noise.declared, state.noise
    if known.sigma is not None and known.is_measured:
        said = "nothing" if declared is None else f"{declared:g}"
        lines.append(f"for [metric] in task.toml, which says {said} now: noise = {known.sigma:.2g}")
    return lines
