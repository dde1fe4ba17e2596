"""Say how a test of the harness went: what passed that must not, what was reached, what honest thing was refused."""

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loopwatch.engine import client

from . import clean, words
from .exits import Exit
from .facts import dump
from .headless import say, talk

if TYPE_CHECKING:
    from loopwatch.engine.client import Finding, Report

PATIENCE_SECONDS: Final = 1.0
"""How long nothing is said; then a line as often."""
TITLE_CELLS: Final = 60
WHY_CELLS: Final = 200


def selftest(args: Namespace) -> int:
    """`loopwatch selftest null|constant|noise|random|attacks [TASK]`."""
    report = client.selftest(
        args.what,
        progress=Talker(),
        draw=drawn,
        corpus=Path(args.corpus) if args.corpus else None,
        task=args.task,
        experiments=args.experiments,
        tier=args.sandbox,
    )
    if args.json:
        say(dump({**report.model_dump(mode="json"), "ok": report.ok}, indent=1))
    else:
        for line in told(report):
            say(line)
    return Exit.OK if report.ok else Exit.USER_ERROR


def drawn(text: str) -> tuple[str, ...]:
    """What reaches the screen of a text from outside, in each of our ways to show one."""
    return "\n".join(clean.clean_lines(text)), "\n".join(clean.reveal_lines(text)), words.one_line(text)


class Talker:
    """Says where a long test is."""

    def __init__(self) -> None:
        """The patience begins now."""
        self._spoke = time.monotonic()

    def __call__(self, done: int, total: int, now: str) -> None:
        """`now` is what is tried next."""
        if time.monotonic() - self._spoke >= PATIENCE_SECONDS:
            self._spoke = time.monotonic()
            talk(f"{done} of {total} done; now {words.one_line(now)}")


def told(report: "Report") -> Iterator[str]:
    """The report in lines."""
    if report.findings:
        yield from _cases(report)
    yield from (f"{_mark(check.ok)} {words.one_line(check.sentence)}" for check in report.checks)
    yield ""
    yield f"Contained as {report.tier!r} ({report.made_of})." if report.tier else "Nothing was run."
    for hole in report.not_protected:
        yield f"  not protected: {hole}"
    yield "All is well." if report.ok else f"Something is wrong. The runs are kept in {report.folder}"


def _cases(report: "Report") -> Iterator[str]:
    yield from _table(report)
    for name, found in (
        ("accepted as an improvement", report.accepted),
        ("got at something", report.breached),
        ("honest, and refused", report.refused),
        ("not tried", [finding for finding in report.findings if not finding.tried]),
        ("stopped, in another way than the corpus says", report.otherwise),
    ):
        if found:
            yield ""
            yield f"{name[0].upper()}{name[1:]}:"
            for finding in found:
                yield from _one(finding)
    yield ""
    attacks = [finding for finding in report.findings if not finding.benign]
    honest = len(report.findings) - len(attacks)
    beyond = sum(bool(finding.unlisted) for finding in report.findings)
    listed = len(report.breached) - beyond
    yield (
        f"Of {len(attacks)} attacks {_number(len(report.accepted))} counted as an improvement; {_number(beyond)} got at something "
        f"that should be closed, {_number(listed)} at what is said to be open; of {honest} honest cases "
        f"{_number(len(report.refused))} {'was' if len(report.refused) == 1 else 'were'} refused."
    )


def _table(report: "Report") -> Iterator[str]:
    rows: dict[str, Counter[str]] = {}
    for finding in report.findings:
        row = rows.setdefault(finding.category, Counter())
        row.update(
            cases=1, ok=finding.ok, accepted=finding.accepted, breached=bool(finding.breaches), refused=finding.refused
        )
    yield f"{'CATEGORY':16}{'CASES':>7}{'AS IT SHOULD':>14}{'ACCEPTED':>10}{'BREACHED':>10}{'REFUSED':>9}"
    for category, row in rows.items():
        name = clean.clean(category, width=16)
        yield f"{name}{row['cases']:>7}{row['ok']:>14}{row['accepted']:>10}{row['breached']:>10}{row['refused']:>9}"


def _one(finding: "Finding") -> Iterator[str]:
    title = clean.cell_fit(words.one_line(finding.title), TITLE_CELLS, more="…").rstrip()
    yield f"  {words.one_line(finding.id)}: {title}"
    why = f" ({clean.cell_fit(words.one_line(finding.why), WHY_CELLS, more='…').rstrip()})" if finding.why else ""
    yield f"    expected {words.one_line(finding.expected)}, got {words.one_line(finding.got)}{why}"
    for breach in finding.breaches:
        listed = ", as is said of this containment" if breach.listed else ""
        yield f"    {breach.where.replace('_', ' ')}: {words.one_line(breach.detail)}{listed}"


def _mark(ok: bool) -> str:
    return "✓" if ok else "✗"


def _number(count: int) -> str:
    return str(count) if count else "none"
