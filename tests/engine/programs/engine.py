"""FOLDER [SECONDS]: an engine that keeps wide.py, for so long at most, and is about to be killed."""

import asyncio
import os
import sys
from pathlib import Path

from loopwatch.engine.keeper.process import Kept, Spec

FOLDER = Path(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 300.0
PROGRAM = Path(__file__).with_name("wide.py")


async def main() -> None:
    command = [sys.executable, str(PROGRAM), str(FOLDER)]
    kept = await Kept.launch(Spec(command, FOLDER, dict(os.environ), FOLDER / "log", wall_seconds=SECONDS))
    await kept.go()
    (FOLDER / "keeper").write_text(str(kept.keeper_pid))
    await kept.ended()


asyncio.run(main())
