"""No search at all: the unmodified start, and how much identical trainings of it differ."""

from ..lab import Lab


async def noise(lab: Lab) -> None:
    """Measure the baseline, and train it again on fresh seeds."""
    while await lab.may_continue():
        if lab.state.baseline and lab.state.current is None:
            return lab.end("experiments", "the noise is measured")
        baseline = await lab.propose()
        if await lab.approved(baseline):
            await lab.measure(baseline)
            await (lab.keep(baseline) if await lab.is_better(baseline) else lab.revert(baseline))
    return None
