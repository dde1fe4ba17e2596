"""Try `solution.py` on a few public questions: a desk that cannot answer at all need not be measured.

Prints a step line for each question. What is written here counts for nothing; the questions that count are not in this folder.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import rubric
from knowledge import fingerprint, knowledge


def main() -> None:
    examples = json.loads(Path("examples.json").read_text(encoding="utf-8"))
    count = min(len(examples), max(1, int(float(os.environ.get("LOOPWATCH_BUDGET", len(examples))))))
    print(f"knowledge: {fingerprint()}")
    base, total = knowledge(), 0.0
    for step, test in enumerate(examples[:count], 1):
        try:
            from solution import answer

            given = answer(test["input"], base)
        except Exception:
            traceback.print_exc()
            sys.exit("FAIL: solution.py does not answer")
        if not isinstance(given, str):
            sys.exit("FAIL: what answer() returns is no text")
        total += 100 * rubric.score(test["expected"], rubric.read(given))
        print(f"step {step:05d} ({100 * step / count:.1f}%) | score: {total / step:.2f} | {test['input']}", flush=True)


if __name__ == "__main__":
    main()
