"""Proposes the next change to the task's code. The first version.

It asks whoever edits for one change, and tells them what was tried and what came of it. The constants below say how; they, and all
else in this file, may be rewritten. Only the standard library is there: no network, no files.
"""

from collections.abc import Callable
from typing import Any

KINDS = {"constant": 3.0, "operator": 2.0, "idiom": 1.0, "text": 2.0, "crossover": 0.5}
"""How often each kind of edit is made, where edits are made without a model."""
STEP = 0.5
"""How far a number is moved at a time, as a share of it, where edits are made without a model."""
EDITS = 1
"""How many edits make one change, where they are made without a model."""
TRIES = 2
"""How often an edit is asked for before giving up."""
TOLD = 12
"""So many of the last experiments are told in full."""
DIFFS = 4
"""Of those, so many with their diffs."""
FAILURES = 8
"""So many of the last failures are named, not to be repeated."""
FOCUS = "Prefer the smallest change that could matter, and one that differs in kind from what has just failed."
"""What to look for."""


def propose(task: dict[str, Any], ask: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The next change: {"hypothesis", "mechanism", "expected", "files"}."""
    for attempt in range(TRIES):
        hints = {"kinds": KINDS, "step": STEP, "edits": EDITS, "seed": seed(task, attempt)}
        try:
            return ask(instructions(task), hints=hints)
        except RuntimeError:
            if attempt == TRIES - 1:
                raise
    raise RuntimeError("no edit was asked for")


def seed(task: dict[str, Any], attempt: int) -> int:
    """Another one for each experiment and attempt."""
    return int(task["seed"]) * 1_000_003 + int(task["experiment"]) * 101 + attempt


def instructions(task: dict[str, Any]) -> str:
    """What whoever edits is told."""
    metric = task["metric"]
    better = "higher" if metric["direction"] == "up" else "lower"
    parts = [
        f"Make one change to the code that gives a {better} {metric['name']}; the best so far is {task['best']}.",
        FOCUS,
    ]
    if tried := [one for one in task["history"] if one["hypothesis"] and one["number"] > 1]:
        with_diffs = {one["number"] for one in tried[-DIFFS:]} if DIFFS else set()
        told = [entry(one, one["number"] in with_diffs) for one in tried[-TOLD:]]
        parts.append("What was tried, oldest first:\n" + "\n".join(told))
        kept = [one for one in tried if one["verdict"] == "kept"]
        parts.append(
            "What helped:\n" + "\n".join(entry(one, False) for one in kept[-TOLD:]) if kept else "Nothing helped yet."
        )
        failed = [one for one in tried if one["verdict"] != "kept"][-FAILURES:]
        parts.append("Not to be repeated:\n" + "\n".join(f"- {one['hypothesis']}: {one['reason']}" for one in failed))
    return "\n\n".join(parts)


def entry(one: dict[str, Any], with_diff: bool) -> str:
    """One experiment in a few lines."""
    gain = "" if one["gain"] is None else f", gain {one['gain']:+g}"
    line = (
        f"- #{one['number']} {one['verdict']}{gain}: {one['hypothesis']} (because: {one['mechanism']}); {one['reason']}"
    )
    return f"{line}\n{one['diff']}" if with_diff and one["diff"] else line
