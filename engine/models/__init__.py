"""Models behind an API: one request at a time, streamed, with every way it can fail named.

A model neither retries nor waits nor counts money: `asking.ask` does, the same for all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..config import AgentSettings
from ..events import Heard
from ..money import Usage
from ..prompt.brief import Prompt

TroubleKind = Literal["bad_key", "limit", "spent", "too_long", "unavailable", "wrong"]
"""Why a request has no answer:

bad_key      the service does not take the key
limit        a rate or usage limit; `after` says when it ends, if the service does
spent        the account's own money is used up
too_long     the prompt does not fit
unavailable  the connection, the server or the stream broke; the same request may work later
wrong        the service will not have this request, now or later
"""


class Trouble(Exception):
    """A request came to nothing."""

    def __init__(self, kind: TroubleKind, why: str, *, after: float | None = None, unanswered: bool = False) -> None:
        """What happened, in a sentence for people, without any key.

        after       seconds until the service wants to be asked again, where it says so
        unanswered  the request was sent and nothing came back, so that it may have cost something
        """
        super().__init__(why)
        self.kind, self.after, self.unanswered = kind, after, unanswered


@dataclass(frozen=True, slots=True)
class Tool:
    """The one tool that a model may call, and by which it answers."""

    name: str
    description: str
    schema: Mapping[str, Any]
    """A strict JSON schema: every property required, no others allowed, no references."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the tool."""

    id: str
    input: Mapping[str, Any]
    problem: str = ""
    """Why the input may not be used: not closed, not JSON, another tool's. Text for the model; "" when it may be used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered to one request."""

    stop: Literal["done", "refused", "truncated", "too_long"]
    text: str
    """Its words, without its thinking."""
    call: Call | None
    """The first call of the tool; None without one, and always when it did not stop by being done."""
    usage: Usage | None
    """None where the service does not count: then it is estimated from what was sent and heard."""
    category: str = ""
    """The rule that forbids an answer, when it refused."""
    detail: str = ""
    raw: Any = field(default=None, repr=False)
    """The answer in the form in which this model wants to read it again; nobody else looks inside."""


@dataclass(frozen=True, slots=True)
class Turned:
    """An answer, and what was said to it: the model is asked again."""

    answer: Answer
    reply: str
    """What is wrong with it: to its call, as a result that is an error, or else to its words."""
    notes: tuple[str, ...] = ()
    """What a person wrote in the meantime."""


@dataclass(frozen=True, slots=True)
class Talk:
    """All that a model reads for its next answer. It only ever grows: what was sent once is sent again unchanged."""

    prompt: Prompt
    turned: tuple[Turned, ...] = ()


def told(notes: Iterable[str]) -> str:
    """A person's notes as a model reads them."""
    return "\n\n".join(f"A note from the person who watches: {note}" for note in notes)


class Ears(Protocol):
    """Whoever listens while a model answers."""

    def hear(self, kind: Heard, text: str) -> None:
        """A piece of thinking or text as it streams."""
        ...

    def hear_call(self, json: str) -> None:
        """A piece of the call's input as it streams: JSON, cut anywhere. Whoever listens makes it readable."""
        ...

    def used(self, usage: Usage) -> None:
        """What the request has used so far, as far as the service says."""
        ...


class Model(Protocol):
    """One model of one provider."""

    name: str

    async def answer(self, talk: Talk, tool: Tool, ears: Ears) -> Answer:
        """One request; Trouble when there is no answer. Cancelling it closes the connection at once."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


__all__ = [
    "AgentSettings",
    "Answer",
    "Call",
    "Ears",
    "Model",
    "Talk",
    "Tool",
    "Trouble",
    "TroubleKind",
    "Turned",
    "told",
]
