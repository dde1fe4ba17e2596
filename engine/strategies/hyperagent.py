"""Two nested loops: an agent that is source code improves the task, and rewrites itself in view of what came of that."""

from ..agents.generations import Generations
from ..lab import Lab

EACH = 4
"""Experiments of every generation on trial, and as many of its parent beside them."""


async def hyperagent(lab: Lab, argument: str = "") -> None:
    """Let the generation whose turn it is propose; once it and its parent had their experiments, judge it; have the next one written."""
    agent = Generations(lab.crew, each=int(argument or EACH))
    await lab.unless_stopped(agent.open())
    while await lab.may_continue():
        if (name := agent.due()) is not None:
            await _inner(lab, name)
        else:
            await lab.unless_blocked(lambda: _outer(agent))
        agent.judge()


async def _inner(lab: Lab, name: str) -> None:
    """One experiment of a generation, as in the simple loop."""
    experiment = await lab.propose(name)
    if await lab.approved(experiment):
        await lab.measure(experiment)
        await (lab.keep(experiment) if await lab.is_better(experiment) else lab.revert(experiment))


async def _outer(agent: Generations) -> None:
    """Have the agent rewrite itself, check what it wrote, and ask whether that may be tried."""
    candidate = await agent.rewrite()
    if candidate and await agent.check(candidate):
        await agent.allow(candidate)
