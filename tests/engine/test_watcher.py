"""The watcher: when it looks, what it says of it, and what it leaves alone. A real ledger and telemetry; nothing runs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine import events
from loopwatch.engine.config import RunConfig
from loopwatch.engine.events import AbortSuggested, ForecasterTrusted, PolicyChanged
from loopwatch.engine.journal import Journal
from loopwatch.engine.records import Sample
from loopwatch.engine.task import Budget, Task, load
from loopwatch.engine.watcher import Watcher
from tests.engine import facts
from tests.engine.bench import journal_in
from tests.engine.keeping import eventually

NUMBER = 12
"""The experiment that is watched, after the baseline and ten others."""

SINE = load("sine")
TRUSTED = ForecasterTrusted(by="anna")
SECONDS = Budget(kind="wall_seconds", amount=100, wall_seconds=200)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Eleven experiments that got better from one to the next, a twelfth that runs, and the forecaster trusted."""
    journal = journal_in(tmp_path, facts.opened(SINE.metric, gates={"run": "auto"}), facts.engine(), TRUSTED)
    live(journal, *range(1, NUMBER))
    journal.append(*facts.proposed(NUMBER), *facts.started(NUMBER))
    yield journal
    journal.telemetry.close()
    journal.ledger.close()


def live(journal: Journal, *numbers: int) -> None:
    """Whole experiments, each a little better than the one before."""
    for number in numbers:
        journal.append(*facts.life(number, "kept", 2 - number / 100))
        journal.telemetry.add_samples(number, 1, 0, samples(3 - number / 100))
    journal.telemetry.flush()


def samples(loss: float, *, first: int = 1, last: int = 100) -> list[Sample]:
    """A falling curve, one point for each of a hundred steps."""
    return [Sample(step=step, progress=step / 100, loss=loss - step / 100) for step in range(first, last + 1)]


def watcher_of(journal: Journal, *, task: Task = SINE, **settings: Any) -> Watcher:
    config = RunConfig.model_validate({"run": "sine-1", "task": "sine", "audit": 0.0, **settings})
    return Watcher(task=task, config=config, journal=journal)


def watching(journal: Journal, **settings: Any) -> Watcher:
    """A watcher that has begun with the twelfth experiment."""
    watcher = watcher_of(journal, **settings)
    watcher.begin(journal.state.experiments[NUMBER])
    return watcher


def watched(watcher: Watcher, loss: float, *, seconds: float = 10) -> list[AbortSuggested]:
    """What was suggested over a whole curve that came line by line."""
    heard = [watcher.heard([sample], seconds * sample.step / 100) for sample in samples(loss)]
    return [fact for fact in heard if fact is not None]


def looks(journal: Journal, number: int = NUMBER) -> list[float]:
    """The shares at which somebody looked."""
    journal.telemetry.flush()
    return [look.share for look in journal.telemetry.looks(number)]


def of(task: Task, budget: Budget) -> Task:
    return task.model_copy(update={"budget": budget})


def test_it_looks_at_every_twentieth_of_the_budget_and_not_at_its_end(journal: Journal) -> None:
    watched(watching(journal), 2.5)

    assert looks(journal) == [n / 20 for n in range(1, 20)]


@pytest.mark.parametrize(
    ("budget", "shares"),
    [
        (SECONDS, [0.25, 0.5, 0.75]),
        (SECONDS.model_copy(update={"amount": 30}), [0.5]),
        (SINE.budget, [n / 20 for n in range(1, 20)]),
    ],
)
def test_the_seconds_between_looks_are_those_of_a_budget_in_seconds(
    journal: Journal, budget: Budget, shares: list[float]
) -> None:
    watched(watching(journal, task=of(SINE, budget), check_seconds=25), 2.5)

    assert looks(journal) == shares


def test_lines_that_come_all_at_once_are_looked_at_once(journal: Journal) -> None:
    watching(journal).heard(samples(2.5, last=50), 5)

    assert looks(journal) == [0.5]


def test_a_hopeless_one_is_suggested_once_with_what_an_abort_would_save(journal: Journal) -> None:
    (fact,) = watched(watching(journal), 300)

    assert (fact.experiment, fact.attempt, fact.forecaster, fact.mode) == (NUMBER, 1, "learned", "acts")
    assert fact.saves_seconds == pytest.approx(10 * (1 - fact.share))
    assert fact.reason
    assert len(looks(journal)) == 19


def test_the_next_attempt_is_watched_anew(journal: Journal) -> None:
    watcher = watching(journal)
    watched(watcher, 300)
    journal.append(events.AttemptLost(experiment=NUMBER, attempt=1, why="lost"), *facts.started(NUMBER, attempt=2))

    watcher.begin(journal.state.experiments[NUMBER])

    assert [fact.attempt for fact in watched(watcher, 300)] == [2]


def test_one_that_keeps_up_is_not_suggested(journal: Journal) -> None:
    assert watched(watching(journal), 2.5) == []


@pytest.mark.parametrize(
    ("policy", "audit", "mode"),
    [
        ("auto", 0.0, "acts"),
        ("ask", 0.0, "acts"),
        ("auto", 1.0, "audit"),
        ("shadow", 0.0, "shadow"),
        ("shadow", 1.0, "shadow"),
    ],
)
def test_what_a_suggestion_leads_to(journal: Journal, policy: str, audit: float, mode: str) -> None:
    journal.append(PolicyChanged(gate="run", policy=policy, by="anna"))

    assert [fact.mode for fact in watched(watching(journal, audit=audit), 300)] == [mode]


