"""run.db: facts, and the viewers' inbox. With telemetry.py the only module that speaks SQL to files of ours.

One engine appends facts; any number of viewers poll, read and add commands. A fact that was appended survives a power cut
(WAL, synchronous=FULL). Not covered: a file system shared between machines, where WAL does not work; home.py refuses those.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from . import chain, commands
from .chain import Row
from .commands import AnyCommand
from .credentials import redact
from .errors import LedgerError
from .events import AnyFact, Entry, read
from .fact import Fact

F = TypeVar("F", bound=Fact)

VERSION = 3
CACHE_KB = 128
"""Of a database in memory; what is read is read once, so that more would only fill up."""
_HERE = Path(__file__).parent


class Inbox(NamedTuple):
    """One command row."""

    id: int
    asked_at: float
    by: str
    via: str
    command: AnyCommand | None
    """None: written by a viewer of another version, and not understood."""
    answered: bool
    ok: bool
    answer: str


def connect(path: Path, schema: str, *, synchronous: str) -> sqlite3.Connection:
    """Open a database of ours, making its tables when it is new; LedgerError when that cannot be."""
    new = not path.exists()
    try:
        db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        _use_wal(db)
        db.execute(f"pragma synchronous = {synchronous}")
        db.execute(f"pragma cache_size = -{CACHE_KB}")
        version = db.execute("pragma user_version").fetchone()[0]
        if version == 0:
            _create(db, (_HERE / schema).read_text(encoding="utf-8"))
        elif version < VERSION:
            _upgrade(db, schema)
        elif version > VERSION:
            raise LedgerError(
                f"{path} was written by a newer loopwatch (format {version}, this one reads {VERSION}); upgrade loopwatch"
            )
    except sqlite3.Error as error:
        raise LedgerError(
            f"{path} cannot be {'made' if new else 'read'}: {error}; see that its disk is there and not full"
        ) from error
    return db


def _use_wal(db: sqlite3.Connection) -> None:
    # Two processes may open a new file at once, and this one statement does not wait for the other as all others do.
    for _ in range(200):
        try:
            db.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
        time.sleep(0.02)
    db.execute("pragma journal_mode = wal")


def _create(db: sqlite3.Connection, schema: str) -> None:
    db.execute("begin immediate")
    if db.execute("pragma user_version").fetchone()[0] == 0:
        for statement in schema.split(";"):
            db.execute(statement)
        db.execute(f"pragma user_version = {VERSION}")
    db.execute("commit")


def _upgrade(db: sqlite3.Connection, schema: str) -> None:
    """Bring a database of an older loopwatch up to date, by the files NAME.VERSION.sql."""
    db.execute("begin immediate")
    for step in range(db.execute("pragma user_version").fetchone()[0] + 1, VERSION + 1):
        file = _HERE / f"{schema.removesuffix('.sql')}.{step}.sql"
        for statement in file.read_text(encoding="utf-8").split(";") if file.exists() else ():
            db.execute(statement)
    db.execute(f"pragma user_version = {VERSION}")
    db.execute("commit")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of the body's writes or none; LedgerError when the disk says no."""
    try:
        db.execute("begin immediate")
        try:
            yield db
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")
    except sqlite3.Error as error:
        if db.in_transaction:
            db.execute("rollback")
        raise LedgerError(f"the ledger cannot be written: {error}; free some disk space and resume") from error


def rows(db: sqlite3.Connection, sql: str, *values: object) -> list[Any]:
    """All that a query finds; LedgerError when the file cannot be read."""
    try:
        return db.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger cannot be read: {error}; see that its disk is there") from error


