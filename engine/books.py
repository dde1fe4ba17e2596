"""The books: every request to a model is in the ledger before it is sent, and what it used afterwards.

A request that could pass a cap is not sent. What a killed engine had sent and not heard the end of is booked as an estimate.
"""

import json
from functools import cache
from pathlib import Path
from typing import Literal

from .config import Caps
from .events import Billed, Requested
from .journal import Journal
from .money import Prices, Usage

PRICES = Path(__file__).with_name("prices.json")


class Books:
    """What a run spends."""

    def __init__(self, *, journal: Journal, caps: Caps, prices: Prices | None = None) -> None:
        """The books of one run; `prices` are the shipped ones with the user's own in their place when absent."""
        self._journal, self._caps, self._prices = journal, caps, prices or shipped_prices()

    async def open(
        self,
        experiment: int,
        role: Literal["proposer", "reviewer"],
        model: str,
        *,
        prompt_tokens: int,
        output_tokens: int,
    ) -> "Booked":
        """Book a request before it is sent.

        ProposerFailed("over_budget") when it could pass the proposal's cap, Blocked when it could pass the run's.
        """
        number = len(self._journal.state.bills) + 1
        worst = self._prices.worst(model, prompt=prompt_tokens, output=output_tokens)
        self._journal.append(
            Requested(
                experiment=experiment,
                request=number,
                role=role,
                model=model,
                prompt_tokens=prompt_tokens,
                worst_usd=worst,
            )
        )
        return Booked(self._journal, self._prices, experiment, number, model)


class Booked:
    """One request in the books."""

    def __init__(self, journal: Journal, prices: Prices, experiment: int, request: int, model: str) -> None:
        """Request `request` of an experiment."""
        self._journal, self._prices, self._experiment = journal, prices, experiment
        self._request, self._model = request, model

    def used(self, usage: Usage, *, usd: float | None = None, estimated: bool = False, final: bool = True) -> None:
        """See `turn.Request`."""
        cost = self._prices.usd(self._model, usage) if usd is None else usd
        self._journal.append(
            Billed(
                experiment=self._experiment,
                request=self._request,
                usage=usage,
                usd=cost,
                estimated=estimated,
                final=final,
            )
        )


@cache
def shipped_prices() -> Prices:
    """The prices that come with loopwatch."""
    return Prices.model_validate(json.loads(PRICES.read_text(encoding="utf-8")))
