"""A boolean rubric: facts with weights, each of which holds in an answer or does not.

    {"fact": "a plain sentence", "weight": 2, "topic": "with", "pattern": "__exit__"}

Here a fact holds when its pattern is found; a judge model is given the sentences instead. Patterns come from agents too, so
`problem` refuses one that could keep the evaluator busy: the ways in which a pattern can be tried at one place are counted, and
there may be few.
"""

import re
from re import _constants, _parser
from typing import Any

LONGEST_ANSWER = 1_000
"""Characters of an answer that are read, about 150 words: who quotes everything has said nothing."""
LONGEST_PATTERN = 120
MOST_WAYS = 2_000

ONE_CHARACTER = {
    _constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY, _constants.AT, _constants.CATEGORY,
    _constants.RANGE,
}  # fmt: skip

Fact = dict[str, Any]


def plain(text: str) -> str:
    """A text on one line, as patterns see it."""
    return " ".join(text.split())


def read(answer: str) -> str:
    """As much of an answer as is read."""
    return plain(answer)[:LONGEST_ANSWER]


def holds(fact: Fact, text: str) -> bool:
    """Whether a fact stands in a text that is `plain`."""
    return re.search(fact["pattern"], text, re.IGNORECASE) is not None


def score(facts: list[Fact], text: str) -> float:
    """The share of the facts that hold, by weight: 0 to 1."""
    return sum(fact["weight"] for fact in facts if holds(fact, text)) / sum(fact["weight"] for fact in facts)


def problem(pattern: str) -> str:
    """Why a pattern may not be used; "" when it may."""
    if not 1 <= len(pattern) <= LONGEST_PATTERN:
        return f"has {len(pattern)} characters; 1 to {LONGEST_PATTERN} are allowed"
    try:
        parsed = _parser.parse(pattern, re.IGNORECASE)
        found = ways(parsed)
        empty = re.compile(pattern, re.IGNORECASE).search("") is not None
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    if found is None:
        return "may hold letters, sets, groups, alternatives and counted repeats, but nothing that looks around or back"
    if found > MOST_WAYS:
        return f"can be tried in more than {MOST_WAYS:,} ways; write .{{0,40}} instead of .* or .+, and few of them"
    return "matches an empty answer" if empty else ""


def ways(parsed: Any) -> float | None:
    """In how many ways a parsed pattern can be tried at one place, at most; None for what is not counted."""
    total = 1.0
    for kind, inside in parsed:
        if kind in ONE_CHARACTER:
            continue
        if kind is _constants.BRANCH:
            branches = [ways(branch) for branch in inside[1]]
            here = None if None in branches else sum(filter(None, branches))
        elif kind is _constants.SUBPATTERN:
            here = ways(inside[-1])
        elif kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            here = repeated(*inside)
        else:
            here = None
        if here is None:
            return None
        total = min(total * here, 1e9)
    return total


def repeated(least: int, most: int, part: Any) -> float | None:
    """The ways of a part that is repeated."""
    once = ways(part)
    if once is None:
        return None
    if most > MOST_WAYS:
        return 1e9
    total = 0.0
    for times in range(least, most + 1):
        total += min(once, 1e3) ** min(times, 100)
        if total > MOST_WAYS:
            return 1e9
    return total
