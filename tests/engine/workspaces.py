"""A run's repository and folders for tests, and what lies in them."""

import os
import stat
from pathlib import Path

from loopwatch.engine.repository.workspace import Workspace

from .repositories import TRAIN

BETTER = TRAIN.replace("1.0", "0.5")
TRAILERS = {"Loopwatch-Experiment": "7", "Loopwatch-Metric": "val_bpb 2.7312", "Approved-By": "anna"}


def begin(
    run: Path, source: Path, *, use_repository: bool = False, editable: tuple[str, ...] = ("train.py",)
) -> Workspace:
    run.mkdir(exist_ok=True)
    return Workspace.create(
        run,
        source,
        editable=editable,
        frozen=("evaluate.py",),
        run_name="calm-fox",
        use_repository=use_repository,
        when=1000,
    )


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a folder that is no folder, and every empty folder."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = (0, os.fsencode(path.readlink()))
        elif path.is_file():
            found[str(path.relative_to(folder))] = (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        elif path.is_dir() and not any(path.iterdir()):
            found[str(path.relative_to(folder))] = (1, b"")
    return found
