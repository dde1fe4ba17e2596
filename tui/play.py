"""`loopwatch play`: the recorded games of an experiment, on the screen; without a terminal, how each of them ended."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loopwatch.engine import client
from loopwatch.engine.client import Run
from loopwatch.engine.errors import ConfigError, RunNotFound
from loopwatch.engine.state import Experiment, State

from . import words
from .exits import Exit
from .facts import Json, dump
from .headless import say
from .replay import Record, Replay, read
from .starting import on_screen, read_state

ON_PAPER = {"head": "@", "body": "#", "food": "o", "free": "."}


def play(args: Namespace) -> int:
    """`loopwatch play [RUN] [N]`."""
    run, number = _named(args.words)
    found = games(run, read_state(run), number)
    if args.json:
        say(dump(_json(run, found), indent=1))
        return Exit.OK
    if on_screen(args):
        return _watch(found)
    say("\n".join(told(found)))
    return Exit.OK


@dataclass(frozen=True)
class Games:
    """What an experiment played."""

    experiment: Experiment
    title: str
    """Whose games these are."""
    record: Record
    replays: tuple[Replay, ...]


def games(run: Run, state: State, number: int | None) -> Games:
    """The games of an experiment, or of the best one; LoopwatchError says why there are none."""
    experiment = _experiment(run, state, number)
    record, replays = read(find(run, experiment))
    return Games(experiment, _title(run.name, experiment, state, record), record, replays)


def find(run: Run, experiment: Experiment) -> Path:
    """The record of an experiment; RunNotFound says why there is none."""
    folder, number = run.folder / "records", experiment.number
    of_last = folder / f"{number:04d}-{experiment.attempt}.json"
    there = [of_last, *sorted(folder.glob(f"{number:04d}-*.json"), key=lambda file: (len(file.name), file.name))]
    for file in there:
        if file.is_file() and not file.is_symlink():
            return file
    if experiment.value is None:
        raise RunNotFound(f"experiment {number} of {run.name} was never measured, so there is no game to show")
    raise RunNotFound(f"experiment {number} of {run.name} has no record: its task records no games, or it was deleted")


def _title(name: str, experiment: Experiment, state: State, record: Record) -> str:
    value = f"{words.number(experiment.value)} {words.one_line(state.metric.name)}"
    left_out = f", {len(record.games)} of {record.of} games" if record.of > len(record.games) else ""
    return f"{name} #{experiment.number}: {value}{left_out}, {words.outcome(experiment)}"


def told(found: Games) -> list[str]:
    """A line for each game, and the last moment of the best one."""
    lines, replays = [found.title, ""], found.replays
    for number, replay in enumerate(replays, 1):
        game = replay.game
        lines.append(f"game {number:>3}  {game.apples:>4} apples  {replay.moves:>5} moves  {words.one_line(game.end)}")
    best = max(range(len(replays)), key=lambda place: replays[place].game.apples)
    return [*lines, "", f"the end of game {best + 1}:", "", *drawn(replays[best])]


def drawn(replay: Replay) -> list[str]:
    """The board after the last move, in letters."""
    width, height = replay.game.size
    frame = replay.at(replay.moves)
    rows = [[ON_PAPER["free"]] * width for _ in range(height)]
    marks = {"body": frame.body, "food": (frame.food,) if frame.food else (), "head": frame.body[:1]}
    for what, cells in marks.items():
        for x, y in cells:
            if 0 <= x < width and 0 <= y < height:  # a head may have left the board
                rows[y][x] = ON_PAPER[what]
    return [" ".join(row) for row in rows]


def _watch(found: Games) -> int:
    from .screens.playing import Playing
    from .window import Window, wants_ascii

    def first() -> Playing:
        return Playing(found.title, found.replays, ascii_only=wants_ascii(), leave=window.exit)

    window = Window(first)
    return window.show()


def _named(typed: Sequence[str]) -> tuple[Run, int | None]:
    """The run and the experiment's number, each of which may be left out."""
    name, number = typed[:-1], typed[-1] if typed else ""
    if len(typed) == 1 and not _is_number(number):
        name, number = typed, ""
    if len(name) > 1 or (number and not _is_number(number)):
        raise ConfigError(f"expected [RUN] [N], got {' '.join(typed)!r}; for example: loopwatch play 3")
    return client.find(name[0] if name else None), int(number.removeprefix("#")) if number else None


def _is_number(word: str) -> bool:
    return word.removeprefix("#").isdecimal()


def _experiment(run: Run, state: State, number: int | None) -> Experiment:
    if number is None:
        if state.best_experiment is None:
            raise RunNotFound(f"no experiment of {run.name} is kept yet; name one by its number")
        return state.best_experiment
    if number not in state.experiments:
        there = f"there are 1 to {max(state.experiments)}" if state.experiments else "there is none yet"
        raise RunNotFound(f"{run.name} has no experiment {number}; {there}")
    return state.experiments[number]


def _json(run: Run, found: Games) -> Json:
    shown = {"size", "apples", "score", "moves", "end"}
    return {
        "run": run.name,
        "experiment": found.experiment.number,
        "value": found.experiment.value,
        "played": found.record.of,
        "games": [game.model_dump(include=shown) for game in found.record.games],
    }
