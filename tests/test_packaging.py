"""What is declared is what is there, what is there is in the wheel, and what is installed from it runs without the checkout.

The wheel is built once, without a network, from a copy: setuptools leaves build folders beside the sources.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("engine", "tasks", "tui")


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "copy"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    _pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(copy))
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that has the wheel, and sees the other packages of ours without our checkout."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    _pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    site = next(environment.glob("lib/python*/site-packages"))
    # Of a folder that is named in a .pth file, the .pth files are not read: the editable install stays out of sight.
    paths = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (site / "dependencies.pth").write_text("\n".join(paths) + "\n")
    return environment / "bin"


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def say(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What an installed program says in a folder that is not ours."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environment |= {"HOME": str(folder), "LOOPWATCH_HOME": str(folder / "state")}
    command = [str(installed / words[0]), *words[1:]]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_declared_packages_are_the_folders_with_code(settings: dict[str, Any]) -> None:
    there = {
        ".".join(["loopwatch", *path.parent.relative_to(ROOT).parts])
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }

    assert set(settings["tool"]["setuptools"]["packages"]) == there


def test_no_folder_of_code_lacks_its_init_file() -> None:
    with_code = {path.parent for folder in ("engine", "tui") for path in (ROOT / folder).rglob("*.py")}

    assert [str(folder) for folder in with_code if not (folder / "__init__.py").exists()] == []


def test_every_file_of_ours_is_in_the_wheel(contents: set[str]) -> None:
    ours = {
        f"loopwatch/{path.relative_to(ROOT)}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert ours - contents == set()


@pytest.mark.parametrize(
    "name",
    ["engine/py.typed", "engine/schema.sql", "engine/telemetry.sql", "tasks/sine/task.toml", "tasks/sine/program.md",
     "tasks/pretrain/train.py", "tasks/pretrain/README.md", "tui/py.typed"],
)  # fmt: skip
def test_what_is_no_code_is_in_the_wheel_too(contents: set[str], name: str) -> None:
    assert f"loopwatch/{name}" in contents


def test_the_wheel_holds_nothing_but_our_packages_and_their_description(contents: set[str]) -> None:
    roots = {"/".join(name.split("/")[:2]) for name in contents if not name.split("/")[0].endswith(".dist-info")}

    assert roots == {f"loopwatch/{folder}" for folder in FOLDERS}
    assert not [name for name in contents if name.endswith(".pyc")]


def test_an_installed_copy_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    said = say(
        installed, tmp_path, "python", "-c",
        "import loopwatch.engine, loopwatch.tui, loopwatch.tasks as t; print(loopwatch.engine.__file__, t.__file__)",
    )  # fmt: skip

    files = said.stdout.split()
    assert len(files) == 2, said.stderr
    assert all(file.startswith(str(installed.parent)) for file in files)


def test_the_command_says_its_version_in_any_folder(installed: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    for name in ("engine", "tui", "tasks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('somebody else')\n")

    by_name = say(installed, tmp_path, "loopwatch", "--version")
    by_module = say(installed, tmp_path, "python", "-m", "loopwatch.tui.cli", "--version")

    assert by_name.stdout == by_module.stdout == f"loopwatch {settings['project']['version']}\n"


def test_an_installed_copy_runs_a_whole_run_from_any_folder(installed: Path, tmp_path: Path) -> None:
    said = say(installed, tmp_path, "loopwatch", "run", "sine", "--json", "--noise-repeats", "0", "--experiments", "2")

    facts = [json.loads(line) for line in said.stdout.splitlines()]
    assert said.returncode == 0, said.stderr
    assert facts[-1]["kind"] == "stopped"
    assert facts[-1]["because"] == "experiments"
    assert [fact["experiment"] for fact in facts if fact["kind"] == "settled"] == [1, 2]


def test_an_installed_copy_runs_headless_and_tells_it_in_lines(installed: Path, tmp_path: Path) -> None:
    quick = ("--noise-repeats", "0", "--sandbox", "none")
    said = say(installed, tmp_path, "loopwatch", "run", "sine", "--headless", "--experiments", "2", *quick)

    assert said.returncode == 0, said.stderr
    assert "kept: the baseline is" in said.stdout
    assert "all 2 experiments are done" in said.stdout
