"""`loopwatch play`: records that are believed nothing, games move by move, on the screen and as text."""

import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from loopwatch.engine import events
from loopwatch.engine.client import Run
from loopwatch.tui.replay import DamagedRecord, Frame, read
from loopwatch.tui.screens.playing import Playing
from loopwatch.tui.window import Window
from tests.tui.command import Command, judged, made_run, opened, proposed, started
from tests.tui.film import Film, screen, settle, text
from tests.tui.terminal import Terminal

GAME: dict[str, Any] = {
    "size": [6, 6],
    "start": [[3, 3], [2, 3]],
    "food": [[5, 3], [5, 5], [0, 0]],
    "moves": "RRDDR",
    "apples": 2,
    "score": 0.0588,
    "end": "left the board",
}
SHORT = {**GAME, "moves": "RR", "apples": 1, "food": [[5, 3], [0, 0]], "end": "gave no move"}
RECORD = {"record": "snake", "of": 3, "games": [GAME, SHORT]}


def written(folder: Path, content: object = RECORD) -> Path:
    file = folder / "record.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two measured experiments, of which the first is the best; both played games."""
    measured = [events.Started(experiment=number, attempt=1, seed=1) for number in (1, 2)]
    made = made_run(
        tmp_path, opened(), started(), *proposed(1, "baseline"), measured[0], *judged(1, "kept", 1.5, commit="c"),
        *proposed(2, "another"), measured[1], *judged(2, "discarded", 1.7), *proposed(3, "vetoed"), *judged(3, "vetoed"),
    )  # fmt: skip
    records = made.folder / "records"
    records.mkdir()
    (records / "0001-1.json").write_text(json.dumps(RECORD))
    (records / "0002-1001.json").write_text(json.dumps({**RECORD, "of": 1, "games": [SHORT]}))
    return made


# -- a record ----------------------------------------------------------------------------------------------------------


def test_any_moment_of_a_game_can_be_looked_at(tmp_path: Path) -> None:
    _, (game, _) = read(written(tmp_path))

    assert game.moves == 5
    assert game.at(0) == Frame(((3, 3), (2, 3)), (5, 3), 0)
    assert game.at(1) == Frame(((4, 3), (3, 3)), (5, 3), 0)
    assert game.at(2) == Frame(((5, 3), (4, 3), (3, 3)), (5, 5), 1)
    assert game.at(5) == Frame(((6, 5), (5, 5), (5, 4), (5, 3)), (0, 0), 2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no record of games"),
        ("[" * 100_000, "no record of games"),
        ('{"record": "snake", "of": 1, "games": [', "no record of games"),
        ({**RECORD, "record": "chess"}, "record: Input should be 'snake'"),
        ({**RECORD, "games": []}, "games"),
        ({**RECORD, "seed": 7}, "seed"),
        ({**RECORD, "games": [{**GAME, "size": [6, 10**9]}]}, "games.0.size.1"),
        ({**RECORD, "games": [{**GAME, "size": [6, 1]}]}, "games.0.size.1"),
        ({**RECORD, "games": [{**GAME, "size": [6, "6"]}]}, "games.0.size.1"),
        ({**RECORD, "games": [{**GAME, "moves": "RRDDX"}]}, "games.0.moves"),
        ({**RECORD, "games": [{**GAME, "moves": "R" * 20_001}]}, "games.0.moves"),
        ({**RECORD, "games": [{**GAME, "score": float("nan")}]}, "games.0.score"),
        ({**RECORD, "games": [{**GAME, "end": "x" * 101}]}, "games.0.end"),
        ({**RECORD, "games": [{**GAME, "food": [[5, -3]]}]}, "games.0.food.0.1"),
        ({**RECORD, "games": [{**GAME, "apples": 3}]}, "game 1 says 3 apples, and its moves eat 2"),
        ({**RECORD, "games": [GAME, {**GAME, "moves": "RRDDRR"}]}, "game 2 leaves its board before its end"),
        ({**RECORD, "games": [{**GAME, "start": [[9, 9]], "apples": 0}]}, "game 1 leaves its board before its end"),
        ('"' + "x" * (1 << 20) + '"', "larger than the 1,048,576 bytes"),
    ],
)
def test_what_is_no_record_of_games_is_refused(tmp_path: Path, content: object, reason: str) -> None:
    with pytest.raises(DamagedRecord) as refused:
        read(written(tmp_path, content))

    assert reason in str(refused.value)


