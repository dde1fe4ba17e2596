"""An experiments.db of the `lab` tool, read and never written: neither the file nor its folder changes.

Nothing in such a file is believed: a view in place of a table, a missing column or a broken page is a ConfigError.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from .errors import ConfigError

Row = dict[str, Any]

TABLES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "hypotheses": (("id",), ("title",), ("mechanism", "mechanism_explanation"), ("created_at",)),
    "experiments": (("id",), ("hypothesis_id",), ("task_id",), ("created_at",)),
    "results": (
        ("experiment_id",), ("metrics_json",), ("mechanism_confirmed",), ("theory_revision",), ("verdict",), ("created_at",),
    ),
}  # fmt: skip
"""What is read: each column by the names that it has had, the present one first."""


class Tables(NamedTuple):
    """All rows of each table, in the order of their making, with the present names of the columns."""

    hypotheses: list[Row]
    experiments: list[Row]
    results: list[Row]


def read(path: Path) -> Tables:
    """What stands in an experiments.db; ConfigError when it is none, or cannot be read."""
    if not path.is_file():
        raise ConfigError(f"there is no file {path}; name the experiments.db of a lab, as in data/experiments.db")
    with _opened(path) as db:
        return Tables(*(_rows(db, path, table) for table in TABLES))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{_mode(path)}", uri=True, timeout=5)) as db:
            db.row_factory = sqlite3.Row
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")
            db.execute("pragma trusted_schema = off")
            db.execute("pragma query_only = on")
            db.execute("begin")  # all tables as they were at one moment
            yield db
    except (sqlite3.Error, OSError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; is it the experiments.db of a lab?") from None


def _mode(path: Path) -> str:
    # A file in write-ahead mode that nobody has open can be read only with new files beside it, or as immutable.
    with open(path, "rb") as file:
        wal = file.read(20)[18:19] == b"\x02"
    return "immutable=1" if wal and not path.with_name(f"{path.name}-wal").exists() else "mode=ro"


def _rows(db: sqlite3.Connection, path: Path, table: str) -> list[Row]:
    if not db.execute("select 1 from sqlite_schema where type = 'table' and name = ?", (table,)).fetchone():
        raise ConfigError(f"{path} is no experiments.db of a lab: it has no table {table}")
    there = {row["name"] for row in db.execute(f"pragma table_info({table})")}
    chosen = []
    for names in TABLES[table]:
        found = next((name for name in names if name in there), None)
        if found is None:
            raise ConfigError(f"{path} is no experiments.db of a lab: its table {table} has no column {names[0]}")
        chosen.append(f"{found} as {names[0]}")
    # Times are texts in one form, so that they sort; rows of one instant stand in the order they were written in.
    return [dict(row) for row in db.execute(f"select {', '.join(chosen)} from {table} order by created_at, rowid")]
