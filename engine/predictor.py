"""A process that answers an evaluator's questions with what an experiment left, its code too.

The two are in rooms of their own and share two named pipes. Covered: the answering side sees questions and nothing else, no
tests, labels or data; both end together. Not covered: what it answers, which is for the evaluator to distrust.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from . import checkout
from .process import Kept
from .spec import Spec

_STREAMS = 'exec "$@" <"$LOOPWATCH_ASK" >"$LOOPWATCH_ANSWERS"'


class Pipes:
    """The two named pipes of one evaluation."""

    def __init__(self, folder: Path) -> None:
        """Make them in `folder`, which is made anew."""
        self.ask, self.answers = folder / "ask", folder / "answers"
        self._folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        checkout.remove(folder)
        folder.mkdir(mode=0o700)
        for pipe in (self.ask, self.answers):
            os.mkfifo(pipe, 0o600)
        # Held open at both ends until the answering side is gone: nobody waits for a partner that never comes.
        self._held = [os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC) for pipe in (self.ask, self.answers)]

    @property
    def environment(self) -> Mapping[str, str]:
        """Where either side finds them."""
        return {"LOOPWATCH_ASK": str(self.ask), "LOOPWATCH_ANSWERS": str(self.answers)}

    def release(self) -> None:
        """Nobody answers any more: what is in the pipes can be read, and then they end."""
        while self._held:
            os.close(self._held.pop())

    def remove(self) -> None:
        """Leave nothing."""
        self.release()
        checkout.remove(self._folder)


@asynccontextmanager
async def answering(spec: Spec, pipes: Pipes) -> AsyncIterator[None]:
    """Run a predictor's command beside the body, with the pipes for stdin and stdout."""
    words = ["/bin/sh", "-c", _STREAMS, "predictor", *spec.command]
    kept = await Kept.launch(replace(spec, command=words, environment={**spec.environment, **pipes.environment}))
    try:
        await kept.go()
        ending = asyncio.create_task(_release_after(kept, pipes))
        try:
            yield
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)
    finally:
        await kept.close()
        pipes.remove()


async def _release_after(kept: Kept, pipes: Pipes) -> None:
    await kept.ended()
    pipes.release()
