"""The sine task, trained and measured for real."""

import json
import re
from pathlib import Path

import pytest

from .contract import Desk, desk

STEP_LINE = re.compile(r"^step (\d{5}) \((\d+\.\d)%\) \| loss: (\d+\.\d{4}) \| lrm: (\d\.\d\d)$", re.MULTILINE)
GOOD_LAYER = {"weights": [[1.0]], "biases": [0.0]}


@pytest.fixture(scope="module")
def sine(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk("sine", tmp_path_factory.mktemp("sine"))


def with_line(sine: Desk, old: str, new: str, root: Path) -> Desk:
    """The same task with one line of train.py changed."""
    changed = desk("sine", root)
    lines = (sine.copy / "train.py").read_text(encoding="utf-8")
    assert old in lines
    (changed.copy / "train.py").write_text(lines.replace(old, new))
    return changed


def refusal(sine: Desk, out: Path, model: str) -> str:
    (out / "model.json").write_text(model)
    answer = sine.evaluate(out)
    assert answer.returncode == 1
    assert "val_loss" not in answer.stdout
    return answer.stderr


def test_training_prints_a_line_per_step_and_leaves_a_model_that_can_be_measured(sine: Desk, tmp_path: Path) -> None:
    trained = sine.train(tmp_path, steps=10)
    measured = sine.evaluate(tmp_path)

    assert [int(step) for step, *_ in STEP_LINE.findall(trained.stdout)] == list(range(1, 11))
    assert re.fullmatch(r"val_loss: \d+\.\d{6}\n", measured.stdout)


def test_the_same_seed_gives_the_same_score_and_another_seed_another(sine: Desk, tmp_path: Path) -> None:
    scores = []
    for place, seed in enumerate((1, 1, 2)):
        out = tmp_path / str(place)
        sine.train(out, steps=5, seed=seed)
        scores.append(sine.evaluate(out).stdout)

    assert scores[0] == scores[1] != scores[2]


def test_steeper_units_score_better(sine: Desk, tmp_path: Path) -> None:
    steeper = with_line(sine, "INIT_SCALE = 1.0", "INIT_SCALE = 5.0", tmp_path / "desk")
    steeper.train(tmp_path / "out", steps=50)

    assert float(steeper.evaluate(tmp_path / "out").stdout.split()[1]) < 0.1


def test_a_training_that_breaks_says_fail_and_saves_nothing(sine: Desk, tmp_path: Path) -> None:
    wild = with_line(sine, "LR = 0.01", "LR = 9.0", tmp_path / "desk")
    trained = wild.train(tmp_path / "out", steps=20)

    assert trained.returncode == 1
    assert trained.stdout.splitlines()[-1].startswith("FAIL: the loss is")
    assert not list((tmp_path / "out").iterdir())


def test_a_missing_model_is_refused(sine: Desk, tmp_path: Path) -> None:
    answer = sine.evaluate(tmp_path)

    assert answer.returncode == 1
    assert "there is no model.json" in answer.stderr


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("import os", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "activation"),
        ({"activation": "exec", "layers": [GOOD_LAYER]}, "activation"),
        ({"activation": ["tanh"], "layers": [GOOD_LAYER]}, "activation"),
        ({"activation": "tanh"}, "list of objects"),
        ({"activation": "tanh", "layers": []}, "1 output"),
        ({"activation": "tanh", "layers": 7}, "list of objects"),
        ({"activation": "tanh", "layers": [7]}, "list of objects"),
        ({"activation": "tanh", "layers": [{"weights": [[float("nan")]], "biases": [0]}]}, "finite"),
        ({"activation": "tanh", "layers": [{"weights": [[True]], "biases": [0]}]}, "finite"),
        ({"activation": "tanh", "layers": [{"weights": [[10**400]], "biases": [0]}]}, "finite"),
        ({"activation": "tanh", "layers": [{"weights": [[1, 2]], "biases": [0]}]}, "a list of 1"),
        ({"activation": "tanh", "layers": [{"weights": [[1], [2]], "biases": [0, 0]}]}, "1 output"),
        ({"activation": "relu", "layers": [{"weights": [[1e6]], "biases": [1e6]}] * 60}, "finite"),
        ("9" * 1_000_001, "at most"),
    ],
)
def test_a_model_that_is_no_network_of_numbers_is_refused(
    sine: Desk, tmp_path: Path, model: object, reason: str
) -> None:
    text = model if isinstance(model, str) else json.dumps(model)

    said = refusal(sine, tmp_path, text)

    assert said.startswith("evaluate.py: refused: ")
    assert reason in said


def test_no_held_out_answer_is_among_what_training_may_read_or_in_the_evaluator(sine: Desk) -> None:
    held_out = {repr(y) for _, y in json.loads((sine.root / "hidden" / "val.json").read_text()) if y}
    public = "".join(file.read_text() for file in (sine.root / "public").iterdir())

    assert len(held_out) > 100
    assert not [y for y in held_out if y in public or y in (sine.copy / "evaluate.py").read_text()]


def test_a_training_that_cannot_learn_scores_clearly_worse(sine: Desk, tmp_path: Path) -> None:
    control = with_line(sine, "LR = 0.01", "LR = 0.0", tmp_path / "desk")
    control.train(tmp_path / "out", steps=1)

    assert float(control.evaluate(tmp_path / "out").stdout.split()[1]) > 0.7
