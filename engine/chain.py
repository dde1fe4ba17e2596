"""The hash of a fact's row, over the row before it too: whoever changes one row has to change all that follow.

Covered: a changed, removed, inserted or reordered row. Not covered: rows cut off at the end, and a chain that somebody wrote anew
from the changed row on; commits carry the hash of the facts that they rest upon (`Loopwatch-Ledger`), and a published one is out
of reach.

A row without a hash was written by a loopwatch that knew none. The next row that has one vouches for it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

START = ""
"""What the first row stands behind."""


class Row(NamedTuple):
    """A fact as it stands in the file."""

    seq: int
    at: float
    kind: str
    experiment: int | None
    body: str
    hash: str = ""
    """As it was written; "" where there is none."""


def linked(before: str, row: Row) -> str:
    """The hash of a row behind the one whose hash is `before`: SHA-256 of both as one JSON array, in hexadecimal."""
    written = json.dumps([before, row.seq, float(row.at), row.kind, row.experiment, row.body])
    return hashlib.sha256(written.encode("ascii")).hexdigest()


def head(rows: Iterable[Row]) -> str:
    """The hash of the last of a ledger's rows, all of which are given, oldest first."""
    last = START
    for row in rows:
        last = row.hash or linked(last, row)
    return last


class Break(NamedTuple):
    """Where the chain does not hold, and why."""

    seq: int
    why: str


def breaks(rows: Iterable[Row]) -> Iterator[Break]:
    """Every place where the rows of a ledger, oldest first, are not as they were written."""
    before, expected, vouched = START, 1, False
    for row in rows:
        gap, expected, hash_ = row.seq != expected, row.seq + 1, linked(before, row)
        if gap:
            yield Break(row.seq, f"fact {row.seq} does not follow the one before it: rows were removed or renumbered")
        elif not row.hash and vouched:
            yield Break(row.seq, f"fact {row.seq} has no hash, although one before it has")
        elif row.hash and row.hash != hash_:
            which = f"fact {row.seq} is" if vouched or row.seq == 1 else f"one of facts 1 to {row.seq} is"
            yield Break(row.seq, f"{which} not as it was written: its hash is another")
        vouched = vouched or bool(row.hash)
        # The chain goes on from what was written, so that one change is told once.
        before = row.hash or hash_
