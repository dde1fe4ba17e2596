"""What the pane of an experiment's reasoning says: who speaks, what was claimed, what became of it. Pure."""

from collections.abc import Sequence

from loopwatch.engine.client import Thought
from loopwatch.engine.events import Entry, Heard, NoteRead, Proposing, Why
from loopwatch.engine.state import Experiment, State

from . import certainty, containment, words
from .clean import clean
from .palette import Role
from .view import DOUBTED, MECHANISM_LOOK, VERDICT_ROLE, Parts
from .widgets.tail import Voice

DECISIVE: tuple[Why, ...] = ("confirmation", "person")
"""Repeats that come before a verdict; the others come after it."""

VOICES: dict[Heard, Voice] = {
    "thinking": Voice("thought", "…"),
    "text": Voice("text", "▸"),
    "tool": Voice("accent", "●", every_line=True),
    "notice": Voice("warn", "▲", every_line=True),
}
"""How each kind of streamed text is told from the others."""

REVIEWER_VOICES: dict[Heard, Voice] = {
    "thinking": Voice("mark", "…"),
    "text": Voice("mark", "▸"),
    "tool": Voice("mark", "●", every_line=True),
    "notice": VOICES["notice"],
}


def reasoning_heading(e: Experiment) -> str:
    """The line above an experiment's reasoning."""
    return f"#{e.number} {e.proposer}" + (
        f", revision {e.revision}: sent back because {words.one_line(e.comment)}" if e.comment else ""
    )


def reasoning_title(e: Experiment) -> Parts:
    """The words above the reasoning: whose it is, and what it cost."""
    parts: Parts = [(f"3 Reasoning  #{e.number}", "text")]
    if e.spent.requests:
        parts.append((f"  {words.spent(e.spent)}", "quiet"))
    if e.explained:
        glyph, role = MECHANISM_LOOK[e.mechanism_held]
        parts.append((f"  {glyph} mechanism {e.mechanism_held}", role))
    return parts


def is_reviewers(thought: Thought, e: Experiment) -> bool:
    """Whether a piece of streamed text is the reviewer's: whoever proposes says nothing after the verdict."""
    return bool(e.ended_at) and thought.at > e.ended_at


def voice(thought: Thought, e: Experiment) -> tuple[str, Voice]:
    """Who says a piece of streamed text, and how it is drawn."""
    if is_reviewers(thought, e):
        return "the reviewer", REVIEWER_VOICES.get(thought.kind, VOICES["notice"])
    return e.proposer, VOICES.get(thought.kind, VOICES["notice"])


def reasoning_end(e: Experiment, state: State, *, told: str) -> list[tuple[str, Role]]:
    """What is known of an experiment besides what was streamed (`told`), in the order in which it becomes known."""
    lines: list[tuple[str, Role]] = [
        (
            f"note {note.number} by {clean(note.by)}, read {words.RECEIPTS[note.where]}: {words.one_line(note.text)}",
            "accent",
        )
        for note in state.notes.values()
        if note.read_in == e.number
    ]
    if e.step == "proposing":
        return lines
    claims = (("hypothesis", e.hypothesis), ("mechanism", e.mechanism), ("expected", e.expected))
    found = [f"{name}: {words.one_line(text)}" for name, text in claims if text.strip()]
    heard = words.one_line(told)
    lines += [(claim, "text") for claim in found if claim not in heard]
    lines += [(f"beware: {flag}", "warn") for flag in words.flags(e, state)]
    lines += _contained(e, state)
    lines += _repeats(e, *DECISIVE)
    if e.verdict is not None:
        lines.append((words.outcome(e), DOUBTED[1] if e.quarantined else VERDICT_ROLE[e.verdict]))
    lines += _repeats(e, "noise", "incumbent", "drift")
    if e.verdict is not None and e.fresh and e.repeats and state.repeating is None:
        lines.append((f"mean: {certainty.tries(e, state)}", "text"))
    if e.explained:
        glyph, role = MECHANISM_LOOK[e.explained.mechanism]
        lines.append((f"{glyph} mechanism {words.mechanism(e)}", role))
    return lines


def _repeats(e: Experiment, *kinds: Why) -> list[tuple[str, Role]]:
    return [
        (f"repeat {repeat.number} ({repeat.why}): {certainty.repeated(repeat.measured)}", "text")
        for repeat in e.repeats
        if repeat.measured and repeat.why in kinds
    ]


def _contained(e: Experiment, state: State) -> list[tuple[str, Role]]:
    """How an experiment was contained, and what it could do all the same."""
    said = containment.contained_in(e, state)
    role: Role = "bad" if e.sandbox in containment.UNCONTAINED else "warn" if ", but " in said else "quiet"
    return [(f"contained: {said}", role)] if said else []


def review_end(e: Experiment, state: State) -> list[tuple[str, Role]]:
    """What a reviewer made of an experiment."""
    if e.review is None:
        return []
    muted = " (muted: no brief has it)" if state.muted_by else ""
    return [(f"review by {clean(e.review.by)}{muted}: {words.review(e.review)}", "mark")]


def receipts(state: State, entries: Sequence[Entry]) -> list[str]:
    """What these facts say about notes that were read."""
    told: list[str] = []
    for _, _, fact in entries:
        read = fact.notes if isinstance(fact, Proposing) else (fact.note,) if isinstance(fact, NoteRead) else ()
        told += [f"note {number} was {words.receipt(state.notes[number])}" for number in read]
    return told
