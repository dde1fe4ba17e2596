"""`loopwatch audit`: whether ledger, repository, logs, briefs and bills of a run agree, and wherever they do not."""

import time
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from loopwatch.engine import client

from . import words
from .exits import Exit
from .facts import dump
from .headless import say, talk

if TYPE_CHECKING:
    from loopwatch.engine.client import Audit

PATIENCE_SECONDS: Final = 1.0
"""How long nothing is said; then a line as often."""


def audit(args: Namespace) -> int:
    """`loopwatch audit [RUN] [--json]`."""
    run = client.find(args.run)
    found = client.audit(run, progress=Talker())
    if args.json:
        say(dump({"run": run.name, "agrees": not found.disagreements, **asdict(found)}, indent=1))
    else:
        for line in told(run.name, found):
            say(line)
    return Exit.DISAGREES if found.disagreements else Exit.OK


def told(run: str, found: "Audit") -> list[str]:
    """What was compared, every disagreement, and what could not be compared."""
    compared = ", ".join(f"{number:,} {_plural(number, what)}" for what, number in found.compared.items() if number)
    lines = [f"{run}: compared {compared or 'nothing'}"]
    width = max((len(one.part) for one in found.disagreements), default=0)
    lines += [f"  {one.part.ljust(width)}  {words.one_line(one.text)}" for one in found.disagreements]
    count = len(found.disagreements)
    lines.append(f"{count} {_plural(count, 'disagreements')}" if count else "they agree")
    return [*lines, *(f"note: {words.one_line(note)}" for note in found.notes)]


class Talker:
    """Says where a long comparison is."""

    def __init__(self) -> None:
        """The patience begins now."""
        self._spoke = time.monotonic()

    def __call__(self, part: str, done: int, total: int) -> None:
        """So much of a part is compared."""
        if time.monotonic() - self._spoke >= PATIENCE_SECONDS:
            self._spoke = time.monotonic()
            talk(f"comparing {part}, {done:,} of {total:,}")


def _plural(number: int, what: str) -> str:
    return what.removesuffix("s") if number == 1 else what
