"""What the screen shows in each state, as text, at the sizes that people have."""

import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from loopwatch.engine import events
from loopwatch.engine.client import Run
from loopwatch.engine.config import Gates, RunConfig
from loopwatch.engine.events import AnyFact
from loopwatch.engine.forecast import Forecast
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.records import Sample
from loopwatch.engine.task import Budget, Metric
from loopwatch.engine.telemetry import Telemetry
from loopwatch.tui.app import MissionControl
from loopwatch.tui.widgets.askbox import AskBox

SIZES = [(80, 24), (120, 40)]
BEGAN = 1_750_000_000.0
DIFF = """\
--- a/train.py
+++ b/train.py
@@ -1,4 +1,4 @@
 import math

-LR = 0.01
+LR = 0.02
 WD = 0.1
"""
METRIC = Metric(name="val_bpb", direction="down", unit="bits per byte", low=0.1, high=9, noise=0.01)


class Film:
    """A run written by hand: facts at times of our own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.now = BEGAN
        config = RunConfig(run="pretrain-0615", task="pretrain", gates=Gates(), by="anna")
        (folder / "run.json").write_text(config.model_dump_json())
        self.run = Run(folder)
        self._ledger, self._telemetry = Ledger(folder / "run.db", clock=lambda: self.now), Telemetry.of(folder)
        budget = Budget(kind="cpu_seconds", amount=20, wall_seconds=120)
        self.tell(
            events.RunOpened(
                run=config.run, task="pretrain", metric=METRIC, budget=budget, config=config, base_commit="0" * 40
            ),
            events.EngineStarted(pid=4242, host="gpu3", versions={}),
        )

    def tell(self, *facts: AnyFact, after: float = 1) -> None:
        self.now += after
        self._ledger.append(*facts)

    def think(self, experiment: int, text: str) -> None:
        self._telemetry.add_thought(experiment, text)
        self._telemetry.flush()

    def train(self, experiment: int, *, until: float, low: float) -> None:
        for step in range(1, int(until * 100) + 1):
            loss = low + 3 / (1 + step / 5)
            self._telemetry.add_samples(experiment, 1, step / 5, [Sample(step=step, progress=step / 100, loss=loss)])
        self._telemetry.flush()

    def look(self, experiment: int, *chances: float) -> None:
        """Looks of the forecaster, every tenth of the budget."""
        for at, chance in enumerate(chances, start=1):
            forecast = Forecast(
                at / 10, 3.6, 0.05, chance, 0.02, chance < 0.02, f"would end at 3.600 ± 0.050, {chance:.0%} chance"
            )
            self._telemetry.add_forecast(experiment, 1, at * 2.0, forecast)
        self._telemetry.flush()

    def propose(self, number: int, hypothesis: str, diff: str = DIFF) -> None:
        self.tell(events.Proposing(experiment=number, revision=1, proposer="scripted" if number > 1 else "baseline"))
        self.tell(
            events.Proposed(
                experiment=number, revision=1, author="scripted" if number > 1 else "loopwatch", hypothesis=hypothesis,
                mechanism="steps are few", diff=diff, digest=f"digest-{number}", parent="0" * 40,
                paths=("train.py",) if diff else (), added=1, removed=1,
            ),
        )  # fmt: skip

    def run_to(self, number: int, value: float, *, gain: float | None, kept: bool) -> None:
        self.start(number)
        self.train(number, until=1.0, low=value)
        self.tell(
            events.Finished(experiment=number, attempt=1, reason="exited", exit_code=0, wall_seconds=21), after=21
        )
        self.tell(events.Measured(experiment=number, attempt=1, value=value), after=2)
        word = "kept" if kept else "discarded"
        self.tell(
            events.Judged(
                experiment=number, verdict="kept" if kept else "discarded", value=value, gain=gain,
                sigma=gain / 0.01 if gain is not None else None, reason=f"{word}: now {value}", by="judge", commit="1" * 40,
            ),
            events.Settled(experiment=number, best_commit="1" * 40),
        )  # fmt: skip

    def start(self, number: int) -> None:
        self.tell(events.Decided(experiment=number, gate="apply", answer="approve", by="anna", person=True))
        self.tell(events.Applied(experiment=number, digest="d"), events.Started(experiment=number, attempt=1, seed=1))

    def ask(self, number: int, gate: str = "apply", question: str = "a higher learning rate") -> None:
        asked = {"ask": f"{number}-{gate}-1", "experiment": number, "gate": gate, "question": question, "policy": "ask"}
        self.tell(events.Asked.model_validate({**asked, "digest": f"digest-{number}" if gate == "apply" else ""}))


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def film(tmp_path: Path) -> Film:
    film = Film(tmp_path / "pretrain-0615")
    film.propose(1, "baseline", diff="")
    film.run_to(1, 3.4, gain=None, kept=True)
    film.propose(2, "weight decay off")
    film.run_to(2, 3.41, gain=-0.01, kept=False)
    film.propose(3, "dropout off")
    film.run_to(3, 3.3, gain=0.1, kept=True)
    return film


@pytest.fixture
def engine(film: Film) -> Iterator[None]:
    """The run's lock, held as an engine holds it."""
    lock = os.open(film.run.folder / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield
    os.close(lock)


@asynccontextmanager
async def screen(film: Film, size: tuple[int, int]) -> AsyncIterator[Pilot[int]]:
    app = MissionControl(film.run, clock=lambda: film.now + 5)
    async with app.run_test(size=size) as pilot:
        await settle(pilot, lambda: app.viewer.state.seq > 0)
        yield pilot
    app.viewer.close()


async def settle(pilot: Pilot[int], fact: Callable[[], bool] = lambda: True) -> None:
    """Let every timer of the screen tick, and wait for a fact."""
    deadline = time.monotonic() + 20
    for _ in range(6):
        await pilot.pause(0.06)
    while not fact():
        assert time.monotonic() < deadline, text(pilot)
        await pilot.pause(0.06)


def text(pilot: Pilot[int]) -> str:
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def armed(pilot: Pilot[int]) -> Callable[[], bool]:
    return lambda: pilot.app.screen.query_one(AskBox).armed and "armed" in text(pilot)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("size", SIZES, ids=str)
class TestEachState:
    async def test_proposing(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        film.tell(events.Proposing(experiment=4, revision=1, proposer="scripted"))
        film.think(4, "The curve of #3 still falls at the end, so it is short of steps. ")

        async with screen(film, size) as pilot:
            assert text(pilot) == snapshot

    async def test_waiting_for_a_person(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.ask(4)

        async with screen(film, size) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot

    async def test_running(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.start(4)
        film.train(4, until=0.6, low=3.1)

        async with screen(film, size) as pilot:
            assert text(pilot) == snapshot

    async def test_an_abort_is_suggested(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.start(4)
        film.train(4, until=0.5, low=3.5)
        film.look(4, 0.4, 0.3, 0.1, 0.05, 0.01)
        film.ask(
            4, "run", "abort suggested: would end at 3.600 ± 0.050, best is 3.300, 1 % chance to improve, 10 s saved"
        )

        async with screen(film, size) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot

    async def test_held(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.start(4)
        film.train(4, until=0.3, low=3.1)
        film.tell(events.Held(by="anna", experiment=4))

        async with screen(film, size) as pilot:
            assert text(pilot) == snapshot

    async def test_the_verdict(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.start(4)
        film.train(4, until=1.0, low=3.1)
        film.tell(events.Finished(experiment=4, attempt=1, reason="exited", exit_code=0, wall_seconds=21))
        film.tell(events.Measured(experiment=4, attempt=1, value=3.2))
        film.ask(4, "verdict", "kept: 3.3000 → 3.2000, 10.0 σ better than noise")

        async with screen(film, size) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot

    async def test_ended(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        film.tell(events.Stopped(because="experiments", detail="all 3 experiments are done"))

        async with screen(film, size) as pilot:
            assert text(pilot) == snapshot


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_an_engine_that_was_killed(film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    film.propose(4, "a higher learning rate")
    film.start(4)

    async with screen(film, size) as pilot:
        assert text(pilot) == snapshot


@pytest.mark.usefixtures("engine")
async def test_a_key_pressed_before_the_question_was_read_does_nothing(film: Film) -> None:
    film.propose(4, "a higher learning rate")

    async with screen(film, (80, 24)) as pilot:
        film.ask(4)
        box = pilot.app.screen.query_one(AskBox)
        while box.ask is None:
            await pilot.pause(0.01)
        await pilot.press("a")
        await settle(pilot, lambda: "not yet: read it first" in text(pilot))
        assert not Ledger.of(film.run.folder).due()

        await settle(pilot, armed(pilot))
        await pilot.press("a")
        await settle(pilot, lambda: "approve #4" in text(pilot))


@pytest.mark.usefixtures("engine")
async def test_the_answer_names_what_was_seen(film: Film) -> None:
    film.propose(4, "a higher learning rate")
    film.ask(4)

    async with screen(film, (80, 24)) as pilot:
        await settle(pilot, armed(pilot))
        await pilot.press("a")
        await settle(pilot)

    row = Ledger(film.run.folder / "run.db", clock=lambda: time.time() + 60).due()[0]
    assert row.command is not None
    assert row.command.model_dump(include={"ask", "digest", "answer"}) == {
        "ask": "4-apply-1",
        "digest": "digest-4",
        "answer": "approve",
    }


@pytest.mark.usefixtures("engine")
async def test_an_older_experiment_is_looked_at_without_losing_the_question(film: Film) -> None:
    film.propose(4, "a higher learning rate")
    film.ask(4)

    async with screen(film, (120, 40)) as pilot:
        await settle(pilot, armed(pilot))
        await pilot.press("1", "down", "down")
        await settle(pilot, lambda: "3 Reasoning  #2" in text(pilot))
        assert "ASK · #4" in text(pilot)
        assert "4 Diff  #2" in text(pilot)


@pytest.mark.usefixtures("engine")
async def test_hostile_text_is_only_text(film: Film) -> None:
    film.propose(4, "[@click=app.quit]x[/] loss[/foo] \x1b]52;c;ZXZpbA==\x07 \x9b2J \u202egnp")
    film.think(4, "\x1b[2J\x1b]0;title\x07 [bold")
    film.ask(4)

    async with screen(film, (120, 40)) as pilot:
        await settle(pilot, armed(pilot))
        shown = text(pilot)
    assert "[@click=app.quit]" in shown
    assert not [
        char for char in shown if (ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0 or char == "\u202e"
    ]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("size", [(20, 5), (1, 1), (40, 10), (60, 18), (200, 60)], ids=str)
async def test_every_size_draws(film: Film, size: tuple[int, int]) -> None:
    film.propose(4, "a higher learning rate")
    film.ask(4)

    async with screen(film, size) as pilot:
        await settle(pilot)
        assert len(text(pilot).splitlines()) <= size[1]
