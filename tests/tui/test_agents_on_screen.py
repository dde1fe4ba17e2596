"""What the screen shows of an agent at work: its voices, its waits, what it asks, what it costs, and what became of it."""

import time
from hashlib import sha256
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from loopwatch.engine import events
from loopwatch.engine.commands import AnyCommand
from loopwatch.engine.config import Caps
from loopwatch.engine.ledger import Ledger
from loopwatch.tui.screens.reading import Reading

from .film import DIFF, Film, armed, screen, settle, text

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def film(tmp_path: Path, _utc: None) -> Film:
    """A run in which an agent is in the middle of its second proposal."""
    film = Film(tmp_path / "pretrain-0615", caps=Caps(run_usd=5))
    film.propose(1, "baseline", diff="")
    film.run_to(1, 3.4, gain=None, kept=True)
    film.propose(2, "weight decay off")
    film.run_to(2, 3.41, gain=-0.01, kept=False)
    film.tell(
        events.Explained(experiment=2, mechanism="refuted", theory="400 steps are too few for decay", by="anthropic"),
        events.Noted(note=1, text="leave the optimizer alone", by="anna"),
    )
    film.ask_agent(3)
    film.bill(3, 1, 0.0231)
    film.bill(3, 2, 0.0152, estimated=True)
    film.think(3, "The curve of #1 still falls at its end, so it is short of steps or of step size.\n\n")
    film.think(3, "\nI will double the learning rate, and change nothing else.\n", "text")
    film.think(3, "reads train.py\nedits train.py: +1 −1\n", "tool")
    film.think(3, "\nasked again: the text stands twice in train.py\n", "notice")
    film.think(3, "A longer context will make it unique.")
    film.tell(events.NoteRead(note=1, experiment=3, where="this turn"))
    return film


def back_off(film: Film, seconds: float, why: str, attempts: int | None) -> None:
    film.tell(events.BackedOff(experiment=3, why=why, until=film.now + 6 + seconds, attempt=1, attempts=attempts))


def propose(film: Film) -> None:
    film.tell(
        events.TurnEnded(experiment=3, revision=1, outcome="proposed"),
        events.Proposed(
            experiment=3, revision=1, author="anthropic", hypothesis="Doubling the learning rate uses the time better",
            mechanism="400 steps are few: each should go further", expected="val_bpb falls by 0.02 or more", diff=DIFF,
            digest="digest-3", parent="0" * 40, paths=("train.py",), added=1, removed=1, changes=2, nearest=2,
            distance=0.17,
        ),
    )  # fmt: skip
    film.ask(3)


def asked_of(film: Film) -> list[AnyCommand]:
    """Every command that the screen has put into the inbox."""
    rows = Ledger(film.run.folder / "run.db", clock=lambda: time.time() + 60).due()
    return [row.command for row in rows if row.command is not None]


async def press(pilot: Pilot[int], film: Film, *keys: str) -> AnyCommand:
    """Press keys, and return the command that came of it."""
    await pilot.press(*keys)
    await settle(pilot, lambda: bool(asked_of(film)))
    return asked_of(film)[-1]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
