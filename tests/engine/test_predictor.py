"""An evaluator that asks a predictor: whatever either of the two does, both come to an end, and nothing is taken for an answer."""

import json
from pathlib import Path

import pytest

from loopwatch.engine.repository import checkout
from loopwatch.engine.running.predictor import Pipes
from tests.engine.keeping import alive, eventually
from tests.engine.quiz import doubled, runner_in

WHOLE = (
    "import json, sys, solution\nfor n in [json.loads(line) for line in sys.stdin]:\n    print(solution.double(n))\n"
)
ASKS_FIRST = """\
import json, os
tests = json.load(open(os.environ["LOOPWATCH_SUITE"]))
with open(os.environ["LOOPWATCH_ASK"], "w") as ask, open(os.environ["LOOPWATCH_ANSWERS"]) as answers:
    ask.writelines(f"{test['input']}\\n" for test in tests)
    ask.close()
    scores = [float(int(line) == test["expected"]) for line, test in zip(answers, tests)]
print("score:", sum(scores) / len(tests))
"""


async def test_an_evaluator_asks_and_says_how_each_test_went(tmp_path: Path) -> None:
    evaluation = await runner_in(tmp_path).evaluate(2, 1)

    assert (evaluation.printed, evaluation.problem) == (("1.0",), "")
    assert evaluation.scores == (1.0, 1.0, 1.0, 1.0)
    assert json.loads((tmp_path / "run" / "records" / "0002-1.json").read_text()) == {"scores": [1.0] * 4}


async def test_another_suite_has_its_own_score_and_record(tmp_path: Path) -> None:
    runner, suite = runner_in(tmp_path), tmp_path / "suite.json"
    suite.write_text(json.dumps([doubled(4), doubled(5)]))

    evaluation = await runner.evaluate(2, 1, suite=suite, name="suite-1")

    assert (evaluation.printed, evaluation.scores) == (("0.5",), (1.0, 0.0))
    assert [path.name for path in (tmp_path / "run" / "records").iterdir()] == ["0002-1.suite-1.json"]


async def test_what_is_trained_again_to_be_scored_leaves_the_log_that_counts(tmp_path: Path) -> None:
    runner = runner_in(tmp_path, solution="print(__import__('time').time_ns())\n")
    logs = tmp_path / "run" / "logs"

    first = await runner.run(2, 1, lambda _: None, lambda _: None)
    again = await runner.run(2, 1, lambda _: None, lambda _: None, name="again")

    assert checkout.digest(logs / "0002-1.log") == first.log_digest
    assert checkout.digest(logs / "0002-1.again.log") == again.log_digest != first.log_digest
    assert runner.has(2, 1)


async def test_a_predictor_may_read_every_question_before_it_answers(tmp_path: Path) -> None:
    evaluation = await runner_in(tmp_path, predict=WHOLE, evaluate=ASKS_FIRST).evaluate(2, 1)

    assert (evaluation.printed, evaluation.problem) == (("1.0",), "")


@pytest.mark.parametrize(
    "predict",
    [
        pytest.param("raise SystemExit('no')\n", id="dies before it reads"),
        pytest.param("import sys\nsys.stdin.readline()\n", id="dies when it is asked"),
        pytest.param("import os\nos.close(1)\nos.close(0)\nos._exit(0)\n", id="closes its ends"),
    ],
)
async def test_a_predictor_that_is_gone_is_an_end_of_file(tmp_path: Path, predict: str) -> None:
    evaluation = await runner_in(tmp_path, predict=predict).evaluate(2, 1)

    assert evaluation.problem == "the evaluator ended with exit code 1: refused: nobody answers"
    assert evaluation.printed == ()


async def test_an_evaluator_finds_that_nobody_is_there_where_the_predictor_could_not_even_begin(tmp_path: Path) -> None:
    runner = runner_in(tmp_path)
    (tmp_path / "run" / "work").rename(tmp_path / "elsewhere")

    evaluation = await runner.evaluate(2, 1)

    assert evaluation.problem == "the evaluator ended with exit code 1: refused: nobody answers"


async def test_a_predictor_that_hangs_ends_with_the_evaluator(tmp_path: Path) -> None:
    runner = runner_in(tmp_path, predict="import time\ntime.sleep(300)\n", seconds="1")

    evaluation = await runner.evaluate(2, 1)

    assert evaluation.problem.startswith("the evaluator was stopped after 1 s")
    await eventually(lambda: not alive(tmp_path))


