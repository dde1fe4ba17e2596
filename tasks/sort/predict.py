"""Sort lists with the solution: a line of names in, the same names in order out, with tabs between them.

    python predict.py [FILE]

Runs in a room of its own that has the solution and no suite. The clock is not here but with the evaluator. The fence keeps honest
what is honest: the standard library, one thread, and no file or process.
"""

import _thread
import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any, NoReturn

FENCED = (
    "_thread.",
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


def no_thread(*arguments: Any) -> NoReturn:
    """A second thread could keep the machine busy while the reference is measured."""
    raise PermissionError("a thread is not for a solution")


def solution(file: Path) -> Any:
    """The module, loaded from its source behind the fence."""
    source = file.read_bytes()
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("solution", loader=None))
    sys.modules["solution"] = module
    _thread.start_new_thread = _thread.start_new = no_thread
    sys.addaudithook(fence)
    exec(compile(source, file.name, "exec"), module.__dict__)
    return module


def main() -> None:
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "solution.py")
    # What the solution prints must not be taken for an answer.
    questions, answers = (
        os.fdopen(os.dup(0), encoding="ascii", newline="\n"),
        os.fdopen(os.dup(1), "w", encoding="ascii"),
    )
    os.dup2(2, 1)
    natural_sort = solution(file).natural_sort
    for line in questions:
        answers.write("\t".join(natural_sort(line[:-1].split("\t"))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