def storable(text: str) -> str:
    """The same text; half a surrogate pair, as an agent's JSON or the name of a file may contain, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


class Facts(Generic[F]):
    """A file that facts are only ever added to; each is told with its place and time in it."""

    def __init__(self, path: Path, read: Callable[[str], F], *, clock: Callable[[], float] = time.time) -> None:
        """Open or make the file at `path`; `read` makes a fact from its JSON, `clock` says when it was written."""
        self._read, self._clock = read, clock
        self._db = connect(path, "schema.sql", synchronous="full")

    def append(self, *facts: F) -> Sequence[tuple[int, float, F]]:
        """Add facts in one transaction; they are on the disk when this returns."""
        now = self._clock()
        with transaction(self._db) as db:
            return [_insert(db, fact, now, self._read) for fact in facts]

    def since(self, seq: int = 0, *, limit: int = -1) -> Sequence[tuple[int, float, F]]:
        """The facts after `seq`, oldest first."""
        found = rows(self._db, "select seq, at, body from event where seq > ? order by seq limit ?", seq, limit)
        return [(number, at, _fact(number, body, self._read)) for number, at, body in found]

    def close(self) -> None:
        """Give the file back."""
        self._db.close()


class Ledger(Facts[AnyFact]):
    """A run's facts and commands."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open or make the ledger at `path`; `clock` gives the times of what is written through here."""
        super().__init__(path, read, clock=clock)
        self._version = -1

    @classmethod
    def of(cls, run_dir: Path) -> Self:
        """The ledger of a run folder."""
        return cls(run_dir / "run.db")

    def append(self, *facts: AnyFact) -> list[Entry]:
        """Add facts in one transaction; they are on the disk when this returns."""
        return [Entry(*told) for told in super().append(*facts)]

    def since(self, seq: int = 0, *, limit: int = -1) -> list[Entry]:
        """The facts after `seq`, oldest first."""
        return [Entry(*told) for told in super().since(seq, limit=limit)]

    def at_or_after(self, at: float, *kinds: str) -> list[AnyFact]:
        """The facts of these kinds since a moment, oldest first."""
        marks = ", ".join("?" * len(kinds))
        sql = f"select seq, body from event where at >= ? and kind in ({marks}) order by seq"
        return [_fact(number, body, read) for number, body in rows(self._db, sql, at, *kinds)]

    def anchor(self, experiment: int) -> str:
        """The hash of the fact that an experiment's verdict rests upon: its last measurement, or else its proposal; "" without one."""
        sql = (
            "select hash from event where experiment = ? and kind in ('proposed', 'measured') order by seq desc limit 1"
        )
        found = rows(self._db, sql, experiment)
        return str(found[0][0]) if found else ""

    def changed(self) -> bool:
        """Whether another connection wrote since this was last asked. About five microseconds."""
        version: int = rows(self._db, "pragma data_version")[0][0]
        changed, self._version = version != self._version, version
        return changed

    def ask(self, command: AnyCommand, *, by: str, via: str, delay: float = 0) -> int:
        """Put a command into the inbox; `delay` seconds long it can still be withdrawn."""
        now = self._clock()
        with transaction(self._db) as db:
            cursor = db.execute(
                "insert into command (asked_at, due_at, by, via, kind, body) values (?, ?, ?, ?, ?, ?)",
                (now, now + delay, storable(by), storable(via), command.kind, _body(command)),
            )
            return cursor.lastrowid or 0

    def withdraw(self, command: int, *, by: str) -> bool:
        """Take back a command that is not answered yet; False when it is too late."""
        with transaction(self._db) as db:
            cursor = db.execute(
                "update command set answered_at = ?, ok = 0, answer = ? where id = ? and answered_at is null",
                (self._clock(), storable(f"taken back by {by}"), command),
            )
            return cursor.rowcount == 1

    def due(self) -> list[Inbox]:
        """The commands that wait for an answer now, oldest first."""
        found = rows(
            self._db,
            f"select {_INBOX} from command where answered_at is null and due_at <= ? order by id",
            self._clock(),
        )
        return [_inbox(row) for row in found]

    def answer(self, command: int, *, ok: bool, text: str, facts: tuple[AnyFact, ...] = ()) -> list[Entry] | None:
        """Answer a command together with the facts it causes, in one transaction; None when it was withdrawn before."""
        now = self._clock()
        with transaction(self._db) as db:
            cursor = db.execute(
                "update command set answered_at = ?, ok = ?, answer = ? where id = ? and answered_at is null",
                (now, int(ok), storable(text), command),
            )
            if cursor.rowcount == 0:
                return None
            return [Entry(*_insert(db, fact, now, read)) for fact in facts]

    def command(self, command: int) -> Inbox:
        """One command with its answer."""
        found = rows(self._db, f"select {_INBOX} from command where id = ?", command)
        if not found:
            raise LedgerError(f"there is no command {command} in this ledger")
        return _inbox(found[0])


