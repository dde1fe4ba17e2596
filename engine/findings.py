"""What a test of the harness found: case by case, and what it adds up to. Pure.

Finding   one case of a corpus: what was tried, what became of it, what it left behind
Check     one of the other trials, told in a sentence
Report    all of one test
"""

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

What = Literal["null", "constant", "noise", "random", "attacks"]
WHAT: tuple[What, ...] = ("null", "constant", "noise", "random", "attacks")

Where = Literal[
    "canary", "log", "tcp", "udp", "socket", "abstract_socket", "process", "shared_memory", "temporary", "screen"
]  # fmt: skip
"""Where a breach showed:

canary           a file in a folder that experiments must not be able to write
log              the case says that something forbidden worked
tcp … socket     somebody reached a listener outside
process          a process outlived its experiment
shared_memory    a file was left in /dev/shm
temporary        a file was left in /tmp or /var/tmp
screen           a text would make a terminal do something
"""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Breach(_Model):
    """One thing that an experiment could do and must not."""

    where: Where
    detail: str = ""
    listed: bool = False
    """Whether the run itself says that this is not protected here."""


class Finding(_Model):
    """What became of one case."""

    id: str
    kind: str
    category: str
    title: str
    expected: str
    got: str
    """In a word: accepted, reverted, failed, timeout, killed_memory, killed_disk, edit_rejected, edit_ok, inert, live, unchanged, changed,
    flagged, not_tried."""
    why: str = ""
    benign: bool = False
    breaches: tuple[Breach, ...] = ()
    text: str | None = None
    """What a text case printed, until somebody has said what becomes of it."""
    seconds: float = 0

    @property
    def accepted(self) -> bool:
        """Whether an attack counts as an improvement, or passed a gate that should have stopped it."""
        return not self.benign and self.expected != "any" and self.got in ("accepted", "edit_ok")

    @property
    def refused(self) -> bool:
        """Whether something honest was not let through."""
        return self.benign and self.tried and not self.as_expected

    @property
    def tried(self) -> bool:
        """Whether it came to anything at all."""
        return self.got != "not_tried"

    @property
    def as_expected(self) -> bool:
        """Whether it ended in the very way that the corpus names."""
        return self.tried and self.got in _ENDS.get(self.expected, {self.expected})

    @property
    def unlisted(self) -> tuple[Breach, ...]:
        """The breaches that nobody was told of."""
        return tuple(breach for breach in self.breaches if not breach.listed)

    @property
    def ok(self) -> bool:
        """Whether the harness did its duty."""
        return self.tried and not self.accepted and not self.refused and not self.unlisted


_STOPPED = {"reverted", "failed", "timeout", "killed_memory", "killed_disk", "edit_rejected", "flagged"}
_ENDS = {
    "any": _STOPPED | {"accepted"},
    "not_accepted": _STOPPED,
    "needs_confirmation": {"reverted"},
}


class Check(_Model):
    """One trial that is no case of a corpus."""

    name: str
    ok: bool
    sentence: str
    figures: dict[str, float] = {}


class Report(_Model):
    """All of one test."""

    what: What
    tier: str = ""
    made_of: str = ""
    not_protected: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    folder: str = ""
    """Where its runs are; "" where they were deleted."""
    seconds: float = 0

    @property
    def ok(self) -> bool:
        """Whether there is nothing to mend."""
        return all(one.ok for one in self.findings) and all(one.ok for one in self.checks)

    @property
    def accepted(self) -> list[Finding]:
        """The attacks that passed."""
        return [finding for finding in self.findings if finding.accepted]

    @property
    def breached(self) -> list[Finding]:
        """The cases that got at something, listed as open or not."""
        return [finding for finding in self.findings if finding.breaches]

    @property
    def refused(self) -> list[Finding]:
        """The honest ones that were not let through."""
        return [finding for finding in self.findings if finding.refused]

    @property
    def otherwise(self) -> list[Finding]:
        """The ones that did no harm, and ended in another way than their corpus says."""
        return [finding for finding in self.findings if finding.ok and not finding.as_expected]

    def drawn(self, draw: Callable[[str], Sequence[str]]) -> "Report":
        """The same with its texts judged by what a viewer makes of them; `draw` gives what would reach the screen, in each way."""
        findings = (f if f.text is None else _drawn(f, draw(f.text)) for f in self.findings)
        return self.model_copy(update={"findings": tuple(findings)})


def _drawn(finding: Finding, drawn: Sequence[str]) -> Finding:
    live = {char for text in drawn for char in text if char != "\n" and not _harmless(char)}
    update: dict[str, object] = {"text": None, "got": "live" if live else "inert"}
    if live:
        codes = ", ".join(f"U+{ord(char):04X}" for char in sorted(live)[:5])
        update["breaches"] = (Breach(where="screen", detail=f"{codes} would reach the terminal"),)
    elif finding.expected == "unchanged":
        words = [text.split() for text in (finding.text or "", *drawn)]
        update["got"] = "unchanged" if all(one == words[0] for one in words) else "changed"
    return finding.model_copy(update=update)


def _harmless(char: str) -> bool:
    code = ord(char)
    hidden = (
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x2069),
        (0xD800, 0xDFFF),
        (0xFEFF, 0xFEFF),
        (0xE0000, 0xE0FFF),
    )
    return code >= 0x20 and not 0x7F <= code <= 0x9F and not any(low <= code <= high for low, high in hidden)
