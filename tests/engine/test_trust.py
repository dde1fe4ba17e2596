"""How far a number can be trusted, told from the files that make it."""

from pathlib import Path

import pytest

from loopwatch.engine import task
from loopwatch.engine.errors import TaskError
from loopwatch.engine.trust import trust

FILES = {
    "evaluate.py": "import json\nprint(json.loads('1'))\n",
    "imports.py": "import train\n",
    "indirect.py": "import helper\n",
    "helper.py": "from lib.model import Net\n",
    "inner.py": "from lib import model\n",
    "executes.py": "exec(open('left').read())\n",
    "unpickles.py": "import pickle\n",
    "broken.py": "def\n",
    "evaluation.py": "retrieval = {}\nretrieval.eval = 1\n",
    "train.py": "LR = 1.0\n",
    "lib/model.py": "",
    "lib/__init__.py": "",
}
FROZEN = [name for name in FILES if name not in ("train.py", "lib/model.py", "lib/__init__.py")]
SEES = "it names no artefacts that the engine could open for it"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("script", "artefacts", "level", "why"),
    [
        ("evaluate.py", ["model"], "independent", ""),
        ("evaluation.py", ["model"], "independent", ""),
        ("evaluate.py", [], "locked", SEES),
        ("imports.py", ["model"], "locked", "imports.py imports train, which may be edited"),
        ("indirect.py", ["model"], "locked", "helper.py imports lib, which may be edited"),
        ("inner.py", ["model"], "locked", "inner.py imports lib, which may be edited"),
        ("executes.py", ["model"], "locked", "executes.py uses exec, which may run what an experiment left"),
        ("unpickles.py", ["model"], "locked", "unpickles.py uses pickle, which may run what an experiment left"),
        ("broken.py", ["model"], "locked", "broken.py uses exec, which may run what an experiment left"),
        ("train.py", ["model"], "self-reported", "train.py is not among the frozen files"),
        ("nowhere.py", ["model"], "self-reported", "its command is not among the frozen files"),
    ],
)
def test_the_level_is_what_the_files_support(
    folder: Path, script: str, artefacts: list[str], level: str, why: str
) -> None:
    command = ["{python}", "-I", script]

    found = trust(folder, command, editable=["train.py", "lib/"], frozen=FROZEN, artefacts=artefacts)

    assert found == (level, why)


def _declared(folder: Path, evaluate: str) -> task.Task:
    (folder / "task.toml").write_text(
        'name = "t"\neditable = ["train.py"]\nfrozen = ["evaluate.py"]\n[metric]\nname = "m"\ndirection = "up"\n'
        '[budget]\nkind = "steps"\namount = 1\nwall_seconds = 1\n[run]\ncommand = "{python} train.py"\n'
        f"[evaluate]\n{evaluate}\n"
    )
    return task.load(str(folder))


def test_a_task_may_claim_less_than_its_files_support_but_not_more(folder: Path) -> None:
    modest = _declared(folder, 'command = "{python} evaluate.py"\nartefacts = ["model"]\ntrust = "self-reported"')

    assert modest.trust == "self-reported"
    with pytest.raises(TaskError, match=f"evaluate.trust: not independent, but locked: {SEES}"):
        _declared(folder, 'command = "{python} evaluate.py"\ntrust = "independent"')


@pytest.mark.parametrize("name", ["../model", "/model", "", "deep//model", "."])
def test_an_artefact_lies_in_the_folder_for_what_is_saved(folder: Path, name: str) -> None:
    with pytest.raises(TaskError, match="is no path inside LOOPWATCH_OUT"):
        _declared(folder, f'command = "{{python}} evaluate.py"\nartefacts = ["{name}"]')


def test_a_control_sets_constants_of_editable_files(folder: Path) -> None:
    control = '\n[control]\nset = { "evaluate.py" = { LR = 0.0 } }'

    with pytest.raises(TaskError, match=r"control: evaluate\.py is not editable; set constants in train\.py"):
        _declared(folder, f'command = "{{python}} evaluate.py"{control}')


def test_a_control_sets_constants_that_are_there(folder: Path) -> None:
    control = '\n[control]\nset = { "train.py" = { RATE = 0.0 } }'

    with pytest.raises(
        TaskError, match=r"control: train\.py: RATE needs exactly one line RATE = VALUE at the top level"
    ):
        _declared(folder, f'command = "{{python}} evaluate.py"{control}')


@pytest.mark.parametrize("name", ["pretrain", "sine"])
def test_the_shipped_tasks_are_measured_independently(name: str) -> None:
    assert task.load(name).trust == "independent"
