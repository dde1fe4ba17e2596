"""Opening what an experiment left: every odd thing is refused in a sentence, and what is taken is taken once."""

import hashlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loopwatch.engine.errors import ArtefactRefused
from loopwatch.engine.running.artefact import Artefact, take


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "taken"
    folder.mkdir()
    return folder


def test_a_plain_file_is_copied_and_its_bytes_are_hashed(out: Path, into: Path) -> None:
    (out / "deep").mkdir()
    (out / "deep" / "model").write_bytes(b"weights")

    taken = take(out, "deep/model", into, since=time.time())

    assert taken == Artefact("deep/model", 7, hashlib.sha256(b"weights").hexdigest())
    assert (into / "deep" / "model").read_bytes() == b"weights"


def test_what_happens_to_the_file_afterwards_changes_nothing(out: Path, into: Path) -> None:
    (out / "model").write_bytes(b"weights")
    take(out, "model", into)

    (out / "model").write_bytes(b"better weights")

    assert (into / "model").read_bytes() == b"weights"


def _nothing(place: Path) -> None:
    pass


def _link(place: Path) -> None:
    elsewhere = place.parent.parent / "elsewhere"
    elsewhere.write_text("a champion's")
    place.symlink_to(elsewhere)


def _hard_link(place: Path) -> None:
    elsewhere = place.parent.parent / "elsewhere"
    elsewhere.write_text("a champion's")
    os.link(elsewhere, place)


def _socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(place))


def _huge(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(200_000_000)


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (_nothing, "there is no model in what it saved"),
        (_link, "model is no plain file"),
        (_hard_link, "model has 2 names"),
        (os.mkfifo, "model is no plain file"),
        (Path.mkdir, "model is no plain file"),
        (_socket, "model is no plain file"),
        (_huge, "model has 200,000,000 bytes; at most 1,000 are allowed"),
    ],
    ids=["nothing", "link", "hard link", "pipe", "folder", "socket", "huge"],
)
def test_anything_but_a_plain_small_file_is_refused(
    out: Path, into: Path, plant: Callable[[Path], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(out)  # a socket's path may not be long
    plant(out / "model" if plant is not _socket else Path("model"))

    with pytest.raises(ArtefactRefused, match=reason):
        take(out, "model", into, max_bytes=1000)
    assert not (into / "model").exists()


def test_a_folder_on_the_way_that_is_a_link_is_refused(out: Path, into: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "model").write_text("a champion's")
    (out / "deep").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ArtefactRefused, match="deep/model is no plain file"):
        take(out, "deep/model", into)


def test_a_stale_file_is_refused_whatever_time_it_claims(out: Path, into: Path) -> None:
    (out / "model").write_text("yesterday's")
    os.utime(out / "model", (time.time() + 3600, time.time() + 3600))

    with pytest.raises(ArtefactRefused, match="60 s older than the attempt"):
        take(out, "model", into, since=(out / "model").stat().st_ctime + 60)


def test_a_file_that_was_dated_back_but_made_now_is_taken(out: Path, into: Path) -> None:
    began = time.time()
    (out / "model").write_text("today's")
    os.utime(out / "model", (1, 1))

    assert take(out, "model", into, since=began).size == 7


def test_a_folder_that_is_gone_or_replaced_is_refused(tmp_path: Path, into: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")

    with pytest.raises(ArtefactRefused, match="the folder for what it saves cannot be read"):
        take(tmp_path / "out", "model", into)
    with pytest.raises(ArtefactRefused, match="the folder for what it saves cannot be read"):
        take(tmp_path / "gone", "model", into)
