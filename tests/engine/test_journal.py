"""What a journal does when the disk says no."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine.errors import LedgerError
from loopwatch.engine.journal import BALLAST_BYTES, Journal
from tests.engine.bench import journal_in


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = journal_in(tmp_path)
    yield found
    found.telemetry.close()
    found.ledger.close()


class Failing:
    """Fails so often, and then does what it should."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times, self.error, self.tries = times, error, 0

    def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self.times:
            raise self.error
        return "done"


def test_a_full_disk_gets_the_ballast_and_the_write_is_done_again(journal: Journal, tmp_path: Path) -> None:
    write = Failing(1, LedgerError("full"))

    assert journal.patiently(write) == "done"

    assert write.tries == 2
    assert not (tmp_path / "ballast").exists()


def test_what_fails_where_there_is_room_is_not_waited_for(journal: Journal, tmp_path: Path) -> None:
    write = Failing(9, LedgerError("torn"))

    with pytest.raises(LedgerError):
        journal.patiently(write)

    assert write.tries == 2


def test_what_has_nothing_to_do_with_the_disk_is_not_tried_again(journal: Journal, tmp_path: Path) -> None:
    write = Failing(1, ValueError("a fault"))

    with pytest.raises(ValueError, match="a fault"):
        journal.patiently(write)

    assert write.tries == 1
    assert (tmp_path / "ballast").exists()


def test_the_ballast_can_be_put_back(journal: Journal, tmp_path: Path) -> None:
    journal.free_ballast()

    journal.keep_ballast()

    assert (tmp_path / "ballast").stat().st_size == BALLAST_BYTES
