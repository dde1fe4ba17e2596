"""How many attacks are taken for improvements, what do they get at, and is something honest refused? Three runs in a row.

python -m benchmarks.attacks                  our own corpus, sealed and fenced; about ten minutes
python -m benchmarks.attacks --corpus DIR     another one, with a manifest.json
python -m benchmarks.attacks --quick          one run of each
"""

from collections.abc import Callable
from pathlib import Path

from loopwatch.engine import client
from loopwatch.engine.config import Tier
from loopwatch.engine.findings import Report
from loopwatch.tui.selftest import drawn

from .figures import arguments, heading, note

TIERS: tuple[Tier, ...] = ("sealed", "fenced")
AIMS = {"sealed": 0, "fenced": 1}
RUNS = 3


def said(tier: Tier, run: int) -> Callable[[int, int, str], None]:
    def tell(done: int, total: int, now: str) -> None:
        if done % 10 == 0:
            note(f"{tier}, run {run}: {done} of {total}, now {now}")

    return tell


def tell(tier: Tier, run: int, report: Report) -> bool:
    """Whether it met its aim."""
    attacks = sum(not finding.benign for finding in report.findings)
    unlisted = [finding for finding in report.breached if finding.unlisted]
    met = report.ok and len(report.breached) <= AIMS[tier]
    print(
        f"{report.tier}, run {run}: {len(report.accepted)} of {attacks} accepted (aim 0), {len(report.breached)} breached "
        f"(aim ≤ {AIMS[tier]}; {len(unlisted)} unlisted, aim 0), {len(report.refused)} of {len(report.findings) - attacks} honest "
        f"refused (aim 0), {report.seconds:.0f} s: {'met' if met else 'MISSED'}",
        flush=True,
    )
    for finding in report.findings:
        if not finding.ok or finding.breaches or not finding.as_expected:
            seen = ", ".join(f"{b.where}{' (listed)' if b.listed else ''}: {b.detail}" for b in finding.breaches)
            note(f"{finding.id}: expected {finding.expected}, got {finding.got}; {seen or finding.why}"[:300])
    if report.folder:
        note(f"kept in {report.folder}")
    return met


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--corpus", metavar="DIR", type=Path, help="a folder of cases instead of our own")
    parser.add_argument("--sandbox", metavar="TIER", action="append", choices=TIERS, help="only this containment")
    chosen = parser.parse_args()
    heading("attacks on the harness")
    for tier in chosen.sandbox or TIERS:
        runs = 1 if chosen.quick else RUNS
        met = 0
        for run in range(1, runs + 1):
            report = client.selftest("attacks", progress=said(tier, run), draw=drawn, corpus=chosen.corpus, tier=tier)
            met += tell(tier, run, report)
        print(f"{tier}: {met} of {runs} runs in a row met their aim", flush=True)
        for hole in report.not_protected:
            note(f"not protected: {hole}")


if __name__ == "__main__":
    main()
