"""A proposer that says what a test wants, after it has read its prompt as a model would."""

import asyncio

from loopwatch.engine.prompt.brief import Brief, Prompt
from loopwatch.engine.proposers import Proposal, Steering, Turn


class Says:
    """Plays proposals in order; while `may_answer` is cleared it thinks."""

    steering: Steering = "next request"

    def __init__(self, *proposals: Proposal) -> None:
        self.left = list(proposals)
        self.prompts: list[Prompt] = []
        self.thinks, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        self.prompts.append(turn.prompt())
        self.thinks.set()
        await self.may_answer.wait()
        return self.left.pop(0)