# -- as text -----------------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_says_how_the_games_of_the_best_experiment_ended(command: Command, run: Run) -> None:
    told = command("play")

    assert told.returncode == 0
    assert told.stdout.splitlines() == [
        "made-1 #1: 1.5000 val_bpb, 2 of 3 games, kept",
        "",
        "game   1     2 apples      5 moves  left the board",
        "game   2     1 apples      2 moves  gave no move",
        "",
        "the end of game 1:",
        "",
        "o . . . . .",
        ". . . . . .",
        ". . . . . .",
        ". . . . . #",
        ". . . . . #",
        ". . . . . #",
    ]


def test_in_json_it_has_the_moves_of_a_named_experiment(command: Command, run: Run) -> None:
    told = command.json("play", run.name, "#2")

    assert (told["run"], told["experiment"], told["value"], told["played"]) == ("made-1", 2, 1.7, 1)
    assert told["games"] == [{"size": [6, 6], "apples": 1, "score": 0.0588, "moves": "RR", "end": "gave no move"}]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nobody"], "there is no run 'nobody'"),
        (["made-1", "7"], "made-1 has no experiment 7; there are 1 to 3"),
        (["3"], "experiment 3 of made-1 was never measured, so there is no game to show"),
        (["made-1", "best"], "expected [RUN] [N], got 'made-1 best'"),
        (["made-1", "1", "2"], "expected [RUN] [N]"),
    ],
)
def test_what_is_not_there_is_said_in_words(command: Command, run: Run, words: list[str], reason: str) -> None:
    told = command("play", *words)

    assert (told.returncode, told.stdout) == (1, "")
    assert reason in told.stderr


def test_an_experiment_of_a_task_that_plays_nothing_has_no_record(command: Command, run: Run) -> None:
    (run.folder / "records" / "0001-1.json").unlink()

    told = command("play", "1")

    assert "experiment 1 of made-1 has no record: its task records no games, or it was deleted" in told.stderr


def test_a_record_that_is_a_link_is_not_followed(command: Command, run: Run, tmp_path: Path) -> None:
    file = run.folder / "records" / "0001-1.json"
    file.unlink()
    file.symlink_to(written(tmp_path))

    assert command("play", "1").returncode == 1


def test_a_damaged_record_is_told_in_one_clean_line(command: Command, run: Run) -> None:
    file = run.folder / "records" / "0001-1.json"
    file.write_text(json.dumps({**RECORD, "\x1b]0;title\x07\u202e[bold]\r": 1}))

    told = command("play")

    assert told.returncode == 1
    assert "is damaged, or no record of games" in told.stderr
    assert told.stderr.count("\n") == 1
    assert "\x1b" not in told.stderr


def test_the_words_of_a_record_are_not_obeyed(command: Command, run: Run) -> None:
    file = run.folder / "records" / "0001-1.json"
    file.write_text(json.dumps({**RECORD, "games": [{**GAME, "end": "\x1b]0;title\x07 [bold]"}]}))

    told = command("play")

    assert "␛]0;title␇ [bold]" in told.stdout
    assert "\x1b" not in told.stdout


# -- on the screen -----------------------------------------------------------------------------------------------------


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def window(folder: Path, clock: Clock, *, ascii_only: bool = False, end: str = "left the board") -> Window:
    _, replays = read(written(folder, {**RECORD, "games": [{**GAME, "end": end}, SHORT]}))
    return Window(lambda: Playing("whose games", replays, ascii_only=ascii_only, clock=clock))


