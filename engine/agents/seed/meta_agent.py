"""Rewrites the agent, itself included, in view of what came of its proposals. The first version.

It asks whoever edits for one change to task_agent.py, and now and then to this file. The constants below say how; they, and all else
in this file, may be rewritten. Only the standard library is there: no network, no files.
"""

from collections.abc import Callable
from typing import Any

ITSELF = 4
"""One rewrite of so many is of this file; 0 is never."""
KINDS = {"constant": 1.0}
"""The kinds of edits, where edits are made without a model: those that leave a program whole."""
STEP = 0.5
"""How far a number is moved at a time, as a share of it, where edits are made without a model."""
EDITS = 1
"""How many edits make one rewrite, where they are made without a model."""
TOLD = 20
"""So many outcomes are told."""
FOCUS = (
    "Find what the proposals that came to nothing have in common, and change what makes the agent propose them: what it tells, what it "
    "leaves out, how it spreads its attempts, what it asks for."
)
"""What to look for."""


def improve(agent: dict[str, Any], ask: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The next version: {"reason", "files"}, with the files that change."""
    attempt = len(agent["fitness"]) + len(agent["failures"])
    name = "meta_agent.py" if ITSELF and attempt % ITSELF == ITSELF - 1 else "task_agent.py"
    hints = {"kinds": KINDS, "step": STEP, "edits": EDITS, "seed": attempt}
    answer = ask(instructions(agent, name), files={name: agent["files"][name]}, hints=hints)
    return {"reason": f"{answer['hypothesis']} ({answer['mechanism']})", "files": answer["files"]}


def instructions(agent: dict[str, Any], name: str) -> str:
    """What whoever edits is told."""
    metric = agent["metric"]
    better = "higher" if metric["direction"] == "up" else "lower"
    contract = (
        "propose(task, ask) returns a dict with hypothesis, mechanism, expected and files"
        if name == "task_agent.py"
        else "improve(agent, ask) returns a dict with reason and files"
    )
    parts = [
        f"The file below is part of an agent that improves {metric['name']} ({better} is better) by proposing changes to code. "
        f"Rewrite it, so that its next proposals gain more. {contract}; ask(instructions, files, hints) has files edited. "
        "Keep that, use nothing but the standard library, and neither files nor network: there are none.",
        FOCUS,
        "What came of its proposals, oldest first:\n" + "\n".join(outcome(one) for one in agent["outcomes"][-TOLD:]),
    ]
    if agent["fitness"]:
        lines = (
            f"- generation {one['generation']}: {one['mean']:+.3g} per experiment, of {one['n']}"
            for one in agent["fitness"]
        )
        parts.append("What generations gained:\n" + "\n".join(lines))
    if agent["failures"]:
        lines = (
            f"- generation {one['generation']}, {one['stage']}: {one['detail']}" for one in agent["failures"][-TOLD:]
        )
        parts.append("Rewrites that came to nothing:\n" + "\n".join(lines))
    return "\n\n".join(parts)


def outcome(one: dict[str, Any]) -> str:
    """One experiment in a line."""
    gain = "" if one["gain"] is None else f", gain {one['gain']:+g}"
    return f"- #{one['number']} by generation {one['by']}: {one['verdict']}{gain}: {one['hypothesis']}; {one['reason']}"
