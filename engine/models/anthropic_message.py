"""One message of the Messages API, put together from its stream.

The SDK would do it too, but repairs a tool's input that was never closed, and stops at one that is no JSON: here both are
kept as they came, and said.
"""

import json
from typing import TYPE_CHECKING, Any, Literal

from ..money import Usage
from . import Answer, Call, Ears, Tool

if TYPE_CHECKING:
    from anthropic.types import MessageDeltaUsage, RawMessageStreamEvent
    from anthropic.types import Usage as Told

Stop = Literal["done", "refused", "truncated", "too_long"]

_STOPS: dict[str, Stop] = {
    "max_tokens": "truncated",
    "refusal": "refused",
    "model_context_window_exceeded": "too_long",
}
"""What is none of these stopped because it was done."""


class Message:
    """A message that streams."""

    def __init__(self, ears: Ears) -> None:
        """Nothing came yet."""
        self._ears = ears
        self._usage = Usage()
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}
        self._stop: str | None = None
        self._details: Any = None

    @property
    def is_whole(self) -> bool:
        """Whether the service said why it stopped: only then all of it is there."""
        return self._stop is not None

    def add(self, event: "RawMessageStreamEvent") -> None:
        """The next event of the stream."""
        match event.type:
            case "message_start":
                self._count(event.message.usage)
                self._ears.used(self._usage)
            case "content_block_start":
                self._blocks[event.index] = event.content_block.to_dict()
            case "content_block_delta":
                self._extend(event.index, event.delta)
            case "message_delta":
                self._count(event.usage)
                self._stop, self._details = event.delta.stop_reason, event.delta.stop_details

    def answer(self, tool: Tool) -> Answer:
        """What it says, when it is whole."""
        stop = _STOPS.get(self._stop or "", "done")
        blocks = [self._blocks[index] for index in sorted(self._blocks)]
        calls = [self._call(index, block, tool) for index, block in sorted(self._blocks.items()) if _is_call(block)]
        return Answer(
            stop=stop,
            text="".join(block["text"] for block in blocks if block["type"] == "text"),
            call=calls[0] if calls and stop == "done" else None,
            usage=self._usage,
            category=getattr(self._details, "category", None) or "",
            detail=self._detail(stop),
            # A block of text that stayed empty would not be taken back.
            raw=tuple(block for block in blocks if block["type"] != "text" or block["text"].strip()),
        )

    def _extend(self, index: int, delta: Any) -> None:
        block = self._blocks[index]
        match delta.type:
            case "thinking_delta":
                block["thinking"] += delta.thinking
                self._ears.hear("thinking", delta.thinking)
            case "text_delta":
                block["text"] += delta.text
                self._ears.hear("text", delta.text)
            case "input_json_delta":
                self._inputs[index] = self._inputs.get(index, "") + delta.partial_json
                self._ears.hear_call(delta.partial_json)
            case "signature_delta":
                block["signature"] = delta.signature

    def _call(self, index: int, block: dict[str, Any], tool: Tool) -> Call:
        """The call of a block; its input, parsed, becomes that of the block."""
        text = self._inputs.get(index) or json.dumps(block["input"])
        problem = ""
        try:
            block["input"] = json.loads(text)
        except (ValueError, RecursionError) as error:
            problem = f"the input is no whole JSON object ({error}); write the call again"
        if not problem and not isinstance(block["input"], dict):
            problem = "the input is no JSON object; write the call again"
        if not problem and block["name"] != tool.name:
            problem = f"there is no tool {block['name']!a}; call {tool.name}"
        if problem and not isinstance(block["input"], dict):
            block["input"] = {}
        return Call(block["id"], block["input"], problem)

    def _count(self, told: "Told | MessageDeltaUsage") -> None:
        """Counts replace earlier ones; what is not told again stays as it was."""
        was = self._usage
        creation = getattr(told, "cache_creation", None)
        five_minutes = creation.ephemeral_5m_input_tokens if creation else was.cache_write_5m
        written = told.cache_creation_input_tokens
        if written is None:
            written = was.cache_write_5m + was.cache_write_1h
        details = told.output_tokens_details
        self._usage = Usage(
            input=was.input if told.input_tokens is None else told.input_tokens,
            output=told.output_tokens,
            cache_read=was.cache_read if told.cache_read_input_tokens is None else told.cache_read_input_tokens,
            cache_write_5m=five_minutes,
            cache_write_1h=max(0, written - five_minutes),
            reasoning=details.thinking_tokens if details else was.reasoning,
        )

    def _detail(self, stop: Stop) -> str:
        match stop:
            case "truncated":
                return f"at {self._usage.output} tokens"
            case "refused":
                return getattr(self._details, "explanation", None) or ""
            case _:
                return ""


def _is_call(block: dict[str, Any]) -> bool:
    return bool(block["type"] == "tool_use")
