"""An agent without a model: it draws one small edit of the code at a time, and remembers which kinds and places paid.

What it knows is in the brief: a kind of edit, and a place in the code, is drawn the more often the more of its earlier edits were
kept (a draw from a beta distribution for each, as in Thompson sampling). It understands nothing, and says so in each proposal.
Covered: whatever it proposes compiles, is new, and is small. Not covered: whether it makes sense.
"""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random as Dice
from typing import Any

from ..config import AgentSettings
from ..editing import diff as diffs
from ..editing import edits
from ..errors import EditRefused, NothingToPropose
from ..mutation import Change, Code, Piece, mutations
from ..state import Experiment
from . import Brief, Proposal, Steering, Turn

REFUSALS = 400
"""Drafts that may be refused in one turn. A small file, where much was tried, has that many."""
ROUNDS = 4
"""How often all edits are drawn anew: numbers and texts get other values each time."""
SETTING = 4.0
"""A named value at the top level is there to be set: it is drawn so many times as often as another place."""
CHARACTERS = 200_000
"""Of Python that is looked at, which takes seconds; what an agent's code asks to have edited may be much more."""
CROSSOVERS = 12
"""Earlier diffs that are tried again on the best of now."""

_EDIT = re.compile(r"(\w+) edit in (\S+?)(?=[;,]|$)")
_WEIGHTS = {"constant": 3.0, "operator": 2.0, "idiom": 1.0, "text": 2.0, "crossover": 0.5}
"""How often each kind is drawn before anything is known."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What an agent's code may ask for. What it says is checked here: anything else than these is as if it were not there."""

    kinds: Mapping[str, float] = field(default_factory=lambda: _WEIGHTS)
    step: float = 0.5
    edits: int = 1
    seed: int = 0

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "Hints":
        """The hints that make sense."""
        weights = said.get("kinds")
        kinds = {kind: _number(weights.get(kind), 0, 1e6) for kind in _WEIGHTS} if isinstance(weights, Mapping) else {}
        named = {kind: weight for kind, weight in kinds.items() if weight is not None}
        step, several, seed = (_number(said.get(name), *_RANGES[name]) for name in ("step", "edits", "seed"))
        return cls(
            kinds=named if any(named.values()) else _WEIGHTS,
            step=0.5 if step is None else step,
            edits=1 if several is None else int(several),
            seed=0 if seed is None else int(seed),
        )


_RANGES = {"step": (0.001, 10.0), "edits": (1, 8), "seed": (-(2**63), 2**63)}


@dataclass(frozen=True, slots=True)
class Draft:
    """One edit that could be made."""

    kind: str
    path: str
    place: str
    what: str
    pieces: tuple[Piece, ...]
    make: Callable[[], dict[str, str] | None] = field(compare=False)
    """The new text of each file that it changes; None when it comes to nothing."""
    is_setting: bool = False

    @property
    def where(self) -> str:
        """Its place among all files."""
        return f"{self.path}:{self.place}"


class Record:
    """How earlier edits went: of each kind and at each place how many there were, and how many were kept."""

    def __init__(self, history: tuple[Experiment, ...]) -> None:
        self.tried: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        for experiment in history:
            if experiment.verdict not in (None, "unproposed", "interrupted"):
                found = _EDIT.findall(experiment.mechanism) if experiment.mechanism.startswith("none: ") else []
                names = {name for kind, place in found for name in (kind, place)}
                self.tried.update(names)
                self.kept.update(names if experiment.verdict == "kept" else ())

    def draw(self, name: str, dice: Dice) -> float:
        """How promising a kind or a place is, drawn from what is known of it."""
        return dice.betavariate(1 + self.kept[name], 1 + self.tried[name] - self.kept[name])


class Mutation:
    """Draws small edits."""

    steering: Steering = "next experiment"

    def __init__(self, argument: str = "", settings: AgentSettings | None = None) -> None:
        """Takes no argument and needs no settings."""

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        """One small edit that was not tried; the same brief draws the same."""
        hints, record = Hints.read(brief.hints), Record(brief.history)
        dice = Dice(f"{brief.seed}/{brief.experiment}/{brief.revision}/{hints.seed}")
        drawn: set[str] = set()
        refusals: list[str] = []
        for drafts, files in _drawn(brief, hints, record, dice):
            diff = "".join(edits.render(path, brief.sources.get(path), files[path]) for path in sorted(files))
            if not diff or diff in drawn:
                continue
            drawn.add(diff)
            proposal = _proposal(brief, record, drafts, diff)
            try:
                turn.check(proposal)
            except EditRefused as refused:
                refusals.append(f"{drafts[0].what}: {refused}")
                if len(refusals) == REFUSALS:
                    break
                await asyncio.sleep(0)  # the engine has other work
                continue
            turn.hear("text", f"Mutation: drew {' and '.join(draft.what for draft in drafts)}.\n")
            return proposal
        last = f"; the last refusal: {refusals[-1]}" if refusals else ""
        python = ", ".join(path for path in sorted(brief.sources) if path.endswith(".py")) or "no Python file"
        raise NothingToPropose(f"mutation found no untried edit of {python}{last}")


