"""Agents that are source code, on the screen: the family, and both suites' scores. Pure."""

from statistics import fmean
from typing import Final, NamedTuple

from loopwatch.engine.agent_events import Fitness
from loopwatch.engine.lineage import Lineage, Version
from loopwatch.engine.state import State

from . import outer, words
from .ancestry import fitness
from .palette import Role
from .view import Parts
from .widgets.table import Cell, Column, Row

COLUMNS: Final = (
    Column("agent", 8),
    Column("from", 8, priority=3),
    Column("became", 17),
    Column("gained", 16, priority=1),
    Column("its parent", 16, priority=2),
    Column("why", 10, flexible=True),
)

_ROLES: Final[dict[str, Role]] = {"broken": "bad", "failed": "bad", "vetoed": "warn"}
SPARK: Final = 24


class Scores(NamedTuple):
    """What the best of each time scored, suite by suite."""

    suite: list[int]
    current: list[float | None]
    original: list[float | None]


def scores(state: State) -> Scores:
    """The best after each kept experiment and after each change of the suite, on the suite of that time and on the original."""
    found = Scores([], [], [])
    for number in sorted(state.experiments):
        e = state.experiments[number]
        if e.verdict != "kept" or e.measured is None:
            continue
        steps = [(e.measured.suite, e.measured.value, e.measured.frozen if e.measured.suite else e.measured.value)]
        steps += [(one.suite, one.value, one.frozen) for one in e.scored_again]
        for suite, current, original in steps:
            found.suite.append(suite)
            found.current.append(current)
            found.original.append(original)
    return found


def curves(state: State, *, ascii_only: bool) -> list[Parts]:
    """Both suites' curves, one line each, and where the suite changed; nothing before it did."""
    found = scores(state)
    if not state.lineage.suites or not found.suite:
        return []
    low = min(value for value in (*found.current, *found.original) if value is not None)
    high = max(value for value in (*found.current, *found.original) if value is not None)
    lines: list[Parts] = []
    for name, values in (("on the suite of its time", found.current), ("on the original tests", found.original)):
        last = next((value for value in reversed(values) if value is not None), None)
        line = _bars(values[-SPARK:], low, high, ascii_only=ascii_only)
        lines.append([(f" {name:<25}", "quiet"), (line, "good"), (f"  {words.number(last)}", "text")])
    marks = "".join("|" if now != before else " " for before, now in _pairs(found.suite)[-SPARK:])
    lines.append([(f" {'suite changed at':<25}", "quiet"), (marks, "warn")])
    return lines


def _bars(values: list[float | None], low: float, high: float, *, ascii_only: bool) -> str:
    """Bars on a scale that two lines share, so that they can be compared."""
    bars = " .:-=+*#%" if ascii_only else " ▁▂▃▄▅▆▇█"
    span = high - low or 1.0
    return "".join(" " if value is None else bars[1 + round((value - low) / span * 7)] for value in values)


def _pairs(suites: list[int]) -> list[tuple[int, int]]:
    return list(zip([0, *suites], suites, strict=False))


def rows(lineage: Lineage) -> list[Row]:
    """Every version of every agent, the newest first."""
    return [_row(version, _gained(version, lineage)) for version in reversed(lineage.versions.values())]


def _gained(version: Version, lineage: Lineage) -> Fitness | None:
    """What its experiments gained, as it was last judged; in an arena, what it did in a round on the average."""
    ended = [one.ended.scores for one in lineage.rounds.values() if one.ended]
    found = [scores[version.name] for scores in ended if version.name in scores]
    return version.fitness or (Fitness(mean=fmean(found), n=len(found)) if found else None)


def _row(version: Version, gained: Fitness | None) -> Row:
    last = version.dropped or version.adopted
    because = version.dropped.because if version.dropped else ""
    role: Role = "good" if version.is_working else _ROLES.get(because, "quiet" if because else "accent")
    why = words.one_line(last.reason if last and last.reason else version.written.reason)
    cells: tuple[Cell, ...] = (
        (words.one_line(version.name), "good" if version.is_working else "text"),
        (words.one_line(version.written.parent) or "–", "quiet"),
        (outer.status(version), role),
        (fitness(gained), "text"),
        (fitness(last.against) if last else fitness(None), "quiet"),
        (why, "quiet"),
    )
    return Row(version.name, cells)


def diff_title(version: Version | None) -> str:
    """The words above what a version changed."""
    if version is None:
        return "Source"
    written = version.written
    parent = f"  {words.one_line(written.parent)} → " if written.parent else "  "
    return f"Diff{parent}{words.one_line(version.name)}, by {words.one_line(written.by)}"


def source(version: Version | None) -> str:
    """What a version changed; all of it for a seed."""
    if version is None:
        return ""
    if version.written.diff:
        return version.written.diff
    return "".join(f"# {name}\n{text}\n" for name, text in sorted(version.written.files.items()))
