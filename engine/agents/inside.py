"""What runs an agent's source code in its box: JSON lines in both directions, and nothing of ours but this file.

    python -I -S -B inside.py FOLDER

It does what each line on stdin orders, one after the other, and answers each with one line on stdout:

    {"do": "compile", "file": F}                          → {"done": null}
    {"do": "load", "file": F}                             → {"done": null}
    {"do": "fits", "file": F, "function": G, "arguments": N}  → {"done": null}, or why it cannot be called like that
    {"do": "call", "file": F, "function": G, "with": A}   → {"done": what G(A, ask) returned}

or with {"failed": "what went wrong"}. While a call goes on, `ask` sends {"ask": {...}} and waits for {"answer": {...}} or
{"failed": "why"}. Whatever the agent's code prints goes to stderr.

It stands in the same process as the code that it runs, so nothing that it says can be trusted; the engine checks all of it.
"""

import builtins
import importlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Order = dict[str, Any]

MESSAGE = 2000
"""Characters of what went wrong."""


class AskFailed(RuntimeError):
    """Nobody could make the edit that was asked for; the message says why."""


class Line:
    """The two streams to the engine; the agent's own stdin and stdout lead elsewhere."""

    def __init__(self) -> None:
        self._input = os.fdopen(os.dup(0), "r", encoding="utf-8")
        self._output = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        sys.stdout = sys.stderr

    def orders(self) -> Iterator[Order]:
        """What the engine wants, until it wants no more."""
        while line := self._input.readline():
            yield json.loads(line)

    def say(self, message: Order) -> None:
        """Tell the engine; ValueError or TypeError for what is no JSON."""
        self._output.write(json.dumps(message, allow_nan=False) + "\n")
        self._output.flush()

    def ask(self, instructions: str, files: dict[str, str] | None = None, hints: Order | None = None) -> Order:
        """Have files edited (the task's own when absent): {"hypothesis", "mechanism", "expected", "files"}; AskFailed says why not."""
        self.say({"ask": {"instructions": instructions, "files": files, "hints": hints or {}}})
        answer = json.loads(self._input.readline() or '{"failed": "nobody is there any more"}')
        if "failed" in answer:
            raise AskFailed(answer["failed"])
        given: Order = answer["answer"]
        return given


class Agent:
    """The files in a folder."""

    def __init__(self, folder: str, line: Line) -> None:
        self._folder, self._line = folder, line

    def compile(self, order: Order) -> None:
        """Whether a file is Python."""
        path = Path(self._folder, order["file"])
        compile(path.read_bytes(), order["file"], "exec", dont_inherit=True)

    def load(self, order: Order) -> None:
        """Import a file."""
        importlib.import_module(order["file"].removesuffix(".py"))

    def fits(self, order: Order) -> None:
        """Whether a function is there, and takes so many arguments."""
        arguments, function = [None] * order["arguments"], self._function(order)
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError as error:
            raise TypeError(
                f"{order['function']}() cannot be called with {len(arguments)} arguments: {error}"
            ) from None

    def call(self, order: Order) -> Any:
        """What a function returns."""
        return self._function(order)(order["with"], self._line.ask)

    def _function(self, order: Order) -> Any:
        module = importlib.import_module(order["file"].removesuffix(".py"))
        found = getattr(module, order["function"], None)
        if not callable(found):
            raise TypeError(f"there is no function {order['function']}() in {order['file']}")
        return found


def what_went_wrong(error: BaseException, folder: str) -> str:
    """In one line, with the place in the agent's own code."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{Path(error.filename).name}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(folder + os.sep)
    ]
    where = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}: " if frames else ""
    return f"{where}{type(error).__name__}: {error}"


def main() -> None:
    """Do what is ordered."""
    folder = sys.argv[1]
    sys.path.insert(0, folder)
    builtins.AskFailed = AskFailed  # type: ignore[attr-defined]
    line = Line()
    agent = Agent(folder, line)
    for order in line.orders():
        try:
            done = {"done": getattr(agent, order["do"])(order)}
            json.dumps(done, allow_nan=False)
        except BaseException as error:  # also of what wants to exit: the engine says when it ends
            traceback.print_exc()
            done = {"failed": what_went_wrong(error, folder)[:MESSAGE]}
        line.say(done)


if __name__ == "__main__":
    main()
