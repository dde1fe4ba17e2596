"""Ask the support desk every question of the suite, and score its answers by the rubric: 0 to 100.

The answers come through a pipe from a process that knows no rubric; each is a text or a reason to refuse. No code that an agent
wrote runs here. What was asked, answered and found is left in LOOPWATCH_RECORD, for people and for a judge model.
"""

import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import rubric
from knowledge import fingerprint, knowledge

START_SECONDS = 20.0
"""For the first answer: whoever answers may read the whole knowledge base before."""
ANSWER_SECONDS = 5.0
LONGEST_REPLY = 200_000
"""Bytes of one line."""


def refuse(reason: str) -> NoReturn:
    """Whoever proposes reads the reason, so it holds nothing of what was asked or answered."""
    sys.exit(f"evaluate.py: refused: {reason}")


class Desk:
    """The other end of the two pipes."""

    def __init__(self) -> None:
        # Whoever opens a pipe waits for the other end, so the order is agreed upon.
        self._ask = os.open(os.environ["LOOPWATCH_ASK"], os.O_WRONLY)
        self._answers = os.open(os.environ["LOOPWATCH_ANSWERS"], os.O_RDONLY)
        self._seconds = START_SECONDS

    def answer(self, question: str) -> str:
        """As much of the answer to a question as is read."""
        try:
            os.write(self._ask, f"{json.dumps({'question': question})}\n".encode())
        except BrokenPipeError:
            refuse("solution.py ended before it was asked everything; its log says why")
        line, self._seconds = self._line(), ANSWER_SECONDS
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            refuse("an answer is no line of JSON")
        given = reply.get("answer") if isinstance(reply, dict) else None
        if not isinstance(given, str):
            refuse("what answer() returned is no text")
        return rubric.read(given)

    def _line(self) -> bytes:
        until, line = time.monotonic() + self._seconds, b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._answers], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                refuse(f"no answer within {self._seconds:g} s")
            piece = os.read(self._answers, 65536)
            if not piece:
                refuse("solution.py failed at a question; its log says why")
            line += piece
            if len(line) > LONGEST_REPLY:
                refuse("an answer does not end")
        return line


def judged(test: dict[str, Any], answer: str) -> dict[str, Any]:
    """What is recorded of one answer."""
    facts = [
        {"fact": fact["fact"], "weight": fact["weight"], "holds": rubric.holds(fact, answer)}
        for fact in test["expected"]
    ]
    return {
        "question": test["input"],
        "answer": answer,
        "facts": facts,
        "score": rubric.score(test["expected"], answer),
    }


def main() -> None:
    suite = json.loads(Path(os.environ.get("LOOPWATCH_SUITE", "cases.json")).read_text(encoding="utf-8"))
    desk = Desk()
    record = [judged(test, desk.answer(test["input"])) for test in suite]
    scores = [round(found["score"], 6) for found in record]

    base = {name: rubric.plain(text) for name, text in knowledge().items()}
    facts = [fact for test in suite for fact in test["expected"]]
    lost = sum(not rubric.holds(fact, base.get(fact["topic"], "")) for fact in facts)
    print(f"knowledge: {fingerprint()}")
    if lost:
        print(f"{lost} of {len(facts)} facts do not stand in the knowledge base of this Python")
    print(f"scores: {json.dumps(scores)}")
    print(f"score: {100 * sum(scores) / len(scores):.4f}")
    if file := os.environ.get("LOOPWATCH_RECORD"):
        told = {"kind": "rubric", "scale": 100, "knowledge": fingerprint(), "answers": record}
        Path(file).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()
