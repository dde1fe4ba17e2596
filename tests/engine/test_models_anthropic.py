"""Claude by the real SDK, against a scripted Messages API on loopback: what it sends, what it hears, how it fails."""

import asyncio
import socket
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest

from loopwatch.engine.config import AgentSettings
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.events import Heard
from loopwatch.engine.models import Answer, Talk, Tool, Trouble, Turned
from loopwatch.engine.models.anthropic import Anthropic
from loopwatch.engine.money import Usage
from loopwatch.engine.prompt.brief import Block, Prompt
from tests.servers.anthropic import Server, Step
from tests.waiting import until

KEY = "sk-ant-marked-1b2c3d4e5f"
MODEL = "claude-sonnet-5-5"
SCHEMA = {
    "type": "object",
    "properties": {"why": {"type": "string"}},
    "required": ["why"],
    "additionalProperties": False,
}
TOOL = Tool("propose", "Propose.", SCHEMA)
PROMPT = Prompt((Block("rules", "Rules. " * 1000, marked=True),), (Block("now", "Go."),))

THINKING = {"type": "thinking", "thinking": "The rate is low, so it is still falling."}
TEXT = {"type": "text", "text": "I raise it."}
CALL = {"type": "tool_use", "name": "propose", "input": {"why": "it falls"}}


def call(raw: str) -> dict[str, Any]:
    return {"type": "tool_use", "name": "propose", "raw": raw}


@dataclass
class Recorder:
    """Ears that remember."""

    heard: list[tuple[Heard, str]] = field(default_factory=list)
    json: str = ""
    usages: list[Usage] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, kind: Heard, text: str) -> None:
        self.heard.append((kind, text))
        self.first.set()

    def hear_call(self, json: str) -> None:
        self.json += json

    def used(self, usage: Usage) -> None:
        self.usages.append(usage)

    def said(self, kind: Heard) -> str:
        return "".join(text for heard, text in self.heard if heard == kind)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)


async def answered(
    server: Server | str, *turned: Turned, name: str = MODEL, prompt: Prompt = PROMPT, **settings: Any
) -> tuple[Answer, Recorder]:
    url = server if isinstance(server, str) else server.url
    model, ears = Anthropic(name, AgentSettings(base_url=url, **settings)), Recorder()
    try:
        return await model.answer(Talk(prompt, turned), TOOL, ears), ears
    finally:
        await model.close()


async def trouble(server: Server | str, **settings: Any) -> Trouble:
    with pytest.raises(Trouble) as raised:
        await answered(server, **settings)
    assert KEY not in str(raised.value)
    return raised.value


# -- what it sends -----------------------------------------------------------------------------------------------------


async def test_it_asks_for_summarised_thinking_and_one_strict_tool_that_is_not_forced() -> None:
    with Server(Step(content=[CALL])) as server:
        await answered(server)

    sent = server.requests[0].body
    assert sent["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert [(tool["name"], tool["strict"], tool["eager_input_streaming"]) for tool in sent["tools"]] == [
        ("propose", True, True)
    ]
    assert "output_config" not in sent


async def test_effort_and_length_are_those_of_the_settings() -> None:
    with Server(Step(content=[CALL])) as server:
        await answered(server, effort="high", output_tokens=900)

    assert server.requests[0].body["output_config"] == {"effort": "high"}
    assert server.requests[0].body["max_tokens"] == 900


async def test_marked_blocks_are_cached_for_an_hour_and_the_last_four_of_them_only() -> None:
    marked = tuple(Block(f"b{number}", f"text {number}", marked=True) for number in range(5))
    with Server(Step(content=[CALL])) as server:
        await answered(server, prompt=Prompt(marked[:2], (*marked[2:], Block("empty", " "), Block("now", "Go."))))

    sent = server.requests[0].body
    blocks = [*sent["system"], *sent["messages"][0]["content"]]
    hour = {"type": "ephemeral", "ttl": "1h"}
    assert [block.get("cache_control") for block in blocks] == [None, hour, hour, hour, hour, None]


async def test_an_old_model_is_not_asked_to_think_by_itself() -> None:
    with Server(Step(content=[CALL])) as server:
        await answered(server, name="claude-haiku-4-5-20251001")

    assert "thinking" not in server.requests[0].body


