"""The classic loop with a reviewer, who explains what happened to whoever proposes next."""

from ..lab import Lab


async def reviewer(lab: Lab) -> None:
    """Propose, measure, keep what is better, and let a second model say why.

    A review that a killed engine did not come to is not made up for: the last one that there is stays in the brief.
    """
    while await lab.may_continue():
        experiment = await lab.propose()
        if not await lab.approved(experiment):
            continue
        await lab.measure(experiment)
        await (lab.keep(experiment) if await lab.is_better(experiment) else lab.revert(experiment))
        await lab.review(experiment)