class TestEachState:
    async def test_an_agent_thinks(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        async with screen(film, size) as pilot:
            assert text(pilot) == snapshot

    async def test_an_agent_asks(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        film.permit(3, "Edit train.py", DIFF)

        async with screen(film, size) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot

    async def test_a_doubtful_proposal(self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
        propose(film)

        async with screen(film, size) as pilot:
            await settle(pilot, armed(pilot))
            assert text(pilot) == snapshot

    async def test_a_run_that_needs_a_person(
        self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion
    ) -> None:
        film.tell(events.Paused(by="loopwatch", why="no key for anthropic; put one into ANTHROPIC_API_KEY"))

        async with screen(film, size) as pilot:
            assert text(pilot) == snapshot

    async def test_no_proposal_and_a_review(
        self, film: Film, size: tuple[int, int], snapshot: SnapshotAssertion
    ) -> None:
        film.tell(
            events.TurnEnded(experiment=3, revision=1, outcome="refused", category="cyber", detail="it would not"),
            events.Judged(experiment=3, verdict="unproposed", reason="it would not", by="engine"),
            events.Settled(experiment=3, best_commit="1" * 40),
        )
        film.think(3, "The code looks like an exploit to it.", "text")
        film.tell(
            events.Reviewed(
                experiment=3, by="haiku", issue_type="wording", severity="low", confidence=0.8,
                fix_suggestion="do not call it an attack", pattern_detected="refused twice",
            ),
            events.ReviewerMuted(muted=True, by="anna"),
        )  # fmt: skip

        async with screen(film, size) as pilot:
            assert text(pilot) == snapshot


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((120, 40), "○ WAITING #3  overloaded; again in 12 s, try 2 of 8"),
        ((60, 15), "○ WAITING #3  overloaded; again in 12 s, try 2 of 8"),
        ((40, 12), "○ WAITING #3  again in 12 s, try 2 of 8"),
    ],
    ids=str,
)
async def test_a_wait_for_a_service_is_counted_down(film: Film, size: tuple[int, int], said: str) -> None:
    back_off(film, 12, "overloaded", 8)

    async with screen(film, size) as pilot:
        assert said in text(pilot).splitlines()[0]
        assert "r try now" in text(pilot)


async def test_a_wait_ends_at_once_when_a_person_says_so(film: Film) -> None:
    back_off(film, 7890, "usage limit", None)

    async with screen(film, (80, 24)) as pilot:
        assert "usage limit; again at 17:19, in 2 h 11 min" in text(pilot)
        command = await press(pilot, film, "r")

    assert command.kind == "resume"


@pytest.mark.parametrize(("keys", "answer", "reason"), [("a", "allow", ""), ("vno\n", "deny", "no")])
async def test_a_permission_is_answered_by_a_key(film: Film, keys: str, answer: str, reason: str) -> None:
    film.permit(3, "Run a command", "rm -rf /")

    async with screen(film, (80, 24)) as pilot:
        await settle(pilot, armed(pilot))
        command = await press(pilot, film, *(key if key != "\n" else "enter" for key in keys))
        assert "u takes it back" in text(pilot)

    assert command.model_dump(include={"ask", "gate", "answer", "reason"}) == {
        "ask": "3-tool-1.1", "gate": "tool", "answer": answer, "reason": reason,
    }  # fmt: skip


async def test_a_permission_s_hidden_characters_are_spelt_out(film: Film) -> None:
    film.permit(3, "Run \x1b[2J a command", "echo \u202edliub\x1b]52;c;ZXZpbA==\x07")

    async with screen(film, (80, 24)) as pilot:
        await settle(pilot, armed(pilot))
        shown = text(pilot)

    assert shown.count("echo <U+202E>dliub<U+001B>]52") == 2  # in the pane and in the box
    assert not [char for char in shown if (ord(char) < 32 and char != "\n") or char == "\u202e"]


async def test_a_thought_is_vetoed_without_delay(film: Film) -> None:
    async with screen(film, (80, 24)) as pilot:
        assert "x veto this thought" in text(pilot)
        await pilot.press("x")
        await settle(pilot, lambda: bool(Ledger.of(film.run.folder).due()))

    assert asked_of(film)[0].kind == "abort"


async def test_the_mechanism_of_an_older_experiment_is_marked_by_hand(film: Film) -> None:
    async with screen(film, (80, 24)) as pilot:
        await pilot.press("j", "E")
        await pilot.press(*"c it went further", "enter")
        await settle(pilot, lambda: bool(asked_of(film)))

    assert asked_of(film)[0].model_dump() == {
        "kind": "explain", "experiment": 2, "mechanism": "confirmed", "theory": "it went further",
    }  # fmt: skip


async def test_the_reviewer_is_muted_by_a_key_and_heard_again(film: Film) -> None:
    async with screen(film, (120, 40)) as pilot:
        first = await press(pilot, film, "m")
        film.tell(events.ReviewerMuted(muted=True, by="anna"))
        await settle(pilot, lambda: "reviewer muted by anna" in text(pilot))
        await pilot.press("m")
        await settle(pilot, lambda: len(asked_of(film)) == 2)

    assert [first.model_dump(), asked_of(film)[1].model_dump()] == [
        {"kind": "mute", "muted": True},
        {"kind": "mute", "muted": False},
    ]


async def test_the_receipt_of_a_note_is_shown_when_it_comes(film: Film) -> None:
    film.tell(events.Noted(note=2, text="try width", by="anna"))

    async with screen(film, (120, 40)) as pilot:
        assert "1 note not read yet" in text(pilot)
        film.tell(events.NoteRead(note=2, experiment=3, where="next request"))
        await settle(pilot, lambda: "note 2 was read in #3, with its next request" in text(pilot))

        assert "not read yet" not in text(pilot)
        assert "note 2 by anna, read with its next request: try width" in text(pilot)


async def test_the_prompt_of_an_experiment_fills_the_screen_and_goes_away_again(film: Film) -> None:
    prompt = "# Programme\nlower it\x1b[2J\n" + "line\n" * 100 + "the end\n"
    digest = sha256(prompt.encode()).hexdigest()
    (film.run.folder / "briefs").mkdir()
    (film.run.folder / "briefs" / f"{digest}.txt").write_text(prompt)
    film.tell(events.Briefed(experiment=3, revision=1, digest=digest, tokens=9000, left_out=("12 old experiments",)))

    async with screen(film, (120, 40)) as pilot:
        await pilot.press("B")
        await settle(pilot, lambda: "lower it<U+001B>[2J" in text(pilot))
        head = text(pilot).splitlines()[0]
        await pilot.press("G")
        await settle(pilot, lambda: "the end" in text(pilot))
        await pilot.press("escape")
        await settle(pilot, lambda: not isinstance(pilot.app.screen, Reading))

    assert "the prompt that #3 was given · 9.0k tokens · no room for 12 old experiments" in head
