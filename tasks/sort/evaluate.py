"""Measure how fast the solution sorts, against a reference that is measured beside it.

No line that an agent wrote runs here. The solution sorts in a process of its own (`predict.py`), the reference in another; the same
lists go to both in turns, and the clock is here: it runs from a question's first byte to its answer's last. A wrong order is refused
before any time counts. Of several lists the quickest answer counts, so that a busy neighbour, who only ever makes slower, hardly does.
Not covered: a solution that keeps the machine busy on purpose while it is the reference's turn.
"""

import json
import math
import os
import secrets
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from kinds import in_order, names_of

LISTS = 80
"""Of each test."""
FEWEST_LISTS = 3
SECONDS_PER_TEST = 1.0
"""After so much time a slow solution gets no more lists than the fewest."""
SECONDS_PER_ANSWER = 20.0
LONGEST_ANSWER = 1_000_000


def refuse(reason: str) -> NoReturn:
    """Whoever proposes reads the reason, so it holds nothing of what was asked or answered."""
    sys.exit(f"evaluate.py: refused: {reason}")


class Sorter:
    """A process that sorts: it is asked, timed, and not believed."""

    def __init__(self, questions: int, answers: int) -> None:
        self._questions, self._answers = questions, answers

    def timed(self, names: list[str]) -> tuple[float, list[str]]:
        """How long it took, in seconds, and what it said."""
        question = "\t".join(names).encode("ascii") + b"\n"
        pieces, size = [b""], 0
        began = time.perf_counter()
        self._ask(question)
        while not pieces[-1].endswith(b"\n"):
            ready, _, _ = select.select([self._answers], [], [], SECONDS_PER_ANSWER)
            if not ready:
                refuse(f"no answer to a list for {SECONDS_PER_ANSWER:.0f} s")
            pieces.append(os.read(self._answers, 65536))
            size += len(pieces[-1])
            if not pieces[-1] or size > LONGEST_ANSWER:
                refuse("the solution ended without an answer, or said more than it was asked")
        took = time.perf_counter() - began
        return took, b"".join(pieces)[:-1].decode("ascii", "replace").split("\t")

    def _ask(self, question: bytes) -> None:
        try:
            while question:
                question = question[os.write(self._questions, question) :]
        except BrokenPipeError:
            refuse("the solution ended without an answer; is there a function natural_sort in solution.py?")


def reference() -> tuple[Sorter, subprocess.Popen[bytes]]:
    command = [sys.executable, "-I", "-S", "-B", "predict.py", "reference.py"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    return Sorter(process.stdin.fileno(), process.stdout.fileno()), process


def doublings(test: dict[str, object], solution: Sorter, beside: Sorter) -> float:
    """How many times the reference's speed would have to be doubled to be the solution's."""
    # Whoever finds the seed by trying must not know the lists that are still to come.
    secret = secrets.token_hex(16)
    ours, theirs = [], []
    began = time.monotonic()
    for repeat in range(LISTS):
        if repeat >= FEWEST_LISTS and time.monotonic() - began > SECONDS_PER_TEST:
            break
        names = names_of(test, f"{secret}/{repeat}")
        seconds, said = solution.timed(names)
        if said != in_order(names):
            refuse("a list came back in a wrong order")
        ours.append(seconds)
        theirs.append(beside.timed(names)[0])
    return math.log2(min(theirs) / min(ours))


def main() -> None:
    suite = json.loads(Path(os.environ.get("LOOPWATCH_SUITE", "cases.json")).read_text(encoding="utf-8"))
    # In this order on both sides, since each end of a pipe waits for the other.
    questions = os.open(os.environ["LOOPWATCH_ASK"], os.O_WRONLY)
    solution = Sorter(questions, os.open(os.environ["LOOPWATCH_ANSWERS"], os.O_RDONLY))
    beside, process = reference()
    found = [doublings(test["input"], solution, beside) for test in suite]
    process.kill()
    process.wait()
    # The share of the time of both that the reference had: a half where they are equally fast.
    scores = [round(1 / (1 + 2**-value), 6) for value in found]
    print(f"scores: {json.dumps(scores)}")
    print(f"doublings: {sum(found) / len(found):.6f}")


if __name__ == "__main__":
    main()
