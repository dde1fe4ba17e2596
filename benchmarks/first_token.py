"""From a model's first piece of reasoning to the person: when the server writes it, to when a viewer has it and the screen shows it.

    python -m benchmarks.first_token

The real engine and the real SDK, against a scripted Messages API in this process, on loopback. Every experiment is one thought,
which ends as a refusal, so that nothing trains; a random pause before it keeps it out of step with every clock of the engine
and of the screen.
"""

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL

from loopwatch.engine.client import Run, Viewer
from tests.servers.anthropic import Server, Step

from .figures import Aim, arguments, cpu_seconds, heading, loopwatch, tell
from .made_runs import environment
from .stage import SETTLE_SECONDS, SIZES
from .terminal import Terminal

AIM = Aim(150)
LOOK_SECONDS = 0.002
LONGEST_PAUSE = 0.6
WORDS = "the loss still falls at the end so a larger step may reach further " * 8


def thought(number: int) -> str:
    """What nothing else on the screen says."""
    return f"thought-{number:03d}"


def script(count: int) -> Iterator[Step]:
    """So many thoughts; the first is held back until the screen is ready."""
    chance = random.Random(1)
    for number in range(count):
        told = {"type": "thinking", "thinking": f"{thought(number)} {WORDS}"}
        pause = chance.uniform(0.1, LONGEST_PAUSE)
        held = {"after": 0, "then": "wait"} if number == 0 else {}
        yield Step.model_validate({"content": [told], "stop": "refusal", "size": 300, "seconds": pause, **held})


@contextmanager
def asking(home: Path, server: Server, count: int) -> Iterator[Run]:
    """A run whose proposer asks this server so often."""
    words = ["run", "sine", "--detach", "--proposer", "anthropic", "--base-url", server.url]
    more = ["--experiments", str(count + 1), "--failures", str(count + 1), "--gate", "apply=auto"]
    surroundings = {**os.environ, **environment(home), "ANTHROPIC_API_KEY": "for-loopback-only"}
    subprocess.run([loopwatch(), *words, *more], env=surroundings, capture_output=True, check=True)
    (folder,) = (home / "runs").iterdir()
    try:
        yield Run(folder)
    finally:
        with suppress(ProcessLookupError):
            os.kill(int((folder / "lock").read_text()), SIGKILL)


def follow(run: Run, server: Server, terminal: Terminal, count: int) -> list[tuple[float, float]]:
    """For each thought, milliseconds until a viewer has it, and until the screen shows it."""
    viewer = Viewer(run, name="benchmark")
    to_epoch = time.time() - time.perf_counter()
    took = []
    server.go_on()
    for number in range(count):
        has = shown = 0.0
        end = time.time() + 60
        while not (has and shown):
            if time.time() > end:
                raise TimeoutError("\n".join(terminal.lines()))
            at, size = terminal.read(LOOK_SECONDS)
            if size and not shown and terminal.shows(thought(number)):
                shown = at + to_epoch
            if not has and any(thought(number) in piece.text for piece in viewer.thoughts(number + 2)):
                has = time.time()
        left = server.requests[number].times["first"]
        took.append(((has - left) * 1000, (shown - left) * 1000))
    viewer.close()
    return took


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    count = 20 if chosen.quick else 40
    heading("first_token: a model's first piece of reasoning, from leaving the server")
    for columns, rows in SIZES:
        with (
            tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch,
            Server(*script(count)) as server,
            asking(home := Path(scratch), server, count) as run,
            Terminal(
                [loopwatch(), "attach", run.name], columns=columns, rows=rows, environment=environment(home)
            ) as terminal,
        ):
            terminal.until(lambda there: there.shows("? help"))
            terminal.watch(SETTLE_SECONDS)
            engine = int((run.folder / "lock").read_text())
            began, cpu = time.perf_counter(), cpu_seconds(engine)
            took = follow(run, server, terminal, count)
            busy = (cpu_seconds(engine) - cpu) / (time.perf_counter() - began)
        tell(f"to a viewer that looks every {LOOK_SECONDS * 1000:.0f} ms", [has for has, _ in took], "ms", AIM)
        tell(f"to the screen, {columns}x{rows}", [shown for _, shown in took], "ms", AIM)
        tell("CPU of the engine meanwhile", [busy * 100], "%")


if __name__ == "__main__":
    main()
