"""The snake task: its rules, its player behind two pipes, its suite's door and its generator, in real processes."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from loopwatch.engine.editing.constants import set_constant
from loopwatch.engine.task import load
from loopwatch.tui.replay import read

TASK = load("snake")
PYTHON = (sys.executable, "-E", "-s", "-B")
START = (TASK.folder / "solution.py").read_text(encoding="utf-8")
GAMES: list[dict[str, Any]] = json.loads((TASK.folder / "games.json").read_text(encoding="utf-8"))
SEED = 10**12 + 5
BOARD = {"seed": SEED, "width": 12, "height": 12}


def module(name: str) -> ModuleType:
    """A file of the task, as Python sees it."""
    spec = importlib.util.spec_from_file_location(f"snake_{name.replace('/', '_')}", TASK.folder / f"{name}.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def with_constants(**values: float) -> str:
    text = START
    for name, value in values.items():
        text = set_constant(text, name, value)
    return text


@dataclass(frozen=True)
class Measured:
    """What the evaluator said."""

    stdout: str
    stderr: str
    record: Path
    asked: str
    """What the player was asked, where it wrote that down."""

    @property
    def apples(self) -> float:
        return float(re.findall(r"^apples: ([\d.]+)$", self.stdout, re.MULTILINE)[0])

    @property
    def scores(self) -> list[float]:
        found: list[float] = json.loads(re.findall(r"^scores: (.*)$", self.stdout, re.MULTILINE)[0])
        return found


class Table:
    """A copy of the task, and a player at the other end of two pipes, as the engine has it."""

    def __init__(self, root: Path) -> None:
        self.pristine, self.work = root / "pristine", root / "work"
        shutil.copytree(TASK.folder, self.pristine, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(
            self.pristine, self.work, ignore=lambda _, names: {name for name in names if name in TASK.unseen}
        )
        self._pipes = {"LOOPWATCH_ASK": str(root / "ask"), "LOOPWATCH_ANSWERS": str(root / "answers")}
        for pipe in self._pipes.values():
            os.mkfifo(pipe)
        self._root = root

    def measure(
        self, solution: str, tests: list[dict[str, Any]] = GAMES[:6], *, player: str = "predict.py"
    ) -> Measured:
        (self.work / "solution.py").write_text(solution)
        suite, record = self._root / "suite.json", self._root / "record.json"
        suite.write_text(json.dumps(tests))
        environment = {"PATH": os.environ["PATH"], **self._pipes}
        line = 'exec "$@" <"$LOOPWATCH_ASK" >"$LOOPWATCH_ANSWERS" 2>/dev/null'
        with subprocess.Popen(["sh", "-c", line, "sh", *PYTHON, player], cwd=self.work, env=environment) as answering:
            done = subprocess.run(
                [*PYTHON, "evaluate.py"],
                cwd=self.pristine,
                env={**environment, "LOOPWATCH_SUITE": str(suite), "LOOPWATCH_RECORD": str(record)},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            answering.kill()
        notes = self.work / "asked.txt"
        return Measured(done.stdout, done.stderr, record, notes.read_text() if notes.exists() else "")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


# -- the rules ---------------------------------------------------------------------------------------------------------


def play(moves: str, **board: int) -> Any:
    """A game after these moves."""
    names = {"R": "right", "L": "left", "D": "down", "U": "up"}
    game = module("game").Game(**(BOARD | board))
    game.food = (0, 0)
    for letter in moves:
        game.move(names[letter])
    return game


@pytest.mark.parametrize(
    ("moves", "end"),
    [("RRRRRR", "left the board"), ("UUUUUUU", "left the board"), ("RULD" * 50, "starved"), ("RULDR", "")],
)
def test_a_game_ends_at_the_wall_or_by_hunger(moves: str, end: str) -> None:
    assert play(moves).end == end


def test_a_snake_grows_where_the_food_is_and_may_go_where_its_tail_was() -> None:
    game = play("")
    game.food = (7, 6)
    game.move("right")

    assert (game.apples, len(game.body)) == (1, 3)

    game.body = [(5, 5), (5, 6), (6, 6), (6, 5)]
    game.move("right")

    assert game.end == ""
    assert game.body == [(6, 5), (5, 5), (5, 6), (6, 6)]


def test_a_game_ends_in_a_bite() -> None:
    game = play("")
    game.body = [(5, 5), (5, 6), (6, 6), (6, 5), (6, 4)]
    game.move("right")

    assert game.end == "bit itself"


def test_the_same_seed_lets_the_same_apples_fall_under_every_python() -> None:
    first = [module("game").Game(**{**BOARD, "seed": seed}).food for seed in range(SEED, SEED + 4)]

    assert first == [(6, 10), (0, 7), (9, 11), (2, 7)]


# -- measuring ---------------------------------------------------------------------------------------------------------


def test_each_constant_on_the_ladder_scores_better_and_the_control_clearly_worse(table: Table) -> None:
    ladder = [
        table.measure(with_constants(**constants)).apples
        for constants in ({"FOOD": 0.0}, {}, {"ALIVE": 10.0}, {"ALIVE": 10.0, "ROOM": 5.0})
    ]

    assert ladder == sorted(set(ladder))
    assert ladder[0] < 1 < 4 < ladder[1]


def test_the_whole_suite_gives_the_number_of_the_readme(table: Table) -> None:
    measured = table.measure(START, GAMES)

    assert measured.apples == 7.275
    assert len(measured.scores) == len(GAMES) == 40
    assert sum(measured.scores) * 142 / 40 == pytest.approx(measured.apples, abs=0.01)


def test_the_record_of_a_measurement_can_be_played(table: Table) -> None:
    measured = table.measure(with_constants(ALIVE=10.0))

    record, replays = read(measured.record)
    assert record.of == len(replays) == 6
    assert [round(replay.game.apples / 142, 4) for replay in replays] == measured.scores
    assert str(GAMES[0]["input"]["seed"]) not in measured.record.read_text()


def test_a_player_is_told_neither_seeds_nor_the_apples_to_come(table: Table) -> None:
    spy = "open('asked.txt', 'a').write(repr((head, body, food, size, direction)))\n"
    text = START.replace('"""The move that is worth most; of equals, the first in MOVES."""', spy)

    measured = table.measure(text)

    assert "'right'" in measured.asked
    assert not [test for test in GAMES if str(test["input"]["seed"]) in measured.asked]


def test_what_a_solution_prints_and_reads_is_nobody_s_business(table: Table) -> None:
    noisy = START.replace(
        "    board = {", "    print('apples: 142.0'); input_ = __import__('sys').stdin.read()\n    board = {"
    )

    assert table.measure(noisy).stdout == table.measure(START).stdout


@pytest.mark.parametrize(
    "body",
    ["return 'sideways'", "return None", "return ['right']", "raise ValueError", "return 'right' * 10**6", "return 7"],
)
def test_a_move_that_is_none_ends_its_game_and_no_other(table: Table, body: str) -> None:
    odd = START.replace(
        "    board = {", f"    if food == {module('game').Game(**GAMES[0]['input']).food}: {body}\n    board = {{"
    )

    measured = table.measure(odd)

    assert read(measured.record)[0].games[0].end == "gave no move"
    assert measured.apples > 1


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("this is no Python", "ended without an answer"),
        ("def move(*seen):\n    __import__('os')._exit(0)\n", "ended without an answer"),
        ("import os\nfor file in range(3, 20):\n    try: os.write(file, b'[1]\\n')\n    except OSError: pass\n", "not a list of 6 moves"),
    ],
)  # fmt: skip
def test_a_player_that_does_not_answer_is_refused_in_plain_words(table: Table, solution: str, reason: str) -> None:
    measured = table.measure(solution)

    assert measured.stdout == ""
    assert measured.stderr.startswith("evaluate.py: refused: the player")
    assert reason in measured.stderr


@pytest.mark.parametrize(
    "answer", ['"right"', "[]", '["right"]', "{}", "NaN", "[" * 30, '["right"' + ',"right"' * 100 + "]", "\\xff", ""]
)
def test_an_answer_that_is_no_list_of_moves_is_refused(table: Table, answer: str) -> None:
    (table.work / "other.py").write_text(
        f"import sys\nfor line in sys.stdin:\n    sys.stdout.buffer.write(b'{answer}\\n')\n    sys.stdout.flush()\n"
    )

    measured = table.measure(START, player="other.py")

    assert measured.stdout == ""
    assert "refused: the player's answer is" in measured.stderr


def test_a_player_that_sleeps_is_not_waited_for(table: Table) -> None:
    evaluator = table.pristine / "evaluate.py"
    evaluator.write_text(evaluator.read_text().replace("ANSWER_SECONDS = 20", "ANSWER_SECONDS = 1"))

    measured = table.measure("import time\ndef move(*seen):\n    time.sleep(60)\n")

    assert measured.stderr == "evaluate.py: refused: the player gave no answer for 1 seconds\n"


def test_a_player_that_uses_up_its_processor_time_dies(table: Table) -> None:
    evaluator = table.pristine / "evaluate.py"
    evaluator.write_text(evaluator.read_text().replace("LEAST_CPU_SECONDS = 5", "LEAST_CPU_SECONDS = -2"))

    measured = table.measure("def move(*seen):\n    while True:\n        pass\n")

    assert "used up more than the 1 seconds of processor time" in measured.stderr


# -- practice ----------------------------------------------------------------------------------------------------------


def practise(table: Table, solution: str) -> subprocess.CompletedProcess[str]:
    (table.work / "solution.py").write_text(solution)
    return subprocess.run([*PYTHON, "practice.py"], cwd=table.work, capture_output=True, text=True, check=False)


def test_practice_prints_a_step_line_for_each_game(table: Table) -> None:
    done = practise(table, START)

    steps = re.findall(r"^step (\d{5}) \((\d+\.\d)%\) \| apples: (\d+\.\d\d) \| .+$", done.stdout, re.MULTILINE)
    assert [int(step) for step, *_ in steps] == list(range(1, 9))
    assert steps[-1][1] == "100.0"


@pytest.mark.parametrize("solution", ["import nothing_like_it", "def move(*seen):\n    return 1\n"])
def test_practice_says_fail_of_a_snake_that_cannot_play(table: Table, solution: str) -> None:
    done = practise(table, solution)

    assert done.returncode == 1
    assert "FAIL: " in done.stderr


# -- the suite ---------------------------------------------------------------------------------------------------------


def admitted(tmp_path: Path, *tests: object) -> list[dict[str, Any]]:
    """What the suite's check says to these."""
    (tmp_path / "tests.json").write_text(json.dumps(tests))
    done = subprocess.run(
        [*PYTHON, str(TASK.folder / "admit.py")],
        env={"LOOPWATCH_TESTS": str(tmp_path / "tests.json"), "LOOPWATCH_SUITE": str(TASK.folder / "games.json")},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_game_that_can_be_played_is_admitted_as_it_is(tmp_path: Path) -> None:
    board = {"width": 9, "height": 7, "seed": SEED}

    said = admitted(tmp_path, {"input": board, "expected": None, "why": "a lower board"})

    assert said == [{"ok": True, "input": board, "expected": None}]


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("a game", "has a seed, a width and a height"),
        ({"input": []}, "has a seed, a width and a height"),
        ({"input": {"seed": SEED, "width": 12}}, "has a seed, a width and a height"),
        ({"input": {**BOARD, "food": [1, 1]}}, "and nothing else"),
        ({"input": {**BOARD, "seed": float(SEED)}}, "are whole numbers"),
        ({"input": {**BOARD, "width": True}}, "are whole numbers"),
        ({"input": {**BOARD, "width": 5}}, "6 to 16 cells wide"),
        ({"input": {**BOARD, "height": 10**9}}, "6 to 16 cells wide"),
        ({"input": {**BOARD, "seed": 7}}, "so that no player finds it by trying"),
        ({"input": {**BOARD, "seed": 2**53}}, "so that no player finds it by trying"),
        ({"input": BOARD, "expected": 12}, "a game expects nothing"),
        ({"input": {**GAMES[0]["input"], "width": 16}}, "a game with this seed already"),
    ],
)
def test_a_game_that_is_no_new_game_is_refused_with_the_reason(tmp_path: Path, test: object, reason: str) -> None:
    (said,) = admitted(tmp_path, test)

    assert not said["ok"]
    assert reason in said["reason"]


