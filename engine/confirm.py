"""Is it better, and how sure is that? One decision after every training: train it again, keep it, or let it go. Pure.

A candidate is compared twice. With the best there is, leniently, because a search that only takes certain steps stands still:
what is better on the average of a few trainings is *kept*, provisionally. And with the last *confirmed* one, strictly, by
Student's t on trainings that neither was chosen for; small gains in a row may be confirmed together.

The number that made somebody look at a candidate is lucky more often than not, so it proves nothing: it takes part in the
decision to keep, never in the proof. And before anything is called confirmed, the one that it has to beat is trained again beside it:
if that scores otherwise than it did, the machine has changed and not the code. `benchmarks/null_loop.py` measures what these rules
promise.
"""

import math
import statistics
from dataclasses import dataclass, replace
from typing import Literal

from .noise import Noise, t_tail

BARS = (0.2, 0.3, 0.0)
"""σ by which all trainings together must be better after none, one and more repeats, or the candidate is let go."""

WORTH = 1.5
"""σ above the last confirmed one, from where on more trainings are spent on the proof at once."""

ERROR = 0.003
"""The chance, at each look at the numbers, that something no better than the last confirmed one is called confirmed."""

FEWEST = 2
"""Repeats of whatever is kept: the next candidates are compared with their mean."""

MOST = 8
"""Repeats of a candidate, at most."""

LUCKIEST = 2.0
"""σ that a first score counts above the mean of the repeats, at most: one wild number must not carry the others."""

SIMPLER = 0.4
"""σ that a change may be worse by than another would have to be, when it makes the code shorter."""

Action = Literal["discard", "keep", "confirm", "repeat", "repeat_confirmed"]


@dataclass(frozen=True, slots=True)
class Entrant:
    """One state of the code, with what its trainings scored: greater is better."""

    fresh: tuple[float, ...] = ()
    """On seeds that it was not chosen for."""
    first: float | None = None
    """The score that it was chosen for, if it was."""
    beside: int = 0
    """How many of the last fresh ones were trained since the candidate was."""

    def overall(self, sigma: float = math.inf) -> float:
        """The mean of every score; a first one that was too lucky to be believed counts as LUCKIEST σ above the others."""
        if self.first is None or not self.fresh:
            return self.mean
        first = min(self.first, self.mean + LUCKIEST * sigma)
        return (first + sum(self.fresh)) / (1 + len(self.fresh))

    def now(self, noise: Noise) -> "Entrant":
        """Without the scores of before, where those since the candidate was trained are others: then the machine has drifted."""
        since, before = self.fresh[len(self.fresh) - self.beside :], self.fresh[: len(self.fresh) - self.beside]
        if len(since) < FEWEST or not before or not noise.sigma:
            return self
        step, unit = statistics.mean(since) - statistics.mean(before), 1 / len(since) + 1 / len(before)
        # These scores are part of what is known of the noise: how far the machine moved must not pass for noise.
        still = noise.without(step * step / unit)
        moved = abs(step) / (still.sigma * math.sqrt(unit)) if still.sigma else math.inf
        return replace(self, fresh=since) if step and 2 * t_tail(moved, still.weight) < ERROR else self

    @property
    def mean(self) -> float:
        """What it is worth, as far as one knows without fooling oneself."""
        assert self.fresh or self.first is not None, "whatever is compared has a score"
        return statistics.mean(self.fresh) if self.fresh else self.first or 0.0


@dataclass(frozen=True, slots=True)
class Weighed:
    """What to do next, and why."""

    action: Action
    gain: float
    """Over the best, in the metric's unit, all trainings together."""
    sigma: float | None
    """The same in σ; None where there is none."""
    p: float | None = None
    """The chance of so good a proof if it were no better than the last confirmed one; None before there is one."""

    @property
    def is_final(self) -> bool:
        """Whether nothing is trained any more."""
        return self.action not in ("repeat", "repeat_confirmed")


def weigh(
    candidate: Entrant,
    best: Entrant,
    confirmed: Entrant,
    noise: Noise,
    *,
    shorter: bool = False,
    strict: bool = False,
) -> Weighed:
    """The next step with a candidate that has at least one score.

    best       what the search goes on from now
    confirmed  the last confirmed one, which may be the same
    shorter    the candidate's code has fewer lines: a tie goes to it
    strict     only what is confirmed is kept
    """
    confirmed = confirmed.now(noise)
    if not noise.sigma:
        return _without_noise(candidate, candidate.mean - best.mean, noise, shorter=shorter)
    overall = candidate.overall(noise.sigma)
    gain = overall - best.mean
    sigma, ease = gain / noise.sigma, SIMPLER if shorter else 0.0
    repeats, p = len(candidate.fresh), proof(candidate, confirmed, noise)
    if sigma < BARS[min(repeats, len(BARS) - 1)] - ease:
        return Weighed("discard", gain, sigma, p)
    if p is not None and p < ERROR:
        return Weighed("confirm" if confirmed.beside >= FEWEST else "repeat_confirmed", gain, sigma, p)
    above = (overall - confirmed.mean) / noise.sigma
    if repeats < MOST and (repeats < FEWEST or above > WORTH):
        fewer = len(confirmed.fresh) < repeats
        return Weighed("repeat_confirmed" if fewer else "repeat", gain, sigma, p)
    return Weighed("discard" if strict else "keep", gain, sigma, p)


def proof(candidate: Entrant, confirmed: Entrant, noise: Noise) -> float | None:
    """The chance of numbers as good as the candidate's repeats if it were no better; None with too few of them."""
    ours, theirs = len(candidate.fresh), len(confirmed.fresh)
    if ours < FEWEST or not theirs or not noise.sigma:
        return None
    error = noise.sigma * math.sqrt(1 / ours + 1 / theirs)
    return t_tail((candidate.mean - confirmed.mean) / error, noise.weight)


def chance_real(candidate: Entrant, best: Entrant, noise: Noise) -> float | None:
    """The probability that a candidate is truly better than the best, if nothing was known before; None without a σ.

    The first score counts only while there is no other; then the truth is less than this says.
    """
    if not noise.sigma:
        return None
    error = noise.sigma * math.sqrt(1 / max(1, len(candidate.fresh)) + 1 / max(1, len(best.fresh)))
    return 1 - t_tail((candidate.mean - best.mean) / error, noise.weight)


def _without_noise(candidate: Entrant, gain: float, noise: Noise, *, shorter: bool) -> Weighed:
    """Where identical trainings gave identical numbers, one more is enough; where nobody knows, two show a spread."""
    if gain < 0 or (gain == 0 and not shorter):
        return Weighed("discard", gain, None)
    needed = 0 if noise.is_absent else 1 if noise.is_measured else FEWEST
    return Weighed("repeat" if len(candidate.fresh) < needed else "confirm", gain, None, 0.0 if gain else None)
