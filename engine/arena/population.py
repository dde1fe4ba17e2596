"""Who takes part in an arena, what each did in a round, and who is replaced by a copy of whom. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple, Self

from ..agent_events import Role
from ..lineage import Lineage, Round
from ..state import Experiment

EVERY = 3
"""Rounds from one replacement to the next."""
TESTS = 8
"""That all test agents together are asked for in a round."""
ROLES: tuple[Role, ...] = ("code", "test")


@dataclass(frozen=True, slots=True)
class Form:
    """The kind of an arena."""

    code: int
    test: int
    every: int | None = None
    """Rounds after which the worst are replaced; None: nobody ever is."""

    @classmethod
    def read(cls, argument: str) -> Self:
        """Of what stands after `arena:`, which is `1v1`, `NxM` or either with `:K`."""
        sides, _, every = argument.partition(":")
        if sides == "1v1":
            return cls(1, 1)
        code, _, test = sides.partition("x")
        return cls(int(code), int(test), int(every or EVERY))

    @property
    def wanted(self) -> int:
        """Tests that one agent is asked for in a round."""
        return max(1, TESTS // self.test)

    def size(self, role: Role) -> int:
        """How many agents of a role there are."""
        return self.code if role == "code" else self.test


class Pair(NamedTuple):
    """One place in a population."""

    worst: str
    """Who loses it."""
    winner: str
    """Whose mutated copy gets it."""


def scores(round_: Round, experiments: Iterable[Experiment], wanted: int) -> dict[str, float]:
    """What each agent did in a round: a code agent's gain, a test agent's share of what it was asked for that the best fails."""
    gains = dict.fromkeys(round_.began.code, 0.0)
    for experiment in experiments:
        if experiment.number > round_.after and experiment.agent in gains and experiment.verdict == "kept":
            gains[experiment.agent] += _gain(experiment)
    return gains | {name: _harm(round_, name) / wanted for name in round_.began.test}


def turn(round_: Round, experiments: Iterable[Experiment]) -> str | None:
    """The code agent that had no experiment in this round; None when each had. An interrupted one does not count."""
    of_now = [e.agent for e in experiments if e.number > round_.after and e.verdict != "interrupted"]
    return next((name for name in round_.began.code if name not in of_now), None)


def order(names: Sequence[str], round_: int) -> tuple[str, ...]:
    """In which order agents have their turns in a round: whoever is first finds more to gain, so that everybody is now and then."""
    first = (round_ - 1) % len(names) if names else 0
    return (*names[first:], *names[:first])


def standings(lineage: Lineage, form: Form, role: Role) -> dict[str, float]:
    """Of each agent in the last round, the mean score in the rounds since the last replacement, of those that it took part in.

    Whoever has stood longest comes first.
    """
    round_ = lineage.round
    assert round_ is not None, "agents are compared by their rounds"
    taking_part = round_.began.code if role == "code" else round_.began.test
    numbers = range(max(1, round_.number - (form.every or 1) + 1), round_.number + 1)
    found = [fact.scores for number in numbers if (fact := lineage.rounds[number].ended)]
    names = [name for name in lineage.versions if name in taking_part]
    return {name: fmean([said[name] for said in found if name in said] or [0.0]) for name in names}


def replacements(standings_: Mapping[str, float]) -> tuple[Pair, ...]:
    """The worse half, each with one of the best in its place, the worst with the very best.

    Of agents that did equally well, those that come first in the order stay: they have stood longer.
    """
    ranked = sorted(standings_, key=lambda name: -standings_[name])
    half = len(ranked) // 2
    return tuple(
        Pair(worst, winner) for winner, worst in zip(ranked[:half], reversed(ranked[len(ranked) - half :]), strict=True)
    )


def due(lineage: Lineage, form: Form, role: Role) -> Pair | None:
    """The next place that has to be filled before another round begins; None when there is none.

    Which places these are follows from the rounds; how many were filled, or kept for want of a better one, from the versions.
    """
    round_ = lineage.round
    if form.every is None or round_ is None or round_.ended is None or round_.number % form.every:
        return None
    pairs = replacements(standings(lineage, form, role))
    written = (version.written for version in lineage.versions.values() if not version.is_open)
    tried = sum(fact.role == role and bool(fact.parent) and fact.round == round_.number for fact in written)
    return pairs[tried] if tried < len(pairs) else None


def _gain(experiment: Experiment) -> float:
    """Of a kept experiment; where the best had no number to be compared with, all of its own counts."""
    return max(0.0, experiment.gain) if experiment.gain is not None else abs(experiment.value or 0.0)


def _harm(round_: Round, name: str) -> float:
    proposals = round_.tests.get(name)
    return proposals.weighed.lost if proposals and proposals.weighed else 0.0