async def test_an_answer_is_sent_back_unchanged_with_the_reason_as_an_error_and_a_note_from_the_system() -> None:
    with Server(Step(content=[THINKING, TEXT, CALL]), Step(content=[CALL])) as server:
        first, _ = await answered(server)
        await answered(server, Turned(first, "it does not apply", notes=("be bold",)))

    before, after = (request.body["messages"] for request in server.requests)
    assert after[:1] == before
    assistant, user, system = after[1:]
    assert [block["type"] for block in assistant["content"]] == ["thinking", "text", "tool_use"]
    assert (user["content"][0]["is_error"], user["content"][0]["content"]) == (True, "it does not apply")
    assert system == {"role": "system", "content": "A note from the person who watches: be bold"}


async def test_a_model_without_notes_from_the_system_gets_them_as_the_users_words() -> None:
    name = "claude-opus-4-6"
    with Server(Step(content=[CALL]), Step(content=[CALL])) as server:
        first, _ = await answered(server, name=name)
        await answered(server, Turned(first, "no", notes=("be bold",)), name=name)

    last = server.requests[1].body["messages"][-1]
    assert [block["type"] for block in last["content"]] == ["tool_result", "text"]


async def test_words_without_a_call_are_answered_with_words() -> None:
    with Server(Step(content=[TEXT]), Step(content=[CALL])) as server:
        first, _ = await answered(server)
        second, _ = await answered(server, Turned(first, "call the tool"))

    assert (first.call, first.text) == (None, "I raise it.")
    assert second.call is not None


async def test_an_answer_without_anything_in_it_can_be_replied_to() -> None:
    with Server(Step(content=[]), Step(content=[CALL])) as server:
        first, _ = await answered(server)
        second, _ = await answered(server, Turned(first, "call the tool"))

    assert second.call is not None


# -- what it hears -----------------------------------------------------------------------------------------------------


async def test_thinking_text_and_the_call_are_heard_as_they_stream() -> None:
    with Server(Step(content=[THINKING, TEXT, CALL], size=5)) as server:
        answer, ears = await answered(server)

    assert ears.said("thinking") == THINKING["thinking"]
    assert ears.said("text") == TEXT["text"]
    assert len(ears.heard) > 5
    assert ears.json == '{"why": "it falls"}'
    assert answer.call is not None
    assert (answer.stop, answer.call.input, answer.call.problem) == ("done", {"why": "it falls"}, "")


async def test_the_prompts_tokens_are_known_at_the_beginning_and_all_at_the_end() -> None:
    with Server(Step(content=[THINKING, CALL])) as server:
        answer, ears = await answered(server)

    billed = server.requests[0].usage
    assert answer.usage is not None
    assert ears.usages[0] == answer.usage.model_copy(update={"output": 1, "reasoning": 0})
    assert answer.usage.model_dump(exclude={"reasoning"}) == billed
    assert answer.usage.reasoning > 0


async def test_a_prompt_that_was_marked_is_read_from_the_cache_the_next_time() -> None:
    with Server(Step(content=[CALL], times=2)) as server:
        first, _ = await answered(server)
        second, _ = await answered(server)

    assert first.usage is not None
    assert second.usage is not None
    assert (first.usage.cache_read, second.usage.cache_write_1h) == (0, 0)
    assert first.usage.cache_write_1h == second.usage.cache_read > 1000


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ('{"why": "it fal', "no whole JSON"),
        ('{"why": }', "no whole JSON"),
        ("[1]", "no JSON object"),
    ],
)
async def test_a_call_that_is_not_closed_or_no_json_is_told_and_never_repaired(raw: str, says: str) -> None:
    with Server(Step(content=[THINKING, call(raw)], stop="tool_use"), Step(content=[CALL])) as server:
        answer, _ = await answered(server)
        again, _ = await answered(server, Turned(answer, "write it again"))

    assert answer.call is not None
    assert says in answer.call.problem
    assert again.call is not None


async def test_a_call_of_another_tool_is_told() -> None:
    with Server(Step(content=[CALL | {"name": "bash"}])) as server:
        answer, _ = await answered(server)

    assert answer.call is not None
    assert answer.call.problem == "there is no tool 'bash'; call propose"


# -- how an answer can end ---------------------------------------------------------------------------------------------


