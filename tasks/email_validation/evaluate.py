"""Measure how many labelled addresses the solution judges right.

No line that an agent wrote runs here, and no label leaves: the solution answers in a process of its own (`predict.py`)
that gets one address at a time and says true or false. Silence, slowness and any other word are distrusted. Not
covered: a solution that was made for the very addresses of the suite; the hidden ones are there for that.
"""

import json
import os
import select
import sys
import time
from pathlib import Path
from typing import NoReturn

LONGEST_ANSWER = 16
SECONDS_PER_ANSWER = 5.0
START_SECONDS = 20.0
ANSWERS = {b"true": True, b"false": False, b"null": None}


def refuse(reason: str) -> NoReturn:
    """Whoever proposes reads the reason, so it holds nothing of what was asked or answered."""
    sys.exit(f"evaluate.py: refused: {reason}")


class Predictor:
    """The solution in a process of its own: it is asked, and not believed."""

    def __init__(self) -> None:
        # In this order on both sides, since each end of a pipe waits for the other.
        self.questions = os.open(os.environ["LOOPWATCH_ASK"], os.O_WRONLY)
        self.answers = os.open(os.environ["LOOPWATCH_ANSWERS"], os.O_RDONLY)
        self.patience = START_SECONDS

    def judges(self, address: str) -> bool | None:
        """What it says of an address; None when the solution raised an exception or gave no truth value."""
        try:
            os.write(self.questions, json.dumps(address).encode() + b"\n")
        except BrokenPipeError:
            refuse("the solution has ended without an answer; is there a function is_valid in solution.py?")
        said = self._line()
        if said not in ANSWERS:
            refuse("an answer is neither true nor false")
        self.patience = SECONDS_PER_ANSWER
        return ANSWERS[said]

    def _line(self) -> bytes:
        heard, deadline = b"", time.monotonic() + self.patience
        while not heard.endswith(b"\n"):
            ready, _, _ = select.select([self.answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                refuse(f"the solution took more than {self.patience:.0f} s for an answer")
            piece = os.read(self.answers, LONGEST_ANSWER)
            if not piece:
                refuse("the solution has ended without an answer; is there a function is_valid in solution.py?")
            heard += piece
            if len(heard) > LONGEST_ANSWER or b"\n" in heard[:-1]:
                refuse("the solution said more than it was asked")
        return heard[:-1]


def main() -> None:
    suite = json.loads(Path(os.environ.get("LOOPWATCH_SUITE", "cases.json")).read_text(encoding="utf-8"))
    predictor = Predictor()
    scores = [float(predictor.judges(test["input"]) is test["expected"]) for test in suite]
    print(f"scores: {json.dumps(scores)}")
    print(f"accuracy: {sum(scores) / len(scores):.6f}")


if __name__ == "__main__":
    main()
