"""A process that answers an evaluator's questions with what an experiment left, its code too.

The two are in rooms of their own and share two named pipes. Covered: the answering side sees questions and nothing else, no
tests, labels or data; both end together. Not covered: what it answers, which is for the evaluator to distrust.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ..keeper.process import Kept
from ..keeper.spec import Spec
from ..repository import checkout

_STREAMS = 'exec "$@" <"$LOOPWATCH_ASK" >"$LOOPWATCH_ANSWERS"'

SECONDS_BETWEEN_KNOCKS = 0.02


class Pipes:
    """The two named pipes of one evaluation.

    Each side waits in `open` for the other one. Nobody else holds them, so that either side sees the other's end.
    """

    def __init__(self, folder: Path) -> None:
        """Make them in `folder`, which is made anew."""
        self.ask, self.answers = folder / "ask", folder / "answers"
        self._folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        checkout.remove(folder)
        folder.mkdir(mode=0o700)
        for pipe in (self.ask, self.answers):
            os.mkfifo(pipe, 0o600)

    @property
    def environment(self) -> Mapping[str, str]:
        """Where either side finds them."""
        return {"LOOPWATCH_ASK": str(self.ask), "LOOPWATCH_ANSWERS": str(self.answers)}

    def knock(self) -> None:
        """Let whoever waits for a partner go on, to find that there is none."""
        for pipe, way in ((self.ask, os.O_RDONLY), (self.answers, os.O_WRONLY)):
            with suppress(OSError):  # nobody waits to read
                os.close(os.open(pipe, way | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW))

    def remove(self) -> None:
        """Leave nothing."""
        checkout.remove(self._folder)


@asynccontextmanager
async def answering(spec: Spec, pipes: Pipes) -> AsyncIterator[None]:
    """Run a predictor's command beside the body, with the pipes for stdin and stdout."""
    words = ["/bin/sh", "-c", _STREAMS, "predictor", *spec.command]
    kept = await Kept.launch(replace(spec, command=words, environment={**spec.environment, **pipes.environment}))
    try:
        await kept.go()
        ending = asyncio.create_task(_knock_after(kept, pipes))
        try:
            yield
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)
    finally:
        await kept.close()
        pipes.remove()


async def _knock_after(kept: Kept, pipes: Pipes) -> None:
    await kept.ended()
    while True:
        pipes.knock()
        await asyncio.sleep(SECONDS_BETWEEN_KNOCKS)
