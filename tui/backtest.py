"""Replay finished experiments through the forecasters: one table, and one sentence that says whether to trust ours."""

import math
import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loopwatch.engine import client
from loopwatch.engine.client import Run
from loopwatch.engine.errors import ConfigError, RunNotFound

from . import words
from .exits import Exit
from .facts import Json, dump
from .headless import say, talk

if TYPE_CHECKING:
    from loopwatch.engine.client import BackTest, Row

COLUMNS: Final = ("FORECASTER", "FALSE ABORTS", "95 %", "BAD ABORTED", "SAVED", "AT EQUAL TIME")
FILES: Final = (".jsonl", ".jsonl.gz")
PATIENCE_SECONDS: Final = 1.0
"""How long nothing is said; then a line as often."""


def backtest(args: Namespace) -> int:
    """`loopwatch backtest [RUN|FILE]`."""
    source = _source(args.source)
    name = source.name if isinstance(source, Run) else str(source)
    table = client.backtest(source, args.forecaster, progress=Talker())
    if args.json:
        say(dump(_json(name, table), indent=1))
    else:
        for line in (*_table(table), "", *_notes(name, table), "", sentence(table)):
            say(line)
    return Exit.OK


class Talker:
    """Says where a long replay is."""

    def __init__(self) -> None:
        """The patience begins now."""
        self._spoke = time.monotonic()

    def __call__(self, forecaster: str, done: int, total: int) -> None:
        """A loop is about to be replayed."""
        if time.monotonic() - self._spoke >= PATIENCE_SECONDS:
            self._spoke = time.monotonic()
            talk(f"replaying, {_percent(done / total)} done; now {forecaster}")


def sentence(table: "BackTest") -> str:
    """Whether to trust the judged forecaster on this data, and what was promised."""
    row, promised = table.judged, _percent(table.promised)
    lost = f"it aborted {row.false_aborts} of the {_count(row.good, 'experiment')} that would have improved"
    measured = f"{lost} ({_percent(row.false_rate.share)}, 95 % interval {_interval(row)})"
    saved = f"saved {_percent(row.saved)} of the budget"
    match table.verdict:
        case "too_few":
            return (
                f"This is too little to say whether to trust {row.forecaster}: {_count(table.experiments, 'experiment')}, "
                f"{_count(row.good, 'improvement')}. It takes {table.enough} and {table.enough_good} to say anything; that at most "
                f"{promised} are aborted falsely, as is promised, {table.to_prove} improvements can prove."
            )
        case "broken":
            return f"Do not trust {row.forecaster} on this data: {measured}, and at most {promised} are promised."
        case "idle":
            return f"{row.forecaster} does no harm on this data and no good: {measured}, and {saved}; promised are at most {promised}."
        case "unproved":
            return (
                f"Nothing here speaks against {row.forecaster}, but there is too little to prove it: {measured}, where at most "
                f"{promised} are promised, and {saved}."
            )
        case "kept":
            return (
                f"Trust {row.forecaster} on this data: {measured}, within the {promised} that is promised, and {saved}."
            )


def _source(given: str | None) -> Run | Path:
    """A file when its name ends like one, for a run's name ends in digits."""
    if given is not None and given.endswith(FILES):
        return Path(given)
    try:
        return client.find(given)
    except RunNotFound:
        if given is not None and Path(given).exists():
            raise ConfigError(
                f"{given} is neither a run nor a file of curves; those end in .jsonl or .jsonl.gz"
            ) from None
        raise


def _table(table: "BackTest") -> list[str]:
    rows = [COLUMNS, *(_cells(row, table.loops) for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cells(row: "Row", loops: int) -> tuple[str, ...]:
    return (
        row.forecaster,
        f"{row.false_aborts} of {row.good}",
        _interval(row),
        _percent(row.true_aborts / row.bad if row.bad else math.nan),
        _percent(row.saved),
        _equal_time(row, loops),
    )


def _equal_time(row: "Row", loops: int) -> str:
    if loops > 1:
        return f"{row.ahead} better, {row.behind} worse"
    return f"{words.number(row.best)} ({'better' if row.ahead else 'worse' if row.behind else 'same'})"


def _notes(name: str, table: "BackTest") -> list[str]:
    loops = f" in {table.loops} loops" if table.loops > 1 else ""
    notes = [
        f"{words.one_line(name)}: {_count(table.experiments, 'experiment')}{loops} ran to the end and were replayed."
    ]
    if table.left_out:
        notes.append(
            f"{_count(table.left_out, 'experiment')} aborted in life {'is' if table.left_out == 1 else 'are'} left out: "
            "nobody knows what would have come of it."
        )
    against = f", {words.number(table.rows[0].best_without)} here" if table.loops == 1 else ""
    notes.append("False aborts: experiments that would have beaten the best, and were aborted.")
    notes.append(f"At equal time: the best by when never aborting has done half its work, against its own{against}.")
    return notes


def _interval(row: "Row") -> str:
    if not row.good:
        return "–"
    low, high = row.false_rate.low, row.false_rate.high
    return f"{_percent(low).removesuffix(' %')} … {_percent(high)}"


def _percent(share: float) -> str:
    if math.isnan(share):
        return "–"
    hundredths = f"{100 * share:.1f}" if share < 0.0995 else f"{100 * share:.0f}"
    return f"{hundredths.removesuffix('.0')} %"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _json(name: str, table: "BackTest") -> Json:
    rows = [{**asdict(row), "false_rate": row.false_rate._asdict()} for row in table.rows]
    return {
        "source": name,
        "loops": table.loops,
        "experiments": table.experiments,
        "left_out": table.left_out,
        "promised": table.promised,
        "judged": table.judged.forecaster,
        "verdict": table.verdict,
        "sentence": sentence(table),
        "forecasters": rows,
    }
