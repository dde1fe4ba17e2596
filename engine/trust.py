"""How far a task's number can be trusted, from what its evaluator does. Reads the task's files; runs nothing.

independent    the engine takes the artefacts that the task names, or starts a predictor for it in a room of its own, and a frozen
               evaluator scores the copies or the answers in a process that runs no line which an agent may edit
locked         a frozen evaluator, but the agent's code runs in its process, or it opens by itself what the experiment left
self-reported  the number is what editable code says of itself

Covered: imports of editable modules, also through other frozen ones, and the usual ways to run what was loaded. Not covered: an
evaluator that hides what it does; a task's author is trusted.
"""

import ast
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from .editing.edits import permits

Trust = Literal["independent", "locked", "self-reported"]
LEVELS: tuple[Trust, ...] = ("self-reported", "locked", "independent")
"""Worst first."""

_RUNS_WHAT_IT_LOADS = frozenset(
    {"__import__", "cloudpickle", "dill", "eval", "exec", "importlib", "joblib", "marshal", "pickle", "runpy", "shelve"}
)


def trust(
    folder: Path,
    command: Sequence[str],
    *,
    editable: Sequence[str],
    frozen: Sequence[str],
    artefacts: Sequence[str],
    predictor: bool = False,
) -> tuple[Trust, str]:
    """The best level that an evaluator's files support, and in a few words what keeps it from a better one."""
    scripts = [word for word in command if word.endswith(".py") and (folder / word).is_file()]
    loose = [word for word in scripts if not permits(word, frozen)]
    if loose or not scripts:
        return "self-reported", f"{loose[0] if loose else 'its command'} is not among the frozen files"
    for file, names in _used(folder, scripts, frozen):
        for name in sorted(names):
            if any(permits(path, editable) for path in _files_of(name)) and _is_there(folder, name):
                return "locked", f"{file} imports {name}, which may be edited"
            if name in _RUNS_WHAT_IT_LOADS:
                return "locked", f"{file} uses {name}, which may run what an experiment left"
    if not artefacts and not predictor:
        return "locked", "it names no artefacts that the engine could open for it"
    return "independent", ""


def _used(folder: Path, scripts: Sequence[str], frozen: Sequence[str]) -> Iterator[tuple[str, set[str]]]:
    """Each frozen file that runs in the evaluator's process, with the modules and dangerous names in it."""
    waiting, seen = list(scripts), set(scripts)
    while waiting:
        file = waiting.pop()
        names = _names(folder / file)
        yield file, names
        for path in (path for name in names for path in _files_of(name)):
            if path not in seen and permits(path, frozen) and (folder / path).is_file():
                seen.add(path)
                waiting.append(path)


def _names(file: Path) -> set[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in the task's file is not ours to report
            tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return {"exec"}  # what cannot be read may do anything
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names.update(alias.name for alias in aliases)
            case ast.ImportFrom(module=module, names=aliases):
                start = [module] if module else []
                names.update([*start, *(".".join([*start, alias.name]) for alias in aliases)])
            case ast.Call(func=ast.Name(id=name)) if name in _RUNS_WHAT_IT_LOADS:
                names.add(name)
            case _:
                pass
    return names | {name.partition(".")[0] for name in names}


def _files_of(name: str) -> tuple[str, str]:
    path = name.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"


def _is_there(folder: Path, name: str) -> bool:
    return any((folder / path).is_file() for path in _files_of(name))
