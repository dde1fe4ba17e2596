"""Measure how many apples a snake eats on average, over the games of a suite.

The games are played here, and no line that an agent wrote runs here: the player is another process, which is shown the board and
says a move. Neither the seeds nor the apples to come leave this process. A move that is none ends that game; an answer that is no
list of moves, or that does not come, ends the measurement.
"""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from game import Game

ANSWER_SECONDS = 20
"""For one move in each of the games. What counts is processor time; this is for a player that sleeps."""
GAMES_PER_CPU_SECOND = 2
LEAST_CPU_SECONDS = 5
LONGEST_MOVE = 40
"""Bytes of an answer, for each game; more is no move anyway."""
RECORD_BYTES = 1_000_000
LETTERS = {"right": "R", "left": "L", "down": "D", "up": "U"}


def refuse(reason: str) -> NoReturn:
    """Whoever proposes reads the reason, so it holds nothing of what was asked or answered."""
    sys.exit(f"evaluate.py: refused: {reason}")


class Player:
    """The solution, at the other end of two pipes: it is asked, and not believed."""

    def __init__(self, games: int) -> None:
        self.cpu_seconds = LEAST_CPU_SECONDS + games // GAMES_PER_CPU_SECOND
        signal.signal(signal.SIGALRM, self._too_late)
        signal.alarm(ANSWER_SECONDS)
        # In this order, or each end would wait for the other.
        self._ask = open(os.environ["LOOPWATCH_ASK"], "wb")  # noqa: SIM115
        self._answers = open(os.environ["LOOPWATCH_ANSWERS"], "rb")  # noqa: SIM115
        self._tell({"games": games, "cpu_seconds": self.cpu_seconds})

    def moves(self, games: list[Game]) -> list[object]:
        """What the player says to each of the games."""
        signal.alarm(ANSWER_SECONDS)
        self._tell([game.seen() for game in games])
        longest = LONGEST_MOVE * len(games) + 10
        line = self._answers.readline(longest)
        signal.alarm(0)
        if not line:
            self._refuse_silence()
        try:
            moves = json.loads(line)
        except (ValueError, RecursionError):
            refuse(f"the player's answer is not JSON, or longer than {longest:,} bytes")
        if not isinstance(moves, list) or len(moves) != len(games):
            refuse(f"the player's answer is not a list of {len(games)} moves")
        return moves

    def _tell(self, message: object) -> None:
        try:
            self._ask.write(json.dumps(message).encode() + b"\n")
            self._ask.flush()
        except BrokenPipeError:
            self._refuse_silence()

    def _refuse_silence(self) -> NoReturn:
        refuse(
            "the player ended without an answer: solution.py could not be loaded, or used up more than the "
            f"{self.cpu_seconds} seconds of processor time that there are for all games"
        )

    def _too_late(self, number: int, frame: FrameType | None) -> NoReturn:
        refuse(f"the player gave no answer for {ANSWER_SECONDS} seconds")


class Film:
    """What happened in one game, move by move, for people to look at."""

    def __init__(self, game: Game) -> None:
        self._game = game
        self._start, self._food, self._moves = list(game.body), [game.food], ""

    def move(self, name: object) -> None:
        """Play on, and write it down."""
        apples = self._game.apples
        self._game.move(name)
        if self._game.end != "gave no move":
            self._moves += LETTERS[self._game.direction]
        if self._game.apples > apples and self._game.end != "filled the board":
            self._food.append(self._game.food)

    def told(self) -> dict[str, object]:
        """Nothing that says the seed."""
        game = self._game
        return {
            "size": (game.width, game.height),
            "start": self._start,
            "food": self._food,
            "moves": self._moves,
            "apples": game.apples,
            "score": round(game.score, 4),
            "end": game.end,
        }


def write_record(file: Path, films: list[Film]) -> None:
    """Keep the games, the first ones of a suite that is too large."""
    told, size = [], 100
    for film in films:
        told.append(film.told())
        size += len(json.dumps(told[-1])) + 2
        if size > RECORD_BYTES:
            told.pop()
            break
    file.write_text(json.dumps({"record": "snake", "of": len(films), "games": told}))


def main() -> None:
    suite = json.loads(Path(os.environ.get("LOOPWATCH_SUITE", "games.json")).read_text())
    games = [Game(**test["input"]) for test in suite]
    if not games:
        refuse("the suite has no games")
    films = [Film(game) for game in games]
    player = Player(len(games))
    while playing := [place for place, game in enumerate(games) if not game.end]:
        for place, name in zip(playing, player.moves([games[place] for place in playing]), strict=True):
            films[place].move(name)

    if "LOOPWATCH_RECORD" in os.environ:
        write_record(Path(os.environ["LOOPWATCH_RECORD"]), films)
    print(f"scores: {json.dumps([round(game.score, 4) for game in games])}")
    print(f"apples: {sum(game.apples for game in games) / len(games):.4f}")


if __name__ == "__main__":
    main()
