"""A diff in the user's own editor."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

HELP = """\
# Amend the proposal of experiment {number}, then save and leave. Lines that begin with # up here are dropped.
# Line counts in @@ lines need not be right. Leave without a change to keep the proposal as it is.
"""


class EditorProblem(Exception):
    """The editor could not be used; the message says why."""


def command() -> list[str]:
    """The user's editor: $VISUAL, $EDITOR, or what is usually there; EditorProblem when there is none."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    words = shlex.split(chosen) if chosen else []
    for candidate in [words, ["nano"], ["vi"]]:
        if candidate and shutil.which(candidate[0]):
            return candidate
    wanted = f"{words[0]!r} is not there" if words else "neither nano nor vi is there"
    raise EditorProblem(f"no editor: {wanted}; set EDITOR")


def edit(number: int, text: str) -> str | None:
    """The text after the user edited it; None when nothing was changed. Blocks; the terminal belongs to the editor."""
    editor = command()
    with tempfile.TemporaryDirectory(prefix="loopwatch-") as folder:
        file = Path(folder) / f"experiment-{number}.diff"
        file.write_text(HELP.format(number=number) + text, encoding="utf-8")
        ended = subprocess.run([*editor, str(file)], check=False)
        if ended.returncode:
            raise EditorProblem(f"the editor ended with exit code {ended.returncode}; nothing was amended")
        edited = file.read_text(encoding="utf-8", errors="replace")
    body = "".join(line for line in edited.splitlines(keepends=True) if not line.startswith("#"))
    return None if body == text else body
