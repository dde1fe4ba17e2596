"""What a run spent on models: by proposal, role, model and day, what its caps leave, and how long it waited."""

import time
from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from rich.cells import cell_len

from loopwatch.engine import client
from loopwatch.engine.errors import LoopwatchError
from loopwatch.engine.state import State

from . import spending, words
from .clean import cell_fit
from .exits import Exit
from .facts import Json, dump
from .headless import say
from .spending import Limit, Share
from .starting import read_state

DEAREST: Final = 10
_GROUPS: Final = (("role", spending.role), ("model", spending.model), ("day", spending.day))
_LIMITS: Final = {"run": "the run", "day": "a day (UTC), all runs together,", "proposal": "a proposal"}


def cost(args: Namespace) -> int:
    """`loopwatch cost [RUN]`."""
    run = client.find(args.run)
    state = read_state(run)
    limits = spending.limits(state, today_usd=0.0 if state.caps.day_usd is None else _today())
    if args.json:
        say(dump(_json(run.name, state, limits), indent=1))
    else:
        for line in told(run.name, state, limits):
            say(line)
    return Exit.OK


def told(run: str, state: State, limits: list[Limit]) -> list[str]:
    """What a run spent, in lines."""
    bills, total = state.bills.values(), spending.whole(state.bills.values())
    if not bills:
        return [f"{run}: no model was asked so far", *(_limit(limit, total) for limit in limits)]
    lines = [f"{run}: {', '.join(_cells(total))}", *(_limit(limit, total) for limit in limits)]
    if state.waited_seconds:
        lines.append(f"waited {words.duration(state.waited_seconds)} for limits and for services that did not answer")
    for name, what in _GROUPS:
        lines += ["", f"by {name}{' (UTC)' if name == 'day' else ''}", *_table(spending.by(bills, what))]
    named = {
        f"#{number} {_hypothesis(state, number)}".rstrip(): share
        for number, share in spending.dearest(state, DEAREST).items()
    }
    return [*lines, "", "the dearest proposals, their reviews included", *_table(named), *_legend(total)]


def _today() -> float:
    """What all runs committed today; a ledger that cannot be read hides no other."""
    now, total = time.time(), 0.0
    for run in client.runs():
        with suppress(LoopwatchError):
            total += spending.since_midnight(read_state(run).bills.values(), now)
    return total


def _hypothesis(state: State, number: int) -> str:
    text = words.one_line(state.experiments[number].hypothesis)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _limit(limit: Limit, total: Share) -> str:
    may = f"{_LIMITS[limit.of]} may cost {words.dollars(limit.usd)}"
    if limit.left_usd is None:
        return may
    most = "at most " if total.spent.unpriced or total.spent.estimated else ""
    return f"{may}; {most}{words.dollars(limit.left_usd)} is left"


def _cells(share: Share) -> tuple[str, ...]:
    spent = share.spent
    still = f" ({share.open} open)" if share.open else ""
    cached = "" if share.cache_share is None else f" ({share.cache_share:.0%} from a cache)"
    return (
        _money(share),
        f"{share.requests} request{'' if share.requests == 1 else 's'}{still}",
        f"{words.tokens(spent.prompt_tokens)} tokens sent{cached}",
        f"{words.tokens(spent.output_tokens)} written",
    )


def _money(share: Share) -> str:
    about = "~" if share.spent.estimated else ""
    if share.usd is None:
        return about + words.dollars(None)
    return f"{about}{words.dollars(share.usd)}{' + unknown' if share.spent.unpriced else ''}"


def _table(shares: Mapping[str, Share]) -> list[str]:
    rows = [(words.one_line(name), *_cells(share)) for name, share in shares.items()]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    fitted = (map(cell_fit, row, widths) for row in rows)
    return [f"  {'  '.join(cells)}".rstrip() for cells in fitted]


def _legend(total: Share) -> list[str]:
    found = []
    if total.spent.estimated:
        found.append("~ part of it is an estimate, because a request was cut before the service had counted")
    if total.spent.unpriced:
        found.append(f"unknown: the model has no price; write one into {words.one_line(str(client.prices_file()))}")
    if total.open:
        found.append(
            f"open: nobody has heard the end yet; at most {words.dollars(total.worst_usd)} more, where the price is known"
        )
    return ["", *found] if found else []


def _json(run: str, state: State, limits: list[Limit]) -> Json:
    groups: dict[str, Json] = {
        f"by_{name}": [{name: key, **_share(share)} for key, share in spending.by(state.bills.values(), what).items()]
        for name, what in _GROUPS
    }
    return {
        "run": run,
        **_share(spending.whole(state.bills.values())),
        "waited_seconds": state.waited_seconds,
        "caps": {limit.of: {"usd": limit.usd, "left_usd": limit.left_usd} for limit in limits},
        **groups,
        "dearest": [
            {"experiment": number, **_share(share)} for number, share in spending.dearest(state, DEAREST).items()
        ],
    }


def _share(share: Share) -> dict[str, Json]:
    spent = share.spent
    return {
        "usd": share.usd,
        "requests": share.requests,
        "unpriced": spent.unpriced,
        "estimated": spent.estimated,
        "open": share.open,
        "prompt_tokens": spent.prompt_tokens,
        "cached_tokens": share.cached_tokens,
        "cache_share": share.cache_share,
        "output_tokens": spent.output_tokens,
    }
