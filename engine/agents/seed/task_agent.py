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
GROWTH = 0.1
"""By how much of itself that grows with every experiment in a row that was not kept."""
EDITS = 1
"""How many edits make one change, where they are made without a model."""
TELLS = {"experiments": 12, "diffs": 4, "failures": 8}
"""How much of the history is told: the last experiments, so many of them with their diffs, and failures, not to be repeated."""
FOCUS = "Prefer the smallest change that could matter, and one that differs in kind from what has just failed."
"""What to look for."""


def propose(task: dict[str, Any], ask: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The next change: {"hypothesis", "mechanism", "expected", "files"}."""
    hints = {"kinds": KINDS, "step": step(task), "edits": EDITS}
    try:
        return ask(instructions(task), hints=hints)
    except RuntimeError as failure:  # nobody could make an edit; once more, with that in mind
        return ask(
            f"{instructions(task)}\n\nThe last attempt came to nothing: {failure}",
            hints={**hints, "seed": len(str(failure))},
        )


def step(task: dict[str, Any]) -> float:
    """Bolder, the longer nothing was kept."""
    verdicts = [one["verdict"] for one in task["history"]]
    since = verdicts[::-1].index("kept") if "kept" in verdicts else len(verdicts)
    return STEP * (1 + GROWTH * since)


def instructions(task: dict[str, Any]) -> str:
    """What whoever edits is told."""
    metric = task["metric"]
    better = "higher" if metric["direction"] == "up" else "lower"
    parts = [
        f"Make one change to the code that gives a {better} {metric['name']}; the best so far is {task['best']}.",
        FOCUS,
    ]
    if tried := [one for one in task["history"] if one["by"] != "baseline" and one["hypothesis"]]:
        last = tried[-TELLS["experiments"] :]
        with_diffs = {one["number"] for one in tried[-TELLS["diffs"] :]}
        parts.append(
            "What was tried, oldest first:\n" + "\n".join(entry(one, one["number"] in with_diffs) for one in last)
        )
        failed = [one for one in tried if one["verdict"] != "kept"][-TELLS["failures"] :]
        parts.append("Not to be repeated:\n" + "\n".join(f"- {one['hypothesis']}: {one['reason']}" for one in failed))
        kept = [one for one in tried if one["verdict"] == "kept"]
        parts.append("What helped:\n" + "\n".join(entry(one, False) for one in kept) if kept else "Nothing helped yet.")
    return "\n\n".join(parts)


def entry(one: dict[str, Any], with_diff: bool) -> str:
    """One experiment in a few lines."""
    gain = "" if one["gain"] is None else f", gain {one['gain']:+g}"
    line = (
        f"- #{one['number']} {one['verdict']}{gain}: {one['hypothesis']} (because: {one['mechanism']}); {one['reason']}"
    )
    return f"{line}\n{one['diff']}" if with_diff and one["diff"] else line
