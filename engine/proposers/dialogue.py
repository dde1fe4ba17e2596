"""What is said to an agent with tools, and what its answer comes to: the same for every protocol.

An agent works in a copy of the task. It is told the brief and what to leave behind; what it left becomes the proposal, with the
reason from the JSON block at the end of its words. It hears what is wrong with that in the same conversation: twice what the desk
would refuse, once that the block is missing, once why a person denied something, where its protocol cannot say so at once.
"""

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from ..config import AgentSettings
from ..errors import EditRefused, ProposerFailed
from ..events import Mechanism
from ..models import Trouble
from ..models.asking import FIRST_WAIT_SECONDS, HOPELESS
from . import Brief, Lesson, Proposal, Turn
from .scratch import Scratch

Kind = Literal["edit", "read", "execute", "fetch", "other"]
"""What a permission is for."""

DETAIL_CHARACTERS = 60_000
REPAIRS = 2
"""How often an agent may mend what the desk would refuse."""
LAST_WORDS = 300
"""How many characters of an agent's last words are repeated."""
WORDS = 4_000
"""Characters of one claim; an agent that needs more has not understood its own idea."""

INSTRUCTIONS = """\
# How to work
You are in a fresh copy of the task's folder. Make one change by editing files there: {editable}.
Nothing else that you change counts. Do not run the training or the evaluation: that is done for you afterwards, on the real files.
When the files are as you want them, end your answer with one fenced JSON block, and nothing after it:

```json
{{
  "hypothesis": "what should happen, in a sentence that can turn out false",
  "mechanism": "why it should: the cause, not the effect",
  "expected": "by how much the metric should change, and what would refute the hypothesis",
  "previous": {{"experiment": 0, "mechanism": "confirmed | refuted | open", "theory": "how you explain things now, if that has changed"}}
}}
```

"previous" is what the last measured experiment says about its own mechanism: its number, and one of the three words.
It is null when there is none."""

NO_CLAIMS = """\
Your answer has no JSON block that says why. Change nothing more; answer with the block alone:

```json
{"hypothesis": "...", "mechanism": "...", "expected": "..."}
```"""

REFUSED = "Your change cannot be taken: {why}. Mend it in the same folder, and end with the JSON block again."
DENIED = "A person denied what you asked for:\n{reasons}\nGo on with that in mind: leave one change behind, and end with the JSON block."

_BLOCK = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL)


class Agent(Protocol):
    """One conversation with an agent."""

    async def say(self, text: str) -> str:
        """Let the agent work until its turn ends; its words. ProposerFailed or Trouble when it ends in another way."""
        ...

    def untold(self) -> tuple[str, ...]:
        """Why a person denied or amended something, as far as the agent could not be told yet; each once."""
        ...


class _Previous(BaseModel):
    model_config = ConfigDict(extra="ignore")

    experiment: int
    mechanism: Mechanism
    theory: str = ""


class _Claims(BaseModel):
    model_config = ConfigDict(extra="ignore")

    hypothesis: str
    mechanism: str
    expected: str = ""
    previous: Any = None

    @property
    def lesson(self) -> Lesson | None:
        """None also where an agent made up a form of its own."""
        try:
            said = _Previous.model_validate(self.previous)
        except ValidationError:
            return None
        return Lesson(said.experiment, said.mechanism, said.theory[:WORDS])


async def converse(agent: Agent, brief: Brief, scratch: Scratch, turn: Turn, *, shrink: int) -> Proposal:
    """What the agent left in its copy, and why. What is still wrong with it after its repairs, the desk will say."""
    work = _Work(scratch, turn)
    text = f"{turn.prompt(shrink=shrink).text}\n\n{INSTRUCTIONS.format(editable=', '.join(brief.task.editable))}"
    while text:
        work.look(await agent.say(text))
        text = work.denied(agent.untold()) or work.lacking()
    return work.proposal()