async def test_a_call_that_is_cut_by_the_length_is_no_call() -> None:
    with Server(Step(content=[CALL | {"input": {"why": "x" * 500}}], truncate=20)) as server:
        answer, _ = await answered(server)

    assert (answer.stop, answer.call, answer.detail) == ("truncated", None, "at 20 tokens")


async def test_a_refusal_has_its_category_and_explanation_and_may_be_empty() -> None:
    details = {"type": "refusal", "category": "frontier_llm", "explanation": "It could help a competitor."}
    with Server(Step(content=[], stop="refusal", details=details)) as server:
        answer, _ = await answered(server)

    assert (answer.stop, answer.category, answer.detail, answer.call) == (
        "refused",
        "frontier_llm",
        "It could help a competitor.",
        None,
    )
    assert answer.usage is not None
    assert answer.usage.prompt > 1000


async def test_a_refusal_without_details_is_one_too() -> None:
    with Server(Step(content=[TEXT], stop="refusal")) as server:
        answer, _ = await answered(server)

    assert (answer.stop, answer.category, answer.detail) == ("refused", "", "")


async def test_a_window_that_is_exceeded_while_it_writes_is_too_long() -> None:
    with Server(Step(content=[TEXT], stop="model_context_window_exceeded")) as server:
        answer, _ = await answered(server)

    assert answer.stop == "too_long"


# -- trouble -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        (Step(status=400, type="invalid_request_error", message="no such field"), "wrong", "no such field"),
        (Step(status=400, type="invalid_request_error", message="Your credit balance is too low"), "spent", "no money"),
        (
            Step(status=401, type="authentication_error", message="invalid x-api-key"),
            "bad_key",
            "does not take the key",
        ),
        (Step(status=402, type="billing_error", message="pay"), "spent", "no money left"),
        (Step(status=403, type="permission_error", message="not yours"), "bad_key", "does not take the key"),
        (Step(status=404, type="not_found_error", message="model: x"), "wrong", "has no model claude-sonnet-5-5"),
        (Step(status=408, type="timeout_error"), "unavailable", "has trouble"),
        (Step(status=409, type="conflict_error"), "unavailable", "has trouble"),
        (Step(status=413, type="request_too_large"), "too_long", "too long"),
        (Step(status=400, message="prompt is too long: 9 tokens > 8 maximum"), "too_long", "9 tokens > 8"),
        (Step(status=400, message="input length and `max_tokens` exceed context limit"), "too_long", "too long"),
        (Step(status=429, type="rate_limit_error", message="slow down"), "limit", "slow down"),
        (
            Step(status=429, type="rate_limit_error", error_details={"error_code": "enforced_spend_limit_reached"}),
            "spent",
            "no money left",
        ),
        (Step(status=500), "unavailable", "has trouble"),
        (
            Step(status=529, type="overloaded_error", message="Overloaded"),
            "unavailable",
            "Overloaded (overloaded_error)",
        ),
    ],
    ids=lambda value: f"{value.status} {value.message}" if isinstance(value, Step) else None,
)
async def test_an_error_is_the_trouble_that_it_means(step: Step, kind: str, words: str) -> None:
    with Server(step) as server:
        found = await trouble(server)

    assert found.kind == kind
    assert words in str(found)
    assert not found.unanswered


@pytest.mark.parametrize(
    ("told", "seconds"),
    [({"retry-after": "17"}, 17), ({"retry-after": "4294967"}, None), ({"retry-after": "nan"}, None), ({}, None)],
)
async def test_a_limit_ends_when_the_service_says_so(told: dict[str, str], seconds: float | None) -> None:
    with Server(Step(status=429, type="rate_limit_error", headers=told)) as server:
        found = await trouble(server)

    assert (found.kind, found.after) == ("limit", seconds)


async def test_a_limit_may_end_at_a_date() -> None:
    with Server(Step(status=429, headers={"retry-after": formatdate(time.time() + 60, usegmt=True)})) as server:
        found = await trouble(server)

    assert found.after == pytest.approx(60, abs=3)


async def test_a_limit_of_spending_that_ends_is_a_limit() -> None:
    details = {"error_code": "enforced_spend_limit_reached"}
    with Server(Step(status=429, error_details=details, headers={"retry-after": "3600"})) as server:
        found = await trouble(server)

    assert (found.kind, found.after) == ("limit", 3600)


