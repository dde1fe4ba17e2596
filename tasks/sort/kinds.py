"""The kinds of lists that are sorted, and the order that they are brought into."""

import random
import re

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST = 1000
"""Names in a list."""


def in_order(names: list[str]) -> list[str]:
    """Natural order, stable: runs of digits by their value, before any other character; the rest by code point."""
    return sorted(
        names, key=lambda name: [int(part) if part.isdigit() else part for part in re.split("([0-9]+)", name)]
    )


def stem(chance: random.Random, shortest: int = 3, longest: int = 8) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randint(shortest, longest)))


def files(chance: random.Random, n: int) -> list[str]:
    """Numbered files of a few series."""
    series = [stem(chance) + chance.choice(" -_.") for _ in range(1 + n // 50)]
    return [f"{chance.choice(series)}{chance.randrange(2 * n)}.{chance.choice(('jpg', 'png'))}" for _ in range(n)]


def versions(chance: random.Random, n: int) -> list[str]:
    """Versions of a few packages."""
    packages = [stem(chance) for _ in range(1 + n // 100)]
    return [f"{chance.choice(packages)}-{'.'.join(str(chance.randrange(25)) for _ in range(3))}" for _ in range(n)]


def words(chance: random.Random, n: int) -> list[str]:
    """No digits at all."""
    return [stem(chance, 4, 16) for _ in range(n)]


def numbers(chance: random.Random, n: int) -> list[str]:
    """Nothing but digits, some with zeros before them."""
    return [str(chance.randrange(10**6)).zfill(chance.choice((1, 6, 8))) for _ in range(n)]


def few(chance: random.Random, n: int) -> list[str]:
    """Many equal names."""
    different = files(chance, max(2, n // 20))
    return [chance.choice(different) for _ in range(n)]


def ordered(chance: random.Random, n: int) -> list[str]:
    """In order already."""
    return in_order(files(chance, n))


def backwards(chance: random.Random, n: int) -> list[str]:
    """The wrong way round."""
    return in_order(files(chance, n))[::-1]


def nearly(chance: random.Random, n: int) -> list[str]:
    """In order but for some that have changed places."""
    names = ordered(chance, n)
    for _ in range(n // 20):
        i, j = chance.randrange(n), chance.randrange(n)
        names[i], names[j] = names[j], names[i]
    return names


def paths(chance: random.Random, n: int) -> list[str]:
    """Long, and alike for a long way."""
    start = "/".join(stem(chance, 6, 10) for _ in range(4))
    return [f"{start}/{chance.randrange(20)}/{chance.choice(LETTERS)}{chance.randrange(n)}" for _ in range(n)]


KINDS = {make.__name__: make for make in (files, versions, words, numbers, few, ordered, backwards, nearly, paths)}


def names_of(test: dict[str, object], draw: str) -> list[str]:
    """The list of a test; each draw has one of its own, so that nothing pays that is remembered."""
    kind, n = str(test["kind"]), int(str(test["n"]))
    return KINDS[kind](random.Random(f"{kind}/{n}/{test['seed']}/{draw}"), n)
