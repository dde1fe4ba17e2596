"""The line between whoever proposes and the desk, for one proposal: what may be said, asked and spent on it.

A proposer is told by a `Brief`, talks through a `Turn`, and returns a `Proposal`. Nothing that goes through here decides
anything: text is shown, drafts are checked, permissions are a person's or a policy's, money is counted before it is spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from .events import Heard, Mechanism
from .money import Usage
from .prompt.brief import Brief, Prompt
from .sandbox.sandbox import Sandbox

Steering = Literal["this turn", "next request", "next experiment"]
"""How early a note can reach whoever proposes."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a proposer says it learned from an earlier experiment: a claim."""

    experiment: int
    mechanism: Mechanism
    theory: str = ""
    """How it would now explain things; "" when nothing changed."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A diff with the reason for it."""

    hypothesis: str
    mechanism: str
    diff: str
    """A unified diff against `Brief.sources`."""
    expected: str = ""
    """The change of the metric that is expected, and what would refute the hypothesis."""
    lesson: Lesson | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """What an agent with tools asks for."""

    title: str
    kind: Literal["edit", "read", "execute", "fetch", "other"]
    detail: str = ""
    """The diff of an edit, the command of an execution, or whatever else it would do."""
    paths: tuple[str, ...] = ()
    """The files it touches, within the scratch copy; an absolute path for one outside of it."""


@dataclass(frozen=True, slots=True)
class Permitted:
    """The answer to a permission."""

    allowed: bool
    by: str
    reason: str = ""
    amended: str = ""
    """A person's own detail in place of the agent's, where the agent takes one; "" for none."""


class Request(Protocol):
    """One request to a model, in the books before it is sent."""

    def used(self, usage: Usage, *, usd: float | None = None, estimated: bool = False, final: bool = True) -> None:
        """What it used so far; a later word replaces an earlier one.

        ProposerFailed("over_budget") or Blocked when more will come, and what the service says it cost has passed a cap.

        usd        what the service itself says it cost; None counts by the price list
        estimated  part of the tokens is a guess, because the request was cut
        final      nothing more will come; a request that ends without a final word is booked as an estimate
        """
        ...


class Line(Protocol):
    """A line to somebody who thinks for the run: what is heard, what it costs, and the waits. From the event loop only."""

    def hear(self, kind: Heard, text: str) -> None:
        """A piece of text as it streams, of any length."""
        ...

    async def request(self, model: str, *, prompt_tokens: int, output_tokens: int) -> Request:
        """Book a request before it is sent; ProposerFailed("over_budget") or Blocked when it could cost more than is left.

        prompt_tokens  an estimate
        output_tokens  the most that it may write
        """
        ...

    async def back_off(self, why: str, seconds: float, *, attempt: int, attempts: int | None) -> None:
        """Wait, for all to see, before another attempt; the time is counted apart. None: as often as it takes."""
        ...


class Turn(Line, Protocol):
    """One proposer's line to the desk, for one revision of one experiment."""

    def prompt(self, *, shrink: int = 0, brief: Brief | None = None) -> Prompt:
        """The prompt of this proposal; it is kept with the experiment. `shrink` halves the history so many times.

        brief  of a part of the work, instead of the whole proposal's
        """
        ...

    def check(self, proposal: Proposal) -> None:
        """EditRefused, in words for the proposer, when the desk would not take this; nothing is written down."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What a person wrote since the prompt, each note once: it counts as read by the request that follows."""
        ...

    async def noted(self) -> str:
        """Wait for the next such note, and take it: it counts as read in this turn."""
        ...

    async def permit(self, permission: Permission) -> Permitted:
        """Ask at the tool gate."""
        ...

    def sandbox(self, programs: Sequence[str]) -> Sandbox:
        """Boxes of the kind that experiments get, for what these programs are; where there are none, a person is told once."""
        ...

    def scratch(self) -> Path:
        """A fresh copy of the task as it is in the best experiment, without git data, to work in."""
        ...
