"""Runs another project's benchmark on a solution, and says what it printed the way this engine reads it.

The engine starts the text of this file in the evaluation's box, so it knows the standard library and nothing else. Its words:
the metric as the benchmark prints it, the metric as the engine reads it, the scale, how much of an answer is read, and the facts of a
rubric (JSON; [] for none).

Covered: a solution that the benchmark calls wrong gets no number. Not covered: the benchmark runs the solution in its own process,
so that a solution could print what it likes.
"""

import json
import os
import subprocess
import sys
from typing import Any

OUTPUT_BYTES = 8 * 2**20


def printed(benchmark: str, solution: str) -> str:
    """What the benchmark prints of a solution; the end of this process when it fails."""
    with subprocess.Popen([sys.executable, "-B", benchmark, solution], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None, "it was asked for"
        output = process.stdout.read(OUTPUT_BYTES + 1)
        if len(output) > OUTPUT_BYTES:
            process.kill()
            sys.exit(f"{benchmark} printed more than {OUTPUT_BYTES:,} bytes")
    if process.returncode < 0:
        sys.exit(f"{benchmark} was killed by signal {-process.returncode}")
    if process.returncode:
        sys.exit(process.returncode)  # the last line of its own words says why
    return output.decode("utf-8", "replace")


def values(output: str, name: str) -> list[str]:
    """What stands after `NAME:` on each line that begins so."""
    return [line.partition(":")[2].strip() for line in output.split("\n") if line.startswith(f"{name}:")]


def looked_up(rubric: list[dict[str, Any]], answers: list[Any], characters: int) -> list[dict[str, Any]]:
    """For each question what was answered, as far as it is read, and which of its facts have their words in that."""
    found = []
    for question, given in zip(rubric, answers, strict=True):
        answer = str(given.get("answer", "") if isinstance(given, dict) else given)[:characters]
        text = answer.casefold()
        facts = [
            {**fact, "holds": any(word.casefold() in text for word in fact.get("any", ()))}
            for fact in question["facts"]
        ]
        found.append({"question": question["question"], "answer": answer, "facts": facts})
    return found


def share(found: dict[str, Any]) -> float:
    """The share of its facts that an answer states, by weight."""
    held = sum(fact["weight"] for fact in found["facts"] if fact["holds"])
    return float(held / sum(fact["weight"] for fact in found["facts"]))


def main(benchmark: str, theirs: str, ours: str, scale: str, characters: str, facts: str) -> None:
    """Print the number, or end with the reason why there is none."""
    output = printed(benchmark, f"{os.environ['LOOPWATCH_WORKSPACE']}/initial_solution.py")
    if "False" in values(output, "correct"):
        sys.exit(f"{benchmark} says correct:False: the solution gives wrong results, so it has no number")
    if rubric := json.loads(facts):
        found = values(output, "answers")
        if len(found) != 1:
            sys.exit(f"{benchmark} printed {len(found)} lines answers:JSON, and one is wanted")
        try:
            answers = json.loads(found[0])
        except (ValueError, RecursionError):
            sys.exit(f"{benchmark} printed answers that are no JSON")
        if not isinstance(answers, list) or len(answers) != len(rubric):
            sys.exit(f"{benchmark} did not print an answer for each of the {len(rubric)} questions")
        record = looked_up(rubric, answers, int(characters))
        print(f"{ours}: {float(scale) * sum(share(one) for one in record) / len(record):.4f}")
        if path := os.environ.get("LOOPWATCH_RECORD"):  # for a judge, where the run has one
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"kind": "rubric", "scale": float(scale), "answers": record}, file)
        return
    numbers = values(output, theirs)
    if not numbers:
        sys.exit(f"{benchmark} printed no line {theirs}:VALUE")
    for number in numbers:
        print(f"{ours}: {number}")


if __name__ == "__main__":
    main(*sys.argv[1:])
