"""`loopwatch new DIR`: a complete task that runs at once, to be changed piece by piece into one's own."""

import re
import shlex
from argparse import Namespace
from pathlib import Path
from typing import Final

from loopwatch.engine import task
from loopwatch.engine.errors import TaskError

from .clean import clean
from .exits import Exit
from .headless import say

MODEL: Final = "sine"
"""The shipped task that a new one begins as: plain Python, under a second, every key of task.toml explained."""

_HEADER: Final = """\
# A task is a folder: this file, program.md (the research programme, in words), the files an agent may edit and the files
# it may not. loopwatch copies it into each run. What is here learns a wavy curve and works at once; change it piece by
# piece, and try it now and then:
#     loopwatch run DIR --headless --experiments 3
"""


def new(args: Namespace) -> int:
    """Write the task; TaskError when a file is in the way."""
    folder = Path(args.folder).expanduser()
    files = contents(name_of(folder))
    for name in files:
        if (folder / name).exists() or (folder / name).is_symlink():
            raise TaskError(f"{folder / name} is there already; name a new folder, or move the file away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise TaskError(f"{folder} cannot be written: {error.strerror}; name a folder that you can write") from None
    for name in files:
        say(clean(str(folder / name)))
    say(f"try it with: loopwatch run {clean(shlex.quote(args.folder))} --headless --experiments 3")
    return Exit.OK


def contents(name: str) -> dict[str, str]:
    """The files of a new task, by name."""
    model = task.load(MODEL)
    names = ("task.toml", "program.md", *model.editable, *model.frozen)
    files = {file: (model.folder / file).read_text(encoding="utf-8") for file in names}
    return files | {"task.toml": _renamed(files["task.toml"], name)}


def name_of(folder: Path) -> str:
    """A task's name from its folder's: letters, digits, `_`, `.` and `-`, the first one a letter or a digit."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.absolute().name).strip("-_.")
    return name or "task"


def _renamed(settings: str, name: str) -> str:
    _, _, body = settings.partition("\nname = ")
    rest = body.partition("\n")[2]
    return f'{_HEADER}name = "{name}"\n{rest}'
