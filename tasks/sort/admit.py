"""Say of each proposed test whether it may enter the suite: it is well-formed, in bounds, and of a kind and size that are new."""

import json
import os
from pathlib import Path
from typing import Any

from kinds import KINDS, MOST

FEWEST = 10
ALIKE = 1.2
"""Sizes of one kind that differ by less than this factor are the same in substance, whatever the seed."""


class Refused(Exception):
    """The test may not enter; the message is the reason."""


def checked(test: Any) -> dict[str, Any]:
    """What a proposed test asks for."""
    asked = test.get("input") if isinstance(test, dict) else None
    if not isinstance(asked, dict) or set(asked) != {"kind", "n", "seed"}:
        raise Refused('malformed: a test is {"input": {"kind": …, "n": …, "seed": …}, "expected": null}')
    if not isinstance(asked["kind"], str) or asked["kind"] not in KINDS:
        raise Refused(f"malformed: the kind must be one of {', '.join(KINDS)}")
    if type(asked["n"]) is not int or not FEWEST <= asked["n"] <= MOST:
        raise Refused(f"malformed: n must be a whole number from {FEWEST} to {MOST}")
    if type(asked["seed"]) is not int or not 0 <= asked["seed"] < 2**32:
        raise Refused("malformed: the seed must be a whole number from 0 to 4294967295")
    if test.get("expected") is not None:
        raise Refused("contradicted: expected must be null, for the order of names follows from the names")
    return {"kind": asked["kind"], "n": asked["n"], "seed": asked["seed"]}


def answer(test: Any, known: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        asked = checked(test)
        for other in known:
            larger, smaller = max(asked["n"], other["n"]), min(asked["n"], other["n"])
            if asked["kind"] == other["kind"] and larger < ALIKE * smaller:
                raise Refused(f"duplicate: the suite has {other['n']} names of this kind")
    except Refused as reason:
        return {"ok": False, "reason": str(reason)}
    known.append(asked)
    return {"ok": True, "input": asked, "expected": None}


def main() -> None:
    suite = json.loads(Path(os.environ.get("LOOPWATCH_SUITE", "cases.json")).read_text(encoding="utf-8"))
    known = [test["input"] for test in suite]
    for test in json.loads(Path(os.environ["LOOPWATCH_TESTS"]).read_text(encoding="utf-8")):
        print(json.dumps(answer(test, known)), flush=True)


if __name__ == "__main__":
    main()
