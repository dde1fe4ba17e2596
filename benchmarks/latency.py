"""From a key to its answer on the screen, while 1,000 samples and 200 tokens a second stream in.

    python -m benchmarks.latency

Two times per key: until anything is painted, which under this load may be somebody else's news, and until the picture shows
what the key is for. `esc` is apart: a terminal program has to wait 100 ms to know it from the start of an arrow key.
"""

import random
import time
from collections.abc import Callable

from .figures import Aim, arguments, cpu_seconds, heading, tell
from .stage import attached, fed, scratch_run
from .terminal import Terminal

SIZE = (120, 40)
AIMS = (Aim(20), Aim(60, "p95"))
CPU_AIM = Aim(15)

Shown = Callable[[Terminal], bool]


def cursor(terminal: Terminal) -> int:
    """The line that the table's cursor is on."""
    return next((y for y, line in enumerate(terminal.lines()) if "▸" in line), -1)


def focus(number: int) -> Shown:
    """Whether this pane has the focus."""
    return lambda terminal: terminal.panes().get(number, False)


def moved(terminal: Terminal) -> Shown:
    """Whether the cursor is on another line than now."""
    before = cursor(terminal)
    return lambda later: cursor(later) not in (-1, before)


def helped(terminal: Terminal) -> bool:
    """Whether the keys are explained."""
    return terminal.shows("esc back")


def left_help(terminal: Terminal) -> bool:
    """Whether they are not any more."""
    return not terminal.shows("esc back")


def rounds(terminal: Terminal, times: int) -> dict[str, list[tuple[float, float]]]:
    """Press each key so many times; milliseconds to the first byte and to the answer."""
    chance = random.Random(1)
    steps: list[tuple[str, bytes, Callable[[Terminal], Shown]]] = [
        ("2", b"2", lambda _: focus(2)),
        ("3", b"3", lambda _: focus(3)),
        ("1", b"1", lambda _: focus(1)),
        ("j", b"j", moved),
        ("k", b"k", moved),
        ("?", b"?", lambda _: helped),
        ("? again", b"?", lambda _: left_help),
        ("? for esc", b"?", lambda _: helped),
        ("esc", b"\x1b", lambda _: left_help),
    ]
    took: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in steps}
    for _ in range(times):
        for name, key, answer in steps:
            terminal.watch(chance.uniform(0.2, 0.45))
            took[name].append(press(terminal, key, answer(terminal)))
    return took


def press(terminal: Terminal, key: bytes, shown: Shown) -> tuple[float, float]:
    """Milliseconds from a key to the first byte and to its answer."""
    first: list[float] = []

    def painted(later: Terminal) -> bool:
        first.append(time.perf_counter())
        return shown(later)

    at = terminal.press(key)
    answered = terminal.until(painted, seconds=20)
    return (min(first[0], answered) - at) * 1000, (answered - at) * 1000


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    heading(f"latency: key to painted answer at {SIZE[0]}x{SIZE[1]}, 1,000 samples/s and 200 tokens/s")
    with (
        scratch_run(experiments=30, samples=300, running=True) as (home, run),
        fed(run, experiment=31, samples=1000, tokens=200, facts=1),
        attached(home, run, SIZE) as terminal,
    ):
        began, cpu = time.perf_counter(), cpu_seconds(terminal.pid)
        terminal.watch(5 if chosen.quick else 15)
        busy = (cpu_seconds(terminal.pid) - cpu) / (time.perf_counter() - began)
        took = rounds(terminal, 4 if chosen.quick else 15)
    escapes = took.pop("esc")
    presses = [pair for pairs in took.values() for pair in pairs]
    tell("first byte after a key", [first for first, _ in presses], "ms", *AIMS)
    tell("answer of a key", [answer for _, answer in presses], "ms", *AIMS)
    for name, pairs in took.items():
        tell(f"  answer of {name}", [answer for _, answer in pairs], "ms")
    tell("  answer of esc, of which 100 are its own", [answer for _, answer in escapes], "ms")
    tell("CPU of the screen's process while it streams", [busy * 100], "%", CPU_AIM)


if __name__ == "__main__":
    main()
