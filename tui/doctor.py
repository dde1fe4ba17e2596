"""`loopwatch doctor`: try to break out of every kind of containment there is here, and say what would make it tighter."""

from argparse import Namespace
from typing import TYPE_CHECKING

from loopwatch.engine import client

from .containment import CONTAINED
from .exits import Exit
from .facts import Json, dump
from .headless import say
from .words import one_line

if TYPE_CHECKING:
    from loopwatch.engine.client import CheckUp, Examined

GOOD_ENOUGH = ("sealed", "fenced")
"""With these a run starts when nobody asks for less."""
_SEALED = "Nothing that was tried got out. Not tried, and not covered: a fault in the kernel, or in a GPU's driver."


def doctor(args: Namespace) -> int:
    """`loopwatch doctor [--json]`; the exit code says whether runs start here as they are."""
    return tell(client.check_up(), json=args.json)


def tell(found: "CheckUp", *, json: bool) -> int:
    """Print what was found; returns the exit code."""
    if json:
        say(dump(_json(found), indent=1))
    else:
        for line in _lines(found):
            say(line)
    return Exit.OK if found.best.means.tier in GOOD_ENOUGH else Exit.USER_ERROR


def _json(found: "CheckUp") -> Json:
    best = found.best
    return {
        "sandbox": best.means.tier,
        "sandbox_of": best.means.words,
        "not_protected": list(best.not_protected),
        "not_protected_from_agents": list(best.of_agents),
        "remedies": list(found.remedies),
        "examined": [
            {
                "sandbox": one.means.tier,
                "sandbox_of": one.means.words,
                "trouble": one.trouble or None,
                "tries": [{"name": t.name, "what": t.what, "open": t.open, "said": t.said} for t in one.tries],
            }
            for one in found.examined
        ],
    }


def _lines(found: "CheckUp") -> list[str]:
    best = found.best
    lines = [f"experiments here are {CONTAINED[best.means.tier]}: {best.means.words}", ""]
    for number, one in enumerate(found.examined, 1):
        verdict = one_line(one.trouble) or ("works" + (", and is what runs get" if one is best else ""))
        lines.append(f"{number}  {one.means.tier:<7} {one.means.words}: {verdict}")
    lines += ["", *_table([one for one in found.examined if one.tries]), ""]
    lines += [f"open: {sentence}" for sentence in best.not_protected] or [_SEALED]
    lines += [f"where an agent proposes: {sentence}" for sentence in best.of_agents]
    lines += [f"to close it: {command}" for command in found.remedies]
    if best.means.tier not in GOOD_ENOUGH:
        lines.append(f"until then runs start only with: --sandbox {best.means.tier}")
    return lines


def _table(examined: "list[Examined]") -> list[str]:
    """A row for each attempt, a column for each kind of box, by its number above."""
    if not examined:
        return []
    width = max(len(one.what) for one in examined[0].tries)
    heads = [f"{number}:{one.means.tier}".ljust(9) for number, one in enumerate(examined, 1)]
    rows = [f"{'an experiment tried to'.ljust(width)}  {' '.join(heads)}".rstrip()]
    for place, first in enumerate(examined[0].tries):
        cells = [("OPEN" if one.tries[place].open else "held").ljust(9) for one in examined]
        rows.append(f"{first.what.ljust(width)}  {' '.join(cells)}".rstrip())
    return rows
