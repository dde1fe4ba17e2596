"""What the screen shows in each state, as text, at the sizes that people have."""

import time

import pytest
from syrupy.assertion import SnapshotAssertion

from loopwatch.engine import events
from loopwatch.engine.ledger import Ledger
from loopwatch.tui.widgets.askbox import AskBox

from .film import Film, armed, screen, settle, text

SIZES = [(80, 24), (120, 40)]


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
