"""The books: every request to a model is in the ledger before it is sent, and what it used afterwards.

A request that could pass a cap is not sent. A request that nobody heard the end of, because it was cut or its engine was killed,
is booked as an estimate: the service may bill it, and its repetition is another request. An agent whose price nobody knows in
advance is held against what it reports, in mid-turn where it does: then a cap can be passed, by one such report at most.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from . import home
from .errors import Blocked, ConfigError, LedgerError, ProposerFailed
from .events import AnyFact, Billed, Caller, Requested, Warned
from .journal import Journal
from .ledger import Ledger
from .money import CHARACTERS_PER_TOKEN, Prices, Usage, dollars
from .state import Bill

SHIPPED = Path(__file__).with_name("prices.json")

WARNS_AT, PAUSES_AT = 0.8, 0.9
"""Of the run's cap, counting the most that the next request can cost."""

DAY_SECONDS = 86_400


class Wait(NamedTuple):
    """Why a request has to wait, and for how long."""

    why: str
    seconds: float


class Books:
    """What a run spends."""

    def __init__(
        self,
        *,
        journal: Journal,
        run_dir: Path,
        prices: Prices | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """The books of one run; `prices` are the shipped ones with the user's own in their place when absent."""
        self._journal, self._run_dir, self._clock = journal, run_dir, clock
        self._prices = prices or known_prices()
        self.retry = asyncio.Event()
        """Set when a person does not want to wait any longer."""

    def open(
        self,
        experiment: int,
        role: Caller,
        model: str,
        *,
        prompt_tokens: int,
        output_tokens: int,
    ) -> "Booked":
        """Book a request before it is sent.

        ProposerFailed("over_budget") when it could pass the proposal's cap, Blocked when it could pass the run's.
        """
        worst = self._prices.worst(model, prompt=prompt_tokens, output=output_tokens)
        self._within_caps(experiment, worst)
        self._warn_or_pause(worst)
        number = len(self._journal.state.bills) + 1
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
        return Booked(self, self._journal, self._prices, experiment, number, model)

    def wait(self, model: str, *, prompt_tokens: int, output_tokens: int) -> Wait | None:
        """How long a request has to wait for another day's money; Blocked when it could cost more than a whole day's."""
        cap = self._journal.state.caps.day_usd
        if cap is None:
            return None
        worst = self._prices.worst(model, prompt=prompt_tokens, output=output_tokens)
        if worst is not None and worst > cap:
            why = f"a day may cost {dollars(cap)} in all runs, and the next request alone could cost {dollars(worst)}"
            raise Blocked(f"{why}; {self._raise_it('--usd-day')}", "money", final=True)
        now = self._clock()
        today = now - now % DAY_SECONDS
        spent = self._spent_since(today)
        if not _passes(cap, spent, worst):
            return None
        why = f"a day may cost {dollars(cap)} in all runs, and {_spent(spent, worst)}; it goes on at midnight (UTC)"
        return Wait(why, today + DAY_SECONDS - now)

    def close_open(self) -> None:
        """Book an estimate for every request that nobody heard the end of."""
        self._journal.append(*(self._estimate(bill) for bill in self._journal.state.bills.values() if bill.is_open))

    def _estimate(self, bill: Bill) -> Billed:
        asked, billed = bill.asked, bill.billed
        known = billed.usage if billed else Usage(input=asked.prompt_tokens)
        thoughts = self._journal.telemetry.thoughts(asked.experiment)
        heard = sum(len(thought.text) for thought in thoughts if thought.at >= bill.at and thought.kind != "notice")
        output = max(known.output, math.ceil(heard / CHARACTERS_PER_TOKEN))
        usage = known.model_copy(update={"output": output})
        prices = (self._prices.usd(asked.model, usage), billed.usd if billed else None)
        usd = max((price for price in prices if price is not None), default=None)
        return Billed(experiment=asked.experiment, request=asked.request, usage=usage, usd=usd, estimated=True)

    # -- caps ----------------------------------------------------------------------------------------------------------

    def still_within(self, experiment: int) -> None:
        """What was spent so far, in the middle of a request: raises as `open` does once it has passed a cap."""
        self._within_caps(experiment, 0.0)
        cap = self._journal.state.caps.day_usd
        now = self._clock()
        if cap is not None and (spent := self._spent_since(now - now % DAY_SECONDS)) > cap:
            raise ProposerFailed(f"a day may cost {dollars(cap)} in all runs, and {_spent(spent, None)}", "over_budget")

    def _within_caps(self, experiment: int, worst: float | None) -> None:
        state = self._journal.state
        caps, run = state.caps, _committed(state.bills.values())
        if caps.run_usd is not None and _passes(caps.run_usd, run, worst):
            why = f"the run may cost {dollars(caps.run_usd)}, and {_spent(run, worst)}"
            raise Blocked(f"{why}; {self._raise_it('--usd')}", "money", final=True)
        proposal = _committed(bill for bill in state.bills.values() if bill.asked.experiment == experiment)
        if caps.proposal_usd is not None and _passes(caps.proposal_usd, proposal, worst):
            why = f"#{experiment} may cost {dollars(caps.proposal_usd)}, and {_spent(proposal, worst)}"
            raise ProposerFailed(why, "over_budget")

    def _warn_or_pause(self, worst: float | None) -> None:
        state = self._journal.state
        caps, run = state.caps, _committed(state.bills.values())
        if caps.run_usd is None:
            return
        near = f"of the {dollars(caps.run_usd)} that the run may cost, {_spent(run, worst)}"
        share = (run + (worst or 0.0)) / caps.run_usd
        if share > PAUSES_AT and state.attended and not state.cap_waived:
            go_on = f"loopwatch resume {self._run_dir.name} goes on up to that; with --usd X, up to X"
            raise Blocked(f"{near}; {go_on}", "money")
        if share > WARNS_AT:
            self._warn_once(f"cap {caps.run_usd}", near)

    def _raise_it(self, option: str) -> str:
        return f"let it go on with: loopwatch resume {self._run_dir.name} {option} X"

    def _warn_once(self, about: str, text: str) -> None:
        if about not in self._journal.state.warned:
            self._journal.append(Warned(text=text, once=about))

    # -- a day of all runs ---------------------------------------------------------------------------------------------

    def _spent_since(self, at: float) -> float:
        """What all runs spent since a moment, or may spend with what they have asked for."""
        total = _total(self._journal.ledger.at_or_after(at, "requested", "billed"))
        for database in self._run_dir.parent.glob("*/run.db"):
            if database.parent != self._run_dir and _was_written_since(database, at):
                total += self._spent_elsewhere(database, at)
        return total

    def _spent_elsewhere(self, database: Path, at: float) -> float:
        name = database.parent.name
        try:
            ledger = Ledger(database)
            try:
                return _total(ledger.at_or_after(at, "requested", "billed"))
            finally:
                ledger.close()
        except LedgerError as error:
            self._warn_once(f"day {name}", f"what {name} spent is not counted for the day: {error}")
            return 0.0


class Booked:
    """One request in the books."""

    def __init__(
        self, books: Books, journal: Journal, prices: Prices, experiment: int, request: int, model: str
    ) -> None:
        """Request `request` of an experiment."""
        self._books, self._journal, self._prices, self._experiment = books, journal, prices, experiment
        self._request, self._model = request, model

    def used(self, usage: Usage, *, usd: float | None = None, estimated: bool = False, final: bool = True) -> None:
        """See `turn.Request`."""
        cost = self._prices.usd(self._model, usage) if usd is None else usd
        state, about = self._journal.state, f"price {self._model}"
        facts: list[AnyFact] = [
            Billed(
                experiment=self._experiment,
                request=self._request,
                usage=usage,
                usd=cost,
                estimated=estimated,
                final=final,
            )
        ]
        if final and cost is None and state.caps.any and about not in state.warned:
            text = f"{self._model} has no price and does not say what it costs, so no cap holds it; write its price into {file()}"
            facts.append(Warned(text=text, once=about))
        self._journal.append(*facts)
        if usd is not None and not final:
            self._books.still_within(self._experiment)


def _passes(cap: float, spent: float, worst: float | None) -> bool:
    """Whether a request could pass a cap; one of unknown price is let through until the cap is reached."""
    return spent >= cap if worst is None else spent + worst > cap


def _spent(spent: float, worst: float | None) -> str:
    more = f", and the next request could cost {dollars(worst)}" if worst else ""
    return f"{dollars(spent)} is spent{more}"


def _committed(bills: Iterable[Bill]) -> float:
    return _total(fact for bill in bills for fact in (bill.asked, bill.billed) if fact)


def _total(facts: Iterable[AnyFact]) -> float:
    """What requests cost; one that is still open counts as the most that it can cost."""
    most: dict[int, float] = {}
    for fact in facts:
        match fact:
            case Requested():
                most[fact.request] = fact.worst_usd or 0.0
            case Billed():
                so_far = fact.usd or 0.0
                most[fact.request] = so_far if fact.final else max(so_far, most.get(fact.request, 0.0))
            case _:
                pass
    return math.fsum(most.values())


def _was_written_since(database: Path, at: float) -> bool:
    files = (database, database.with_name(f"{database.name}-wal"))
    return any(file.stat().st_mtime >= at for file in files if file.exists())


# -- prices ------------------------------------------------------------------------------------------------------------


def file() -> Path:
    """Where a person's own prices are, in the format of the shipped ones."""
    return home.config() / "prices.json"


def known_prices() -> Prices:
    """The shipped prices, with the user's own in their place; ConfigError names what is wrong with those."""
    path = file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return shipped_prices()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the prices in {path} cannot be read: {error}") from None
    try:
        return shipped_prices().with_overrides(Prices.model_validate(json.loads(text)))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"]) or "all of it"
        said = problem["msg"].removeprefix("Value error, ").replace("Input should", "it should")
        raise ConfigError(f"{path}: {field}: {said}") from None


@cache
def shipped_prices() -> Prices:
    """The prices that come with loopwatch."""
    return Prices.model_validate(json.loads(SHIPPED.read_text(encoding="utf-8")))
