"""What each of a task's commands may see and change: the rooms of one run.

| room        | reads                                                   | changes              |
|-------------|---------------------------------------------------------|----------------------|
| training    | the working copy, public data                           | its out and tmp      |
| evaluation  | the pristine copy, all data, the working copy, what was saved | its tmp        |
| prediction  | the working copy, what was saved                        | its tmp              |
| preparation | the pristine copy                                       | the data, its tmp    |

Beside that there are the system's programs, the interpreter, and the task's own `data`. Nobody sees the ledger, the repository,
the logs, other experiments' folders, or a home.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..keeper.spec import Box
from ..sandbox.sandbox import Folder, Limits, Sandbox
from ..task import Task

SHARE_OF_MEMORY = 0.9
"""Of the machine's: what an experiment may use when its task says nothing."""
OUT_BYTES = 4 * 2**30


@dataclass(frozen=True, slots=True)
class Room:
    """What a command is started with."""

    box: Box | None
    environment: dict[str, str]
    """Where things are in there."""


class Rooms:
    """The rooms of one run."""

    def __init__(self, task: Task, run_dir: Path, sandbox: Sandbox) -> None:
        self._task, self._run_dir, self._sandbox = task, run_dir, sandbox
        self.limits = Limits(
            memory_bytes=memory_bytes(task),
            processes=task.limits.processes or max(512, 16 * (os.cpu_count() or 1)),
            file_bytes=OUT_BYTES,
        )

    @property
    def shares_memory(self) -> bool:
        """Whether something may be left in /dev/shm."""
        return self._sandbox.means.namespaces is None

    def for_training(self, out: Path, tmp: Path) -> Room:
        """`out` and `tmp` may be moved to another name after the box was built."""
        kept = Folder(out, writable=True, at="/out")
        room = self._room(tmp, [kept, Folder(self._run_dir / "work"), *self._data("public")])
        room.environment["LOOPWATCH_OUT"] = self._sandbox.seen(kept)
        return room

    def for_evaluation(self, saved: Path | None, tmp: Path, *, more: Sequence[Folder] = ()) -> Room:
        """`saved` is what is measured."""
        copies = [Folder(self._run_dir / "pristine"), Folder(self._run_dir / "work")]
        what = [Folder(saved)] if saved else []
        return self._room(tmp, [*what, *copies, *self._data("public", "hidden"), *more])

    def for_prediction(self, saved: Path, tmp: Path, pipes: Sequence[Path]) -> Room:
        """Whoever answers the evaluator's questions: what was saved, and the code that goes with it."""
        ends = [Folder(pipe, writable=True) for pipe in pipes]
        return self._room(tmp, [Folder(saved), Folder(self._run_dir / "work"), *ends])

    def for_preparation(self, tmp: Path) -> Room:
        """The one time that data is written."""
        return self._room(tmp, [Folder(self._run_dir / "pristine"), *self._data("public", "hidden", writable=True)])

    def _data(self, *names: str, writable: bool = False) -> list[Folder]:
        folders = [self._run_dir / "data" / name for name in names]
        return [Folder(folder, writable=writable) for folder in folders if folder.exists()]

    def _room(self, tmp: Path, folders: Sequence[Folder]) -> Room:
        scratch = Folder(tmp, writable=True, at=self._sandbox.scratch)
        named = [Folder(Path(path).expanduser()) for path in self._task.data]
        seen = self._sandbox.seen(scratch)
        box = self._sandbox.box([scratch, *folders, *named], self.limits)
        return Room(box, {"TMPDIR": seen, "HOME": seen})


def memory_bytes(task: Task) -> int:
    """What an experiment may use of it."""
    if task.limits.memory_mb is not None:
        return int(task.limits.memory_mb * 2**20)
    return int(SHARE_OF_MEMORY * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
