"""What happened to agents that are source code, and to suites of tests, in one line each. Pure."""

from typing import Final

from loopwatch.engine import agent_events as events
from loopwatch.engine.agent_events import DroppedBecause, Fitness, LineageFact, Stage

from .clean import clean
from .words import after, number, one_line

STAGES: Final[dict[Stage, str]] = {
    "compile": "it is no Python",
    "import": "it cannot be loaded",
    "call": "it does not answer a rehearsal as it should",
}
"""Why a check failed."""

DROPPED: Final[dict[DroppedBecause, str]] = {
    "broken": "is reverted, it does not pass the checks",
    "vetoed": "may not work",
    "no_better": "does not stay, it gains no more than its parent",
    "replaced": "works no longer",
    "failed": "was not written",
}
"""What became of a version that does not work."""


def told(fact: LineageFact) -> str:
    """What happened, in one line that no terminal obeys."""
    match fact:
        case events.Rewritten():
            made = f"from {clean(fact.parent)} " if fact.parent else ""
            return f"{clean(fact.agent)} was written {made}by {clean(fact.by)}" + after(": ", fact.reason)
        case events.Checked():
            if fact.ok:
                return f"{clean(fact.agent)} passed the check: {fact.stage}"
            return f"{clean(fact.agent)} is broken: {STAGES[fact.stage]}" + after(": ", fact.detail)
        case events.Adopted():
            instead = f" in place of {clean(fact.replaces)}" if fact.replaces else ""
            return f"{clean(fact.agent)} works from now on{instead}" + compared(fact) + after(": ", fact.reason)
        case events.Dropped():
            return f"{clean(fact.agent)} {DROPPED[fact.because]}" + compared(fact) + after(": ", fact.reason)
        case events.AgentRestored():
            return f"{clean(fact.by)} brought {clean(fact.agent)} back"
        case events.RoundBegan():
            code, against = (", ".join(map(clean, names)) for names in (fact.code, fact.test))
            return one_line(f"round {fact.round}: {code} against {against}")
        case events.TestsProposed():
            return f"{clean(fact.agent)} proposed {tests(len(fact.tests))}" + after(": ", fact.problem)
        case events.TestsWeighed():
            return weighed(fact)
        case events.SuiteChanged():
            return f"suite changed: {tests(fact.size)} from now on (suite {fact.suite}), so that numbers of before are of other tests"
        case events.RoundEnded():
            scores = ", ".join(f"{clean(name)} {score:+.3g}" for name, score in fact.scores.items())
            return one_line(f"round {fact.round} ended" + after(": ", scores))
        case _:
            return one_line(type(fact).__name__)


def weighed(fact: events.TestsWeighed) -> str:
    """What became of a test agent's proposals, in one line."""
    found = f"{tests(len(fact.admitted))} of {clean(fact.agent)} admitted"
    if fact.admitted:
        found += f", of which the best fails {fact.breaks or 'none'}"
    if fact.refused:
        found += f"; {len(fact.refused)} refused" + after(", the first because ", fact.refused[0].reason)
    return found


def tests(count: int) -> str:
    """So many tests, in words."""
    return f"{count or 'no'} test{'' if count == 1 else 's'}"


def rescored(fact: events.Rescored) -> str:
    """What an experiment scores on the suite of now."""
    if fact.value is None:
        return f"suite changed: no number on suite {fact.suite}" + after(": ", fact.problem)
    frozen = f", {number(fact.frozen)} on the original one" if fact.frozen is not None else ""
    return f"suite changed: scored again, {number(fact.value)} on suite {fact.suite}{frozen}"


def fitness(found: Fitness | None) -> str:
    """A mean with its error, such as `+0.31 ± 0.12 (n 4)`."""
    if found is None:
        return "–"
    error = f" ± {found.error:.2g}" if found.error is not None else ""
    return f"{found.mean:+.3g}{error} (n {found.n})"


def compared(fact: events.Adopted | events.Dropped) -> str:
    """Its fitness beside the one that it was measured against."""
    if fact.fitness is None:
        return ""
    against = f" against {fitness(fact.against)}" if fact.against else ""
    return f", {fitness(fact.fitness)}{against}"
