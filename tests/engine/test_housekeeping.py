"""What of an experiment stays on the disk, and what goes."""

import os
from pathlib import Path

import pytest

from loopwatch.engine.housekeeping import LOGS_BYTES, delete, free_bytes, make_room


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    for number in (1, 2, 12):
        for name in ("out", "tmp"):
            folder = tmp_path / name / f"{number:04d}-1"
            folder.mkdir(parents=True)
            (folder / "model.bin").write_text("weights")
    (tmp_path / "logs").mkdir()
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_kept_experiment_s_artefact_replaces_all_others(run_dir: Path) -> None:
    make_room(run_dir, 2, kept=True)

    assert names(run_dir / "out") == ["0002-1"]
    assert names(run_dir / "tmp") == []


def test_an_experiment_that_is_not_kept_takes_only_its_own_artefacts_away(run_dir: Path) -> None:
    (run_dir / "out" / "0002-2").mkdir()

    make_room(run_dir, 2, kept=False)

    assert names(run_dir / "out") == ["0001-1", "0012-1"]


def test_making_room_twice_is_making_it_once(run_dir: Path) -> None:
    make_room(run_dir, 2, kept=True)
    make_room(run_dir, 2, kept=True)

    assert names(run_dir / "out") == ["0002-1"]


def test_a_run_without_folders_has_nothing_to_tidy(tmp_path: Path) -> None:
    make_room(tmp_path, 1, kept=True)

    assert names(tmp_path) == []


def test_the_oldest_logs_go_when_all_together_are_too_large(run_dir: Path) -> None:
    for age, number in enumerate((3, 2, 1)):
        log = run_dir / "logs" / f"{number:04d}-1.log"
        log.touch()
        os.truncate(log, LOGS_BYTES // 2)  # holes take no room
        os.utime(log, (1000 - age, 1000 - age))

    make_room(run_dir, 3, kept=False)

    assert names(run_dir / "logs") == ["0002-1.log", "0003-1.log"]


@pytest.mark.parametrize("closed", [".", "a", "a/b"])
def test_a_folder_whose_permissions_were_taken_away_is_removed_too(tmp_path: Path, closed: str) -> None:
    folder = tmp_path / "out"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").touch()
    (folder / closed).chmod(0)

    delete(folder)

    assert names(tmp_path) == []


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir(mode=0o500)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(treasure)
    (tmp_path / "link").symlink_to(treasure)

    delete(tmp_path / "out")
    delete(tmp_path / "link")

    assert names(tmp_path) == ["treasure"]
    assert treasure.stat().st_mode & 0o777 == 0o500


def test_deleting_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    delete(tmp_path / "gone")


def test_free_space_is_what_the_system_says(tmp_path: Path) -> None:
    assert 0 < free_bytes(tmp_path) < 2**60
