"""Proposes tests that the best solution fails. The first version, for any task.

It asks whoever edits for a longer tests.json; where nobody can write one, it varies the inputs of tests that are there. Whether a
test is valid, the task's own oracle says. The constants below say how it works; they, and all else in this file, may be rewritten.
Only the standard library is there: no network, no files.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

EXAMPLES = 12
"""So many tests are shown as examples."""
CHANGES = 2
"""At most so many changes make a new input from one that is there."""
FROM_FAILED = 0.5
"""How often a test that the best solution fails is varied, rather than any."""
LETTERS = "aA0 .-_@\"'\\/\u00e9\u4e2d"
"""What is put into texts."""
FOCUS = "Look for what solutions of this kind get wrong: rare but valid forms, limits, empty and very long inputs, odd characters."
"""What to look for."""


def propose_tests(task: dict[str, Any], ask: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    """New tests: [{"input", "expected", "why"}, ...]."""
    wanted = int(task["wanted"])
    try:
        answer = ask(instructions(task), files={"tests.json": "[]\n"}, hints={"seed": task["seed"]})
        if written := json.loads(answer["files"]["tests.json"]):
            return list(written)[:wanted]
    except (RuntimeError, ValueError, TypeError, KeyError):
        pass
    return varied(task, wanted)


def instructions(task: dict[str, Any]) -> str:
    """What whoever edits is told."""
    examples = json.dumps(task["tests"][:EXAMPLES], indent=1)
    failed = json.dumps(task["failed"][:EXAMPLES], indent=1)
    return "\n\n".join(
        (
            f'Fill tests.json with {task["wanted"]} new tests, a JSON list of {{"input", "expected", "why"}}, that the code below fails, '
            "though every correct program passes them. An oracle refuses tests that are wrong or are there already.",
            FOCUS,
            f"The task:\n{task['program']}",
            "The code:\n" + "\n".join(f"{path}\n{text}" for path, text in sorted(task["files"].items())),
            f"Tests that are there:\n{examples}",
            f"Tests that the code fails already:\n{failed}",
        )
    )


def varied(task: dict[str, Any], wanted: int) -> list[dict[str, Any]]:
    """Inputs of tests that are there, changed a little; the outcome is guessed to be the same, and the oracle knows better."""
    dice = Random(f"{task['seed']}/{task['experiment']}/{len(task['tests'])}")
    there = task["tests"] or [{"input": 0}]
    found = []
    for _ in range(wanted):
        pool = task["failed"] if task["failed"] and dice.random() < FROM_FAILED else there
        test = dice.choice(pool)
        value = test["input"]
        for _ in range(dice.randint(1, CHANGES)):
            value = other(value, dice)
        found.append({"input": value, "expected": test.get("expected"), "why": "a variation of a test that is there"})
    return found


def other(value: Any, dice: Random) -> Any:
    """A value of the same kind that is a little different."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return dice.choice([value + dice.randint(1, 1000), value - 1, value * 2 + 1, dice.randrange(2**31)])
    if isinstance(value, float):
        return dice.choice([value * 2, value / 2, -value, 0.0])
    if isinstance(value, str):
        return other_text(value, dice)
    if isinstance(value, list) and value:
        at = dice.randrange(len(value))
        return dice.choice(
            [[*value[:at], other(value[at], dice), *value[at + 1 :]], [*value, value[at]], value[:at] + value[at + 1 :]]
        )
    if isinstance(value, dict) and value:
        key = dice.choice(sorted(value))
        return {**value, key: other(value[key], dice)}
    return dice.randrange(100)


def other_text(text: str, dice: Random) -> str:
    """A text with one letter more, less or twice, or a part of it repeated."""
    at = dice.randrange(len(text) + 1)
    return dice.choice(
        [
            text[:at] + dice.choice(LETTERS) + text[at:],
            text[:at] + text[at + 1 :],
            text[:at] + text[max(0, at - 1) :],
            text[:at] + text[at:] * 2,
        ]
    )
