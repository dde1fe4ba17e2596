"""Who imports whom, and what is loaded when: promises that a stray import would break.

The layers inside the engine are contracts of import-linter's, in pyproject.toml; the first test here holds them to be complete.
"""

import ast
import functools
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from loopwatch.engine.registry import PROPOSERS

ROOT = Path(__file__).resolve().parent.parent
DOOR = {
    "agent_events",
    "client",
    "commands",
    "config",
    "errors",
    "events",
    "lineage",
    "money",
    "policy",
    "state",
    "task",
    "trials",
}
"""What of the engine a viewer may import."""
PURE = (
    "agent_events",
    "commands",
    "config",
    "confirm",
    "errors",
    "events",
    "forecast",
    "judging.judge",
    "lineage",
    "noise",
    "policy",
    "state",
    "stopping",
)
HEAVY = {"anthropic", "git", "numpy", "plotext", "pygit2", "torch"}


def modules(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts)


@functools.cache
def imported(file: Path) -> frozenset[str]:
    """The absolute names of all modules that a file of ours imports anywhere, `from X import y` as X and X.y."""
    package = ["loopwatch", *file.relative_to(ROOT).parts[:-1]]
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=aliases):
                names.update(alias.name for alias in aliases)
            case ast.ImportFrom(module=module, names=aliases, level=level):
                base = package[: len(package) - level + 1] if level else []
                origin = ".".join([*base, *([module] if module else [])])
                names.add(origin)
                names.update(f"{origin}.{alias.name}" for alias in aliases)
    return frozenset(names)


def top(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def loaded_by(statement: str) -> set[str]:
    """The modules in memory after a statement, in an interpreter of its own."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    command = [sys.executable, "-P", "-c", code]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout
    return set(output.split())


def contracts() -> list[dict[str, list[str]]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, list[str]]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_the_contract_for_viewers_forbids_every_module_of_the_engine_but_the_door() -> None:
    children = {path.stem for path in (ROOT / "engine").glob("*.py")} - {"__init__"}
    children |= {path.parent.name for path in (ROOT / "engine").glob("*/__init__.py")}
    forbidden = {name.removeprefix("loopwatch.engine.") for name in contracts()[0]["forbidden_modules"]}

    assert forbidden == children - DOOR


@pytest.mark.parametrize("file", modules("tui"), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_viewer_comes_in_by_the_door(file: Path) -> None:
    rooms = {name.split(".")[2] for name in imported(file) if name.startswith("loopwatch.engine.")}

    assert rooms <= DOOR


@pytest.mark.parametrize("file", modules("engine"), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_engine_imports_nothing_that_draws(file: Path) -> None:
    names = imported(file)

    assert not top(names) & {"textual", "rich", "plotext"}
    assert not {name for name in names if name.startswith("loopwatch.tui")}


@pytest.mark.parametrize("file", modules("tasks"), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_task_imports_nothing_of_ours(file: Path) -> None:
    assert "loopwatch" not in top(imported(file))


@pytest.mark.parametrize(
    ("library", "files"),
    [
        ("sqlite3", {"foreign.py", "ledger.py", "telemetry.py"}),
        ("pygit2", {"checkout.py", "store.py", "origin.py", "workspace.py"}),
        ("git", {"publish.py"}),
        ("platformdirs", {"home.py", "cli.py"}),
        ("watchfiles", {"program.py"}),
        ("torch", set()),
        ("anthropic", {"anthropic.py", "anthropic_message.py", "anthropic_trouble.py"}),
    ],
)
def test_a_library_is_spoken_only_where_it_belongs(library: str, files: set[str]) -> None:
    speakers = {file.name for file in [*modules("engine"), *modules("tui")] if library in top(imported(file))}

    assert speakers <= files


def test_the_command_line_loads_next_to_nothing() -> None:
    loaded = loaded_by("import loopwatch.tui.cli")

    assert not loaded & (HEAVY | {"textual", "rich", "pydantic", "sqlite3"})


@pytest.mark.parametrize(
    "module", ["headless", "starting", "ask", "report", "show", "export", "scaffold", "lab", "cost"]
)
def test_a_command_without_a_screen_loads_none(module: str) -> None:
    loaded = loaded_by(f"import loopwatch.tui.{module}")

    assert not loaded & (HEAVY | {"textual"})


def test_asking_for_help_loads_next_to_nothing() -> None:
    loaded = loaded_by("from loopwatch.tui.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass")

    assert not loaded & (HEAVY | {"textual", "rich", "pydantic", "sqlite3", "asyncio"})


def test_the_screen_loads_nothing_slow() -> None:
    loaded = loaded_by("import loopwatch.tui.app")

    assert "textual" in loaded
    assert not loaded & HEAVY


def test_the_door_loads_nothing_slow_and_nothing_that_draws() -> None:
    loaded = loaded_by("import loopwatch.engine.client")

    assert "pydantic" in loaded
    assert not loaded & (HEAVY | {"textual", "rich", "watchfiles"})


def test_an_engine_loads_nothing_that_draws_and_nothing_that_learns() -> None:
    loaded = loaded_by("import loopwatch.engine.supervisor, loopwatch.engine.__main__")

    assert "loopwatch.engine.keeper.output" in loaded
    assert not loaded & {"anthropic", "git", "numpy", "plotext", "rich", "textual", "torch"}
    assert not {name for name in loaded if name.startswith("loopwatch.tui")}


@pytest.mark.parametrize("name", sorted(PROPOSERS))
def test_a_proposer_loads_its_library_when_it_is_asked(name: str) -> None:
    loaded = loaded_by(f"import {PROPOSERS[name].partition(':')[0]}")

    assert not loaded & {"acp", "anthropic", "httpx2", "torch"}


@pytest.mark.parametrize("module", PURE)
def test_what_is_pure_loads_none_of_our_modules_that_do_anything(module: str) -> None:
    ours = {name for name in loaded_by(f"import loopwatch.engine.{module}") if name.startswith("loopwatch.")}
    editing = ("editing", "editing.changes", "editing.constants", "editing.diff", "editing.edits")
    harmless = {*PURE, *editing, "borrowed", "fact", "money", "registry", "task", "trust"}

    assert ours <= {"loopwatch.engine", "loopwatch.engine.judging", *(f"loopwatch.engine.{name}" for name in harmless)}


@pytest.mark.parametrize("module", PURE)
def test_what_is_pure_reads_no_clock_no_chance_and_no_file(module: str) -> None:
    file = ROOT.joinpath("engine", *module.split(".")).with_suffix(".py")
    names = top(imported(file if file.exists() else ROOT / "engine" / module / "__init__.py"))

    assert not names & {"asyncio", "io", "os", "random", "secrets", "shutil", "socket", "sqlite3", "subprocess", "time"}