class _Work:
    """What an agent said and left so far."""

    def __init__(self, scratch: Scratch, turn: Turn) -> None:
        self._scratch, self._turn = scratch, turn
        self._said = self._diff = self._problem = ""
        self._claims: _Claims | None = None
        self._told_why = self._asked_why = False
        self._repairs = 0

    def look(self, said: str) -> None:
        """After a turn of the agent, with its words."""
        self._said, self._claims = said, _claims(said) or self._claims
        try:
            self._diff, self._problem = self._scratch.diff(), ""
        except EditRefused as problem:
            self._diff, self._problem = "", str(problem)

    def denied(self, reasons: tuple[str, ...]) -> str:
        """What the agent has to hear of a person's denials; "" for nothing."""
        if not reasons or self._told_why:
            return ""
        self._told_why = True
        return DENIED.format(reasons="\n".join(f"- {reason}" for reason in reasons))

    def lacking(self) -> str:
        """What the agent has to hear of its change; "" when there is none, it can be taken, or it was mended often enough."""
        if not self._diff and not self._problem:
            return ""
        if self._claims is None:
            again, self._asked_why = not self._asked_why, True
            return NO_CLAIMS if again else ""
        refusal = self._problem or self._refusal()
        if not refusal or self._repairs == REPAIRS:
            return ""
        self._repairs += 1
        self._turn.hear("notice", f"It is asked to mend its change: {refusal}.\n")
        return REFUSED.format(why=refusal)

    def proposal(self) -> Proposal:
        """ProposerFailed when nothing was left that could be proposed."""
        if self._problem:
            raise ProposerFailed(self._problem, "invalid")
        if not self._diff:
            words = " ".join(self._said.split())[-LAST_WORDS:]
            raise ProposerFailed(f"it left its copy as it was{f': {words}' if words else ''}", "nothing")
        if left_out := self._scratch.left_out():
            self._turn.hear("notice", f"{left_out}\n")
        return self._proposal()

    def _proposal(self) -> Proposal:
        if (claims := self._claims) is None:
            return Proposal("", "", self._diff)
        return Proposal(
            hypothesis=claims.hypothesis[:WORDS],
            mechanism=claims.mechanism[:WORDS],
            diff=self._diff,
            expected=claims.expected[:WORDS],
            lesson=claims.lesson,
        )

    def _refusal(self) -> str:
        try:
            self._turn.check(self._proposal())
        except EditRefused as refusal:
            return str(refusal)
        return ""


def shown(detail: str) -> str:
    """What a person is shown of what an agent wants to do: where that is not all of it, it says so."""
    more = len(detail) - DETAIL_CHARACTERS
    return detail if more <= 0 else f"{detail[:DETAIL_CHARACTERS]}\n… and {more:,} characters more"


def dollars(amount: object) -> float | None:
    """What an agent says that it cost; None when that is no amount of money."""
    return float(amount) if isinstance(amount, int | float) and 0 <= amount < float("inf") else None


def _claims(said: str) -> _Claims | None:
    """The last block that says why; None when there is none."""
    for block in reversed(_BLOCK.findall(said)):
        with suppress(ValueError, RecursionError):
            return _Claims.model_validate(json.loads(block, strict=False))
    return None


async def patiently(once: Callable[[int], Awaitable[Proposal]], turn: Turn, settings: AgentSettings) -> Proposal:
    """Begin again, with a fresh agent in a fresh copy, while its service has trouble; no wait is silent.

    `once` is told how often the history is to be halved: once, when it is too long.
    """
    limits = failures = shrink = 0
    while True:
        try:
            return await once(shrink)
        except Trouble as trouble:
            if trouble.kind == "too_long" and not shrink:
                shrink = 1
                turn.hear("notice", f"{trouble}; asking again with half of the history\n")
                continue
            if outcome := HOPELESS.get(trouble.kind):
                raise ProposerFailed(str(trouble), outcome) from trouble
            if trouble.kind == "limit" and trouble.after is not None:
                limits += 1
                await turn.back_off(str(trouble), max(trouble.after, FIRST_WAIT_SECONDS), attempt=limits, attempts=None)
                continue
            failures += 1
            if failures >= settings.attempts:
                raise ProposerFailed(f"{trouble}; tried {failures} times", "unavailable") from trouble
            wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(failures - 1, 32), settings.wait_seconds)
            await turn.back_off(str(trouble), wait, attempt=failures, attempts=settings.attempts)
