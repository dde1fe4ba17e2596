"""A turn for proposers on their own: it remembers what was said and asked, and says yes unless it is told otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loopwatch.engine.errors import ProposerFailed
from loopwatch.engine.events import Heard
from loopwatch.engine.money import Usage
from loopwatch.engine.prompt.brief import Brief, Prompt, compose
from loopwatch.engine.sandbox.means import Means
from loopwatch.engine.sandbox.sandbox import Sandbox
from loopwatch.engine.turn import Permission, Permitted, Proposal


@dataclass
class Booked:
    """One request, and what was said of its cost, last word last."""

    model: str
    prompt_tokens: int
    output_tokens: int
    affords: float = float("inf")
    words: list[tuple[Usage, float | None, bool, bool]] = field(default_factory=list)

    def used(self, usage: Usage, *, usd: float | None = None, estimated: bool = False, final: bool = True) -> None:
        self.words.append((usage, usd, estimated, final))
        if not final and (usd or 0) > self.affords:
            raise ProposerFailed("it may not cost so much", "over_budget")


@dataclass
class Listener:
    """Stands in for the desk."""

    brief: Brief
    folder: Path = Path()
    refuses: Callable[[Proposal], None] = lambda proposal: None
    """Raises EditRefused for what the desk would not take."""
    permits: Callable[[Permission], Permitted] = lambda permission: Permitted(True, by="test")
    heard: list[tuple[Heard, str]] = field(default_factory=list)
    requests: list[Booked] = field(default_factory=list)
    waits: list[tuple[str, float, int, int | None]] = field(default_factory=list)
    asked: list[Permission] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    affords: float = float("inf")
    """What a request may cost."""
    means: Means = field(default_factory=Means)
    """Of what an agent's box is built."""

    def hear(self, kind: Heard, text: str) -> None:
        self.heard.append((kind, text))

    def said(self, kind: Heard) -> str:
        """All that was heard of one kind."""
        return "".join(text for heard, text in self.heard if heard == kind)

    async def request(self, model: str, *, prompt_tokens: int, output_tokens: int) -> Booked:
        self.requests.append(Booked(model, prompt_tokens, output_tokens, self.affords))
        return self.requests[-1]

    async def back_off(self, why: str, seconds: float, *, attempt: int, attempts: int | None) -> None:
        """It does not wait."""
        self.waits.append((why, seconds, attempt, attempts))

    def prompt(self, *, shrink: int = 0, brief: Brief | None = None) -> Prompt:
        return compose(brief or self.brief, shrink=shrink)

    def check(self, proposal: Proposal) -> None:
        self.refuses(proposal)

    def notes(self) -> tuple[str, ...]:
        notes, self.unread = tuple(self.unread), []
        return notes

    async def noted(self) -> str:
        return self.unread.pop(0)

    async def permit(self, permission: Permission) -> Permitted:
        self.asked.append(permission)
        return self.permits(permission)

    def sandbox(self, programs: Sequence[str]) -> Sandbox:
        return Sandbox(self.means, commands=programs)

    def scratch(self) -> Path:
        return self.folder
