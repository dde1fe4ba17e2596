"""Answer questions with the solution: a line with an address in, a line with true or false out, all of it JSON.

Runs in a room of its own that has the solution and no labels. Nothing that the evaluator believes is decided here; the
fence keeps honest what is honest: the standard library, and no file or process beside it.
"""

import importlib.util
import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

FENCED = (
    "ctypes.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.startfile",
    "os.system",
    "pty.",
    "socket.",
    "subprocess.",
)
WAYS_OUT = ("_interpreters", "_posixsubprocess", "_testcapi", "_testinternalcapi", "_xxsubinterpreters")
"""Modules that start a process, or an interpreter without a fence, and tell nobody."""
READABLE = tuple(str(Path(sysconfig.get_path(name)).resolve()) + os.sep for name in ("stdlib", "platstdlib"))
FOREIGN = ("site-packages", "dist-packages")


def fence(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a process, a socket, and any file but the standard library's; cannot be taken back."""
    if event.startswith(FENCED) or (event == "import" and arguments[0] in WAYS_OUT):
        raise PermissionError(f"{event} is not for a solution")
    if event == "open" and not isinstance(arguments[0], int):
        file = str(Path(os.fsdecode(arguments[0])).resolve())
        if not file.startswith(READABLE) or any(name in file for name in FOREIGN):
            raise PermissionError(f"{Path(file).name} is not the standard library's")


def solution(file: Path) -> Any:
    """The module, loaded from its source behind the fence."""
    source = file.read_bytes()
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("solution", loader=None))
    sys.modules["solution"] = module
    sys.addaudithook(fence)
    exec(compile(source, file.name, "exec"), module.__dict__)
    return module


def answer(is_valid: Any, address: str) -> bool | None:
    """What the solution says; None when it says nothing that could be counted."""
    try:
        said = is_valid(address)
    except Exception as error:
        print(f"{type(error).__name__} for an address of {len(address)} characters", file=sys.stderr)
        return None
    return said if isinstance(said, bool) else None


def main() -> None:
    # What the solution prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    is_valid = solution(Path("solution.py")).is_valid
    for line in sys.stdin:
        answers.write(json.dumps(answer(is_valid, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
