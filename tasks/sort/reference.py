"""What the solution is compared with: the usual way to sort names naturally in Python."""

import re

in_parts = re.compile("([0-9]+)").split


def natural_sort(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: [int(part) if part.isdigit() else part for part in in_parts(name)])
