import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwatch.engine import events

from .film import Film


@pytest.fixture
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def film(tmp_path: Path, _utc: None) -> Film:
    film = Film(tmp_path / "pretrain-0615")
    film.propose(1, "baseline", diff="")
    film.run_to(1, 3.4, gain=None, kept=True)
    film.repeat(1, "noise", 3.41, 3.39, 3.405, 3.395, of=4)
    film.tell(events.ControlMeasured(attempt=1, value=8.1, clearly_worse=True, reason="untrained it scores 8.1000"))
    film.propose(2, "weight decay off")
    film.run_to(2, 3.41, gain=-0.01, kept=False)
    film.propose(3, "dropout off")
    film.run_to(3, 3.3, gain=0.1, kept=True)
    film.repeat(3, "confirmation", 3.31, 3.3)
    return film


@pytest.fixture
def engine(film: Film) -> Iterator[None]:
    """The run's lock, held as an engine holds it."""
    lock = os.open(film.run.folder / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield
    os.close(lock)
