"""The books: no request that could pass a cap, none that is forgotten, and every wait where a person can see it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine import events
from loopwatch.engine.books import Books, known_prices
from loopwatch.engine.config import Caps, RunConfig
from loopwatch.engine.errors import Blocked, ConfigError, ProposerFailed
from loopwatch.engine.events import Billed, Paused, Requested, Resumed, Warned
from loopwatch.engine.fact import Fact
from loopwatch.engine.journal import Journal
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.line import Line
from loopwatch.engine.money import ModelPrice, Prices, Usage
from loopwatch.engine.preflight import check
from tests.engine import facts
from tests.engine.bench import journal_in
from tests.engine.keeping import eventually

PRICES = Prices(models={"m": ModelPrice(input=1, output=1, cache_read=0.1)})
"""A dollar for a million tokens."""
DAY = 86_400
NOON = 20_000 * DAY + DAY / 2


class Desk:
    """Books of a run that proposes its second experiment."""

    def __init__(
        self, folder: Path, *, gates: str = "ask", clock: Callable[[], float] = time.time, **caps: float
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.journal: Journal = journal_in(
            folder,
            facts.opened(caps=caps, gates={"apply": gates}),
            facts.engine(),
            *facts.life(1),
            facts.proposed(2)[0],
        )
        self.books = Books(journal=self.journal, run_dir=folder, prices=PRICES, clock=clock)

    def spend(self, usd: float, *, experiment: int = 2) -> None:
        """A request that costs so much, caps or none."""
        number = len(self.journal.state.bills) + 1
        asked = Requested(
            experiment=experiment, request=number, role="proposer", model="m", prompt_tokens=1, worst_usd=usd
        )
        self.journal.append(asked, Billed(experiment=experiment, request=number, usage=Usage(), usd=usd))

    def ask(self, usd: float, *, model: str = "m", experiment: int = 2) -> Any:
        """Book a request that can cost so much."""
        return self.books.open(experiment, "proposer", model, prompt_tokens=0, output_tokens=int(usd * 1e6))

    def all(self, kind: type[Any]) -> list[Any]:
        return [entry.fact for entry in self.journal.ledger.since() if isinstance(entry.fact, kind)]


def test_a_request_is_in_the_ledger_before_it_is_sent_with_the_most_it_can_cost(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a")

    desk.books.open(2, "reviewer", "m", prompt_tokens=10_000, output_tokens=90_000)

    assert desk.all(Requested) == [
        Requested(experiment=2, request=1, role="reviewer", model="m", prompt_tokens=10_000, worst_usd=0.1)
    ]


def test_what_was_used_is_priced_and_a_later_word_replaces_an_earlier_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a")

    booked = desk.ask(0.5)
    booked.used(Usage(input=100_000), final=False)
    booked.used(Usage(cache_read=100_000, output=200_000))

    spent = desk.journal.state.spent
    assert (round(spent.usd, 9), spent.requests, spent.output_tokens) == (0.21, 1, 200_000)


def test_a_request_that_could_pass_the_run_s_cap_ends_the_run_and_is_not_sent(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", run_usd=1)
    desk.spend(0.7)

    with pytest.raises(
        Blocked, match=r"may cost \$1.00, and \$0.70 is spent, and the next request could cost \$0.31"
    ) as block:
        desk.ask(0.31)

    assert (block.value.because, block.value.final) == ("money", True)
    assert "loopwatch resume a --usd X" in str(block.value)
    assert len(desk.all(Requested)) == 1


def test_a_request_that_just_fits_is_sent(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", gates="auto", run_usd=1)
    desk.spend(0.75)

    assert desk.ask(0.25)


def test_near_the_run_s_cap_it_warns_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", run_usd=1)

    desk.ask(0.79).used(Usage(output=790_000))
    assert desk.all(Warned) == []
    desk.ask(0.05).used(Usage(output=10_000))
    desk.ask(0.05).used(Usage(output=10_000))

    assert [warned.text for warned in desk.all(Warned)] == [
        "of the $1.00 that the run may cost, $0.79 is spent, and the next request could cost $0.05"
    ]


def test_nearer_to_it_a_person_is_asked_once_whether_to_go_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", run_usd=1)
    desk.spend(0.85)

    with pytest.raises(Blocked, match="loopwatch resume a goes on up to that") as block:
        desk.ask(0.06)
    desk.journal.append(Paused(by="loopwatch", why=str(block.value), because="money"), Resumed(by="anna"))

    assert not block.value.final
    assert desk.ask(0.06)
    assert desk.ask(0.07)


def test_a_pause_for_another_reason_waives_no_cap(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", run_usd=1)
    desk.journal.append(Paused(by="anna"), Resumed(by="anna"))
    desk.spend(0.85)

    with pytest.raises(Blocked):
        desk.ask(0.06)


def test_a_cap_that_was_changed_counts_at_once_and_is_held_like_the_first(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", run_usd=1)
    paused = Paused(by="loopwatch", why="near", because="money")
    desk.spend(0.85)

    desk.journal.append(paused, events.CapsChanged(caps=Caps(run_usd=2), by="anna"), Resumed(by="anna"))

    assert desk.ask(0.9)
    with pytest.raises(Blocked, match=r"\$2.00") as block:
        desk.ask(0.1)
    assert not block.value.final


def test_where_nobody_attends_it_goes_on_to_the_cap_itself(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", gates="auto", run_usd=1)
    desk.spend(0.95)

    assert desk.ask(0.05)


def test_a_proposal_s_cap_ends_that_proposal_only(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", proposal_usd=0.5)
    desk.spend(0.3)

    with pytest.raises(ProposerFailed, match=r"#2 may cost \$0.50, and \$0.30 is spent") as failed:
        desk.ask(0.21)

    assert failed.value.outcome == "over_budget"
    assert desk.ask(0.21, experiment=1)


def test_a_request_whose_end_is_not_known_counts_as_the_most_it_can_cost(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", gates="auto", run_usd=1)
    desk.ask(0.6).used(Usage(output=10), final=False)

    with pytest.raises(Blocked):
        desk.ask(0.5)


@pytest.mark.parametrize(
    ("caps", "ends"),
    [({"proposal_usd": 0.5}, ProposerFailed), ({"day_usd": 0.5}, ProposerFailed), ({"run_usd": 0.5}, Blocked)],
)
def test_what_an_agent_reports_in_mid_turn_ends_its_turn_once_it_passes_a_cap(
    tmp_path: Path, caps: dict[str, Any], ends: type[ProposerFailed | Blocked]
) -> None:
    desk = Desk(tmp_path / "a", gates="auto", **caps)
    booked = desk.ask(0, model="agent")
    booked.used(Usage(), usd=0.5, final=False)

    with pytest.raises(ends, match=r"may cost \$0.50.*, and \$0.51 is spent") as ended:
        booked.used(Usage(), usd=0.51, final=False)

    assert getattr(ended.value, "outcome", "over_budget") == "over_budget"
    assert desk.all(Billed)[-1].usd == 0.51


def test_an_agent_of_unknown_price_is_held_against_what_it_reports(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", gates="auto", run_usd=1)

    desk.ask(0, model="agent").used(Usage(), usd=0.99)
    desk.ask(0, model="agent").used(Usage(), usd=0.5)

    with pytest.raises(Blocked, match=r"may cost \$1.00, and \$1.49 is spent; ") as block:
        desk.ask(0, model="agent")
    assert block.value.final
    assert desk.journal.state.spent.unpriced == 0


def test_an_agent_that_does_not_say_what_it_costs_is_told_of_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", run_usd=1)

    for _ in range(3):
        desk.ask(0, model="agent").used(Usage(input=5))

    assert [warned.text.partition(",")[0] for warned in desk.all(Warned)] == [
        "agent has no price and does not say what it costs"
    ]
    assert (desk.journal.state.spent.usd, desk.journal.state.spent.unpriced) == (0, 3)


# -- a day of all runs -------------------------------------------------------------------------------------------------


def elsewhere(folder: Path, at: float, *facts_: events.AnyFact) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "run.db", clock=lambda: at)
    ledger.append(*facts_)
    ledger.close()


def bill(number: int, usd: float) -> list[events.AnyFact]:
    asked = Requested(experiment=1, request=number, role="proposer", model="m", prompt_tokens=1, worst_usd=usd)
    return [asked, Billed(experiment=1, request=number, usage=Usage(), usd=usd)]


def waits(desk: Desk, usd: float) -> float | None:
    wait = desk.books.wait("m", prompt_tokens=0, output_tokens=int(usd * 1e6))
    return wait.seconds if wait else None


def test_all_runs_of_the_day_count_and_it_ends_at_midnight(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", clock=lambda: NOON, day_usd=1)
    elsewhere(tmp_path / "b", NOON - DAY, *bill(1, 50))
    elsewhere(tmp_path / "b", NOON, *bill(2, 0.3))
    elsewhere(tmp_path / "c", NOON, *bill(1, 0.3), bill(2, 0.2)[0])

    assert waits(desk, 0.2) is None
    assert waits(desk, 0.201) == DAY / 2


def test_without_a_day_s_cap_nobody_looks_at_other_runs(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", run_usd=1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run.db").write_text("no database")

    assert waits(desk, 0.5) is None
    assert desk.all(Warned) == []


def test_a_run_that_cannot_be_read_is_named_and_stops_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", day_usd=1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run.db").write_text("no database" * 1000)

    assert [waits(desk, 0.5), waits(desk, 0.5)] == [None, None]
    assert [warned.text.partition(":")[0] for warned in desk.all(Warned)] == ["what b spent is not counted for the day"]


def test_a_request_that_no_day_could_pay_for_is_not_waited_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", day_usd=1)

    with pytest.raises(Blocked, match=r"alone could cost \$1.01; .* --usd-day X") as block:
        waits(desk, 1.01)
    assert block.value.final


async def test_when_the_day_s_money_is_spent_it_waits_for_midnight_and_goes_on(tmp_path: Path) -> None:
    midnight = time.time() // DAY * DAY + DAY
    desk = Desk(tmp_path / "a", clock=lambda: midnight + (1 if desk.journal.state.waited_seconds else -0.01), day_usd=1)
    elsewhere(tmp_path / "b", midnight - 5, *bill(1, 0.9))
    line = Line(2, "proposer", journal=desk.journal, books=desk.books)

    await line.request("m", prompt_tokens=0, output_tokens=200_000)

    (waited,) = desk.all(events.BackedOff)
    assert waited.why == (
        "a day may cost $1.00 in all runs, and $0.90 is spent, and the next request could cost $0.20; "
        "it goes on at midnight (UTC)"
    )
    assert desk.journal.state.waited_seconds >= 0.01
    assert [fact.kind for fact in desk.all(Fact)][-3:] == ["backed_off", "went_on", "requested"]


async def test_a_person_who_does_not_want_to_wait_has_it_tried_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a")
    line = Line(2, "proposer", journal=desk.journal, books=desk.books)

    waiting = asyncio.create_task(line.back_off("overloaded", 3600, attempt=1, attempts=8))
    await eventually(lambda: desk.journal.state.backing_off is not None)
    desk.books.retry.set()
    await asyncio.wait_for(waiting, 5)

    assert desk.journal.state.backing_off is None
    assert desk.journal.state.experiments[2].waited_seconds < 5


async def test_a_wait_that_is_cut_short_ends_in_the_ledger_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a")
    line = Line(2, "proposer", journal=desk.journal, books=desk.books)

    waiting = asyncio.create_task(line.back_off("overloaded", 3600, attempt=1, attempts=None))
    await eventually(lambda: desk.journal.state.backing_off is not None)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert len(desk.all(events.WentOn)) == 1


# -- what nobody heard the end of --------------------------------------------------------------------------------------


def test_a_request_that_was_cut_is_booked_with_what_was_known_and_what_was_heard(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a")
    desk.journal.telemetry.add_thought(2, "an earlier request" * 1000)
    desk.journal.flush()
    booked = desk.ask(1)
    booked.used(Usage(cache_read=1000, input=20, output=1), final=False)
    desk.journal.telemetry.add_thought(2, "x" * 401)
    desk.journal.telemetry.add_thought(2, "retrying", "notice")
    desk.journal.telemetry.add_thought(2, "y" * 7, "tool")
    desk.journal.flush()

    desk.books.close_open()
    desk.books.close_open()

    assert desk.all(Billed)[1:] == [
        Billed(
            experiment=2, request=1, usage=Usage(cache_read=1000, input=20, output=136),
            usd=desk.journal.state.spent.usd, estimated=True,
        )
    ]  # fmt: skip
    assert desk.journal.state.spent.usd == pytest.approx((100 + 20 + 136) / 1e6)


def test_of_a_request_that_nothing_was_heard_of_the_prompt_is_booked(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a")
    desk.books.open(2, "proposer", "m", prompt_tokens=5000, output_tokens=100)

    desk.books.close_open()

    assert desk.journal.state.spent.usd == pytest.approx(0.005)
    assert desk.journal.state.spent.estimated == 1


def test_what_an_agent_reported_before_it_was_cut_counts(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a")
    desk.ask(0, model="agent").used(Usage(output=5), usd=0.25, final=False)

    desk.books.close_open()

    assert (desk.all(Billed)[-1].usd, desk.all(Billed)[-1].final) == (0.25, True)


def test_what_an_unknown_model_used_when_it_was_cut_stays_unknown(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a")
    desk.ask(0, model="agent")

    desk.books.close_open()

    assert desk.all(Billed)[-1].usd is None


# -- what is found before there is a run -------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPWATCH_CONFIG", str(tmp_path))
    for variable in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "prices.json is not JSON: "),
        ("[]", "prices.json: all of it: it should be a valid dictionary"),
        (
            '{"models": {"m": {"input": "cheap", "output": 1}}}',
            r"prices.json: models.m.input: it should be a valid number",
        ),
        ('{"models": {"m": {"input": 1}}}', r"prices.json: models.m.output: Field required"),
        (
            '{"models": {"m": {"input": 1, "output": NaN}}}',
            r"prices.json: models.m.output: it should be a finite number",
        ),
    ],
)
def test_a_broken_price_file_is_named_with_the_field(config: Path, text: str, said: str) -> None:
    (config / "prices.json").write_text(text)

    with pytest.raises(ConfigError, match=said):
        known_prices()


def test_with_a_key_and_a_price_a_run_can_begin(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-marked-123")

    check(RunConfig(run="r", task="t", proposer="anthropic", strategy="reviewer", caps=Caps(run_usd=1)))


def test_a_price_file_of_one_s_own_goes_before_the_shipped_one(config: Path) -> None:
    (config / "prices.json").write_text('{"models": {"claude-sonnet-5-5": {"input": 1, "output": 1}}}')

    assert known_prices().usd("claude-sonnet-5-5", Usage(output=10**6)) == 1
    assert known_prices().usd("claude-opus-5-5", Usage(output=10**6)) == 20


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"proposer": "anthropic"}, r"anthropic needs a key: set ANTHROPIC_API_KEY, or write anthropic = .*keys.toml .*keyring set"),
        ({"proposer": "openai:gpt-9"}, "openai needs a key: set OPENAI_API_KEY"),
        ({"strategy": "reviewer"}, "anthropic needs a key"),
        ({"proposer": "anthropic", "agent": {"base_url": "http://here"}}, "anthropic needs a key"),
        ({"proposer": "openai:m1", "agent": {"base_url": "http://here"}, "caps": {"day_usd": 1}}, "m1 costs is not known.*prices.json"),
        ({"proposer": "openai", "agent": {"base_url": "http://here"}, "caps": {"run_usd": 1}}, "name it: --proposer openai:MODEL"),
        (
            {"proposer": "openai:gpt", "agent": {"base_url": "http://here", "fallback": "my-own"}, "caps": {"run_usd": 1}},
            "what (gpt|my-own) costs is not known",
        ),
    ],
)  # fmt: skip
def test_what_would_stop_the_first_request_is_found_before_there_is_a_run(
    config: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        check(RunConfig.model_validate({"run": "r", "task": "t", **settings}))


@pytest.mark.parametrize(
    "settings",
    [
        {"caps": {"run_usd": 1}},
        {"proposer": "openai:m1", "agent": {"base_url": "http://here"}},
        {"proposer": "acp:sh -c true", "caps": {"run_usd": 1}},
        {"strategy": "reviewer", "reviewer": "openai:m1", "agent": {"base_url": "http://here"}},
        {"reviewer": "openai:m1"},
    ],
)
def test_what_can_make_its_first_request_is_let_through(config: Path, settings: dict[str, Any]) -> None:
    check(RunConfig.model_validate({"run": "r", "task": "t", **settings}))


def test_a_key_in_the_settings_is_refused_because_they_are_written_down(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-marked-123")

    with pytest.raises(ConfigError, match="a key stands among the run's settings"):
        check(RunConfig(run="r", task="t", proposer="acp:agent --key sk-marked-123"))
