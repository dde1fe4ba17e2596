"""The hash chain: every change of a row is found, and rows that are older than the chain are vouched for."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine import chain
from loopwatch.engine.chain import Row
from loopwatch.engine.events import Warned
from loopwatch.engine.ledger import Ledger, as_it_stands
from tests.engine import facts

ROWS = st.lists(
    st.tuples(st.floats(0, 2e9), st.sampled_from("ab"), st.none() | st.integers(1, 9), st.text()), min_size=1
)


def chained(contents: list[tuple[float, str, int | None, str]], *, older: int = 0) -> list[Row]:
    """Rows as a ledger would write them; the first `older` of them without a hash."""
    rows: list[Row] = []
    before = chain.START
    for seq, content in enumerate(contents, start=1):
        row = Row(seq, *content)
        before = chain.linked(before, row)
        rows.append(row._replace(hash="" if seq <= older else before))
    return rows


def test_a_ledger_is_a_whole_chain_and_its_hashes_are_what_anybody_can_compute(tmp_path: Path) -> None:
    ledger = Ledger.of(tmp_path)
    ledger.append(facts.opened(), *facts.life(1))
    ledger.append(Warned(text="ü \ud800"))

    with as_it_stands(tmp_path / "run.db") as found:
        rows = list(found)
    ledger.close()
    assert list(chain.breaks(rows)) == []
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert rows == chained([row[1:5] for row in rows])


@given(ROWS, st.data())
def test_any_other_value_in_any_row_breaks_the_chain(
    contents: list[tuple[float, str, int | None, str]], data: st.DataObject
) -> None:
    rows = chained(contents, older=data.draw(st.integers(0, len(contents) - 1)))
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(("at", "kind", "experiment", "body")))
    others = {"at": st.floats(0, 2e9), "kind": st.just("c"), "experiment": st.integers(10, 20), "body": st.text()}
    value = data.draw(others[column].filter(lambda value: value != getattr(rows[place], column)))

    rows[place] = Row._make({**rows[place]._asdict(), column: value}.values())

    assert list(chain.breaks(rows))


@given(ROWS.filter(lambda rows: len(rows) > 2), st.data())
def test_a_row_that_was_removed_doubled_or_moved_breaks_the_chain(
    contents: list[tuple[float, str, int | None, str]], data: st.DataObject
) -> None:
    rows = chained(contents)
    place = data.draw(st.integers(0, len(rows) - 2))

    removed = rows[:place] + rows[place + 1 :]
    doubled = [*rows[:place], rows[place], *rows[place:]]
    moved = [*rows[:place], rows[place + 1], rows[place], *rows[place + 2 :]]

    assert all(list(chain.breaks(changed)) for changed in (removed, doubled, moved))


def test_one_change_is_told_once_by_its_place() -> None:
    rows = chained([(1.0, "a", None, str(number)) for number in range(9)])

    rows[4] = rows[4]._replace(body="other")

    assert [found.seq for found in chain.breaks(rows)] == [5]


def test_the_first_hash_vouches_for_the_rows_of_an_older_loopwatch(tmp_path: Path) -> None:
    before_hashes = Path(__file__).parent / "ledger.2.sql"
    db = sqlite3.connect(tmp_path / "run.db")
    db.executescript(before_hashes.read_text())
    body = Warned(text="old").model_dump_json()
    db.executemany("insert into event (at, kind, body) values (?, 'warned', ?)", [(1.0, body), (2.0, body)])
    db.commit()
    with as_it_stands(tmp_path / "run.db") as found:
        untouched = list(found)

    ledger = Ledger.of(tmp_path)
    ledger.append(Warned(text="new"))
    with as_it_stands(tmp_path / "run.db") as found:
        rows = list(found)
    db.execute("update event set at = 1.5 where seq = 1")
    db.commit()
    with as_it_stands(tmp_path / "run.db") as found:
        (broken,) = chain.breaks(found)

    ledger.close()
    db.close()
    assert [row.hash for row in untouched] == ["", ""]
    assert [bool(row.hash) for row in rows] == [False, False, True]
    assert list(chain.breaks(rows)) == []
    assert broken == chain.Break(3, "one of facts 1 to 3 is not as it was written: its hash is another")


@pytest.mark.parametrize("older", [0, 2])
def test_a_hash_that_was_taken_away_is_missed(older: int) -> None:
    rows = chained([(1.0, "a", None, str(number)) for number in range(6)], older=older)

    rows[4] = rows[4]._replace(hash="")

    assert [found.why for found in chain.breaks(rows)] == ["fact 5 has no hash, although one before it has"]