@contextmanager
def as_it_stands(path: Path) -> Iterator[Iterator[Row]]:
    """The rows of a ledger as they are in the file at one moment, with nothing made of them; the file is only read.

    LedgerError, also in mid-iteration, when SQLite cannot read it, or finds its pages out of order.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{_read_mode(path)}", uri=True, timeout=10)) as db:
            db.execute("pragma trusted_schema = off")
            db.execute("pragma query_only = on")
            db.execute("begin")
            if (found := db.execute("pragma integrity_check(1)").fetchone()[0]) != "ok":
                raise LedgerError(f"{path.name} is damaged: {found}")
            hashed = any(column[1] == "hash" for column in db.execute("pragma table_info(event)"))
            columns = _ROW if hashed else _ROW.replace("hash", "''")
            yield map(Row._make, db.execute(f"select {columns} from event order by seq"))
    except sqlite3.Error as error:
        raise LedgerError(f"{path.name} cannot be read: {error}") from error


def _read_mode(path: Path) -> str:
    """How to open a database that is only to be read, as a parameter of its URI."""
    # In write-ahead mode a file that nobody has open can be read only with new files beside it, or as immutable.
    return "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"


_ROW = "seq, at, kind, experiment, body, hash"
_INBOX = "id, asked_at, by, via, body, answered_at, ok, answer"


def _inbox(row: Any) -> Inbox:
    number, asked_at, by, via, body, answered_at, ok, answer = row
    try:
        command = commands.read(body)
    except ValidationError:
        command = None
    return Inbox(number, asked_at, by, via, command, answered_at is not None, bool(ok), answer or "")


def _fact(number: int, body: str, read: Callable[[str], F]) -> F:
    try:
        return read(body)
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise LedgerError(
            f"fact {number} of the ledger cannot be understood ({why}); was it written by a newer loopwatch? upgrade it"
        ) from None


def _insert(db: sqlite3.Connection, fact: F, at: float, read: Callable[[str], F]) -> tuple[int, float, F]:
    body, fields = _body(fact), dict(fact)
    last, before = _head(db)
    row = Row(last + 1, float(at), fields["kind"], fields.get("experiment"), body)
    db.execute(f"insert into event ({_ROW}) values (?, ?, ?, ?, ?, ?)", (*row[:5], chain.linked(before, row)))
    # Read back, so that the writer sees what every reader will see.
    return row.seq, at, read(body)


def _head(db: sqlite3.Connection) -> tuple[int, str]:
    """The place and the hash of the last row."""
    seq, hash_ = db.execute("select seq, hash from event order by seq desc limit 1").fetchone() or (0, chain.START)
    if seq and not hash_:  # an older loopwatch wrote it; this is read in full once
        hash_ = chain.head(map(Row._make, db.execute(f"select {_ROW} from event order by seq")))
    return seq, hash_


def _body(model: BaseModel) -> str:
    """As JSON, without any key: whatever was said, no key gets past here."""
    try:
        return redact(model.model_dump_json())
    except PydanticSerializationError:
        return redact(storable(json.dumps(model.model_dump(mode="json"), ensure_ascii=False)))
