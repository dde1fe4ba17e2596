"""What runs there are and how they stand, as a table, as a few sentences, or as JSON."""

import time
from argparse import Namespace
from typing import Final

from loopwatch.engine import client
from loopwatch.engine.client import Run
from loopwatch.engine.errors import LoopwatchError
from loopwatch.engine.state import State

from . import certainty, containment, doing, outer, words
from .exits import Exit
from .facts import Json, dump, run_json, utc
from .headless import say
from .starting import read_state

WATCH_SECONDS: Final = 0.5
NOTES_TOLD: Final = 3
"""The last ones, each with its receipt."""
COLUMNS: Final = ("RUN", "TASK", "STATE", "EXPERIMENTS", "KEPT", "BEST", "SPENT", "BEGUN")


def runs(args: Namespace) -> int:
    """`loopwatch runs`: every run, newest first."""
    there = client.runs()
    if args.json:
        say(dump([_json(run) for run in there], indent=1))
    elif not there:
        say("no runs yet; start one with: loopwatch run pretrain")
    else:
        _table([COLUMNS, *(_row(run) for run in there)])
    return Exit.OK


def status(args: Namespace) -> int:
    """`loopwatch status [RUN]`: how a run stands; with --watch again whenever something changed, until its engine is gone."""
    run = client.find(args.run)
    told = ""
    while True:
        alive = run.is_alive
        state = read_state(run)
        # A countdown alone is no news.
        same = dump(run_json(run.name, state, alive=alive)) if args.json else standing(run, state, alive=alive, now=0)
        if same != told:
            text = same if args.json else standing(run, state, alive=alive, now=time.time())
            say(text if args.json or not told else "\n" + text)
        told = same
        if not (args.watch and alive):
            return Exit.OK
        time.sleep(WATCH_SECONDS)


def standing(run: Run, state: State, *, alive: bool, now: float) -> str:
    """How a run stands, in a few lines; `now` is what waits are counted to."""
    word, does = doing.state_word(state, alive=alive), doing.now(state, alive=alive)
    lines = [f"{run.name}: {does}" if does.startswith(word) else f"{run.name}: {word}; {does}"]
    if state.opened:
        metric = state.metric
        unit = f" in {words.one_line(metric.unit)}" if metric.unit else ""
        lines.append(f"task         {words.one_line(state.opened.task)}: {metric.name}{unit}, {words.better(metric)}")
    lines.append(f"experiments  {certainty.counts(state)}")
    lines.append(f"best         {certainty.best(state)}{words.trusted(state.best_experiment)}")
    if state.opened:
        lines.append(f"noise        {certainty.noise(state).removeprefix('noise ')}")
    if state.control:
        lines.append(words.control(state.control).replace("control: ", "control      ", 1))
    if state.gates:
        if state.engine and state.engine.sandbox:
            lines.append(f"sandbox      {containment.contained(state.engine)}")
        lines.append("gates        " + ", ".join(f"{gate} {policy}" for gate, policy in state.gates.items()))
        lines.append(f"forecaster   {client.forecaster_record(state)}")
    if nested := outer.nested(state):
        where, *rest = nested
        lines.append(f"{where[0].strip().lower():<13}" + "".join(text for text, _ in rest).strip())
    if state.spent.requests or state.caps.any:
        lines.append(f"money        spent {words.spent_of_cap(state)}")
        if state.caps.any:
            lines.append(f"caps         {state.caps.words}")
    if state.backing_off and alive:
        lines.append(f"waits        {words.service(state.backing_off, now)}")
    if state.waited_seconds >= 1:
        lines.append(f"waited       {words.duration(state.waited_seconds)} for services, counted apart from the work")
    if said := [(e.number, e.review) for e in state.experiments.values() if e.review]:
        number, review = said[-1]
        lines.append(f"review       #{number}: {words.review(review)}")
    if state.muted_by:
        lines.append(f"reviewer     muted by {words.one_line(state.muted_by)}")
    if unread := state.unread_notes():
        lines.append(f"notes        {len(unread)} for the next prompt")
    for note in list(state.notes.values())[-NOTES_TOLD:]:
        lines.append(f"note {note.number:<7} {words.receipt(note)}: {words.one_line(note.text)}")
    if state.warnings:
        lines.append(f"warned       {words.one_line(state.warnings[-1].text)}")
    if what := _what_to_do(run, state, alive=alive):
        lines.append(f"next         {what}")
    return "\n".join(lines)


def _what_to_do(run: Run, state: State, *, alive: bool) -> str:
    if not alive:
        return f"loopwatch resume {run.name}"
    if state.waiting:
        return doing.to_answer(state.waiting, run.name)
    if state.paused_why:
        return f"mend it, then: loopwatch resume {run.name}"
    if state.backing_off:
        return f"loopwatch resume {run.name} (tries again at once)"
    return f"loopwatch resume {run.name}" if state.paused_by or state.held_by else ""


def _json(run: Run) -> Json:
    # One ledger that cannot be read must not hide the others.
    try:
        return run_json(run.name, read_state(run), alive=run.is_alive)
    except LoopwatchError as error:
        return {"run": run.name, "state": "dead", "unreadable": str(error)}


def _row(run: Run) -> tuple[str, ...]:
    begun = utc(run.created_at)[:16].replace("T", " ")
    try:
        state, alive = read_state(run), run.is_alive
    except LoopwatchError as error:
        return (run.name, "–", "unreadable", "–", "–", "–", words.one_line(str(error)), begun)
    task = words.one_line(state.opened.task) if state.opened else "–"
    best = words.number(state.confirmed_value)
    if state.best_experiment and state.best_value != state.confirmed_value:
        best += f" ({words.number(state.best_value)} provisional)"
    return (
        run.name,
        task,
        doing.state_word(state, alive=alive),
        str(state.count()),
        str(state.count("kept")),
        best,
        words.spent(state.spent) if state.spent.requests else "–",
        begun,
    )


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
