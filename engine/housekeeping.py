"""Disk space: what a finished experiment leaves behind, and what of it stays.

Logs and facts stay; artefacts stay only for the best experiment, because a night makes hundreds of them.
"""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

LOGS_BYTES = 2 * 2**30
"""Logs of one run, all together; beyond it the oldest go."""


def free_bytes(folder: Path) -> int:
    """What an ordinary user may still write there."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def make_room(run_dir: Path, experiment: int, *, kept: bool) -> None:
    """Delete scratch files, artefacts that are not the best's, and the oldest logs beyond their cap."""
    mine = f"{experiment:04d}-"
    for folder in (run_dir / "tmp").glob("*"):
        delete(folder)
    for folder in (run_dir / "out").glob("*"):
        if folder.name.startswith(mine) != kept:
            delete(folder)
    _prune_logs(run_dir / "logs")


def delete(folder: Path) -> None:
    """Remove a folder that an experiment wrote, even when it took away the permissions; links are removed, not followed."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink(missing_ok=True)
        return
    with suppress(OSError):
        folder.chmod(stat.S_IRWXU)
    for root, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(root, name)
            if not path.is_symlink():
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def _prune_logs(folder: Path) -> None:
    logs = sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for log in logs:
        total += log.stat().st_size
        if total > LOGS_BYTES:
            log.unlink()
