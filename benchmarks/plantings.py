"""Does our git run what an experiment left in its folder? And would git in that folder have run it?

    python -m benchmarks.plantings

Each planting is made in the folders of a run that began in a user's repository; then every operation of the engine follows. The
other line is the control: the same plantings, and ordinary git commands in that folder.
"""

import tempfile
from pathlib import Path

from tests.engine.plantings import PLANTINGS, careless
from tests.engine.repositories import plant, task_in, user_repository
from tests.engine.test_plantings import OPERATIONS
from tests.engine.workspaces import begin

from .figures import Aim, arguments, heading, note, tell


def main() -> None:
    arguments(__doc__).parse_args()
    heading("plantings")
    with tempfile.TemporaryDirectory(prefix="loopwatch-benchmark-") as scratch:
        ran = [found for name in PLANTINGS for found in by_us(Path(scratch) / name, name)]
        theirs = [by_git(Path(scratch) / f"{name}-control", name) for name in PLANTINGS]
    tell(f"run by us, of {len(PLANTINGS)} plantings x {len(OPERATIONS)} operations", [len(ran)], "", Aim(0))
    tell(f"run by ordinary git there, of {len(PLANTINGS)}", [sum(theirs)], "")
    for found in ran:
        note(found)


def by_us(place: Path, name: str) -> list[str]:
    """The operations of ours that ran it."""
    place.mkdir()
    mark = place / "mark"
    program = plant(place / "evil.sh", mark)
    user = user_repository(place / "user")
    workspace = begin(place / "run", user / "research" / "sine", use_repository=True)
    for folder in (place / "run" / "work", workspace.work_folder, place / "run" / "pristine"):
        PLANTINGS[name](folder, program)
    mark.unlink(missing_ok=True)
    ran = []
    for operation, act in OPERATIONS.items():
        act(workspace, place / "run")
        if mark.exists():
            ran.append(f"{name}: {operation}")
            mark.unlink()
    return ran


def by_git(place: Path, name: str) -> bool:
    """Whether whoever calls git in the folder runs it."""
    mark = place / "mark"
    folder = task_in(place / "task")
    PLANTINGS[name](folder, plant(place / "evil.sh", mark))
    mark.unlink(missing_ok=True)
    careless(folder)
    return mark.exists()


if __name__ == "__main__":
    main()
