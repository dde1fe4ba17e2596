"""One experiment, told in plain sentences: what it wanted, what it changed, how it went, and who decided."""

import os
import shutil
import sys
from argparse import Namespace

from loopwatch.engine import client
from loopwatch.engine.client import Run, Viewer
from loopwatch.engine.errors import ConfigError, RunNotFound
from loopwatch.engine.state import Experiment, State

from . import certainty, containment, curve, outer, sentences, words
from .clean import clean_lines, reveal_lines
from .exits import Exit
from .facts import dump, experiment_json
from .headless import say


def show(args: Namespace) -> int:
    """`loopwatch show [RUN] N`."""
    run, number = _run_and_number(args.words)
    viewer = Viewer(run, name="command line")
    try:
        viewer.poll()
        experiment = _experiment(run, viewer.state, number)
        log = viewer.log_tail(number, experiment.attempt) if args.log else ""
        if args.json:
            say(dump(experiment_json(run.name, experiment) | ({"log": log} if args.log else {}), indent=1))
        else:
            _tell(viewer, experiment)
            _print_log(log)
        return Exit.OK
    finally:
        viewer.close()


def _run_and_number(given: list[str]) -> tuple[Run, int]:
    if len(given) > 2 or not given[-1].removeprefix("#").isdecimal():
        raise ConfigError(f"expected [RUN] N, got {' '.join(given)!r}; for example: loopwatch show 3")
    return client.find(given[0] if len(given) == 2 else None), int(given[-1].removeprefix("#"))


def _experiment(run: Run, state: State, number: int) -> Experiment:
    if number not in state.experiments:
        there = f"there are 1 to {max(state.experiments)}" if state.experiments else "there is none yet"
        raise RunNotFound(f"{run.name} has no experiment {number}; {there}")
    return state.experiments[number]


def _tell(viewer: Viewer, experiment: Experiment) -> None:
    state = viewer.state
    say(f"{words.one_line(state.run)} #{experiment.number}: {words.outcome(experiment)}")
    say("")
    for label, text in _sentences(experiment, state):
        say(f"{label:<12}{text}")
    if experiment.diff:
        say("\ndiff\n")
        _print_diff(experiment.diff)
    columns = max(40, min(100, shutil.get_terminal_size().columns - 2))
    if chart := curve.draw(curve.losses(viewer.points(experiment.number)), width=columns):
        say("\nloss\n")
        say(chart)


def _sentences(experiment: Experiment, state: State) -> list[tuple[str, str]]:
    found = [("hypothesis", words.one_line(experiment.hypothesis)), ("mechanism", words.one_line(experiment.mechanism))]
    found.append(("expected", words.one_line(experiment.expected)))
    found.append(("beware", "; ".join(words.flags(experiment, state))))
    found += [
        (f"note {note.number}", f"read {words.RECEIPTS[note.where]}: {words.one_line(note.text)}")
        for note in state.notes.values()
        if note.read_in == experiment.number
    ]
    found.append(("author", words.one_line(experiment.author or experiment.proposer) + _revision(experiment)))
    if experiment.value is not None:
        found.append(
            (
                "measured",
                f"{words.one_line(state.metric.name)} {words.number(experiment.value)}{words.trusted(experiment)}{_gain(experiment)}",
            )
        )
    if state.lineage.suites and (scored := outer.scored(experiment)):
        found.append(("scored", scored))
    if experiment.repeats:
        found.append(("repeated", certainty.repeats(experiment)))
    if experiment.turn and experiment.turn.outcome != "proposed":
        found.append(("turn", words.turn(experiment.turn)))
    found += [("decided", sentences.sentence(decided)) for decided in experiment.decisions]
    if experiment.verdict:
        sure = f" ({certainty.standing(experiment)})" if experiment.verdict == "kept" else ""
        found.append(("verdict", f"{words.VERDICTS[experiment.verdict]}{sure}, by {words.one_line(experiment.by)}"))
    if finished := experiment.finished:
        attempts = "1 attempt" if experiment.attempt == 1 else f"{experiment.attempt} attempts"
        used = f"{words.duration(finished.wall_seconds)}, {words.duration(finished.cpu_seconds)} of processor time"
        found.append(("ran", f"{attempts}; the last took {used} and at most {finished.peak_memory_mb:.0f} MB"))
        found.append(("contained", containment.contained_in(experiment, state)))
    if experiment.explained:
        found.append(("held", f"the mechanism: {words.mechanism(experiment)}"))
    if experiment.review:
        found.append(("review", f"{words.review(experiment.review)}, by {words.one_line(experiment.review.by)}"))
    if experiment.spent.requests:
        found.append(("cost", _cost(experiment)))
    if experiment.waited_seconds >= 1:
        found.append(("waited", f"{words.duration(experiment.waited_seconds)} for services"))
    if experiment.brief:
        found.append(("brief", f"{experiment.brief.digest[:12]}, about {words.tokens(experiment.brief.tokens)} tokens"))
    if experiment.diff:
        found.append(("hash", experiment.digest[:12]))
    if experiment.commit:
        found.append(("commit", words.one_line(experiment.commit)))
    return [(label, text) for label, text in found if text]


def _cost(experiment: Experiment) -> str:
    spent = experiment.spent
    requests = "1 request" if spent.requests == 1 else f"{spent.requests} requests"
    sent, written = words.tokens(spent.prompt_tokens), words.tokens(spent.output_tokens)
    return f"{words.spent(spent)} in {requests}, {sent} tokens sent and {written} written"


def _revision(experiment: Experiment) -> str:
    return f", revision {experiment.revision}" if experiment.revision > 1 else ""


def _gain(experiment: Experiment) -> str:
    if experiment.gain is None:
        return ""
    way = "better" if experiment.gain > 0 else "worse" if experiment.gain < 0 else "different"
    sigma = "" if experiment.sigma is None else f" ({abs(experiment.sigma):.1f} σ)"
    return f", {words.number(abs(experiment.gain))} {way}{sigma} than the best before it"


def _print_diff(diff: str) -> None:
    lines = reveal_lines(diff.rstrip("\n"))
    if os.environ.get("NO_COLOR") or sys.stdout is None or not sys.stdout.isatty():
        for line in lines:
            say(line)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text(line, style=_style(line)))


def _print_log(log: str) -> None:
    if log.strip():
        say("\nthe end of its log\n")
        for line in clean_lines(log.rstrip()):
            say(line)


def _style(line: str) -> str:
    if line.startswith(("--- ", "+++ ")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
