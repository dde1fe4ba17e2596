"""What a person is asked, as the lines of the box in which it is asked. Pure.

Text from outside is cleaned by the box; here it only becomes lines.
"""

from typing import Final, NamedTuple

from loopwatch.engine.events import Asked
from loopwatch.engine.state import Experiment, State

from . import certainty, outer, words
from .clean import clean
from .keys import KEYS
from .palette import Role
from .widgets.askbox import AskView

WANTED_LINES: Final = 20
WANTED_CHARACTERS: Final = 500
"""Of what an agent wants to do, and of each line of it; the pane of the diff has all of it."""


QUARANTINED: Final = "quarantined"
DOUBT: Final = "; but it is hard to believe"
"""How the judge begins to say what the box says first."""


class Told(NamedTuple):
    """A line and how it is meant."""

    text: str
    role: Role


Lines = tuple[str | tuple[str, Role], ...]


def ask_view(state: State, *, now: float) -> AskView | None:
    """The question that waits for a person, if any."""
    if state.waiting is None:
        return None
    asked = state.waiting.asked
    e = state.experiments[asked.experiment]
    left = ""
    if state.waiting.deadline is not None and asked.on_silence:
        left = f" · {asked.on_silence.replace('_', ' ')} in {words.clock(state.waiting.deadline - now)}"
    who = f"{clean(e.proposer)} asks · " if asked.gate == "tool" else ""
    who = f"{clean(asked.agent)}, an agent's new version · " if asked.gate == "rewrite" else who
    who = f"{QUARANTINED} · " if asked.gate == "verdict" and QUARANTINED in asked.question else who
    title = f"ASK · #{asked.experiment} · {who}waiting {words.clock(now - state.waiting.since)}{left}"
    keys = "   ".join(f"{key.first} {key.label}" for key in KEYS if key.when == asked.gate and key.footer)
    if asked.gate == "run":
        keys = f"x abort   {keys}"
    return AskView(id=asked.ask, digest=asked.digest, title=title, lines=_question(asked, e, state), keys=keys)


def _question(asked: Asked, e: Experiment, state: State) -> Lines:
    match asked.gate:
        case "rewrite":
            return _rewritten(asked, state)
        case "tool":
            return (
                words.one_line(asked.question[:WANTED_CHARACTERS]) or "something without a title",
                *_wanted(asked.detail),
            )
        case "apply":
            return _proposal(e, state)
        case "run":
            return (words.one_line(asked.question),)
        case "verdict":
            return _verdict(asked, e, state)


def _rewritten(asked: Asked, state: State) -> Lines:
    """Why an agent's source was rewritten, and what is known of it; the diff pane has what changed."""
    version = state.lineage.versions.get(asked.agent)
    if version is None:
        return (words.one_line(asked.question[:WANTED_CHARACTERS]),)
    written = version.written
    made = f"{words.one_line(asked.agent)}, made from {words.one_line(written.parent)} by {words.one_line(written.by)}"
    passed = outer.checks(version)
    return (made, *((Told(f"checks  {passed}", "text"),) if passed else ()), *_claims(("why ", written.reason)))


def _verdict(asked: Asked, e: Experiment, state: State) -> Lines:
    """Whether it is better, how sure that is, and why a person is asked."""
    reason, _, _ = words.one_line(asked.question).partition(DOUBT)
    doubts = (Told(f"hard to believe: {' · '.join(map(words.one_line, e.flags))}", "mark"),) if e.flags else ()
    asks = f"{reason}; o keeps it all the same" if e.flags and QUARANTINED in reason else reason
    tried = certainty.tries(e, state) if e.repeats else ""
    rest = _claims(("mean ", tried), ("idea ", e.hypothesis), ("hope ", e.expected))
    return (*doubts, asks, *((Told(f"odds  {words.one_line(asked.detail)}", "text"),) if asked.detail else ()), *rest)


def _proposal(e: Experiment, state: State) -> Lines:
    size = f"+{e.added} −{e.removed} lines in {', '.join(map(words.one_line, e.paths))}"
    author = f", amended by {clean(e.author)}" if e.author != e.proposer else ""
    doubts = words.flags(e, state)
    why = f"why  {words.one_line(e.hypothesis)}"
    rest = _claims(("how ", e.mechanism or "no mechanism was given"), ("so  ", e.expected))
    # What is to be doubted comes first: on a low terminal the rest may be out of sight.
    if doubts:
        return (Told(" · ".join((f"do   {size}{author}", *doubts)), "warn"), why, *rest)
    return (why, *rest, Told(f"do   {size}{author}", "quiet"))


def _claims(*claims: tuple[str, str]) -> Lines:
    return tuple(Told(f"{name} {words.one_line(text)}", "quiet") for name, text in claims if text.strip())


def _wanted(detail: str) -> Lines:
    """The beginning of what an agent wants to do; the diff pane has all of it."""
    lines = [line for line in detail.splitlines() if line.strip()]
    if any(line.startswith("@@ ") for line in lines):
        lines = [line for line in lines if line[0] in "+-" and not line.startswith(("+++ ", "--- "))]
    return tuple(
        Told(line[:WANTED_CHARACTERS], "quiet") for line in lines[:WANTED_LINES] or ["it says no more about it"]
    )
