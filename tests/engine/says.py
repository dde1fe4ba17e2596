"""A proposer that says what a test wants, after it has read its prompt as a model would."""

from loopwatch.engine.brief import Brief, Prompt
from loopwatch.engine.proposers import Proposal, Steering, Turn


class Says:
    """Plays proposals in order."""

    steering: Steering = "next request"

    def __init__(self, *proposals: Proposal) -> None:
        self.left = list(proposals)
        self.prompts: list[Prompt] = []

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        self.prompts.append(turn.prompt())
        return self.left.pop(0)