def test_of_two_proposals_of_one_game_the_second_is_refused(tmp_path: Path) -> None:
    first, second = admitted(tmp_path, {"input": BOARD}, {"input": BOARD})

    assert first["ok"]
    assert second == {"ok": False, "reason": "there is a game with this seed already"}


def test_the_hidden_games_are_others_and_no_experiment_sees_either() -> None:
    hidden = json.loads((TASK.folder / "hidden.json").read_text())

    assert len(GAMES) == len(hidden) == 40
    assert len({test["input"]["seed"] for test in GAMES + hidden}) == 80
    assert {"games.json", "hidden.json", "admit.py", "agents/"} <= set(TASK.unseen)


# -- the generator -----------------------------------------------------------------------------------------------------


def propose(failed: list[dict[str, Any]], *, wanted: int = 9, seed: int = 1) -> list[dict[str, Any]]:
    task = {"seed": seed, "experiment": 3, "tests": GAMES, "failed": failed, "wanted": wanted}
    found: list[dict[str, Any]] = module("agents/test_agent").propose_tests(task, ask=None)
    return found


def test_what_the_generator_proposes_is_admitted_and_follows_from_its_seed(tmp_path: Path) -> None:
    proposed = propose(GAMES[:3])

    assert proposed == propose(GAMES[:3]) != propose(GAMES[:3], seed=2)
    assert [said["ok"] for said in admitted(tmp_path, *proposed)] == [True] * 9


def test_most_proposed_games_are_near_those_that_were_failed() -> None:
    boards = [test["input"] for test in propose([{"input": {**BOARD, "width": 6, "height": 16}}], wanted=30)]

    near = [board for board in boards if board["width"] <= 8 and board["height"] >= 14]
    assert 20 <= len(near) < 30
