"""The classic loop."""

from ..lab import Lab


async def simple(lab: Lab) -> None:
    """Propose, measure, keep what is better. Karpathy's loop."""
    while await lab.may_continue():
        experiment = await lab.propose()
        if not await lab.approved(experiment):
            continue
        await lab.measure(experiment)
        await (lab.keep(experiment) if await lab.is_better(experiment) else lab.revert(experiment))
