"""Reading a task folder: every mistake names the file, the field and the fix."""

from pathlib import Path

import pytest

from loopwatch.engine.errors import TaskError
from loopwatch.engine.task import load, locate, shipped

GOOD = """\
name = "mine"
editable = ["train.py"]
frozen = ["evaluate.py"]
[metric]
name = "val_bpb"
direction = "down"
low = 0.3
high = 8.5
[budget]
kind = "cpu_seconds"
amount = 20
wall_seconds = 120
[run]
command = ["{python}", "train.py"]
[evaluate]
command = "{python} 'evaluate.py'"
[[hyperparameter]]
name = "LR"
file = "train.py"
low = 1e-4
high = 1e-2
scale = "log"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("train.py", "evaluate.py"):
        (tmp_path / name).write_text("LR = 1e-3\n")
    (tmp_path / "task.toml").write_text(GOOD)
    return tmp_path


def mistake(folder: Path, before: str, after: str) -> str:
    """What is said about the good file with one thing changed."""
    assert GOOD.count(before) == 1
    (folder / "task.toml").write_text(GOOD.replace(before, after))
    with pytest.raises(TaskError) as error:
        load(str(folder))
    return str(error.value).replace(str(folder / "task.toml"), "task.toml")


def test_a_good_task_is_read(folder: Path) -> None:
    task = load(str(folder))

    assert (task.name, task.folder, task.program) == ("mine", folder, folder / "program.md")
    assert task.run.command == ("{python}", "train.py")
    assert task.evaluate.command == ("{python}", "evaluate.py")
    assert task.metric.noise is None


def test_shipped_tasks_are_found_by_name() -> None:
    assert {"pretrain", "sine", "snake", "support"} <= set(shipped())
    assert [load(name).name for name in shipped()] == shipped()


def test_a_folder_wins_over_a_shipped_name_only_when_it_is_a_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sine").mkdir()

    assert locate("sine") != tmp_path / "sine"


def test_a_name_that_is_nothing_is_answered_with_what_there_is() -> None:
    with pytest.raises(TaskError) as error:
        load("sein")

    assert str(error.value) == (
        f"no task 'sein': neither a shipped one ({', '.join(shipped())}) nor a folder; make one with: loopwatch new sein"
    )


def test_a_folder_without_a_task_is_answered_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as error:
        load(str(tmp_path))

    assert (
        str(error.value)
        == f"{tmp_path} has no task.toml (nor config.py, initial_solution.py, benchmark.py); write one with: loopwatch new {tmp_path}"
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "mine"', "name = mine", "task.toml: not valid TOML: Invalid value (at line 1, column 8)"),
        ('name = "mine"', "", "task.toml: name is missing; add name"),
        ('editable = ["train.py"]', "", 'task.toml: editable is missing; add editable = ["train.py"]: the files'),
        ('editable = ["train.py"]', "editable = []", 'task.toml: editable: Tuple should have at least 1 item'),
        ('direction = "down"', "", 'task.toml: metric.direction is missing; add direction = "up" or direction = "down"'),
        ('direction = "down"', 'direction = "left"', "metric.direction: Input should be 'up' or 'down'; add direction ="),
        ('name = "val_bpb"', 'name = "two words"', "task.toml: metric.name: String should match pattern"),
        ("low = 0.3", "low = 9", "task.toml: metric: low (9.0) must be below high (8.5)"),
        ("low = 0.3", "low = nan", "task.toml: metric.low: Input should be a finite number"),
        ("high = 8.5", "high = inf", "task.toml: metric.high: Input should be a finite number"),
        ("high = 8.5", "high = 8.5\nnoise = -1", "metric.noise: Input should be greater than or equal to 0"),
        ("high = 8.5", "high = 8.5\nnoise = inf", "task.toml: metric.noise: Input should be a finite number"),
        ("high = 8.5", "hihg = 8.5", "task.toml: metric.hihg is not known; remove it or correct its spelling"),
        ('kind = "cpu_seconds"', 'kind = "days"', 'budget.kind: Input should be \'cpu_seconds\', \'wall_seconds\' or \'steps\'; use kind'),
        ("amount = 20", "amount = 0", "task.toml: budget.amount: Input should be greater than 0"),
        ("amount = 20", "amount = inf", "task.toml: budget.amount: Input should be a finite number"),
        ("amount = 20", 'amount = "many"', "task.toml: budget.amount: Input should be a valid number"),
        ("wall_seconds = 120", "", "task.toml: budget.wall_seconds is missing; add wall_seconds"),
        ('[run]\ncommand = ["{python}", "train.py"]', "", "task.toml: run is missing; add a [run] section with command"),
        ('command = ["{python}", "train.py"]', "command = []", "task.toml: run.command: Value should have at least 1 item"),
        ("\"{python} 'evaluate.py'\"", "\"{python} 'evaluate.py\"", "task.toml: evaluate.command: No closing quotation"),
        ("[[hyperparameter]]", "[[hyperparameters]]", "task.toml: hyperparameters is not known; remove it"),
        ("low = 1e-4", "low = 0", 'hyperparameter.0: scale = "log" needs low > 0, not 0.0'),
        ("low = 1e-4", "low = 1", "hyperparameter.0: low (1.0) must be below high (0.01)"),
        ("low = 1e-4\n", "", "hyperparameter.0: needs low and high, or choices"),
        ('scale = "log"', 'type = "int"', 'hyperparameter.0: type = "int" needs two whole numbers from low (0.0001) to high'),
        ('editable = ["train.py"]', 'editable = ["gone.py"]', "task.toml: editable: gone.py is not there; create it or"),
        ('frozen = ["evaluate.py"]', 'frozen = ["gone.py"]', "task.toml: frozen: gone.py is not there; create it or"),
        ('frozen = ["evaluate.py"]', 'frozen = ["../x.py"]', "task.toml: frozen: '../x.py' leaves the task folder; name"),
        ('frozen = ["evaluate.py"]', 'frozen = ["/etc/hosts"]', "task.toml: frozen: '/etc/hosts' leaves the task folder"),
        ('frozen = ["evaluate.py"]', 'frozen = ["train.py"]', "task.toml: train.py is both editable and frozen; leave it in"),
        ('file = "train.py"', 'file = "model.py"', "task.toml: hyperparameter LR: model.py is not editable; add it to"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_its_fix(folder: Path, before: str, after: str, said: str) -> None:
    assert said in mistake(folder, before, after)


def test_all_mistakes_are_named_at_once(folder: Path) -> None:
    (folder / "task.toml").write_text('name = "mine"\n')

    with pytest.raises(TaskError) as error:
        load(str(folder))

    fields = [line.removeprefix(f"{folder}/task.toml: ").split()[0] for line in str(error.value).splitlines()]
    assert fields == ["editable", "metric", "budget", "run", "evaluate"]


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "task.toml").write_bytes(b'name = "\xff"\n')

    with pytest.raises(TaskError, match=r"task.toml: cannot be read: .*invalid start byte"):
        load(str(folder))


def test_a_hyperparameter_may_lie_in_an_editable_folder(folder: Path) -> None:
    (folder / "model").mkdir()
    text = GOOD.replace('editable = ["train.py"]', 'editable = ["train.py", "model/"]')
    (folder / "task.toml").write_text(text.replace('file = "train.py"', 'file = "model/net.py"'))

    assert load(str(folder)).hyperparameter[0].file == "model/net.py"