@pytest.mark.parametrize("then", ["incomplete", "reset", "clean", "garbage"])
async def test_a_stream_that_breaks_is_trouble_that_passes(then: Any) -> None:
    with Server(Step(content=[THINKING, CALL], after=2, then=then)) as server:
        found = await trouble(server)

    assert found.kind == "unavailable"


@pytest.mark.parametrize("then", ["incomplete", "clean"])
async def test_a_stream_that_breaks_within_the_call_gives_no_call(then: Any) -> None:
    with Server(Step(content=[CALL], after=1, then=then)) as server:
        found = await trouble(server)

    assert found.kind == "unavailable"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("overloaded_error", "unavailable"),
        ("rate_limit_error", "limit"),
        ("api_error", "unavailable"),
        ("new", "unavailable"),
    ],
)
async def test_an_error_within_the_stream_is_the_trouble_that_it_would_have_been_before(error: str, kind: str) -> None:
    with Server(Step(content=[THINKING], after=1, then="error", type=error)) as server:
        found = await trouble(server)

    assert found.kind == kind


async def test_a_stream_that_falls_silent_is_given_up() -> None:
    with Server(Step(content=[THINKING], after=1, then="stall")) as server:
        found = await trouble(server, silence_seconds=0.1)

    assert (found.kind, str(found)) == ("unavailable", f"{MODEL} fell silent in the middle of its answer, for 0.1 s")


async def test_a_service_that_never_begins_to_answer_may_have_cost_something() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = await trouble(f"http://127.0.0.1:{silent.getsockname()[1]}", silence_seconds=0.1)

    assert (found.kind, found.unanswered) == ("unavailable", True)


async def test_a_service_that_is_not_there_costs_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    found = await trouble(url)

    assert (found.kind, found.unanswered) == ("unavailable", False)
    assert "cannot be reached" in str(found)


async def test_a_name_that_nobody_knows_is_trouble_that_may_pass() -> None:
    found = await trouble("http://nowhere.invalid")

    assert (found.kind, found.unanswered) == ("unavailable", False)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in to the hotel</html>",
        'event: message_start\ndata: {"type": "message_start"}\n\n',
        "data: null\n\n",
    ],
)
async def test_what_is_no_stream_of_a_message_is_trouble(body: str) -> None:
    with Server(Step(body=body)) as server:
        found = await trouble(server)

    assert found.kind == "unavailable"


# -- the key -----------------------------------------------------------------------------------------------------------


async def test_without_a_key_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")

    found = await trouble("http://127.0.0.1:9")

    assert found.kind == "bad_key"
    assert "set ANTHROPIC_API_KEY" in str(found)


@pytest.mark.parametrize("secret", [f"{KEY}\n", f"{KEY} ", f"{KEY}é"])
async def test_a_key_that_cannot_be_one_is_not_sent_and_not_told(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", secret)

    found = await trouble("http://127.0.0.1:9")

    assert found.kind == "bad_key"


async def test_a_service_that_repeats_the_key_does_not_bring_it_into_the_words() -> None:
    with Server(Step(status=401, type="authentication_error", message=f"{KEY} is not known")) as server:
        found = await trouble(server)

    assert "[key] is not known" in str(found)


def test_an_address_that_is_none_is_said_before_anything_is_asked() -> None:
    with pytest.raises(ConfigError, match="is no address"):
        Anthropic(MODEL, AgentSettings(base_url="localhost:80"))


# -- going away --------------------------------------------------------------------------------------------------------


async def test_cancelling_closes_the_connection_at_once() -> None:
    with Server(Step(content=[THINKING], after=1, then="stall")) as server:
        model, ears = Anthropic(MODEL, AgentSettings(base_url=server.url)), Recorder()
        asking = asyncio.create_task(model.answer(Talk(PROMPT), TOOL, ears))
        await ears.first.wait()

        began = time.monotonic()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        until(lambda: server.requests[0].outcome == "client_gone", seconds=1)

        assert time.monotonic() - began < 1
        await model.close()


async def test_a_model_can_be_asked_again_after_it_was_closed() -> None:
    with Server(Step(content=[CALL], times=2)) as server:
        model = Anthropic(MODEL, AgentSettings(base_url=server.url))
        for _ in range(2):
            await model.answer(Talk(PROMPT), TOOL, Recorder())
            await model.close()

    assert len(server.requests) == 2
