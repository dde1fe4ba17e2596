"""program.md: the research programme in the user's words, read and watched.

The file belongs to the user and may be edited while the run goes on; a folder that goes away, or text that is no text, leaves the
last good version standing.
"""

import asyncio
import difflib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from .events import ProgramRead

LIMIT = 64_000


def read(path: Path, before: str = "", *, otherwise: str = "") -> ProgramRead | None:
    """The programme as it is now with what changed since `before`; None when nothing changed or nothing can be read.

    otherwise  what it is while there is no such file and never was
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")[:LIMIT]
    except OSError:
        path, text = path.parent, before or otherwise[:LIMIT]
    if text == before:
        return None
    diff = (
        "".join(
            difflib.unified_diff(before.splitlines(keepends=True), text.splitlines(keepends=True), "before", "after")
        )
        if before
        else ""
    )
    return ProgramRead(path=str(path), text=text, diff=diff)


async def edits(path: Path, text: str) -> AsyncIterator[ProgramRead]:
    """Each change a person makes to the file, from `text` on, for ever.

    The folder is watched rather than the file, because editors replace files instead of writing into them.
    """
    from watchfiles import awatch

    while True:
        with suppress(OSError):  # the folder is not there (now)
            # Looking now and then without a notice finds what changed before the watch began, or in a folder that came back.
            async for _ in awatch(
                path.parent, recursive=False, debounce=200, step=100, rust_timeout=2000, yield_on_timeout=True
            ):
                if fact := read(path, text):
                    text = fact.text
                    yield fact
        await asyncio.sleep(2)
