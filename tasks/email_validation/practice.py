"""Try the solution on a few public examples, so that what cannot work is not measured.

They are no part of any suite. A wrong answer is no failure; an exception, or an answer that is no truth value, is.
"""

import sys
from pathlib import Path

EXAMPLES = (
    ("someone@example.com", True),
    ("no address at all", False),
    ("first.last@mail.example.org", True),
    ("two@at@example.com", False),
    ('"John Q. Public"@example.com', True),
    ("someone@[198.51.100.1]", True),
    ("someone@example_1.com", False),
    ("почта@example.com", True),
)


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    from solution import is_valid

    right = 0
    for place, (address, expected) in enumerate(EXAMPLES, start=1):
        said = is_valid(address)
        if not isinstance(said, bool):
            print(f"FAIL: is_valid({address!r}) is {said!r}; it must be True or False", flush=True)
            sys.exit(1)
        right += said is expected
        print(f"step {place:05d} ({100 * place / len(EXAMPLES):.1f}%) | score: {right / place:.4f}", flush=True)


if __name__ == "__main__":
    main()
