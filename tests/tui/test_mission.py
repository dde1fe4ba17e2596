"""What the screen shows in each state, as text, at the sizes that people have."""

import time

import pytest
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from loopwatch.engine import events
from loopwatch.engine.ledger import Ledger
from loopwatch.tui.widgets.askbox import AskBox

from .film import Film, armed, screen, settle, text

NARROW, WIDE = (80, 24), (120, 40)
HOLES = ("experiments can talk to your other programs by socket files", "experiments can use the network")


@pytest.mark.usefixtures("engine")
class TestEachState:
    async def test_proposing(self, film: Film, snapshot: SnapshotAssertion) -> None:
        film.tell(events.Proposing(experiment=4, revision=1, proposer="scripted"))
        film.think(4, "The curve of #3 still falls at the end, so it is short of steps. ")

        async with screen(film, NARROW) as pilot:
            assert text(pilot) == snapshot

    async def test_waiting_for_a_person(self, film: Film, snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.ask(4)

        async with screen(film, NARROW) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot
            await pilot.resize_terminal(*WIDE)
            await settle(pilot)
            assert text(pilot) == snapshot

    async def test_running(self, film: Film, snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.start(4)
        film.train(4, until=0.6, low=3.1)

        async with screen(film, NARROW) as pilot:
            assert text(pilot) == snapshot
            await pilot.resize_terminal(*WIDE)
            await settle(pilot)
            assert text(pilot) == snapshot

    async def test_an_abort_is_suggested(self, film: Film, snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.start(4)
        film.train(4, until=0.5, low=3.5)
        film.look(4, 0.4, 0.3, 0.1, 0.05, 0.01)
        film.ask(
            4, "run", "abort suggested: would end at 3.600 ± 0.050, best is 3.300, 1 % chance to improve, 10 s saved"
        )

        async with screen(film, NARROW) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot

    async def test_held(self, film: Film, snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.start(4)
        film.train(4, until=0.3, low=3.1)
        film.tell(events.Held(by="anna", experiment=4))

        async with screen(film, NARROW) as pilot:
            assert text(pilot) == snapshot

    async def test_confirming(self, film: Film, snapshot: SnapshotAssertion) -> None:
        film.tell(events.EngineStarted(pid=1, host="gpu3", versions={}, sandbox="fenced", not_protected=HOLES))
        film.propose(4, "a higher learning rate")
        film.start(4)
        film.train(4, until=1.0, low=3.1)
        film.measure(4, 3.2)
        film.repeat(4, "confirmation", 3.22)
        film.begin_repeat(3, 3, "incumbent")

        async with screen(film, WIDE) as pilot:
            assert text(pilot) == snapshot

    async def test_the_verdict(self, film: Film, snapshot: SnapshotAssertion) -> None:
        film.propose(4, "a higher learning rate")
        film.run_to(4, 3.297, gain=0.008, kept=True, sure=False)
        film.propose(5, "wider")
        film.start(5)
        film.train(5, until=1.0, low=3.1)
        film.measure(5, 3.28)
        film.repeat(5, "confirmation", 3.27, 3.29)
        odds = "better with a probability of 93.1%; one more training costs about 21 s"
        film.ask(5, "verdict", "kept for now: 3.2970 → 3.2800, within the noise (1.7 σ) on 2 + 2 seeds", odds)

        async with screen(film, NARROW) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot

    async def test_a_doubtful_gain_of_experiments_that_nothing_contains(
        self, film: Film, snapshot: SnapshotAssertion
    ) -> None:
        film.tell(events.EngineStarted(pid=1, host="gpu3", versions={}, sandbox="none"))
        flags = ("a gain of 3.1 is 310 σ, and the largest before was 10 σ", "the curve did not change")
        film.propose(4, "the sum of all")
        film.run_to(4, 0.3, gain=3.0, kept=False, flags=flags)
        film.propose(5, "the sum of all, again")
        film.start(5)
        film.measure(5, 0.2, trust="self-reported", flags=flags)
        reason = "discarded: quarantined, 3.3050 → 0.2000, 310.0 σ better than the noise; but it is hard to believe: "
        film.ask(5, "verdict", reason + "; ".join(flags), "one more training costs about 21 s")

        async with screen(film, NARROW) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot
            for size in [(60, 15), (40, 12)]:
                await pilot.resize_terminal(*size)
                await settle(pilot)
                assert text(pilot) == snapshot

    async def test_ended(self, film: Film, snapshot: SnapshotAssertion) -> None:
        film.tell(events.Stopped(because="experiments", detail="all 3 experiments are done"))

        async with screen(film, WIDE) as pilot:
            assert text(pilot) == snapshot


async def test_an_engine_that_was_killed(film: Film, snapshot: SnapshotAssertion) -> None:
    film.propose(4, "a higher learning rate")
    film.start(4)

    async with screen(film, NARROW) as pilot:
        assert text(pilot) == snapshot


async def test_a_poor_terminal_shows_the_same_in_ascii(film: Film, snapshot: SnapshotAssertion) -> None:
    film.propose(4, "a higher learning rate")
    film.run_to(4, 3.297, gain=0.008, kept=True, sure=False)

    async with screen(film, NARROW, ascii_only=True) as pilot:
        shown = text(pilot)
    assert shown.isascii()
    assert shown == snapshot


@pytest.mark.usefixtures("engine")
async def test_one_more_training_can_be_asked_for_at_the_verdict(film: Film) -> None:
    film.propose(4, "a higher learning rate")
    film.start(4)
    film.measure(4, 3.2)
    film.ask(4, "verdict", "kept: 3.3000 → 3.2000")

    async with screen(film, NARROW) as pilot:
        await settle(pilot, armed(pilot))
        await pilot.press("plus")
        await settle(pilot, lambda: "one more training of #4" in text(pilot))

    row = Ledger(film.run.folder / "run.db", clock=lambda: time.time() + 60).due()[0]
    assert row.command is not None
    assert row.command.model_dump(include={"ask", "answer"}) == {"ask": "4-verdict-1", "answer": "one_more"}


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
async def test_every_size_draws(film: Film) -> None:
    film.propose(4, "a higher learning rate")
    film.ask(4)

    async with screen(film, (20, 5)) as pilot:
        for width, height in [(1, 1), (20, 5), (40, 10), (60, 18), (200, 60)]:
            await pilot.resize_terminal(width, height)
            await pilot.pause(0.1)
            lines = text(pilot).splitlines()
            assert len(lines) <= height
            assert max(map(cell_len, lines), default=0) <= width
