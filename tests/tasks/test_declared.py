"""What each shipped task.toml says is true of the files beside it."""

import math
from itertools import product
from pathlib import Path

import pytest

from loopwatch.engine.editing.constants import constant
from loopwatch.engine.task import Hyperparameter, load

TASKS = ("email_validation", "pretrain", "sine", "snake", "sort", "support")
DECLARED = [
    pytest.param(load(name).folder, parameter, id=f"{name}-{parameter.name}")
    for name in TASKS
    for parameter in load(name).hyperparameter
]


@pytest.mark.parametrize(("folder", "parameter"), DECLARED)
def test_a_declared_hyperparameter_is_a_line_with_a_value_in_its_range(folder: Path, parameter: Hyperparameter) -> None:
    value = constant((folder / parameter.file).read_text(encoding="utf-8"), parameter.name)

    assert isinstance(value, int if parameter.type == "int" else int | float | str)
    if isinstance(value, str) or parameter.choices:
        assert value in parameter.choices
    else:
        assert (parameter.low or 0) <= value <= (parameter.high or 0)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_its_programme_and_its_readme(name: str) -> None:
    folder = load(name).folder

    assert "**Goal.**" in (folder / "program.md").read_text(encoding="utf-8")
    assert "What a good score is" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TASKS)
def test_every_file_of_a_task_has_an_owner(name: str) -> None:
    task = load(name)
    files = {*task.folder.glob("*.py"), *task.folder.glob("*.json")}

    assert {file.name for file in files} == {name for name in (*task.editable, *task.frozen) if not name.endswith("/")}


@pytest.mark.parametrize("name", TASKS)
def test_the_noise_of_a_task_was_measured(name: str) -> None:
    noise = load(name).metric.noise

    assert noise is not None
    assert math.isfinite(noise)
    # Answers to the same questions are the same answers.
    assert noise > 0 or load(name).evaluate.predictor


def test_any_width_of_pretrain_can_be_divided_by_any_number_of_heads() -> None:
    choices = {parameter.name: parameter.choices for parameter in load("pretrain").hyperparameter}

    pairs = list(product(choices["DIM"], choices["HEADS"]))
    assert pairs
    assert all(int(dim) % int(heads) == 0 for dim, heads in pairs)