async def test_a_predictor_that_floods_is_read_no_further_than_the_evaluator_wants(tmp_path: Path) -> None:
    flood = "import sys\nwhile True:\n    sys.stdout.write('8' * 4096)\n    sys.stderr.write('!' * 4096)\n"

    evaluation = await runner_in(tmp_path, predict=flood).evaluate(2, 1)

    assert (evaluation.printed, evaluation.problem) == (("0.0",), "")
    assert alive(tmp_path) == []


async def test_an_evaluator_that_never_asks_leaves_no_predictor_behind(tmp_path: Path) -> None:
    evaluation = await runner_in(tmp_path, evaluate="print('score: 0.25')\n").evaluate(2, 1)

    assert evaluation.printed == ("0.25",)
    assert alive(tmp_path) == []
    assert not list((tmp_path / "run" / "tmp").glob("*.pipes"))


async def test_a_predictor_finds_neither_tests_nor_their_place(tmp_path: Path) -> None:
    spies = (
        "import os, sys\n"
        "open(os.environ['TMPDIR'] + '/seen', 'w').write(repr([sorted(os.listdir('.')), 'LOOPWATCH_SUITE' in os.environ]))\n"
        "sys.exit()\n"
    )

    await runner_in(tmp_path, predict=spies).evaluate(2, 1)

    seen = (tmp_path / "run" / "tmp" / "0002-1.evaluate.predictor" / "seen").read_text()
    assert seen == repr([["evaluate.py", "predict.py", "program.md", "solution.py", "task.toml"], False])


@pytest.mark.parametrize(
    "record",
    [
        "os.symlink('/etc/hostname', path)",
        "os.mkfifo(path)",
        "open(path, 'w').write('x' * 2_000_000)",
        "os.symlink(os.environ['LOOPWATCH_OUT'], os.path.dirname(path) + '/kept'); os.symlink('/etc/hostname', path)",
    ],
)
async def test_what_is_no_small_plain_file_is_no_record(tmp_path: Path, record: str) -> None:
    evaluate = f"import os\npath = os.environ['LOOPWATCH_RECORD']\n{record}\nprint('score: 1.0')\n"

    evaluation = await runner_in(tmp_path, evaluate=evaluate).evaluate(2, 1)

    assert evaluation.printed == ("1.0",)
    assert list((tmp_path / "run" / "records").iterdir()) == []


@pytest.mark.parametrize(
    ("line", "scores"),
    [
        ("[1, 0.5, 0]", (1.0, 0.5, 0.0)),
        ("[1, 2]", ()),
        ("[" * 5000 + "]" * 5000, ()),
    ],
)
async def test_scores_that_make_no_sense_are_none(tmp_path: Path, line: str, scores: tuple[float, ...]) -> None:
    evaluate = f"print('scores: ' + {line!r})\nprint('score: 1.0')\n"

    evaluation = await runner_in(tmp_path, evaluate=evaluate).evaluate(2, 1)

    assert (evaluation.printed, evaluation.scores) == (("1.0",), scores)


async def test_a_line_for_each_of_many_tests_is_read_whole(tmp_path: Path) -> None:
    proposed = tmp_path / "proposed.json"
    proposed.write_text(json.dumps([{**doubled(number), "why": "x" * 2000} for number in range(200)]))
    admit = (
        "import json, os\nfor test in json.load(open(os.environ['LOOPWATCH_TESTS'])):\n    print(json.dumps(test))\n"
    )
    runner = runner_in(tmp_path, admit=admit)

    outcome = await runner.check_tests(proposed, tmp_path / "run" / "pristine" / "tests.json")

    assert outcome.ok
    assert len(outcome.tail.splitlines()) == 200


def test_pipes_are_made_anew_where_a_killed_engine_left_some(tmp_path: Path) -> None:
    Pipes(tmp_path / "pipes")
    (tmp_path / "pipes" / "ask").unlink()
    (tmp_path / "pipes" / "ask").write_text("left")

    pipes = Pipes(tmp_path / "pipes")

    assert pipes.ask.is_fifo()
    pipes.remove()
    assert not (tmp_path / "pipes").exists()
