"""Facts and commands in a real SQLite file, with more than one connection."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from loopwatch.engine import commands, events
from loopwatch.engine.config import RunConfig
from loopwatch.engine.errors import LedgerError
from loopwatch.engine.ledger import VERSION, Ledger, connect
from tests.engine import facts
from tests.waiting import until

HELLO = events.Warned(text="hello")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.of(tmp_path)
    yield ledger
    ledger.close()


@pytest.fixture
def viewer(tmp_path: Path, engine: Ledger) -> Iterator[Ledger]:
    ledger = Ledger.of(tmp_path)
    yield ledger
    ledger.close()


def test_what_one_connection_appends_another_reads_as_it_was(engine: Ledger, viewer: Ledger) -> None:
    written = engine.append(facts.opened(), *facts.life(1))

    assert viewer.since() == written
    assert [entry.seq for entry in written] == list(range(1, len(written) + 1))


def test_since_gives_only_what_is_new_and_no_more_than_asked(engine: Ledger, viewer: Ledger) -> None:
    for number in range(5):
        engine.append(events.Warned(text=str(number)))

    assert [entry.fact for entry in viewer.since(3)] == [events.Warned(text="3"), events.Warned(text="4")]
    assert [entry.seq for entry in viewer.since(1, limit=2)] == [2, 3]


def test_a_viewer_notices_a_change_once(engine: Ledger, viewer: Ledger) -> None:
    viewer.changed()

    engine.append(HELLO)

    assert [viewer.changed(), viewer.changed()] == [True, False]


def test_a_viewer_that_never_looked_has_something_to_see(engine: Ledger, viewer: Ledger) -> None:
    assert viewer.changed()


def test_facts_of_one_append_are_all_there_or_none(engine: Ledger, viewer: Ledger) -> None:
    with pytest.raises(AttributeError):
        engine.append(HELLO, "no fact")  # type: ignore[arg-type]

    assert viewer.since() == []
    assert engine.append(HELLO)[0].seq == 1


def test_text_that_is_no_unicode_is_stored_as_what_can_be_read_again(engine: Ledger, viewer: Ledger) -> None:
    written = engine.append(events.Warned(text="a\ud800b"), events.Noted(note=1, text="\udcff", by="anna"))
    number = viewer.ask(commands.Note(text="\udcff"), by="anna\udcff", via="tui")
    engine.answer(number, ok=False, text="no \udcff")

    assert viewer.since() == written
    assert written[0].fact == events.Warned(text="a?b")
    asked = viewer.command(number)
    assert (asked.command, asked.by, asked.answer) == (commands.Note(text="?"), "anna?", "no ?")


def test_a_command_waits_until_it_is_answered_and_only_once(engine: Ledger, viewer: Ledger) -> None:
    number = viewer.ask(commands.Pause(), by="anna", via="tui")
    waiting = engine.due()

    engine.answer(number, ok=True, text="paused", facts=(events.Paused(by="anna"),))
    again = engine.answer(number, ok=False, text="no", facts=(HELLO,))

    assert [(row.id, row.by, row.via, row.command) for row in waiting] == [(number, "anna", "tui", commands.Pause())]
    assert engine.due() == []
    assert again is None
    assert (viewer.command(number).ok, viewer.command(number).answer) == (True, "paused")
    assert [entry.fact for entry in viewer.since()] == [events.Paused(by="anna")]


def test_commands_are_due_in_the_order_of_their_rows(engine: Ledger, viewer: Ledger) -> None:
    first = viewer.ask(commands.Pause(), by="anna", via="tui")
    second = engine.ask(commands.Resume(), by="bo", via="tui")

    assert [row.id for row in engine.due()] == [first, second]


def test_answering_a_withdrawn_command_writes_no_facts(engine: Ledger, viewer: Ledger) -> None:
    number = viewer.ask(commands.Pause(), by="anna", via="tui")

    assert viewer.withdraw(number, by="anna")
    assert engine.answer(number, ok=True, text="paused", facts=(events.Paused(by="anna"),)) is None

    assert viewer.since() == []
    assert (viewer.command(number).ok, viewer.command(number).answer) == (False, "taken back by anna")


def test_an_answered_command_cannot_be_withdrawn(engine: Ledger, viewer: Ledger) -> None:
    number = viewer.ask(commands.Pause(), by="anna", via="tui")
    engine.answer(number, ok=True, text="paused")

    assert not viewer.withdraw(number, by="anna")
    assert viewer.command(number).answer == "paused"


def test_a_delayed_command_is_not_due_yet_but_can_be_taken_back(engine: Ledger, viewer: Ledger) -> None:
    number = viewer.ask(commands.Pause(), by="anna", via="tui", delay=3600)

    assert engine.due() == []
    assert viewer.withdraw(number, by="anna")


def test_a_delayed_command_comes_due_by_itself(engine: Ledger, viewer: Ledger) -> None:
    asked_at = time.time()
    viewer.ask(commands.Pause(), by="anna", via="tui", delay=0.2)

    until(engine.due)

    assert time.time() - asked_at >= 0.2


def test_a_command_of_another_version_is_there_without_its_meaning(
    tmp_path: Path, engine: Ledger, viewer: Ledger
) -> None:
    number = viewer.ask(commands.Pause(), by="anna", via="tui")
    with sqlite3.connect(tmp_path / "run.db") as db:
        db.execute('update command set body = \'{"kind": "dance"}\'')
    db.close()

    assert [(row.id, row.command) for row in engine.due()] == [(number, None)]


def test_an_unknown_command_is_named(viewer: Ledger) -> None:
    with pytest.raises(LedgerError, match="there is no command 7 in this ledger"):
        viewer.command(7)


def test_facts_cannot_be_written_while_another_engine_writes_but_are_whole_afterwards(
    engine: Ledger, viewer: Ledger
) -> None:
    for _ in range(50):
        engine.append(HELLO)
        viewer.append(HELLO)

    assert [entry.seq for entry in engine.since()] == list(range(1, 101))


def test_settings_of_a_newer_version_can_be_read_though_nobody_may_write_them_by_hand(
    tmp_path: Path, engine: Ledger
) -> None:
    opened = facts.opened().model_dump(mode="json")
    of_tomorrow = {"config": {"tomorrow": 1}, "metric": {"tomorrow": 1}, "budget": {"tomorrow": 1}}
    newer = {name: {**value, **of_tomorrow[name]} if name in of_tomorrow else value for name, value in opened.items()}
    newer["config"]["stop"]["tomorrow"] = newer["config"]["caps"]["tomorrow"] = 1
    engine.append(HELLO)
    with sqlite3.connect(tmp_path / "run.db") as db:
        db.execute("update event set body = ? where seq = 1", (json.dumps(newer),))
    db.close()

    assert engine.since()[0].fact == facts.opened()
    with pytest.raises(ValidationError, match="tomorrow"):
        RunConfig.model_validate_json(json.dumps(newer["config"]))


@pytest.mark.parametrize("body", ['{"kind": "danced"}', '{"kind": "paused"}', "{", ""])
def test_a_fact_that_cannot_be_understood_is_named(tmp_path: Path, engine: Ledger, body: str) -> None:
    engine.append(HELLO, HELLO)
    with sqlite3.connect(tmp_path / "run.db") as db:
        db.execute("update event set body = ? where seq = 2", (body,))
    db.close()

    with pytest.raises(
        LedgerError, match=r"fact 2 of the ledger cannot be understood \(.*\); was it written by a newer"
    ):
        engine.since()


def test_a_newer_format_is_refused_with_the_way_out(tmp_path: Path) -> None:
    Ledger.of(tmp_path).close()
    with sqlite3.connect(tmp_path / "run.db") as db:
        db.execute(f"pragma user_version = {VERSION + 1}")
    db.close()

    with pytest.raises(LedgerError) as error:
        Ledger.of(tmp_path)

    assert str(error.value) == (
        f"{tmp_path}/run.db was written by a newer loopwatch (format {VERSION + 1}, this one reads {VERSION}); "
        "upgrade loopwatch"
    )


def test_a_file_that_is_no_database_is_said_to_be_unreadable(tmp_path: Path) -> None:
    (tmp_path / "run.db").write_bytes(b"these are not the facts you are looking for" * 100)

    with pytest.raises(LedgerError, match=r"run.db cannot be read: file is not a database; see that its disk"):
        Ledger.of(tmp_path)


def test_a_ledger_with_a_torn_page_is_said_to_be_unreadable(tmp_path: Path) -> None:
    ledger = Ledger.of(tmp_path)
    ledger.append(*[events.Warned(text="x" * 2000)] * 50)
    ledger.close()
    with open(tmp_path / "run.db", "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 40_000)

    ledger = Ledger.of(tmp_path)
    with pytest.raises(LedgerError, match=r"the ledger cannot be read: .*malformed"):
        ledger.since()
    ledger.close()


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"gone/run.db cannot be made: unable to open database file"):
        Ledger.of(tmp_path / "gone")


@pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
def test_a_database_is_written_through_to_the_disk_as_it_was_asked(
    tmp_path: Path, synchronous: str, level: int
) -> None:
    db = connect(tmp_path / "run.db", "schema.sql", synchronous=synchronous)

    assert db.execute("pragma synchronous").fetchone() == (level,)
    assert db.execute("pragma journal_mode").fetchone() == ("wal",)
    db.close()


WRITER = """
import sys
from pathlib import Path
from loopwatch.engine.events import Warned
from loopwatch.engine.ledger import Ledger

ledger = Ledger.of(Path(sys.argv[1]))
for number in range(10**9):
    ledger.append(Warned(text=str(number)), Warned(text=f"{number} again"))
    print(number, flush=True)
"""


@pytest.mark.parametrize("appended", [1, 20, 77])
def test_a_writer_killed_in_full_flow_loses_no_fact_that_it_had_appended(tmp_path: Path, appended: int) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(appended):
        writer.stdout.readline()

    os.kill(writer.pid, signal.SIGKILL)
    told = [*range(appended), *(int(line) for line in writer.stdout)]
    writer.stdout.close()
    writer.wait()
    ledger = Ledger.of(tmp_path)
    found = [entry.fact for entry in ledger.since()]
    ledger.close()

    pairs = [[events.Warned(text=f"{number}"), events.Warned(text=f"{number} again")] for number in range(len(found))]
    assert found == [fact for pair in pairs for fact in pair][: len(found)]
    assert len(found) % 2 == 0
    assert len(found) // 2 >= len(told)
