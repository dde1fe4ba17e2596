"""What happened to agents that are source code, and to suites of tests, in one line each. Pure."""

from typing import Final

from loopwatch.engine import agent_events as events
from loopwatch.engine.agent_events import Fitness, LineageFact, Stage

from .clean import clean
from .words import after, number, one_line

STAGES: Final[dict[Stage, str]] = {
    "compile": "it is no Python",
    "import": "it cannot be loaded",
    "call": "it does not answer a rehearsal as it should",
}
"""Why a check failed."""


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
            why = fact.because.replace("_", " ")
            return f"{clean(fact.agent)} does not work ({why})" + compared(fact) + after(": ", fact.reason)
        case events.AgentRestored():
            return f"{clean(fact.by)} brought {clean(fact.agent)} back"
        case events.RoundBegan():
            return f"round {fact.round}: {len(fact.code)} against {len(fact.test)}"
        case events.TestsProposed():
            count = len(fact.tests)
            return f"{clean(fact.agent)} proposed {count} test{'' if count == 1 else 's'}" + after(": ", fact.problem)
        case events.TestsWeighed():
            refused = f", {len(fact.refused)} refused" if fact.refused else ""
            reason = after(", the first because ", fact.refused[0].reason) if fact.refused else ""
            breaks = f"; the best fails {fact.breaks} of them" if fact.admitted else ""
            return f"of {clean(fact.agent)}'s tests {len(fact.admitted)} admitted{refused}{reason}{breaks}"
        case events.SuiteChanged():
            return f"suite changed: {fact.size} tests from now on (suite {fact.suite})"
        case events.RoundEnded():
            return f"round {fact.round} ended"
        case _:
            return one_line(type(fact).__name__)


def rescored(fact: events.Rescored) -> str:
    """What an experiment scores on the suite of now."""
    if fact.value is None:
        return f"cannot be scored on suite {fact.suite}" + after(": ", fact.problem)
    frozen = f", {number(fact.frozen)} on the original" if fact.frozen is not None else ""
    return f"scored again, because the suite changed: {number(fact.value)} on suite {fact.suite}{frozen}"


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
