"""Cold start: from exec of `loopwatch attach RUN` to the first picture with all panes, and what the process had to import.

    python -m benchmarks.startup

The files are in the page cache, as they are for whoever looks at a run a second time. Not covered: the first start after
installing, when Python compiles.
"""

import json
import sys
import time
from pathlib import Path

from .figures import Aim, arguments, cpu_seconds, heading, loopwatch, memory_mb, note, tell
from .made_runs import engine_of, environment
from .stage import SIZES, all_panes, scratch_run
from .terminal import Terminal

WALL = Aim(450)
HEAVY = ("torch", "anthropic", "git", "pygit2", "numpy", "gitdb", "plotext", "watchfiles")
"""Slow to import, and no business of a screen's."""

_LISTING = """\
import atexit, json, pathlib, sys
atexit.register(lambda: pathlib.Path(sys.argv.pop()).write_text(json.dumps(sorted(sys.modules))))
from loopwatch.tui.cli import main
sys.exit(main(["attach", "made"]))
"""


def start(home: Path, size: tuple[int, int]) -> tuple[float, float, float]:
    """One start: wall and CPU milliseconds until all panes are there, and MB of memory then."""
    with Terminal([loopwatch(), "attach", "made"], columns=size[0], rows=size[1], environment=environment(home)) as t:
        at = t.until(all_panes)
        return (at - t.began) * 1000, cpu_seconds(t.pid) * 1000, memory_mb(t.pid)


def imported(home: Path) -> list[str]:
    """Every module of a screen that was up for a while and then left with `q`."""
    listing = home / "modules.json"
    command = [sys.executable, "-c", _LISTING, str(listing)]
    with Terminal(command, columns=120, rows=40, environment=environment(home)) as terminal:
        terminal.until(all_panes)
        terminal.watch(1.5)
        terminal.press(b"q")
        deadline = time.monotonic() + 20
        while not listing.exists() and time.monotonic() < deadline:
            terminal.read(0.05)
        terminal.watch(0.2)
    return [str(name) for name in json.loads(listing.read_text())]


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    heading("startup: exec to the first picture with all panes")
    with scratch_run(experiments=30, samples=300, running=True) as (home, run), engine_of(run):
        start(home, SIZES[0])  # compiles what was not compiled yet
        for size in SIZES:
            runs = [start(home, size) for _ in range(5 if chosen.quick else 20)]
            name = f"{size[0]}x{size[1]}"
            tell(f"first picture, wall, {name}", [wall for wall, _, _ in runs], "ms", WALL, digits=0)
            tell(f"first picture, CPU, {name}", [cpu for _, cpu, _ in runs], "ms", digits=0)
            tell(f"memory then, {name}", [memory for _, _, memory in runs], "MB", digits=0)
        modules = imported(home)
    heavy = [name for name in HEAVY if name in modules]
    note(f"{len(modules)} modules; heavy ones: {', '.join(heavy) or 'none'}   aim none: {'MISSED' if heavy else 'met'}")


if __name__ == "__main__":
    main()
