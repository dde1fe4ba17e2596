"""Asking a model: money first, then the request, then as many more as it takes. No wait is silent.

Trouble that passes is waited for, longer each time, up to the settings' longest wait and number of attempts. A limit that says
when it ends is waited for however long it takes. Trouble that does not pass ends the turn, each kind in its own words.

A request that breaks, before its first byte or before its last, is sent again whole: nothing of it was applied.
"""

from collections.abc import Callable

from ..errors import ProposerFailed
from ..events import Heard
from ..money import CHARACTERS_PER_TOKEN, Usage
from ..prompt.brief import tokens
from ..turn import Line, Request
from . import AgentSettings, Answer, Model, Talk, Tool, Trouble, TroubleKind
from .overhear import Overheard

FIRST_WAIT_SECONDS = 1.0
"""Before the second attempt; each wait after it is twice as long."""

HOPELESS: dict[TroubleKind, str] = {
    "bad_key": "bad_key",
    "spent": "bad_key",
    "too_long": "too_long",
    "wrong": "crashed",
}
"""Trouble that another attempt does not mend, and the outcome that it is."""


async def ask(model: Model, talk: Callable[[], Talk], tool: Tool, line: Line, settings: AgentSettings) -> Answer:
    """One answer; ProposerFailed with its outcome when there is none.

    `talk` is asked for before each attempt: a person may have said more while it was waited.
    """
    limits = failures = 0
    while True:
        try:
            return await _once(model, talk(), tool, line, settings)
        except Trouble as trouble:
            if outcome := HOPELESS.get(trouble.kind):
                raise ProposerFailed(str(trouble), outcome) from trouble
            if trouble.kind == "limit" and trouble.after is not None:
                limits += 1
                wait = max(trouble.after, FIRST_WAIT_SECONDS)
                await line.back_off(str(trouble), wait, attempt=limits, attempts=None)
                continue
            failures += 1
            if failures >= settings.attempts:
                tried = f"; tried {failures} times" if failures > 1 else ""
                raise ProposerFailed(f"{trouble}{tried}", "unavailable") from trouble
            doubled = FIRST_WAIT_SECONDS * 2.0 ** min(failures - 1, 32)
            wait = min(max(doubled, trouble.after or 0.0), settings.wait_seconds)
            await line.back_off(str(trouble), wait, attempt=failures, attempts=settings.attempts)


async def _once(model: Model, talk: Talk, tool: Tool, line: Line, settings: AgentSettings) -> Answer:
    prompt_tokens = _tokens(talk, tool)
    request = await line.request(model.name, prompt_tokens=prompt_tokens, output_tokens=settings.output_tokens)
    ears = _Ears(line, request)
    try:
        answer = await model.answer(talk, tool, ears)
    except Trouble as trouble:
        if ears.heard_anything or trouble.unanswered:
            request.used(ears.estimate(prompt_tokens), estimated=True)
        else:
            request.used(Usage(), usd=0.0)  # who answers with an error sends no bill, whatever the model costs
        raise
    except BaseException:
        # It is cut as soon as a person wants it, and the service bills what it wrote until then.
        request.used(ears.estimate(prompt_tokens), estimated=True)
        raise
    request.used(answer.usage or ears.estimate(prompt_tokens), estimated=answer.usage is None)
    return answer


class _Ears:
    """Hears one request: passes on what a person may read, and remembers what it takes to estimate its cost."""

    def __init__(self, line: Line, request: Request) -> None:
        self._line, self._request = line, request
        self._characters = 0
        self._usage: Usage | None = None
        self._call = Overheard()

    @property
    def heard_anything(self) -> bool:
        return self._usage is not None or self._characters > 0

    def hear(self, kind: Heard, text: str) -> None:
        if kind != "notice":  # that is ours, not the model's
            self._characters += len(text)
        self._line.hear(kind, text)

    def hear_call(self, json: str) -> None:
        self._characters += len(json)
        if text := self._call.read(json):
            self._line.hear("tool", text)

    def used(self, usage: Usage) -> None:
        self._usage = usage
        self._request.used(usage, final=False)

    def estimate(self, prompt_tokens: int) -> Usage:
        """What a request used that was cut: its prompt as the service counted it, if it did, and what it wrote."""
        known = self._usage or Usage(input=prompt_tokens)
        written = max(1, known.output, self._characters // CHARACTERS_PER_TOKEN)
        return known.model_copy(update={"output": written})


def _tokens(talk: Talk, tool: Tool) -> int:
    """How long a request is, estimated: each answer is read again as long as it was."""
    said = "".join(f"{turned.reply}{''.join(turned.notes)}" for turned in talk.turned)
    answers = (turned.answer for turned in talk.turned)
    written = sum(answer.usage.output if answer.usage else tokens(f"{answer.text}{answer.call}") for answer in answers)
    return talk.prompt.tokens + tokens(f"{tool.description}{tool.schema}{said}") + written
