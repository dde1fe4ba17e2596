"""A run in the words of other tools: every fact as JSON lines, or the classic results.tsv.

The table speaks the dialect it is written in: `keep`, `discard`, `crash`. What has no number is a `crash` row with 0.000000
and 0.0, which its readers leave out; its description says what really happened. A description is one clean line that is no
formula to a spreadsheet, and opens no quotation that would swallow the rows below.
"""

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from loopwatch.engine import client
from loopwatch.engine.client import Viewer
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.state import Experiment, State

from . import words
from .exits import Exit
from .facts import dump, fact_json
from .headless import talk

_NOT_TEXT: Final = ("=", "+", "-", "@", '"')


def export(args: Namespace) -> int:
    """`loopwatch export [RUN]`."""
    run = client.find(args.run)
    viewer = Viewer(run, name="export")
    try:
        entries = viewer.poll()
        lines = table(viewer.state) if args.format == "tsv" else (dump(fact_json(entry)) for entry in entries)
        if args.output:
            _write(Path(args.output), lines)
            talk(f"{run.name} is written to {args.output}")
        else:
            sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stdout.flush()
        return Exit.OK
    finally:
        viewer.close()


def table(state: State) -> Iterator[str]:
    """The lines of results.tsv: a header, then every experiment that has a verdict."""
    metric = _text(state.metric.name) if state.opened else "metric"
    yield "\t".join(("commit", metric, "memory_gb", "status", "description"))
    for number in sorted(state.experiments):
        experiment = state.experiments[number]
        if experiment.verdict is not None:
            yield "\t".join(_cells(experiment, state))


def _text(text: str) -> str:
    """Text from outside as a cell; what begins like a formula or a quotation gets the mark that spreadsheets know for text."""
    line = words.one_line(text)
    return f"'{line}" if line.startswith(_NOT_TEXT) else line


def _cells(experiment: Experiment, state: State) -> tuple[str, ...]:
    first = state.opened.base_commit if experiment.is_baseline and state.opened else ""
    commit = words.one_line(experiment.commit or first)[:7] or "na"
    if experiment.verdict not in ("kept", "discarded") or experiment.value is None:
        return (commit, "0.000000", "0.0", "crash", _text(_description(experiment)))
    memory = experiment.finished.peak_memory_mb / 1024 if experiment.finished else 0.0
    status = "keep" if experiment.verdict == "kept" else "discard"
    return (commit, f"{experiment.value:.6f}", f"{memory:.1f}", status, _text(_description(experiment)))


def _description(experiment: Experiment) -> str:
    said = "baseline" if experiment.is_baseline else words.one_line(experiment.hypothesis) or "no hypothesis"
    assert experiment.verdict is not None, "only judged experiments are in the table"
    if experiment.verdict == "unproposed":
        return words.outcome(experiment)
    if experiment.verdict == "kept" and not experiment.confirmed:
        return f"provisional: {said}"
    plain = experiment.verdict in ("kept", "discarded", "crashed")
    return said if plain else f"{words.VERDICTS[experiment.verdict]}: {said}"


def _write(path: Path, lines: Iterator[str]) -> None:
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; name another file with --output") from None
