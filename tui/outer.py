"""Where the outer loop is, and what became of a version or a score: words that need no screen. Pure."""

from typing import TYPE_CHECKING

from loopwatch.engine.lineage import Lineage, Round, Version
from loopwatch.engine.state import Experiment, State

from . import words

if TYPE_CHECKING:  # at run time that would load the screen
    from .palette import Role

Parts = list[tuple[str, "Role"]]


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


def scored(e: Experiment) -> str:
    """What an experiment scored on every suite that it met, such as `7.5 on suite 1, 7.1 on suite 2; 7.275 on the original tests`."""
    if e.measured is None:
        return ""
    met = [(e.measured.suite, e.measured.value), *((one.suite, one.value) for one in e.scored_again)]
    told = [f"{words.number(value)} on suite {suite}" for suite, value in met if suite]
    original = f"{words.number(e.frozen_score)} on the original tests"
    return "; ".join((", ".join(told), original)) if told else original


def status(version: Version) -> str:
    """What became of it, in a word or two."""
    if version.is_working:
        return "works"
    if version.dropped is None:
        return "on trial" if version.allowed else "not yet decided"
    stage = f" at {version.failed_stage}" if version.failed_stage else ""
    return f"{version.dropped.because.replace('_', ' ')}{stage}"