def test_untrusted_it_only_counts(tmp_path: Path) -> None:
    journal = journal_in(tmp_path, facts.opened(SINE.metric, gates={"run": "auto"}), facts.engine())
    live(journal, 1, 2, 3, 4, 5, 6, 7, 8)
    journal.append(*facts.proposed(9), *facts.started(9))
    watcher = watcher_of(journal)

    watcher.begin(journal.state.experiments[9])

    assert [fact.mode for fact in watched(watcher, 300)] == ["shadow"]


def test_switched_off_it_does_not_look(journal: Journal) -> None:
    journal.append(PolicyChanged(gate="run", policy="off", by="anna"))

    assert watched(watching(journal), 300) == []
    assert looks(journal) == []


def test_switched_off_while_it_watches_it_looks_away_until_it_may_again(journal: Journal) -> None:
    watcher = watching(journal)
    journal.append(PolicyChanged(gate="run", policy="off", by="anna"))
    away = watcher.heard(samples(300, last=50), 5)
    journal.append(PolicyChanged(gate="run", policy="auto", by="anna"))

    assert away is None
    assert watcher.heard(samples(300, first=51, last=60), 6) is not None
    assert looks(journal) == [0.6]


def test_the_baseline_is_not_watched(journal: Journal) -> None:
    watcher = watcher_of(journal)

    watcher.begin(journal.state.experiments[1])

    assert watched(watcher, 300) == []
    assert looks(journal, 1) == []


def test_a_forecaster_that_knows_too_little_says_so_and_nothing_else(tmp_path: Path) -> None:
    journal = journal_in(tmp_path, facts.opened(SINE.metric), facts.engine(), TRUSTED)
    journal.append(*facts.life(1, "kept", 2.0), *facts.proposed(2), *facts.started(2))
    watcher = watcher_of(journal)

    watcher.begin(journal.state.experiments[2])

    assert watched(watcher, 300) == []
    journal.telemetry.flush()
    assert not any(look.abort for look in journal.telemetry.looks(2))


def test_curves_that_cannot_be_read_cost_a_warning_and_no_experiment(journal: Journal) -> None:
    journal.telemetry.close()

    watcher = watching(journal)

    (warned,) = journal.state.warnings
    assert warned.experiment == NUMBER
    assert warned.text.startswith("the forecaster failed and looks away: the ledger cannot be read")
    assert watched(watcher, 300) == []


def test_a_talkative_experiment_is_watched_like_any_other(journal: Journal) -> None:
    watcher = watching(journal)
    chunks = [
        [Sample(step=n, progress=n / 20_000, loss=300 - n / 20_000) for n in range(first, first + 1000)]
        for first in range(0, 20_000, 1000)
    ]

    heard = [fact for chunk in chunks if (fact := watcher.heard(chunk, 1)) is not None]

    assert len(heard) == 1
    assert len(looks(journal)) == 19


def test_a_clock_that_starts_again_crashes_nothing(journal: Journal) -> None:
    watcher = watching(journal)

    watcher.heard(samples(2.5, last=60), 6)
    watcher.heard(samples(2.5, last=90), 15)

    assert looks(journal) == [0.6, 0.9]
    assert journal.state.warnings == []


async def test_it_is_proved_on_what_the_run_has_done_and_then_trusted(tmp_path: Path) -> None:
    journal = journal_in(tmp_path, facts.opened(SINE.metric), facts.engine())
    live(journal, *range(1, 11))
    for number in range(11, 31):
        journal.append(*facts.life(number, "discarded", 300))
        journal.telemetry.add_samples(number, 1, 0, samples(300))
    live(journal, 31, 32)
    watcher = await begun(journal, 33)

    await eventually(lambda: journal.state.trusted_by)
    await watcher.close()

    (trusted,) = [entry.fact for entry in journal.ledger.since() if isinstance(entry.fact, ForecasterTrusted)]
    assert trusted.by == "its back-test"
    assert trusted.why.startswith("proven: back-test on 32 experiments: 0 of ")


async def test_with_nothing_to_gain_it_stays_in_shadow(tmp_path: Path) -> None:
    journal = journal_in(tmp_path, facts.opened(SINE.metric), facts.engine())
    live(journal, *range(1, 13))

    watcher = await begun(journal, 13)
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    await watcher.close()

    assert journal.state.trusted_by is None


async def test_it_can_be_closed_in_the_middle_of_a_test(tmp_path: Path) -> None:
    journal = journal_in(tmp_path, facts.opened(SINE.metric), facts.engine())
    live(journal, *range(1, 31))

    watcher = await begun(journal, 31)
    await watcher.close()

    assert journal.state.trusted_by is None


async def begun(journal: Journal, number: int) -> Watcher:
    """A watcher that has begun with an experiment."""
    journal.telemetry.flush()
    journal.append(*facts.proposed(number), *facts.started(number))
    watcher = watcher_of(journal)
    watcher.begin(journal.state.experiments[number])
    return watcher
