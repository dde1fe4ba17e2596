"""The OpenAI-compatible model against a real server on loopback, with the faults that servers have."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from loopwatch.engine.config import AgentSettings
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.events import Heard
from loopwatch.engine.models import Answer, Talk, Tool, Trouble, Turned
from loopwatch.engine.models.complaints import complaint
from loopwatch.engine.models.completion import Completion, ThinkingAloud
from loopwatch.engine.models.openai import HOME, OpenAI
from loopwatch.engine.models.written import written
from loopwatch.engine.money import Usage
from loopwatch.engine.prompt.brief import Block, Brief, Prompt
from loopwatch.engine.proposers import proposer
from loopwatch.engine.task import load
from tests.engine.listener import Listener
from tests.servers.openai import Server, Step
from tests.waiting import until

SCHEMA = {
    "type": "object",
    "properties": {"lr": {"type": "number"}},
    "required": ["lr"],
    "additionalProperties": False,
}
TOOL = Tool("propose", "Propose a learning rate.", SCHEMA)
TALK = Talk(Prompt((Block("rules", "You are a researcher."),), (Block("now", "Go on."),)))
WHOLE = Step(thinking="Hm.", text="So.", call={"lr": 0.1})


@dataclass
class Listening:
    heard: list[tuple[Heard, str]] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    call: str = ""
    hears: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, kind: Heard, text: str) -> None:
        self.heard.append((kind, text))
        self.hears.set()

    def hear_call(self, json: str) -> None:
        self.call += json

    def used(self, usage: Usage) -> None:
        self.usages.append(usage)

    def said(self, kind: Heard) -> str:
        return "".join(text for heard, text in self.heard if heard == kind)


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(started: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    started.models = ["small"]
    started.play(WHOLE)
    return started


@pytest.fixture
async def ask(server: Server) -> AsyncIterator[Callable[..., Any]]:
    """Ask the server, playing these steps."""
    models: list[OpenAI] = []

    async def asked(*steps: Step, talk: Talk = TALK, ears: Listening | None = None, **settings: Any) -> Answer:
        server.play(*steps)
        models.append(OpenAI("small", AgentSettings(base_url=server.base_url, **settings)))
        return await models[-1].answer(talk, TOOL, ears or Listening())

    yield asked
    for model in models:
        await model.close()


async def test_thinking_text_call_and_tokens_come_through(server: Server, ask: Callable[..., Any]) -> None:
    ears = Listening()
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }

    answer = await ask(WHOLE.model_copy(update={"usage": usage}), ears=ears)

    assert (ears.said("thinking"), ears.said("text")) == ("Hm.", "So.")
    assert (answer.stop, answer.text) == ("done", "So.")
    assert answer.call is not None
    assert (answer.call.input, answer.call.problem) == ({"lr": 0.1}, "")
    assert json.loads(ears.call) == {"lr": 0.1}
    assert answer.usage == ears.usages[-1] == Usage(input=36, cache_read=64, output=20, reasoning=7)
    assert server.requests[0]["tools"][0]["function"]["strict"] is True
    assert [message["role"] for message in server.requests[0]["messages"]] == ["system", "user"]


async def test_reasoning_is_heard_under_its_other_name_too(ask: Callable[..., Any]) -> None:
    ears = Listening()

    await ask(Step(thinking="Hm.", thinks_as="reasoning"), ears=ears)

    assert ears.said("thinking") == "Hm."


async def test_a_line_separator_in_the_text_does_not_break_the_stream(ask: Callable[..., Any]) -> None:
    answer = await ask(Step(text="one\u2028two\x85three"))

    assert answer.text == "one\u2028two\x85three"


async def test_a_server_that_does_not_count_tokens_leaves_them_unknown(ask: Callable[..., Any]) -> None:
    answer = await ask(Step(text="So.", usage=None))

    assert answer.usage is None


@pytest.mark.parametrize("usage", [{"prompt_tokens": -5}, {"prompt_tokens": "many"}, {"prompt_tokens": 10**40}])
async def test_a_count_that_makes_no_sense_is_none(ask: Callable[..., Any], usage: dict[str, Any]) -> None:
    answer = await ask(Step(text="So.", usage=usage))

    assert answer.usage is None


async def test_an_answer_all_at_once_is_an_answer(ask: Callable[..., Any]) -> None:
    message = {"role": "assistant", "content": "So.", "reasoning_content": "Hm."}
    ears = Listening()

    answer = await ask(Step(body={"choices": [{"message": message, "finish_reason": "stop"}]}), ears=ears)

    assert (answer.text, ears.said("thinking")) == ("So.", "Hm.")


async def test_what_was_replied_follows_the_call_that_it_replies_to(server: Server, ask: Callable[..., Any]) -> None:
    first = await ask(WHOLE)

    await ask(WHOLE, talk=Talk(TALK.prompt, (Turned(first, "too high", ("be bold",)),)))

    called, replied, noted = server.requests[0]["messages"][2:]
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"lr": 0.1}
    assert replied == {"role": "tool", "tool_call_id": "call_1", "content": "too high"}
    assert noted["role"] == "user"
    assert "be bold" in noted["content"]


def test_a_character_that_came_in_halves_is_whole_and_a_lone_half_is_no_text() -> None:
    completion = Completion(Listening())
    for half in ("\ud83d", "\ude00", "\ud800"):
        completion.add({"choices": [{"delta": {"content": half}}]})

    answer = completion.answer(TOOL)

    assert answer.raw["content"] == answer.text == "\N{GRINNING FACE}\ufffd"


async def test_an_answer_that_cannot_be_unpacked_is_trouble(ask: Callable[..., Any]) -> None:
    with pytest.raises(Trouble, match="DecodingError") as caught:
        await ask(Step(status=500, body="no zip", headers={"content-encoding": "gzip"}))

    assert caught.value.kind == "unavailable"


async def test_arguments_that_cannot_be_read_are_not_sent_back_to_a_server_that_would_read_them(
    server: Server, ask: Callable[..., Any]
) -> None:
    first = await ask(Step(call='{"lr": '))

    await ask(WHOLE, talk=Talk(TALK.prompt, (Turned(first, "cut"),)))

    assert server.requests[0]["messages"][2]["tool_calls"][0]["function"]["arguments"] == "{}"


# -- models that know no tools -----------------------------------------------------------------------------------------


async def test_a_server_without_tools_is_asked_for_json_and_that_is_said(
    server: Server, ask: Callable[..., Any]
) -> None:
    ears = Listening()
    refuses = {"tools": 'registry.ollama.ai/library/gemma3 "small" does not support tools'}

    answer = await ask(Step(will_not_have=refuses, text='```json\n{"lr": 0.1}\n```'), ears=ears)

    assert answer.call is not None
    assert answer.call.input == {"lr": 0.1}
    assert "tools" not in server.requests[1]
    assert '"lr"' in server.requests[1]["messages"][0]["content"]
    assert "does not support tools" in ears.said("notice")


async def test_after_an_answer_without_a_call_json_will_do_and_what_was_sent_before_stays(
    server: Server, ask: Callable[..., Any]
) -> None:
    first = await ask(Step(text="I would lower it."))
    before = server.requests[0]["messages"]

    await ask(WHOLE, talk=Talk(TALK.prompt, (Turned(first, "call the tool"),)))

    after = server.requests[0]["messages"]
    assert after[:2] == before
    assert after[3]["role"] == "user"
    assert after[3]["content"].startswith("call the tool")
    assert '"lr"' in after[3]["content"]


@pytest.mark.parametrize("field", ["stream_options", "reasoning_effort"])
async def test_what_a_server_will_not_have_is_left_out(server: Server, ask: Callable[..., Any], field: str) -> None:
    answer = await ask(Step(will_not_have={field: f"unknown field {field}"}, text="So."), effort="max")

    assert answer.text == "So."
    assert [field in request for request in server.requests] == [True, False]


async def test_a_server_that_wants_the_limit_by_its_newer_name_gets_it(server: Server, ask: Callable[..., Any]) -> None:
    refuses = {"max_tokens": "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}

    await ask(Step(will_not_have=refuses, text="So."), output_tokens=512)

    assert server.requests[1]["max_completion_tokens"] == 512


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"lr": 1}', {"lr": 1}),
        ('Lower it.\n```json\n{"lr": 1}\n```\nDone.', {"lr": 1}),
        ('```\n{"name": "propose", "arguments": {"lr": 1}}\n```', {"lr": 1}),
    ],
)
def test_json_in_the_text_is_a_call(text: str, found: dict[str, Any]) -> None:
    call = written(text, TOOL)

    assert call is not None
    assert (call.input, call.problem) == (found, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"lr": 1', "cannot be read"),
        ('{"lr": 1} and so on', "Extra data"),
        ('{"lr": NaN}', "NaN"),
        (r'{"lr": "\ud800"}', "surrogates"),
        ('{"lr": 1, "lr": 2}', "twice"),
        ('```json\n{"lr": 1}\n```\n```json\n{"lr": 2}\n```', "exactly one"),
        ('{"lr": ' + "[" * 100_000, "cannot be read"),
    ],
)
def test_json_that_is_not_quite_is_a_problem_for_the_model(text: str, problem: str) -> None:
    call = written(text, TOOL)

    assert call is not None
    assert problem in call.problem


@pytest.mark.parametrize("text", ["", "Lower it to {0.1}.", "```python\nlr = {}\n```", "[1, 2]"])
def test_other_text_is_no_call(text: str) -> None:
    assert written(text, TOOL) is None


def test_thinking_between_tags_is_told_from_text_however_it_is_cut() -> None:
    aloud, text = ThinkingAloud(), "\n<think>if a < b\n</th</think>\n\nSo <think> it is."

    pieces = [piece for letter in text for piece in aloud.sort(letter)] + aloud.rest()

    assert "".join(text for kind, text in pieces if kind == "thinking") == "if a < b\n</th"
    assert "".join(text for kind, text in pieces if kind == "text").lstrip() == "So <think> it is."


async def test_json_after_thinking_aloud_is_a_call(ask: Callable[..., Any]) -> None:
    answer = await ask(Step(text='<think>{"lr": 5}?</think>{"lr": 1}'))

    assert answer.call is not None
    assert answer.call.input == {"lr": 1}


# -- answers that are none ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "problem"), [('{"lr": 0.', "cannot be read"), ("lr=1", "cannot be read"), ("[1]", "no object")]
)
async def test_arguments_that_are_garbage_are_a_problem_for_the_model(
    ask: Callable[..., Any], arguments: str, problem: str
) -> None:
    answer = await ask(Step(call=arguments))

    assert answer.call is not None
    assert problem in answer.call.problem


async def test_a_call_that_was_cut_is_none(ask: Callable[..., Any]) -> None:
    answer = await ask(Step(call='{"lr": 1}', finish="length"))

    assert answer.call is None


async def test_a_tool_that_does_not_exist_is_a_problem_for_the_model(ask: Callable[..., Any]) -> None:
    answer = await ask(Step(call={}, calls="bash"))

    assert answer.call is not None
    assert "no tool 'bash'" in answer.call.problem


@pytest.mark.parametrize(
    ("step", "stop", "category"),
    [
        (Step(text="So", call='{"lr"', finish="length"), "truncated", ""),
        (Step(text="So", finish="content_filter"), "refused", "content_filter"),
        (Step(refusal="I cannot help with that."), "refused", ""),
    ],
)
async def test_an_answer_says_why_it_is_none(ask: Callable[..., Any], step: Step, stop: str, category: str) -> None:
    answer = await ask(step)

    assert (answer.stop, answer.category) == (stop, category)
    assert answer.usage == Usage(input=100, output=20)


async def test_a_refusal_says_why(ask: Callable[..., Any]) -> None:
    answer = await ask(Step(refusal="I cannot help with that."))

    assert answer.detail == "I cannot help with that."


# -- streams that break ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ("cut", "the connection to .* broke"),
        ("end", "before it was whole"),
        ("stall", "said nothing for 0.2 s"),
        ("garbage", "no chat completion"),
        ({"choices": 7}, "no chat completion"),
        ({"error": {"message": "Engine is dead", "code": 500}}, "has trouble: Engine is dead"),
        ({"error": "out of memory"}, "has trouble: out of memory"),
        ({"object": "error", "message": "Engine is dead", "code": 500}, "has trouble: Engine is dead"),
    ],
)
async def test_a_stream_that_breaks_is_trouble_that_passes(ask: Callable[..., Any], then: Any, why: str) -> None:
    step = WHOLE.model_copy(update={"after": 2, "then": then})
    ears = Listening()

    with pytest.raises(Trouble, match=why) as caught:
        await ask(step, silence_seconds=0.2, ears=ears)

    assert caught.value.kind == "unavailable"
    assert ears.said("thinking") == "Hm."


async def test_a_request_that_nobody_answers_may_have_cost_something(ask: Callable[..., Any]) -> None:
    with pytest.raises(Trouble) as caught:
        await ask(Step(after=0, then="stall"), silence_seconds=0.1)

    assert caught.value.unanswered


async def test_too_long_a_prompt_is_told_in_the_stream_too(ask: Callable[..., Any]) -> None:
    told = {"error": {"message": "the prompt exceeds the context size", "code": 400}}

    with pytest.raises(Trouble) as caught:
        await ask(Step(text="So.", after=1, then=told))

    assert caught.value.kind == "too_long"


async def test_what_happens_after_the_last_word_does_no_harm(ask: Callable[..., Any]) -> None:
    answer = await ask(Step(text="So.", usage=None, after=3, then="cut"))

    assert answer.text == "So."


async def test_cancelling_closes_the_connection_at_once(server: Server, ask: Callable[..., Any]) -> None:
    ears = Listening()
    asking = asyncio.ensure_future(ask(WHOLE.model_copy(update={"after": 2, "then": "stall"}), ears=ears))
    await ears.hears.wait()

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert until(lambda: server.left, seconds=1) == 1


# -- servers that will not ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"error": {"message": "Incorrect API key provided"}}, "bad_key", "set OPENAI_API_KEY"),
        (403, {"error": {"message": "Country not supported"}}, "bad_key", "Country not supported"),
        (402, {"error": {"message": "Insufficient credits"}}, "spent", "Insufficient credits"),
        (404, {"error": {"message": 'model "small" not found, try pulling it first'}}, "wrong", "ollama pull small"),
        (404, {"object": "error", "message": "The model `small` does not exist."}, "wrong", "GET /models"),
        (404, {"detail": "Not Found"}, "wrong", "Most end in /v1"),
        (404, "404 page not found", "wrong", "Most end in /v1"),
        (400, {"error": {"message": "too long", "code": "context_length_exceeded"}}, "too_long", "too long"),
        (400, {"message": "This model's maximum context length is 8192 tokens.", "object": "error"}, "too_long", "8192"),
        (400, {"error": {"message": "exceeds", "type": "exceed_context_size_error"}}, "too_long", "exceeds"),
        (413, "", "too_long", "HTTP 413"),
        (400, {"error": {"message": "bad temperature"}}, "wrong", "bad temperature"),
        (422, {"detail": [{"msg": "Field required"}]}, "wrong", "Field required"),
        (429, {"error": {"message": "slow down"}}, "limit", "slow down"),
        (429, {"error": {"message": "You are out", "code": "insufficient_quota"}}, "spent", "You are out"),
        (500, {"error": {"message": "CUDA error"}}, "unavailable", "CUDA error"),
        (503, {"error": {"message": "Loading model", "code": 503}}, "unavailable", "Loading model"),
        (502, "<html><h1>Bad Gateway</h1></html>", "unavailable", "Bad Gateway"),
        (307, "", "wrong", "HTTP 307"),
    ],
)  # fmt: skip
async def test_a_server_that_will_not_is_understood(
    ask: Callable[..., Any], status: int, body: Any, kind: str, words: str
) -> None:
    with pytest.raises(Trouble) as caught:
        await ask(Step(status=status, body=body))

    assert caught.value.kind == kind
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
async def test_a_limit_says_when_it_ends_if_the_server_does(
    ask: Callable[..., Any], headers: dict[str, str], after: float | None
) -> None:
    with pytest.raises(Trouble) as caught:
        await ask(Step(status=429, body="slow down", headers=headers))

    assert caught.value.after == after


def test_a_complaint_of_any_length_is_told_in_a_line() -> None:
    said = complaint(500, json.dumps({"error": {"message": "no\n" * 10_000}}))

    assert len(said.words) <= 301
    assert "\n" not in said.words


async def test_a_web_page_is_no_model(ask: Callable[..., Any], server: Server) -> None:
    model = OpenAI("small", AgentSettings(base_url=server.url))

    with pytest.raises(Trouble, match="Most end in /v1") as caught:
        await model.answer(TALK, TOOL, Listening())

    assert caught.value.kind == "wrong"
    await model.close()


async def test_a_server_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    model = OpenAI("small", AgentSettings(base_url=nowhere))

    with pytest.raises(Trouble, match=f"nothing answers at {nowhere}: is the server running") as caught:
        await model.answer(TALK, TOOL, Listening())

    assert caught.value.kind == "unavailable"
    await model.close()


# -- keys and names ----------------------------------------------------------------------------------------------------


async def test_openai_itself_is_not_asked_without_a_key(server: Server) -> None:
    with pytest.raises(Trouble, match="OPENAI_API_KEY") as caught:
        await OpenAI("gpt-5", AgentSettings()).answer(TALK, TOOL, Listening())

    assert caught.value.kind == "bad_key"


async def test_a_key_is_sent_where_there_is_one(
    server: Server, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(WHOLE)
    without = server.headers[0]
    monkeypatch.setenv("OPENAI_API_KEY", "secret")

    await ask(WHOLE)

    assert "authorization" not in without
    assert server.headers[0]["authorization"] == "Bearer secret"


async def test_a_key_that_the_server_repeats_is_not_repeated(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-marked-1234567890")

    with pytest.raises(Trouble, match="Incorrect API key provided: ") as caught:
        await ask(Step(status=401, body={"error": {"message": "Incorrect API key provided: sk-marked-1234567890"}}))

    assert "sk-marked" not in str(caught.value)


async def test_a_key_with_a_line_break_is_not_sent(
    server: Server, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-marked\n1234567890")

    with pytest.raises(Trouble, match="that no key has") as caught:
        await ask(WHOLE)

    assert "marked" not in str(caught.value)
    assert server.requests == []


def test_the_address_comes_from_the_settings_then_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.base_url}/")

    assert OpenAI("", AgentSettings()).name == "small"


def test_the_only_model_of_a_server_needs_no_name(server: Server) -> None:
    assert OpenAI("", AgentSettings(base_url=server.base_url)).name == "small"


def test_of_several_models_one_has_to_be_named(server: Server) -> None:
    server.models = ["small", "large"]

    with pytest.raises(ConfigError, match=r"has 2 models; name one, as in openai:MODEL: small, large"):
        OpenAI("", AgentSettings(base_url=server.base_url))


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        (None, f"GET {HOME}/models"),
        ("localhost:8000", "begins with http"),
        ("http://127.0.0.1:1/v1", "is the server running"),
    ],
)
def test_settings_that_cannot_work_say_what_to_change(server: Server, base_url: str | None, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        OpenAI("", AgentSettings(base_url=base_url))


# -- proposing ---------------------------------------------------------------------------------------------------------

SOURCE = "LR = 0.01\nprint(LR)\n"
BRIEF = Brief(
    experiment=2, revision=1, task=load("sine"), program="", sources={"train.py": SOURCE}, history=(), best=1.0, notes=(),
    comment="", seed=1,
)  # fmt: skip
DRAFT = {
    "hypothesis": "A greater LR lowers the loss.",
    "mechanism": "It moves further.",
    "expected": "-0.1",
    "previous_mechanism": None,
    "edits": [{"path": "train.py", "old": "LR = 0.01", "new": "LR = 0.02"}],
}


async def test_a_model_of_a_local_server_proposes(server: Server) -> None:
    server.play(Step(thinking="Further.", call=DRAFT))
    turn = Listener(BRIEF)

    proposal = await proposer("openai", AgentSettings(base_url=server.base_url)).propose(BRIEF, turn)

    assert "+LR = 0.02" in proposal.diff
    assert turn.said("thinking") == "Further."
    assert (turn.requests[0].model, turn.requests[0].words[-1]) == (
        "small",
        (Usage(input=100, output=20), None, False, True),
    )


async def test_a_model_that_knows_no_tools_repairs_its_json_and_its_server_is_asked_for_tools_once(
    server: Server,
) -> None:
    refuses = {"tools": "small does not support tools"}
    bad = {**DRAFT, "edits": [{"path": "train.py", "old": "LR = 7", "new": "LR = 8"}]}
    server.play(
        Step(will_not_have=refuses, text=json.dumps(bad), usage=None),
        Step(will_not_have=refuses, text=f"So:\n```json\n{json.dumps(DRAFT)}\n```"),
    )
    small, turn = proposer("openai:small", AgentSettings(base_url=server.base_url)), Listener(BRIEF)
    await small.propose(BRIEF, turn)

    proposal = await small.propose(BRIEF, turn)

    assert "+LR = 0.02" in proposal.diff
    assert ["tools" in request for request in server.requests] == [True, False, False, False]
    estimated = [booked.words[-1][2] for booked in turn.requests]
    assert estimated == [True, False, False]
