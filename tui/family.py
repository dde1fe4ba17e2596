"""Agents that are source code, on the screen: how far a generation or a round is, the family, and both suites' scores. Pure."""

from statistics import fmean
from typing import Final, NamedTuple

from loopwatch.engine.agent_events import Fitness
from loopwatch.engine.lineage import Lineage, Round, Version
from loopwatch.engine.state import Experiment, State

from . import words
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


def nested(state: State) -> Parts:
    """Where the outer loop is, in one line; nothing where there is none."""
    lineage = state.lineage
    if lineage.round is not None:
        return _round(state, lineage.round)
    return _generation(state, lineage) if lineage.versions else []


def _generation(state: State, lineage: Lineage) -> Parts:
    parts: Parts = [(" AGENT ", "quiet"), (f"{words.one_line(lineage.live) or 'none yet'}", "text")]
    candidate = lineage.open
    if candidate is None:
        return [*parts, (f"  generation {len(lineage.versions) - 1}", "quiet")]
    ours, theirs = (_experiments(state, name, candidate.after) for name in (candidate.name, lineage.live))
    name = words.one_line(candidate.name)
    if not candidate.is_checked:
        stages = {"compile": 0, "import": 1, "call": 2}
        done = max((stages[check.stage] + 1 for check in candidate.checks if check.ok), default=0)
        return [*parts, ("  next ", "quiet"), (f"{name} is being checked, {done} of 3 passed", "accent")]
    if candidate.allowed is None:
        return [*parts, ("  next ", "quiet"), (f"{name} at the rewrite gate", "warn")]
    trial = f"{name} on trial: {ours} experiment{'' if ours == 1 else 's'}, {theirs} by its parent beside it"
    return [*parts, ("  next ", "quiet"), (trial, "accent")]


def checks(version: Version) -> str:
    """How far a version came in its checks, each done in a box."""
    return "  ".join(f"{check.stage} {'✓' if check.ok else '✗'}" for check in version.checks)


def _experiments(state: State, agent: str, after: int) -> int:
    return sum(e.agent == agent and e.number > after for e in state.experiments.values())


def _round(state: State, now: Round) -> Parts:
    lineage, began = state.lineage, now.began
    asked = sum(tests.weighed is not None for tests in now.tests.values())
    met = sum(e.number > now.after and e.agent in began.code for e in state.experiments.values())
    parts: Parts = [(" ROUND ", "quiet"), (str(now.number), "text")]
    if now.ended is not None:
        parts.append(("  ended", "quiet"))
    elif asked < len(began.test):
        parts.append((f"  tests {asked + 1}/{len(began.test)}", "accent"))
    else:
        parts.append((f"  code {min(met + 1, len(began.code))}/{len(began.code)}", "accent"))
    if lineage.suites:
        size = lineage.suites[-1].size
        parts.append((f"  suite {lineage.suite}: {size} tests (+{lineage.weighed})", "text"))
    else:
        parts.append(("  the original suite", "text"))
    best = state.best_experiment
    if best is not None and lineage.suite and best.frozen_score is not None:
        both = f"  best {words.number(best.estimate)} (original {words.number(best.frozen_score)})"
        parts.append((both, "good"))
    return parts


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


def scored(e: Experiment) -> str:
    """What an experiment scored on every suite that it met, such as `7.5 on suite 1, 7.1 on suite 2; 7.275 on the original tests`."""
    if e.measured is None:
        return ""
    met = [(e.measured.suite, e.measured.value), *((one.suite, one.value) for one in e.scored_again)]
    told = [f"{words.number(value)} on suite {suite}" for suite, value in met if suite]
    original = f"{words.number(e.frozen_score)} on the original tests"
    return "; ".join((", ".join(told), original)) if told else original


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
        (status(version), role),
        (fitness(gained), "text"),
        (fitness(last.against) if last else fitness(None), "quiet"),
        (why, "quiet"),
    )
    return Row(version.name, cells)


def status(version: Version) -> str:
    """What became of it, in a word or two."""
    if version.is_working:
        return "works"
    if version.dropped is None:
        return "on trial" if version.allowed else "not yet decided"
    stage = f" at {version.failed_stage}" if version.failed_stage else ""
    return f"{version.dropped.because.replace('_', ' ')}{stage}"


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