def _drawn(
    brief: Brief, hints: Hints, record: Record, dice: Dice
) -> Iterator[tuple[tuple[Draft, ...], dict[str, str]]]:
    """Edits to try, one after the other, with the files that they change."""
    seen: set[Draft] = set()
    for _ in range(ROUNDS):
        new = {draft: None for draft in _drafts(brief.sources, hints, dice, brief) if draft not in seen}
        seen |= new.keys()
        for draft in _ordered(list(new), hints, record, dice):
            files = draft.make()
            if files is None:
                continue
            drafts = [draft]
            while len(drafts) < hints.edits and (more := _another({**brief.sources, **files}, hints, record, dice)):
                drafts.append(more[0])
                files |= more[1]
            yield tuple(drafts), files


def _another(
    sources: Mapping[str, str], hints: Hints, record: Record, dice: Dice
) -> tuple[Draft, dict[str, str]] | None:
    """One more edit, of files that were edited."""
    for draft in _ordered(list(_drafts(sources, hints, dice)), hints, record, dice):
        files = draft.make()
        if files is not None:
            return draft, files
    return None


def _drafts(sources: Mapping[str, str], hints: Hints, dice: Dice, brief: Brief | None = None) -> Iterator[Draft]:
    """Every edit that there is; with a brief also those that earlier experiments made."""
    left = CHARACTERS
    for path in sorted(sources):
        if not path.endswith(".py") or len(sources[path]) > left:
            continue
        left -= len(sources[path])
        code = Code.read(sources[path])
        for change in mutations(code, dice, hints.step) if code else ():
            yield _draft(path, code, change)
    if brief:
        for experiment in _nearly_good(brief):
            what = f"the edit of #{experiment.number} on the best of now"
            yield Draft("crossover", "", f"#{experiment.number}", what, (), partial(_again, experiment.diff, sources))


def _draft(path: str, code: Code | None, change: Change) -> Draft:
    def make() -> dict[str, str] | None:
        text = code.changed(change.pieces) if code else None
        return None if text is None else {path: text}

    return Draft(change.kind, path, change.place, change.what, change.pieces, make, change.is_setting)


def _nearly_good(brief: Brief) -> list[Experiment]:
    """What was measured and not kept, the least bad first: on another best it may do better."""
    measured = [e for e in brief.history if e.verdict == "discarded" and e.diff and e.gain is not None]
    return sorted(measured, key=lambda one: -(one.gain or 0.0))[:CROSSOVERS]


def _again(diff: str, sources: Mapping[str, str]) -> dict[str, str] | None:
    """What an earlier diff makes of the files of now: at its place, or where its lines are found once with less around them."""
    for width in (3, 1, 0):
        try:
            patches = diffs.parse(diff)
            narrow = [replace(patch, hunks=tuple(_narrow(hunk, width) for hunk in patch.hunks)) for patch in patches]
            if all(hunk.before for patch in narrow for hunk in patch.hunks):
                return edits.apply(narrow, sources)
        except EditRefused:
            continue
    return None


def _narrow(hunk: diffs.Hunk, width: int) -> diffs.Hunk:
    """A hunk with at most so many unchanged lines before and after."""
    changed = [at for at, line in enumerate(hunk.lines) if line.op != " "]
    first, last = max(0, changed[0] - width), changed[-1] + 1 + width
    return diffs.Hunk(hunk.start + first, hunk.lines[first:last])


def _ordered(drafts: list[Draft], hints: Hints, record: Record, dice: Dice) -> Iterator[Draft]:
    """All of them in the order in which they are drawn: a kind, then a place, then an edit there."""
    pools: dict[str, dict[str, list[Draft]]] = {}
    for draft in drafts:
        if hints.kinds.get(draft.kind):
            pools.setdefault(draft.kind, {}).setdefault(draft.where, []).append(draft)
    while pools:
        kind = _best({kind: hints.kinds[kind] * record.draw(kind, dice) for kind in pools}, dice)
        weights = {
            where: math.sqrt(len(found)) * (SETTING if found[0].is_setting else 1) * record.draw(where, dice)
            for where, found in pools[kind].items()
        }
        where = _best(weights, dice)
        found = pools[kind][where]
        yield found.pop(dice.randrange(len(found)))
        if not found:
            del pools[kind][where]
        if not pools[kind]:
            del pools[kind]


def _best(weights: Mapping[str, float], dice: Dice) -> str:
    """One of the names, as often as its weight says."""
    return dice.choices(list(weights), weights=[max(weight, 1e-9) for weight in weights.values()])[0]


def _proposal(brief: Brief, record: Record, drafts: tuple[Draft, ...], diff: str) -> Proposal:
    places = ", ".join(f"{draft.kind} edit in {draft.where}" for draft in drafts)
    kind = drafts[0].kind
    known = f"{record.kept[kind]} of {record.tried[kind]} earlier edits of this kind were kept"
    return Proposal(
        hypothesis=f"{' and '.join(draft.what for draft in drafts)}, to improve {brief.task.metric.name}",
        mechanism=f"none: drawn at random, {places}; {known}",
        expected="not known: most such edits are no better; a number that is no better refutes it",
        diff=diff,
    )


def _number(value: object, low: float, high: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(max(value, low), high) if isinstance(value, int) or math.isfinite(value) else None
