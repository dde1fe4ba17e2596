"""The reviewer against a real server on loopback: what it reads, what it says, what it costs, and that it stops nothing."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.books import Books
from loopwatch.engine.config import RunConfig
from loopwatch.engine.events import AnyFact, Billed, Requested, Reviewed, ReviewerMuted, Warned
from loopwatch.engine.journal import Journal
from loopwatch.engine.money import Prices
from loopwatch.engine.prompt.briefing import brief_for
from loopwatch.engine.prompt.dossier import dossier
from loopwatch.engine.records import Sample
from loopwatch.engine.reviewer import TOOL, Reviewer
from loopwatch.engine.task import load
from tests.engine import facts
from tests.engine.bench import journal_in
from tests.servers.openai import Server, Step

ADVICE: dict[str, Any] = {
    "issue_type": "too bold a step",
    "severity": "high",
    "fix_suggestion": "Halve LR, and keep the rest.",
    "confidence": 0.8,
    "pattern_detected": "#2 to #4 all raised LR, and all got worse.",
}
GOOD = Step(thinking="Three in a row.", call=ADVICE)
PRICES = Prices.model_validate({"models": {"small": {"input": 1.0, "output": 10.0}}})


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(started: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    started.play(GOOD)
    return started


class Review:
    """A reviewer of a run with a kept baseline and three discarded experiments."""

    def __init__(self, folder: Path, base_url: str, *before: AnyFact, **settings: Any) -> None:
        agent = {"base_url": base_url, "attempts": 1, **settings.pop("agent", {})}
        chosen = {"run": "sine-1", "task": "sine", "strategy": "reviewer", "reviewer": "openai:small", "agent": agent}
        self.config = RunConfig.model_validate({**chosen, **settings})
        opened = facts.opened(**self.config.model_dump(exclude={"run", "task"}))
        lives = (fact for number in (2, 3, 4) for fact in facts.life(number, "discarded", 3.0))
        self.journal: Journal = journal_in(folder, opened, facts.engine(), *facts.life(1), *lives, *before)
        books = Books(journal=self.journal, run_dir=folder, prices=PRICES)
        self.folder = folder
        self.reviewer = Reviewer(config=self.config, journal=self.journal, books=books, run_dir=folder)

    async def of(self, number: int = 4) -> None:
        await self.reviewer.review(self.journal.state.experiments[number])

    def all(self, kind: type[Any]) -> list[Any]:
        return [entry.fact for entry in self.journal.ledger.since() if isinstance(entry.fact, kind)]

    def warned(self) -> list[str]:
        return [warning.text for warning in self.all(Warned)]


async def test_a_review_is_a_fact_with_its_five_fields_and_its_prompt(server: Server, tmp_path: Path) -> None:
    review = Review(tmp_path, server.base_url)

    await review.of(4)

    told = review.journal.state.experiments[4].review
    assert told is not None
    assert {name: getattr(told, name) for name in ADVICE} == ADVICE
    assert told.by == "small"
    prompt = (tmp_path / "briefs" / f"{told.digest}.txt").read_text()
    sent = server.requests[0]["messages"]
    assert prompt == "\n\n".join(message["content"] for message in sent)


async def test_it_is_in_the_books_as_the_reviewers(server: Server, tmp_path: Path) -> None:
    review = Review(tmp_path, server.base_url)

    await review.of(4)

    (asked,), billed = review.all(Requested), review.all(Billed)[-1]
    assert (asked.role, asked.experiment, asked.model) == ("reviewer", 4, "small")
    assert (billed.usd, billed.final) == (pytest.approx(100e-6 + 20 * 10e-6), True)


async def test_a_person_reads_along_and_sees_who_speaks(server: Server, tmp_path: Path) -> None:
    review = Review(tmp_path, server.base_url)

    await review.of(4)

    heard = review.journal.telemetry.thoughts(4)
    assert [(one.kind, one.text.strip()) for one in heard][:2] == [
        ("notice", "small reviews #4"),
        ("thinking", "Three in a row."),
    ]
    assert "fix_suggestion: Halve LR" in heard[-1].text


async def test_it_reads_diffs_verdicts_curves_and_its_own_earlier_words(server: Server, tmp_path: Path) -> None:
    review = Review(tmp_path, server.base_url)
    review.journal.telemetry.add_samples(3, 1, 1000.0, [Sample(step=step, loss=9.0 - step / 20) for step in range(101)])
    await review.of(3)

    await review.of(4)

    read = server.requests[1]["messages"][1]["content"]
    assert "+LR = 2" in read
    assert "#2 discarded" in read
    assert "9.0000 at first" in read
    assert "your review: too bold a step (high, confidence 0.80); fix: Halve LR" in read


async def test_the_worker_reads_the_review_and_not_the_history(server: Server, tmp_path: Path) -> None:
    review = Review(tmp_path, server.base_url)
    await review.of(4)
    review.journal.append(facts.proposed(5)[0])

    brief = _brief(review)

    assert "pattern: #2 to #4 all raised LR" in brief.review
    assert brief.memory == "review"


async def test_a_muted_reviewer_is_not_asked_and_not_heard(server: Server, tmp_path: Path) -> None:
    review = Review(tmp_path, server.base_url)
    await review.of(3)
    review.journal.append(ReviewerMuted(muted=True, by="anna"), facts.proposed(5)[0])

    await review.of(4)

    assert len(server.requests) == 1
    assert _brief(review).review == ""


async def test_a_review_that_makes_no_sense_is_asked_for_once_more(server: Server, tmp_path: Path) -> None:
    server.play(Step(call={**ADVICE, "confidence": 85}), GOOD)
    review = Review(tmp_path, server.base_url)

    await review.of(4)

    assert len(review.all(Reviewed)) == 1
    assert "confidence: Input should be less than or equal to 1" in server.requests[1]["messages"][3]["content"]


async def test_words_of_any_length_are_cut_and_kept_in_a_line(server: Server, tmp_path: Path) -> None:
    server.play(
        Step(call={**ADVICE, "fix_suggestion": "\x1b[2Jdo\n" * 10_000, "issue_type": "x" * 10_000}, size=10_000)
    )
    review = Review(tmp_path, server.base_url)

    await review.of(4)

    (told,) = review.all(Reviewed)
    assert len(told.fix_suggestion) < 1100
    assert len(told.issue_type) < 200
    assert not {"\x1b", "\n"} & set(told.fix_suggestion)


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(text="I like it."), "said nothing that can be used"),
        (Step(call={**ADVICE, "severity": "terrible"}), "said nothing that can be used"),
        (Step(refusal="I will not."), "small refused: I will not."),
        (Step(call=ADVICE, finish="length"), "was cut"),
        (Step(status=500, body="oh"), "has trouble: oh"),
        (Step(status=400, body={"error": {"message": "maximum context length"}}), "too long"),
        (Step(status=429, body="slow", headers={"retry-after": "3600"}), "does not wait"),
    ],
)
async def test_what_may_pass_is_said_once_and_tried_again(
    server: Server, tmp_path: Path, step: Step, words: str
) -> None:
    review = Review(tmp_path, server.base_url)
    server.play(step)
    await review.of(2)
    await review.of(3)
    (warned,) = review.warned()
    server.play(GOOD)

    await review.of(4)

    assert words in warned
    assert "asked again next time" in warned
    assert [told.experiment for told in review.all(Reviewed)] == [4]


@pytest.mark.parametrize(
    ("reviewer", "status", "words"),
    [
        ("openai:small", 401, "set OPENAI_API_KEY"),
        ("openai:small", 404, "does not have small"),
        ("openai:", 200, "name one"),
    ],
)
async def test_what_does_not_mend_by_itself_is_said_once_and_not_tried_again(
    server: Server, tmp_path: Path, reviewer: str, status: int, words: str
) -> None:
    server.play(Step(status=status, body="no"))
    server.models = ["small", "large"]
    review = Review(tmp_path, server.base_url, reviewer=reviewer)

    await review.of(3)
    asked = len(server.requests)
    await review.of(4)

    (warned,) = review.warned()
    assert words in warned
    assert "before the run is resumed" in warned
    assert len(server.requests) == asked <= 1


async def test_a_server_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    review = Review(tmp_path, nowhere)

    await review.of(4)

    assert "is the server running?" in review.warned()[0]


@pytest.mark.parametrize("caps", [{"run_usd": 1e-9}, {"proposal_usd": 1e-9}, {"day_usd": 1e-9}])
async def test_a_cap_holds_a_review_back_and_not_the_run(
    server: Server, tmp_path: Path, caps: dict[str, float]
) -> None:
    review = Review(tmp_path, server.base_url, caps=caps)

    await review.of(4)

    assert server.requests == []
    assert "no review of #4 by openai:small" in review.warned()[-1]


async def test_a_reviewer_of_another_provider_is_not_sought_at_the_proposers_address(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    review = Review(tmp_path, "http://127.0.0.1:1", proposer="anthropic:claude-opus-5")

    await review.of(4)

    assert len(review.all(Reviewed)) == 1


# -- what it reads -----------------------------------------------------------------------------------------------------


def _many(diff: str, count: int) -> list[AnyFact]:
    lives = (fact for number in range(2, count) for fact in [*facts.proposed(number, diff=diff), *facts.judged(number)])
    return [facts.opened(), facts.engine(), *facts.life(1), *lives]


@pytest.mark.parametrize("limit", [48_000, 20_000, 6000])
def test_a_long_history_fits_and_the_oldest_goes_first(limit: int) -> None:
    state = facts.folded(*_many("+x = 1\n" * 200, 120))

    prompt = dossier(state, state.experiments[119], curve=lambda one: "training loss: 3 at first", ran="", limit=limit)

    assert prompt.tokens <= limit
    assert "the diffs of" in prompt.left_out[0]
    assert prompt.user[-2].text.startswith("#118 ")
    assert "+x = 1" in prompt.user[-1].text


def test_nothing_is_left_out_of_a_short_history() -> None:
    state = facts.folded(*_many("+x = 1\n", 9))

    prompt = dossier(state, state.experiments[8], curve=lambda one: "training loss: 3 at first", ran="")

    assert prompt.left_out == ()
    assert prompt.text.count("+x = 1") == 7


def test_what_was_told_stays_as_it_was_when_there_is_more() -> None:
    state = facts.folded(*_many("+x = 1\n", 12))
    then, now = (dossier(state, state.experiments[n], curve=lambda one: "", ran="") for n in (10, 11))

    assert now.text.startswith("\n\n".join(block.text for block in (*then.system, *then.user[:-1])))


def test_the_tool_asks_for_the_five_fields() -> None:
    assert set(TOOL.schema["required"]) == set(TOOL.schema["properties"]) == set(ADVICE)


def _brief(review: Review) -> Any:
    state = review.journal.state
    return brief_for(
        state, state.experiments[5], task=load("sine"), config=review.config, sources={},
        points=review.journal.telemetry.points, run_dir=review.folder,
    )  # fmt: skip
