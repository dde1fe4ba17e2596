"""A diff in the user's own editor."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

HELP = """\
# Amend what is asked in experiment {number}, then save and leave. These two lines are dropped.
# In a diff, line counts in @@ lines need not be right. Leave without a change to keep everything as it is.
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
        file.write_text(HELP.format(number=number) + text, encoding="utf-8", errors="replace")
        ended = subprocess.run([*editor, str(file)], check=False)
        if ended.returncode:
            raise EditorProblem(f"the editor ended with exit code {ended.returncode}; nothing was amended")
        edited = file.read_text(encoding="utf-8", errors="replace")
    help_lines = HELP.format(number=number).splitlines()
    body = "".join(line for line in edited.splitlines(keepends=True) if line.rstrip() not in help_lines)
    if not text.endswith("\n"):  # editors end every line
        body = body.removesuffix("\n")
    return None if body == text else body
