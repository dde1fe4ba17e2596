"""What an experiment may not change is seen afterwards, told with the bytes that were found, and put back."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loopwatch.engine.events import Evidence
from loopwatch.engine.running.evidence import Seal, clock


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    for name, text in {
        "run.json": "{}",
        "repo.git/config": "[core]\n",
        "repo.git/refs/heads/loopwatch/tiny": "a" * 40,
        "repo.git/objects/aa/bb": "an object",
        "data/public/train.bin": "text",
        "data/hidden/val.bin": "other text",
        "data/prepared": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_where_nothing_was_touched_there_is_no_evidence(run_dir: Path) -> None:
    seal = Seal.of(run_dir)

    (run_dir / "repo.git" / "objects" / "aa" / "cc").write_text("named by its hash")
    (run_dir / "data" / "public" / "cache.bin").write_text("a training's own")
    (run_dir / "data" / "hidden" / "val.bin").read_text()

    assert seal.broken() == ()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("run.json", "engine's files"),
        ("repo.git/config", "git data"),
        ("repo.git/refs/heads/loopwatch/tiny", "git data"),
        ("repo.git/hooks/post-commit", "git data"),
        ("data/public/train.bin", "data"),
        ("data/hidden/val.bin", "data"),
        ("data/hidden/planted", "data"),
    ],
)
def test_what_was_written_is_found_with_its_hash(run_dir: Path, name: str, what: str) -> None:
    seal = Seal.of(run_dir)

    (run_dir / name).parent.mkdir(exist_ok=True)
    (run_dir / name).write_text("planted")

    assert seal.broken() == (Evidence(what=what, path=name, digest=_sha("planted")),)


def _remove(path: Path) -> None:
    path.unlink()


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("spoil", [_remove, _link])
def test_what_is_gone_or_a_link_has_no_hash_and_is_put_back(run_dir: Path, spoil: Callable[[Path], None]) -> None:
    config = run_dir / "repo.git" / "config"
    seal = Seal.of(run_dir)
    spoil(config)

    found = seal.broken()
    seal.mend(found)

    assert found == (Evidence(what="git data", path="repo.git/config"),)
    assert config.read_text() == "[core]\n"
    assert not config.is_symlink()
    assert seal.broken() == ()


def test_data_that_was_written_and_dated_back_is_found_and_will_be_made_anew(run_dir: Path) -> None:
    held_out = run_dir / "data" / "hidden" / "val.bin"
    before = held_out.stat()
    seal = Seal.of(run_dir)
    held_out.write_text("OTHER TEXT")
    os.utime(held_out, ns=(before.st_atime_ns, before.st_mtime_ns))

    found = seal.broken()
    seal.mend(found)

    assert [evidence.path for evidence in found] == ["data/hidden/val.bin"]
    assert not (run_dir / "data" / "prepared").exists()
    assert not held_out.exists()


def test_the_clock_stands_still_against_a_steady_one() -> None:
    assert abs(clock() - clock()) < 0.5
    assert clock() < time.time()
