"""Where a run's money went: its requests to models, by whatever they have in common. Pure.

What is not known stays unknown: a request without a price is counted apart, and one that is still open has cost nothing yet.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from loopwatch.engine.money import Spent
from loopwatch.engine.state import Bill, State

DAY_SECONDS: Final = 86_400


@dataclass(slots=True)
class Share:
    """What some of the requests used."""

    requests: int = 0
    spent: Spent = field(default_factory=Spent)
    """Of those that were billed, if only in part."""
    cached_tokens: int = 0
    """Of the prompts, what came from the service's cache."""
    open: int = 0
    """Requests whose end nobody has heard; what is known of them so far is in `spent`."""
    worst_usd: float = 0
    """The most that the open ones can still add."""

    def add(self, bill: Bill) -> None:
        """Count a request."""
        billed = bill.billed
        self.requests += 1
        if bill.is_open:
            so_far = (billed and billed.usd) or 0.0
            self.open += 1
            self.worst_usd += max(0.0, (bill.asked.worst_usd or 0.0) - so_far)
        if billed is not None:
            self.spent.add(billed.usage, billed.usd, estimated=billed.estimated)
            self.cached_tokens += billed.usage.cache_read

    @property
    def usd(self) -> float | None:
        """Of the requests that were billed and have a price; None when there is none."""
        return None if self.spent.unpriced == self.spent.requests else self.spent.usd

    @property
    def cache_share(self) -> float | None:
        """Of the prompts; None without any."""
        return self.cached_tokens / self.spent.prompt_tokens if self.spent.prompt_tokens else None

    @property
    def committed_usd(self) -> float:
        """What it costs at most, as far as prices are known: this is what a cap is held against."""
        return self.spent.usd + self.worst_usd


class Limit(NamedTuple):
    """A cap, and what it leaves."""

    of: str
    usd: float
    left_usd: float | None
    """None: each proposal has its own."""


def whole(bills: Iterable[Bill]) -> Share:
    """What all of these requests used."""
    share = Share()
    for bill in bills:
        share.add(bill)
    return share


def by(bills: Iterable[Bill], what: Callable[[Bill], str]) -> dict[str, Share]:
    """What requests used, by something they have in common, in the order in which it first came up."""
    shares: dict[str, Share] = {}
    for bill in bills:
        shares.setdefault(what(bill), Share()).add(bill)
    return shares


def role(bill: Bill) -> str:
    """Who asked."""
    return bill.asked.role


def model(bill: Bill) -> str:
    """Who was asked."""
    return bill.asked.model


def day(bill: Bill) -> str:
    """When it was asked, as YYYY-MM-DD in UTC."""
    return datetime.fromtimestamp(bill.at, UTC).date().isoformat()


def dearest(state: State, count: int) -> dict[int, Share]:
    """The experiments whose proposals cost most, dearest first; of two without a price, the one with more tokens."""
    shares: dict[int, Share] = {}
    for bill in state.bills.values():
        shares.setdefault(bill.asked.experiment, Share()).add(bill)
    return dict(sorted(shares.items(), key=_cost, reverse=True)[:count])


def _cost(item: tuple[int, Share]) -> tuple[float, int]:
    spent = item[1].spent
    return spent.usd, spent.prompt_tokens + spent.output_tokens


def since_midnight(bills: Iterable[Bill], now: float) -> float:
    """What was committed on the day of `now`, in UTC."""
    midnight = now - now % DAY_SECONDS
    return whole(bill for bill in bills if bill.at >= midnight).committed_usd


def limits(state: State, *, today_usd: float) -> list[Limit]:
    """The caps that are set; `today_usd` is what all runs together committed today."""
    caps, run = state.caps, whole(state.bills.values()).committed_usd
    found = (
        ("run", caps.run_usd, run),
        ("day", caps.day_usd, today_usd),
        ("proposal", caps.proposal_usd, None),
    )
    return [
        Limit(of, cap, None if used is None else max(0.0, math.fsum((cap, -used))))
        for of, cap, used in found
        if cap is not None
    ]