async def after(pilot: Pilot[int], clock: Clock, seconds: float) -> str:
    """What the screen shows when so much time has passed."""
    clock.now += seconds
    playing = pilot.app.screen
    assert isinstance(playing, Playing)
    playing.tick()
    await pilot.pause()
    return text(pilot)


async def test_a_game_is_played_as_time_passes_and_the_next_one_follows(tmp_path: Path) -> None:
    clock = Clock()
    async with window(tmp_path, clock).run_test(size=(80, 24)) as pilot:
        first = await after(pilot, clock, 0)
        later = await after(pilot, clock, 0.11)
        await after(pilot, clock, 9)
        await after(pilot, clock, 0)
        next_one = await after(pilot, clock, 1.5)

    assert "whose games" in first
    assert "game 1 of 2 · 20/s" in first
    assert "· · ╺━● · ◆" in first
    assert "1 apple · 2/5" in later
    assert "· · · ╺━━━●" in later
    assert "game 2 of 2" in next_one


async def test_the_keys_stop_step_and_change_game_and_speed(tmp_path: Path) -> None:
    clock = Clock()
    async with window(tmp_path, clock).run_test(size=(80, 24)) as pilot:
        await pilot.press("space")
        halted = await after(pilot, clock, 60)
        await pilot.press("right", "right", "left")
        stepped = text(pilot)
        await pilot.press("end")
        ended = text(pilot)
        await pilot.press("n", "space", "plus", "plus", "minus")
        other = text(pilot)
        await pilot.press("p", "p")
        back = text(pilot)

    assert "paused" in halted
    assert "0 apples · 0/5" in halted
    assert "0 apples · 1/5" in stepped
    assert "2 apples · 5/5" in ended
    assert "game 2 of 2 · 50/s" in other
    assert "game 1 of 2 · 50/s" in back


async def test_help_shows_every_key_and_escape_leaves_first_help_and_then_the_games(tmp_path: Path) -> None:
    async with window(tmp_path, Clock()).run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        helped = text(pilot)
        await pilot.press("escape")
        listed = text(pilot)

    assert "stop, and take one move back" in helped
    assert "Games" not in helped
    assert "gave no move" in listed


async def test_in_ascii_nothing_else_is_drawn(tmp_path: Path) -> None:
    clock = Clock()
    async with window(tmp_path, clock, ascii_only=True).run_test(size=(80, 24)) as pilot:
        shown = await after(pilot, clock, 0.11)

    assert shown.isascii()
    assert ". . . ----@" in shown


async def test_a_board_that_has_no_room_follows_the_head_and_hostile_words_stay_words(tmp_path: Path) -> None:
    clock = Clock()
    async with window(tmp_path, clock, end="\x1b[2J [@click=app.quit]x[/]").run_test(size=(24, 6)) as pilot:
        shown = await after(pilot, clock, 0.16)

    assert "●" in shown
    assert "\x1b" not in shown


async def test_from_the_screen_of_a_run_the_key_leads_to_the_games_and_back(film: Film) -> None:
    (film.run.folder / "records").mkdir()
    (film.run.folder / "records" / "0003-1.json").write_text(json.dumps(RECORD))

    async with screen(film, (80, 24)) as pilot:
        await pilot.press("P")
        await settle(pilot, lambda: "game 1 of 2" in text(pilot))
        await pilot.press("q")
        await settle(pilot, lambda: "Experiments" in text(pilot))


async def test_from_the_screen_of_a_run_without_games_the_key_says_so(film: Film) -> None:
    async with screen(film, (120, 40)) as pilot:
        await pilot.press("P")
        await settle(pilot, lambda: "has no record" in text(pilot))


def test_in_a_real_terminal_it_plays_until_it_is_left(tmp_path: Path, run: Run) -> None:
    with Terminal(tmp_path, "play", environment={"NO_COLOR": "1"}) as terminal:
        terminal.shows("game 1 of 2", "left the board", "space pause")
        terminal.press("q")

        assert terminal.ended() == 0
