"""Asking a model: money before every request, an estimate for what is cut, waits that are seen, and an end to them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.books import Books
from loopwatch.engine.config import AgentSettings
from loopwatch.engine.errors import Blocked, ProposerFailed
from loopwatch.engine.events import Billed
from loopwatch.engine.line import Line
from loopwatch.engine.models import Answer, Ears, Model, Talk, Tool, Trouble, Turned
from loopwatch.engine.models.anthropic import Anthropic
from loopwatch.engine.models.asking import ask
from loopwatch.engine.models.overhear import Overheard
from loopwatch.engine.money import Usage
from loopwatch.engine.prompt.brief import Block, Brief, Prompt
from loopwatch.engine.task import load
from tests.engine import facts
from tests.engine.bench import journal_in
from tests.engine.listener import Listener
from tests.servers.anthropic import Server, Step

BRIEF = Brief(
    experiment=2, revision=1, task=load("sine"), program="", sources={}, history=(), best=1.0, notes=(), comment="", seed=1,
)  # fmt: skip
PROMPT = Prompt((Block("rules", "Rules. " * 1000, marked=True),), (Block("now", "Go."),))
TOOL = Tool("propose", "Propose.", {"type": "object", "properties": {}, "required": [], "additionalProperties": False})
SETTINGS = AgentSettings(attempts=4, wait_seconds=5, output_tokens=1000)
ANSWER = Answer("done", "", None, Usage(input=100, output=7))

Act = Callable[[Ears], Answer]


def fails(*trouble: Any, after: float | None = None, unanswered: bool = False) -> Act:
    def act(ears: Ears) -> Answer:
        raise Trouble(*trouble, after=after, unanswered=unanswered)

    return act


def breaks(ears: Ears) -> Answer:
    """In the middle, after the prompt was counted and 40 characters came."""
    ears.used(Usage(input=100, cache_read=900, output=1))
    ears.hear("thinking", "x" * 30)
    ears.hear("notice", "not the model's words")
    ears.hear_call('{"why": "y')
    raise Trouble("unavailable", "it broke")


@dataclass
class Script:
    """A model that plays its acts, the last one for ever."""

    acts: list[Act]
    name: str = "m"
    talks: list[Talk] = field(default_factory=list)

    async def answer(self, talk: Talk, tool: Tool, ears: Ears) -> Answer:
        self.talks.append(talk)
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        return act(ears)

    async def close(self) -> None:
        """It has no connections."""


async def asked(*acts: Act, settings: AgentSettings = SETTINGS) -> tuple[Answer, Listener]:
    line = Listener(BRIEF)
    return await ask(Script(list(acts)), lambda: Talk(PROMPT), TOOL, line, settings), line


async def failed(*acts: Act, settings: AgentSettings = SETTINGS) -> tuple[ProposerFailed, Listener]:
    line = Listener(BRIEF)
    with pytest.raises(ProposerFailed) as raised:
        await ask(Script(list(acts)), lambda: Talk(PROMPT), TOOL, line, settings)
    return raised.value, line


def answers(ears: Ears) -> Answer:
    return ANSWER


# -- money -------------------------------------------------------------------------------------------------------------


async def test_a_request_is_booked_with_an_estimate_of_all_that_is_sent() -> None:
    _, line = await asked(answers)
    again = Listener(BRIEF)
    longer = Talk(PROMPT, (Turned(ANSWER, "r" * 4000),))
    await ask(Script([answers]), lambda: longer, TOOL, again, SETTINGS)

    assert line.requests[0].prompt_tokens > PROMPT.tokens
    assert line.requests[0].output_tokens == 1000
    assert again.requests[0].prompt_tokens > line.requests[0].prompt_tokens + 1000


async def test_money_that_is_not_there_is_not_spent() -> None:
    class Poor(Listener):
        async def request(self, model: str, *, prompt_tokens: int, output_tokens: int) -> Any:
            raise Blocked("the cap is reached", "money")

    model = Script([answers])
    with pytest.raises(Blocked):
        await ask(model, lambda: Talk(PROMPT), TOOL, Poor(BRIEF), SETTINGS)

    assert model.talks == []


async def test_a_whole_answer_is_booked_as_the_service_counts_it() -> None:
    _, line = await asked(answers)

    assert line.requests[0].words == [(Usage(input=100, output=7), None, False, True)]


async def test_an_answer_that_the_service_does_not_count_is_estimated() -> None:
    def uncounted(ears: Ears) -> Answer:
        ears.hear("text", "x" * 400)
        return replace(ANSWER, usage=None)

    _, line = await asked(uncounted)

    [(usage, _, estimated, final)] = line.requests[0].words
    assert (usage.output, estimated, final) == (133, True, True)
    assert usage.input == line.requests[0].prompt_tokens


async def test_a_stream_that_breaks_is_booked_with_its_prompt_exactly_and_its_output_estimated() -> None:
    _, line = await asked(breaks, answers)

    assert line.requests[0].words == [
        (Usage(input=100, cache_read=900, output=1), None, False, False),
        (Usage(input=100, cache_read=900, output=13), None, True, True),
    ]
    assert len(line.requests) == 2


async def test_an_answer_that_is_an_error_cost_nothing() -> None:
    _, line = await asked(fails("unavailable", "overloaded"), answers)

    assert line.requests[0].words == [(Usage(), 0.0, False, True)]


async def test_a_request_that_nobody_answered_may_have_cost_its_prompt() -> None:
    _, line = await asked(fails("unavailable", "silence", unanswered=True), answers)

    [(usage, usd, estimated, _)] = line.requests[0].words
    assert (usage, usd, estimated) == (Usage(input=line.requests[0].prompt_tokens, output=1), None, True)


async def test_what_was_used_until_a_cancellation_is_in_the_books_when_it_ends() -> None:
    streaming = asyncio.Event()

    class Slow(Script):
        async def answer(self, talk: Talk, tool: Tool, ears: Ears) -> Answer:
            ears.used(Usage(input=100, output=1))
            ears.hear("text", "x" * 80)
            streaming.set()
            await asyncio.Event().wait()
            raise AssertionError

    line = Listener(BRIEF)
    asking = asyncio.create_task(ask(Slow([]), lambda: Talk(PROMPT), TOOL, line, SETTINGS))
    await streaming.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert line.requests[0].words[-1] == (Usage(input=100, output=26), None, True, True)


# -- trouble -----------------------------------------------------------------------------------------------------------


async def test_trouble_is_waited_for_twice_as_long_each_time_up_to_the_longest_wait() -> None:
    settings = AgentSettings(attempts=8, wait_seconds=5)
    _, line = await asked(*[fails("unavailable", "busy")] * 4, answers, settings=settings)

    assert line.waits == [("busy", 1.0, 1, 8), ("busy", 2.0, 2, 8), ("busy", 4.0, 3, 8), ("busy", 5.0, 4, 8)]


async def test_trouble_that_does_not_pass_ends_as_unavailable() -> None:
    failure, line = await failed(fails("unavailable", "busy"))

    assert (failure.outcome, str(failure)) == ("unavailable", "busy; tried 4 times")
    assert (len(line.requests), len(line.waits)) == (4, 3)


async def test_trouble_says_when_to_come_back_and_is_believed_up_to_the_longest_wait() -> None:
    _, line = await asked(fails("unavailable", "busy", after=3.0), fails("unavailable", "busy", after=9_999.0), answers)

    assert [seconds for _, seconds, *_ in line.waits] == [3.0, 5.0]


async def test_a_limit_that_says_when_it_ends_is_waited_for_however_long_and_often() -> None:
    _, line = await asked(*[fails("limit", "enough", after=7200.0)] * 6, answers)

    assert line.waits == [("enough", 7200.0, attempt, None) for attempt in range(1, 7)]


async def test_a_limit_that_ends_at_once_is_still_waited_for() -> None:
    _, line = await asked(fails("limit", "enough", after=0.0), answers)

    assert line.waits == [("enough", 1.0, 1, None)]


async def test_a_limit_that_does_not_say_when_it_ends_is_trouble() -> None:
    failure, line = await failed(fails("limit", "enough"))

    assert failure.outcome == "unavailable"
    assert [attempts for *_, attempts in line.waits] == [4, 4, 4]


async def test_waiting_for_a_limit_uses_up_no_attempt() -> None:
    limit, busy = fails("limit", "enough", after=60.0), fails("unavailable", "busy")
    _, line = await asked(busy, limit, limit, busy, limit, busy, answers)

    assert [(why, attempt) for why, _, attempt, _ in line.waits if why == "busy"] == [("busy", n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("bad_key", "bad_key"), ("spent", "bad_key"), ("too_long", "too_long"), ("wrong", "crashed")],
)
async def test_what_another_attempt_does_not_mend_is_not_tried_again(kind: str, outcome: str) -> None:
    failure, line = await failed(fails(kind, "in its own words"))

    assert (failure.outcome, str(failure)) == (outcome, "in its own words")
    assert (len(line.requests), line.waits) == (1, [])


async def test_many_attempts_do_not_overflow_the_wait() -> None:
    settings = AgentSettings(attempts=1200, wait_seconds=2)
    _, line = await failed(fails("unavailable", "busy"), settings=settings)

    assert line.waits[-1][1] == 2


# -- hearing a call ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_first_texts_of_a_call_are_read_as_soon_as_they_are_complete(size: int) -> None:
    json = '{"hypothesis": "say \\"it\\"\\nfalls", "why": "\\u00e9", "edits": [{"old": "a"}], "more": "b"}'
    ear = Overheard()

    lines = [ear.read(json[at : at + size]) for at in range(0, len(json), size)]

    assert "".join(lines) == 'hypothesis: say "it"\nfalls\nwhy: é\n'


def test_a_text_without_end_is_not_waited_for() -> None:
    ear = Overheard()

    said = [ear.read('{"hypothesis": "'), *(ear.read("x" * 1000) for _ in range(20)), ear.read('"}')]

    assert "".join(said) == ""


def test_what_is_no_json_is_not_read() -> None:
    assert Overheard().read('no "json": "at all"') == ""


# -- the real books ----------------------------------------------------------------------------------------------------


async def test_the_books_are_what_the_server_billed_to_the_cent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1234567890")
    journal = journal_in(tmp_path, facts.opened(), facts.engine(), *facts.life(1), facts.proposed(2)[0])
    line = Line(2, "proposer", journal=journal, books=Books(journal=journal, run_dir=tmp_path))
    words = [{"type": "text", "text": "w" * 400}]
    with Server(
        Step(content=words, times=2),
        Step(status=400),
        Step(content=words, model="claude-opus-5-5"),
        Step(content=words),
    ) as server:
        settings = AgentSettings(base_url=server.url)
        sonnet: Model = Anthropic("claude-sonnet-5-5", settings)
        first = await ask(sonnet, lambda: Talk(PROMPT), TOOL, line, settings)
        await ask(sonnet, lambda: Talk(PROMPT, (Turned(first, "again"),)), TOOL, line, settings)
        with pytest.raises(ProposerFailed):
            await ask(sonnet, lambda: Talk(PROMPT), TOOL, line, settings)
        opus = Anthropic("claude-opus-5-5", settings)
        await ask(opus, lambda: Talk(PROMPT), TOOL, line, settings)
        await ask(sonnet, lambda: Talk(PROMPT), TOOL, line, settings)
        await sonnet.close()
        await opus.close()

    rates = {"claude-sonnet-5-5": (2, 10, 0.1, 4), "claude-opus-5-5": (4, 20, 0.2, 8)}
    billed = sum(
        rate * request.usage[what] / 1e6
        for request in server.requests
        if request.usage
        for rate, what in zip(
            rates[request.body["model"]], ("input", "output", "cache_read", "cache_write_1h"), strict=True
        )
    )
    finals = [entry.fact for entry in journal.ledger.since() if isinstance(entry.fact, Billed) and entry.fact.final]
    assert sum(request.usage["cache_read"] > 0 for request in server.requests if request.usage) == 2
    assert sum(fact.usd or 0 for fact in finals) == pytest.approx(billed, abs=1e-9)
    assert journal.state.spent.usd == pytest.approx(billed, abs=1e-9)
    assert len(finals) == 5
    journal.telemetry.close()
    journal.ledger.close()
