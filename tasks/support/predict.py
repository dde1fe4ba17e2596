"""Let solution.py answer, one question per line of JSON: it runs in a box that holds no rubric and no other question.

{"question": "…"} comes in, {"answer": "…"} goes out. What solution.py prints by itself goes to the log.
"""

import json
import os
import sys

LONGEST = 10_000
"""Characters of an answer that are sent; fewer are read."""


def main() -> None:
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from knowledge import knowledge
    from solution import answer

    base = knowledge()
    for line in sys.stdin:
        given = answer(json.loads(line)["question"], base)
        print(json.dumps({"answer": given[:LONGEST] if isinstance(given, str) else None}), file=replies, flush=True)


if __name__ == "__main__":
    main()
