"""The notebook, for agents that run a loop of their own: hypothesis, experiment, result, context, failures.

What is printed is as plain as can be, because programs read it: a name after a hypothesis or an experiment, the verdict after
a result, a line for each experiment that is remembered.
"""

import json
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from loopwatch.engine import client
from loopwatch.engine.client import Viewer
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.events import Mechanism
from loopwatch.engine.trials import Trial, recall

from . import words
from .exits import Exit
from .facts import Json, dump, utc
from .headless import say, talk

if TYPE_CHECKING:
    from loopwatch.engine.client import Notebook

RECENT: Final = 20
_MARK: Final = "# lab: the notebook of the repository that it is called in, kept by loopwatch"


class Memory(NamedTuple):
    """What is remembered, and of what."""

    of: str
    trials: Sequence[Trial]
    by_task: bool
    """Whether each line says which task it belongs to."""


def hypothesis(args: Namespace) -> int:
    """`loopwatch lab hypothesis TITLE -m MECHANISM`."""
    say(_notebook().state(args.title, args.mechanism, by=client.me()))
    return Exit.OK


def experiment(args: Namespace) -> int:
    """`loopwatch lab experiment HYPOTHESIS`."""
    say(_notebook().begin(args.hypothesis, by=client.me()))
    return Exit.OK


def result(args: Namespace) -> int:
    """`loopwatch lab result EXPERIMENT -v VERDICT`."""
    held: Mechanism = args.held or "open"
    _notebook().end(
        args.experiment, args.verdict, metrics=args.metrics, mechanism=held, theory=args.theory_revision, by=client.me()
    )
    say(args.verdict)
    return Exit.OK


def context(args: Namespace) -> int:
    """`loopwatch lab context`: the last experiments, oldest first."""
    memory = _memory(args.run)
    recent = memory.trials[-RECENT:]
    if args.json:
        say(dump([_json(trial) for trial in recent], indent=1))
        return Exit.OK
    count = len(memory.trials)
    last = f", the last {len(recent)}" if count > len(recent) else ""
    say(f"{memory.of}: {count} experiment{'' if count == 1 else 's'}{last}")
    _tell(recent, memory)
    return Exit.OK


def failures(args: Namespace) -> int:
    """`loopwatch lab failures`: what was tried and is not worth trying again, oldest first."""
    memory = _memory(args.run)
    failed = [trial for trial in memory.trials if trial.failed]
    if args.json:
        say(dump([_json(trial) for trial in failed], indent=1))
    elif not failed:
        say(f"{memory.of}: no experiment has failed")
    else:
        _tell(failed, memory)
    return Exit.OK


def take_in(args: Namespace) -> int:
    """`loopwatch lab import FILE`."""
    taken = _notebook().take_in(Path(args.file), by=client.me())
    say(f"added: {taken.hypotheses} hypotheses, {taken.trials} experiments, {taken.results} results")
    for before, name in taken.renamed.items():
        say(f"renamed: {words.one_line(before)} is {name} here")
    if taken.orphans:
        say(f"left out: {taken.orphans} that belong to nothing in the file")
    return Exit.OK


def shim(args: Namespace) -> int:
    """`loopwatch lab shim DIR`: write a program named `lab` that stands for `loopwatch lab`."""
    path = Path(args.folder) / "lab"
    call = shlex.join([sys.executable, "-P", "-m", "loopwatch.tui.cli", "lab"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path) and _MARK.encode() not in path.read_bytes()[:1000]:
            raise ConfigError(f"{path} is there already, and is not ours; move it away first")
        draft = path.with_name(".lab.new")
        draft.write_text(f'#!/bin/sh\n{_MARK}\nexec {call} "$@"\n', encoding="utf-8")
        draft.chmod(0o755)
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; name another folder") from None
    say(str(path))
    talk("an agent that finds it on its PATH, or calls it by its path, needs nothing else")
    return Exit.OK


def _notebook() -> "Notebook":
    return client.notebook(Path.cwd())


def _memory(named: str | None) -> Memory:
    if run := named or os.environ.get("LOOPWATCH_RUN"):
        with closing(Viewer(client.find(run), name="lab")) as viewer:
            viewer.poll()
            return Memory(words.one_line(run), recall(viewer.state), by_task=False)
    notebook = _notebook()
    place = notebook.place
    trials = notebook.pages().of(place.task or None)
    return Memory(words.one_line(place.task or place.name), trials, by_task=not place.task)


def _tell(trials: Sequence[Trial], memory: Memory) -> None:
    for trial in trials:
        say(_line(trial, by_task=memory.by_task and trial.task != "."))


def _line(trial: Trial, *, by_task: bool) -> str:
    verdict = (trial.verdict or "pending").replace("_", " ")
    parts = [
        f"{trial.id} [{verdict}]{f' {trial.task}:' if by_task else ''} {trial.hypothesis.title}",
        f"mechanism: {trial.hypothesis.mechanism or 'none stated'}",
        trial.mechanism_held,
        trial.metrics,
    ]
    if trial.theory:
        parts.append(f"theory: {trial.theory}")
    return " | ".join(words.one_line(part) for part in parts)


def _json(trial: Trial) -> Json:
    return {
        "experiment": trial.id,
        "hypothesis": trial.hypothesis.id,
        "task": trial.task,
        "title": trial.hypothesis.title,
        "mechanism": trial.hypothesis.mechanism,
        "verdict": trial.verdict,
        "metrics": json.loads(trial.metrics),
        "mechanism_held": trial.mechanism_held,
        "theory_revision": trial.theory,
        "begun_at": utc(trial.at),
    }
