"""A chat completion as it streams: pieces of thinking, text and tool calls in, an answer out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from ..events import Heard
from ..money import Usage
from . import Answer, Call, Ears, Tool
from .written import Unreadable, read, written

OPENS, CLOSES = "<think>", "</think>"


class _Function(BaseModel):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _ToolCall(BaseModel):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(BaseModel):
    delta: _Delta | None = None
    message: _Delta | None = None
    """All at once, from a server that does not stream."""
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Choice] | None = None
    usage: Any = None


@dataclass
class _Begun:
    """A tool call under way."""

    id: str
    name: str = ""
    arguments: str = ""


class Completion:
    """One answer under way."""

    def __init__(self, ears: Ears) -> None:
        """`ears` hear each piece at once."""
        self._ears = ears
        self._thinking_aloud = ThinkingAloud()
        self._text: list[str] = []
        self._refusal = ""
        self._calls: dict[int, _Begun] = {}
        self._usage: Usage | None = None
        self._finish: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the server said that the answer is whole, or why it is not."""
        return self._finish is not None

    def finish(self) -> None:
        """The server says that nothing more will come."""
        self._finish = self._finish or "stop"

    def add(self, chunk: object) -> None:
        """One piece; ValueError when it is none."""
        piece = _Chunk.model_validate(chunk)
        for choice in (piece.choices or [])[:1]:
            if delta := choice.delta or choice.message:
                self._delta(delta)
            self._finish = choice.finish_reason or self._finish
        if usage := _usage(piece.usage):
            self._usage = usage
            self._ears.used(usage)

    def answer(self, tool: Tool) -> Answer:
        """What came of it."""
        self._hear(self._thinking_aloud.rest())
        # A character may be cut in two halves, and half of one cannot be written down.
        text = "".join(self._text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        begun = next(iter(self._calls.values()), None)
        if begun:
            call: Call | None = _call(begun, tool)
            raw = _assistant(text, begun, readable=not (call and call.problem))
        else:
            call, raw = written(text.rpartition(CLOSES)[2], tool), {"role": "assistant", "content": text}
        if self._refusal or self._finish == "content_filter":
            category = "content_filter" if self._finish == "content_filter" else ""
            return Answer("refused", text, None, self._usage, category=category, detail=self._refusal.strip(), raw=raw)
        if self._finish == "length":
            return Answer("truncated", text, None, self._usage, raw=raw)
        return Answer("done", text, call, self._usage, raw=raw)

    def _delta(self, delta: _Delta) -> None:
        if thought := delta.reasoning_content or delta.reasoning:
            self._ears.hear("thinking", thought)
        if delta.content:
            self._hear(self._thinking_aloud.sort(delta.content))
        if delta.refusal:
            self._refusal += delta.refusal
            self._ears.hear("text", delta.refusal)
        for piece in delta.tool_calls or []:
            self._grow(piece)

    def _hear(self, sorted_: list[tuple[Heard, str]]) -> None:
        for kind, text in sorted_:
            self._ears.hear(kind, text)
            if kind == "text":
                self._text.append(text)

    def _grow(self, piece: _ToolCall) -> None:
        index = piece.index
        if index is None:  # then a call is new when it has an id of its own
            known = [at for at, begun in self._calls.items() if piece.id in (None, begun.id)]
            index = known[-1] if known else len(self._calls)
        begun = self._calls.setdefault(index, _Begun(piece.id or f"call_{index}"))
        if function := piece.function:
            begun.name = begun.name or function.name or ""
            words = json.dumps(function.arguments) if isinstance(function.arguments, dict) else function.arguments or ""
            begun.arguments += words
            if index == min(self._calls):  # the one that counts
                self._ears.hear_call(words)


class ThinkingAloud:
    """Text of models that think between <think> and </think> at its beginning, where the server leaves it there."""

    def __init__(self) -> None:
        self._held = ""
        self._now: Heard | None = None

    def sort(self, piece: str) -> list[tuple[Heard, str]]:
        """What a piece makes certain."""
        self._held += piece
        if self._now is None:
            begins = self._held.lstrip()
            if OPENS.startswith(begins):
                return []
            self._now = "thinking" if begins.startswith(OPENS) else "text"
            self._held = begins[len(OPENS) :] if self._now == "thinking" else self._held
        if self._now == "text":
            return self.rest()
        thought, closed, after = self._held.partition(CLOSES)
        if closed:
            self._now, self._held = "text", after.lstrip()
            return [*_some("thinking", thought), *self.rest()]
        open_end = next(n for n in range(len(CLOSES) - 1, -1, -1) if thought.endswith(CLOSES[:n]))
        self._held = thought[len(thought) - open_end :]
        return _some("thinking", thought[: len(thought) - open_end])

    def rest(self) -> list[tuple[Heard, str]]:
        """What was held back."""
        held, self._held = self._held, ""
        return _some(self._now or "text", held)


def _some(kind: Heard, text: str) -> list[tuple[Heard, str]]:
    return [(kind, text)] if text else []


def _call(begun: _Begun, tool: Tool) -> Call:
    if begun.name != tool.name:
        return Call(begun.id, {}, f"there is no tool {begun.name!r}; call {tool.name}")
    try:
        return Call(begun.id, read(begun.arguments))
    except Unreadable as problem:
        return Call(begun.id, {}, f"the arguments of {tool.name} cannot be read: {problem}")


def _assistant(text: str, begun: _Begun, *, readable: bool) -> Mapping[str, Any]:
    # Servers parse the arguments again when they are sent back, and fail on what cannot be parsed.
    function = {"name": begun.name, "arguments": begun.arguments if readable else "{}"}
    call = {"id": begun.id, "type": "function", "function": function}
    return {"role": "assistant", "content": text or None, "tool_calls": [call]}


class _Details(BaseModel):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


def _usage(told: object) -> Usage | None:
    """The tokens that a server counts; None where it does not, or makes no sense."""
    try:
        usage = _Usage.model_validate(told)
    except ValidationError:
        return None
    read_, thought = usage.prompt_tokens_details or _Details(), usage.completion_tokens_details or _Details()
    cached, reasoning = read_.cached_tokens or 0, thought.reasoning_tokens or 0
    fresh = usage.prompt_tokens - cached
    counts = (fresh, cached, usage.completion_tokens, reasoning)
    if not all(0 <= count < 10**9 for count in counts):
        return None
    return Usage(input=fresh, cache_read=cached, output=usage.completion_tokens, reasoning=reasoning)
