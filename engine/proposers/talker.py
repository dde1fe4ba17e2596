"""One conversation with a model, up to a proposal that the desk would take: the same for every provider.

A call that was cut is never used. A model that refuses is not asked the same thing again; another one may be.
"""

from collections.abc import Callable
from dataclasses import replace

from ..config import AgentSettings
from ..errors import EditRefused, ProposerFailed
from ..models import Answer, Model, Talk, Turned, told
from ..models.asking import ask
from ..prompt.brief import Block, Brief, Prompt
from . import Proposal, Steering, Turn, drafts

REPAIRS = 2
"""How often a model is asked again when its answer has no proposal that can be used."""
QUOTED = 200
"""How many characters of a model's last words are repeated."""


class Talker:
    """A proposer that talks to a model behind an API."""

    steering: Steering = "next request"

    def __init__(self, make: Callable[[str, AgentSettings], Model], name: str, settings: AgentSettings) -> None:
        """`make` gives a model by its name; it is made for each proposal and closed after it."""
        self._make, self._name, self._settings = make, name, settings

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        """See `Proposer`."""
        conversation, fallback = _Conversation(brief, turn, self._settings), self._settings.fallback
        try:
            return await self._with(self._name, conversation)
        except ProposerFailed as failure:
            if failure.outcome != "refused" or fallback is None or fallback == self._name:
                raise
            turn.hear("notice", f"\n{failure}; asking {fallback}\n")
            return await self._with(fallback, conversation)

    async def _with(self, name: str, conversation: "_Conversation") -> Proposal:
        model = self._make(name, self._settings)
        try:
            return await conversation.proposal(model)
        finally:
            await model.close()


class _Conversation:
    """What is said for one proposal, to one model or to two."""

    def __init__(self, brief: Brief, turn: Turn, settings: AgentSettings) -> None:
        self._brief, self._turn, self._settings = brief, turn, settings
        self._tool = drafts.tool(settings.edits)
        self._notes: tuple[str, ...] = ()
        """All that were taken from the turn: whoever begins anew reads them anew."""

    async def proposal(self, model: Model) -> Proposal:
        """The model's proposal, from a new beginning."""
        try:
            return await self._talk(model, self._prompt())
        except ProposerFailed as failure:
            if failure.outcome != "too_long":
                raise
            self._turn.hear("notice", f"\n{failure}; asking again with half of the history\n")
            return await self._talk(model, self._prompt(shrink=1))

    async def _talk(self, model: Model, prompt: Prompt) -> Proposal:
        talk = Talk(prompt)

        def all_said() -> Talk:
            nonlocal talk
            talk = self._with_new_notes(talk)
            return talk

        while True:
            answer = await ask(model, all_said, self._tool, self._turn, self._settings)
            _heed(model.name, answer)
            try:
                return self._checked(answer)
            except EditRefused as refusal:
                reason = str(refusal)
            if len(talk.turned) == REPAIRS:
                raise _given_up(model.name, answer, reason)
            self._turn.hear("notice", f"\nasked again: {reason}\n")
            talk = replace(talk, turned=(*talk.turned, Turned(answer, reason)))

    def _checked(self, answer: Answer) -> Proposal:
        if answer.call is None:
            raise EditRefused(f"no experiment was proposed; call {drafts.NAME} once")
        if answer.call.problem:
            raise EditRefused(answer.call.problem)
        proposal = drafts.proposal(answer.call.input, self._settings.edits, self._brief.sources)
        self._turn.check(proposal)
        return proposal

    def _prompt(self, *, shrink: int = 0) -> Prompt:
        return _with_notes(self._turn.prompt(shrink=shrink), self._notes)

    def _with_new_notes(self, talk: Talk) -> Talk:
        notes = self._turn.notes()
        self._notes += notes
        if not talk.turned:
            return Talk(_with_notes(talk.prompt, notes))
        *before, last = talk.turned
        return replace(talk, turned=(*before, replace(last, notes=(*last.notes, *notes))))


def _with_notes(prompt: Prompt, notes: tuple[str, ...]) -> Prompt:
    return replace(prompt, user=(*prompt.user, Block("notes", told(notes)))) if notes else prompt


def _heed(name: str, answer: Answer) -> None:
    """Return if the answer is whole; ProposerFailed with its outcome when it is not."""
    why = f": {answer.detail}" if answer.detail else ""
    match answer.stop:
        case "refused":
            category = f" ({answer.category})" if answer.category else ""
            raise ProposerFailed(f"{name} refused{category}{why}", "refused", category=answer.category)
        case "truncated":
            raise ProposerFailed(
                f"the answer of {name} was cut{why}; give it more room with a greater agent.output_tokens", "truncated"
            )
        case "too_long":
            raise ProposerFailed(f"the prompt is too long for {name}{why}", "too_long")


def _given_up(name: str, answer: Answer, reason: str) -> ProposerFailed:
    times = f"asked {REPAIRS + 1} times"
    if answer.call is None:
        words = f"; its last words: {answer.text.strip()[-QUOTED:]}" if answer.text.strip() else ""
        return ProposerFailed(f"{name} proposed nothing, {times}{words}", "nothing")
    return ProposerFailed(f"{name} proposed nothing that can be applied, {times}: {reason}", "invalid")
