"""Code agents against test agents: a suite that grows where the best is weak, and code that has to hold on it."""

from ..arena.population import Form
from ..arena.rounds import Arena
from ..lab import Lab


async def arena(lab: Lab, argument: str = "1v1") -> None:
    """Each round: the test agents propose tests, and the valid ones enter the suite; the best is scored on it again; then every
    code agent proposes one change to the best. In populations the worst are replaced by mutated copies of the best now and then.
    """
    ring = Arena(lab, Form.read(argument))
    await lab.unless_stopped(ring.open())
    while await lab.may_continue():
        if ring.is_unbeaten():
            return lab.end("target", f"{ring.reached}, and a whole round of new tests brought none that it fails")
        if (agent := ring.turn()) is not None:
            await _experiment(lab, agent)
            ring.end()
        else:
            await lab.unless_blocked(ring.advance)
    return None


async def _experiment(lab: Lab, agent: str) -> None:
    """One experiment of a code agent, as in the simple loop."""
    experiment = await lab.propose(agent)
    if await lab.approved(experiment):
        await lab.measure(experiment)
        await (lab.keep(experiment) if await lab.is_better(experiment) else lab.revert(experiment))
