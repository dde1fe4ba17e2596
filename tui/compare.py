"""`loopwatch compare`: some levels on some tasks, each a number of times, as ordinary runs; at the end one table.

Asked again, it goes on where it was: a run that has ended is not run again, one that was cut off goes on. At the end the best of
every run is measured on hidden tests, which nothing in any run has seen.
"""

import os
import signal
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any, Final

from loopwatch.engine import client, task
from loopwatch.engine.client import Cell, Comparison, Hidden, Run
from loopwatch.engine.commands import Stop
from loopwatch.engine.config import Gates, RunConfig, StopConditions
from loopwatch.engine.errors import ConfigError, LoopwatchError
from loopwatch.engine.policy import GATES
from loopwatch.engine.state import State

from . import matrix, words
from .exits import Exit
from .facts import dump
from .headless import Signals, say, talk
from .matrix import Outcome
from .starting import checked, read_state

OFFLINE: Final = frozenset({"mutation", "random", "scripted"})
"""Proposers without a model: a reviewer beside them should need none either."""
TICK_SECONDS: Final = 0.5
UNENDED: Final = frozenset({"person", "signal", "engine_failed", "user_error"})
"""Ends after which a run goes on when it is compared again."""


def compare(args: Namespace) -> int:
    """`loopwatch compare --levels … --tasks …`."""
    found = _comparison(args)
    jobs = args.jobs or max(1, (os.cpu_count() or 1) // 2)
    talk(f"{found.name}: {len(found.cells)} runs, {jobs} at a time; asked again, it goes on where it is")
    with Signals().caught() as signals:
        if not _run_all(found, jobs, signals):
            talk("left; the same command goes on where it is")
            return 128 + signals.came[-1]
        _measure_hidden(found)
    _tell(found, args)
    failed = [cell.run for cell in found.cells if _state(cell).baseline is None]
    for name in failed:
        talk(f"{name} came to nothing: loopwatch status {name}")
    return Exit.USER_ERROR if failed else Exit.OK


def _comparison(args: Namespace) -> Comparison:
    """The one that was begun, or a new one."""
    levels, folders = (
        _listed(args.levels, "levels"),
        [str(task.load(name).folder) for name in _listed(args.tasks, "tasks")],
    )
    if args.repeat < 1:
        raise ConfigError(f"--repeat {args.repeat}: at least one")
    settings = _settings(args)
    for level, folder in product(levels, folders):
        client.check(checked(RunConfig, run="a-new-run", task=folder, strategy=level, **settings))
    asked = {name: value.model_dump() if hasattr(value, "model_dump") else value for name, value in settings.items()}
    name = args.name or Comparison.name_of(asked, levels, folders, args.repeat)
    if not args.fresh and (there := Comparison.find(name)):
        if there.settings != asked:
            raise ConfigError(
                f"{name} was begun with other settings; choose another --name, or begin again with --fresh"
            )
        return there
    repeats = range(1, args.repeat + 1)
    cells = [
        Cell(level=level, task=folder, repeat=repeat) for repeat, folder, level in product(repeats, folders, levels)
    ]
    made = Comparison(name=name, settings=asked, cells=cells)
    made.keep()
    return made


def _settings(args: Namespace) -> dict[str, Any]:
    """What all runs have in common; nobody attends any of them."""
    settings = {
        "proposer": args.proposer,
        "gates": Gates(**dict.fromkeys(GATES, "auto")),
        "stop": checked(StopConditions, experiments=args.experiments, hours=args.hours, failures=None),
        "sandbox": args.sandbox,
        "by": client.me(),
        "reviewer": args.reviewer or ("rules" if args.proposer.partition(":")[0] in OFFLINE else None),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _listed(text: str, what: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise ConfigError(f"--{what} names none; write them with commas between")
    return names


# -- running -----------------------------------------------------------------------------------------------------------


def _run_all(found: Comparison, jobs: int, signals: Signals) -> bool:
    """Run what has not ended, so many at a time; False when somebody wants it to stop."""
    waiting = [cell for cell in found.cells if not _has_ended(cell)]
    working: list[Cell] = []
    told: dict[str, str] = {}
    while waiting or working:
        if signals.came:
            if signal.SIGHUP not in signals.came:  # a dropped line ends nothing
                _stop(working)
            return False
        while waiting and len(working) < jobs:
            working.append(_started(found, waiting.pop(0)))
        for cell in list(working):
            if _has_ended(cell) or not client.find(cell.run).is_alive:
                working.remove(cell)
                talk(f"{_place(found, cell)} {_ended(_state(cell))}")
            elif (now := _progress(_state(cell))) != told.get(cell.run):
                told[cell.run] = now
                talk(f"{_place(found, cell)} {now}")
        time.sleep(TICK_SECONDS)
    return True


def _started(found: Comparison, cell: Cell) -> Cell:
    """A cell whose engine works."""
    if not cell.run:
        settings = {**found.settings, "task": cell.task, "strategy": cell.level, "seed": cell.repeat}
        made = client.create(
            f"{Path(cell.task).name}-{cell.level.replace(':', '-')}",
            lambda name: checked(RunConfig, run=name, **settings),
        )
        cell.run = made.name
        found.keep()  # before its engine starts: a run that nobody knows of would be run again
    run = client.find(cell.run)
    if not run.is_alive:
        client.start(run)
    return cell


def _stop(cells: Sequence[Cell]) -> None:
    for cell in cells:
        with closing(client.Viewer(client.find(cell.run), name="command line")) as viewer:
            viewer.ask(Stop(now=True))


def _has_ended(cell: Cell) -> bool:
    if not cell.run:
        return False
    stopped = _state(cell).stopped
    return stopped is not None and stopped.because not in UNENDED and not client.find(cell.run).is_alive


def _state(cell: Cell) -> State:
    return read_state(client.find(cell.run)) if cell.run else State()


def _place(found: Comparison, cell: Cell) -> str:
    repeats = max(one.repeat for one in found.cells)
    again = f", repeat {cell.repeat} of {repeats}" if repeats > 1 else ""
    return f"[{found.cells.index(cell) + 1}/{len(found.cells)}] {cell.level} on {Path(cell.task).name}{again}:"


def _progress(state: State) -> str:
    """Every fifth experiment is news."""
    done = state.count() // 5 * 5
    best = f", best {words.number(state.best_value)}" if state.best_value is not None else ""
    return f"{done} experiments{best}" if done else f"started as {state.run}" if state.run else "started"


def _ended(state: State) -> str:
    if state.stopped is None:
        return "its engine was killed; the same command goes on with it"
    best = words.number(state.best_value) if state.best_value is not None else "none"
    return f"ended ({words.one_line(state.stopped.detail) or state.stopped.because}), best {best}"


# -- afterwards --------------------------------------------------------------------------------------------------------


def _measure_hidden(found: Comparison) -> None:
    """Measure the best of every run on tests that none has seen, once; again where that came to nothing."""
    for cell in found.cells:
        config, is_known = task.load(cell.task), cell.hidden is not None and not cell.hidden.problem
        if is_known or not cell.run or config.suite is None or config.suite.hidden is None:
            continue
        talk(f"{_place(found, cell)} its best on the hidden tests")
        cell.hidden = _hidden(client.find(cell.run))
        found.keep()


def _hidden(run: Run) -> Hidden:
    try:
        with closing(client.retrial(run, "hidden")) as lines:
            last = [line for line in lines if line["kind"] == "hidden"][-1]
    except LoopwatchError as error:  # one cell less, not the whole table
        return Hidden(experiment=0, baseline=None, best=None, problem=str(error))
    return Hidden.model_validate({name: value for name, value in last.items() if name != "kind"})


def _outcomes(found: Comparison) -> Iterator[tuple[Any, list[Outcome]]]:
    """Each task's metric, with what came of its cells."""
    for folder in dict.fromkeys(cell.task for cell in found.cells):
        cells = [cell for cell in found.cells if cell.task == folder]
        yield task.load(folder), [matrix.outcome(c.level, c.repeat, c.run, _state(c), c.hidden) for c in cells]


def _tell(found: Comparison, args: Namespace) -> None:
    tables = [(about, outcomes) for about, outcomes in _outcomes(found)]
    if args.csv:
        Path(args.csv).expanduser().write_text(matrix.as_csv(one for _, cells in tables for one in cells), "utf-8")
    if args.json:
        told = {about.name: matrix.as_json(about.metric, cells) for about, cells in tables}
        say(dump({"comparison": found.name, "settings": found.settings, "tasks": told}, indent=1))
        return
    for about, cells in tables:
        better = "more" if about.metric.direction == "up" else "less"
        say(f"{about.name} · {words.one_line(about.metric.name)}, {better} is better")
        for line in (*matrix.table(about.metric, cells), "", *matrix.sentences(about.metric, cells), ""):
            say(line)
