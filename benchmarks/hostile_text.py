"""Text from outside: does anything that a terminal obeys get through, and what does it cost to look?

    python -m benchmarks.hostile_text

Random texts of pieces of known attacks, any code points and plain words go through the four functions that all text passes on its
way to a screen or to stdout. The payloads in every widget, command and export are in tests/tui/test_hostile_text.py.
"""

import time
from collections.abc import Callable, Sequence

from loopwatch.tui.clean import clean, clean_lines, printable, reveal
from tests.tui.hostile import disobeyed, mixed

from .figures import Aim, arguments, heading, tell

TEXTS = 100_000
QUICK = 10_000
ROUNDS = 2_000

LINES = {
    "a plain line": "step 120/400 | loss 2.731 | 25,013 tokens/s",
    "a coloured line": "\x1b[1;32mstep 120/400\x1b[0m | loss \x1b[31m2.731\x1b[0m | 25,013 tokens/s",
    "a line that is not ASCII": "损失 2.731 · größer ✅ 25,013 tokens/s",
}


def main() -> None:
    options = arguments(__doc__).parse_args()
    heading("hostile text")
    count = QUICK if options.quick else TEXTS
    let_through, crashes = fuzzed(count)
    tell(f"of {count:,} random texts, let something through", [let_through], "texts", Aim(0))
    tell("crashes", [crashes], "", Aim(0))
    for name, line in LINES.items():
        tell(f"clean {name}", [1e6 * seconds(clean, line) for _ in range(20)], "us")


def fuzzed(count: int) -> tuple[int, int]:
    """How many texts came out with a character that a terminal obeys, and how many did not come out."""
    let_through = crashes = 0
    for text in mixed(count, seed=7):
        try:
            let_through += not is_harmless((clean(text), reveal(text), *clean_lines(text), printable(text)))
        except Exception as error:
            print(f"{text!r}: {error!r}")
            crashes += 1
    return let_through, crashes


def is_harmless(lines: Sequence[str]) -> bool:
    """Whether a terminal would only draw these."""
    return not disobeyed("".join(lines)) and not any("\x1b" in line or "\r" in line for line in lines)


def seconds(function: Callable[[str], str], line: str) -> float:
    """For one call."""
    began = time.perf_counter()
    for _ in range(ROUNDS):
        function(line)
    return (time.perf_counter() - began) / ROUNDS


if __name__ == "__main__":
    main()
