"""The copy that an agent works in, and what it left there, as a diff.

Only the bytes of editable regular files count, read once. A link in the place of one, a missing one, one that is no text or too
long, is refused in words that the agent can act on; whatever else it made or changed is left out, in words for a person.
What agents obey, wherever it lies, is not in the copy and not taken from it: an earlier experiment may have planted it.
Not covered: what it wrote outside of its copy, where no box keeps it from that.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from ..editing import edits, syntax
from ..errors import EditRefused
from ..repository import checkout
from . import Brief

ENTRIES = 20_000
"""Beyond so many, nobody needs to know which files an agent made besides."""
NAMED = 3
_OBEYED = (
    ".agents", ".aider.conf.yml", ".claude", ".claude.json", ".codex", ".cursor", ".cursorrules", ".env", ".gemini", ".git",
    ".github", ".idea", ".mcp.json", ".opencode", ".vscode", ".windsurf", "agents.md", "agents.override.md", "claude.local.md",
    "claude.md", "gemini.md", "opencode.json", "opencode.jsonc",
)  # fmt: skip
"""Names of what one agent program or another takes for its orders, its settings or its tools, in small letters."""
_CACHES = ("__pycache__", ".git", ".venv", "node_modules")


class Scratch:
    """A fresh copy of the task for one turn of an agent."""

    def __init__(self, folder: Path, brief: Brief) -> None:
        """`folder` is as the best experiment has it; nobody else has written there yet."""
        self.folder = folder.resolve()
        self.stripped = self._strip()
        """What was taken out of it."""
        self._sources = {path: text for path, text in brief.sources.items() if not _is_obeyed(path)}
        self._editable = brief.task.editable
        self._before = {path: _looks(self.folder / path) for path in self._paths()}

    def _strip(self) -> list[str]:
        found = []
        for root, folders, files in os.walk(self.folder):
            for name in sorted(name for name in (*folders, *files) if _is_obeyed(name)):
                checkout.remove(Path(root, name))
                found.append(Path(root, name).relative_to(self.folder).as_posix())
            folders[:] = [name for name in folders if not _is_obeyed(name)]
        return sorted(found)

    def find(self, path: str) -> Path | None:
        """Where a path of the agent's leads, links followed; None outside of the copy."""
        try:
            found = (self.folder / path).resolve()
        except (OSError, RuntimeError, ValueError):
            return None
        return found if found.is_relative_to(self.folder) else None

    def name(self, path: str) -> str:
        """The path as a permission names it: within the copy, or absolute."""
        found = self.find(path)
        return str(self.folder / path) if found is None else found.relative_to(self.folder).as_posix()

    def text(self, path: str) -> str | None:
        """What a file of the copy holds now; None for what is no text, no regular file, too long, or outside."""
        found = self.find(path)
        try:
            small = found is not None and found.lstat().st_size <= edits.FILE_BYTES
            data = checkout.read_regular(found) if found and small else None
            return None if data is None else data.decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def edited(self, path: str, before: str | None, after: str) -> str:
        """The diff of an edit that an agent tells of: of whole texts, or of a piece that occurs once in the file."""
        if max(len(before or ""), len(after)) > edits.FILE_BYTES:
            return f"{self.name(path)}: {len(after):,} characters, too many to show, and to be taken\n"
        now = self.text(path)
        if before and now is not None and now != before and now.count(before) == 1:
            before, after = now, now.replace(before, after)
        name = self.name(path)
        # A line break in a name would begin lines of the diff that are none.
        return edits.render(name if name.isprintable() else ascii(name), before or None, after)

    def diff(self) -> str:
        """From the sources to what lies in the copy now; "" when nothing changed. EditRefused says what cannot be taken."""
        parts = []
        for path in sorted({*self._sources, *self._new_files()}):
            before = self._sources.get(path)
            after = _taken(self.folder / path, path) if before is not None else self.text(path)
            if after is not None and after != before:
                syntax.check(path, after)
                parts.append(edits.render(path, before, after))
        return "".join(parts)

    def left_out(self) -> str:
        """What it changed besides, and is not taken, in words; "" when there is nothing."""
        taken = {*self._sources, *self._new_files()}
        now = {path: _looks(self.folder / path) for path in self._paths() if path not in taken}
        before = {path: looks for path, looks in self._before.items() if path not in taken}
        others = sorted(path for path in {*now, *before} if now.get(path) != before.get(path))
        if not others:
            return ""
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        return f"changed in the copy, and not taken, for they are not editable: {', '.join(others[:NAMED])}{more}"

    def _new_files(self) -> list[str]:
        """Regular text files in editable folders that were not there before."""
        return [
            path
            for path in self._paths()
            if path not in self._sources
            and path not in self._before
            and edits.permits(path, self._editable)
            and not any(part.startswith(".") for part in path.split("/"))
            and not _is_obeyed(path)
            and not (self.folder / path).is_symlink()
            and self.text(path) is not None
        ]

    def _paths(self) -> list[str]:
        """Every file or link in the copy that is no cache; folders behind links are not looked into."""
        found: list[str] = []
        for root, folders, files in os.walk(self.folder):
            links = [name for name in folders if Path(root, name).is_symlink()]
            folders[:] = sorted(name for name in folders if name not in _CACHES)
            inner = Path(root).relative_to(self.folder)
            found += ((inner / name).as_posix() for name in sorted([*files, *links]))
            if len(found) > ENTRIES:
                break
        return found


def _is_obeyed(path: str) -> bool:
    return any(part.lower() in _OBEYED for part in path.split("/"))


def _taken(place: Path, path: str) -> str:
    looks = _looks(place)
    if looks is None:
        raise EditRefused(f"{path} is gone; put it back, and change its text")
    if not stat.S_ISREG(looks.mode) or place.parent.resolve() != place.parent:  # or a folder on the way became a link
        raise EditRefused(f"{path} is no regular file any more; put it back, and change its text")
    if looks.bytes > edits.FILE_BYTES:
        raise EditRefused(f"{path} has {looks.bytes:,} bytes now; at most {edits.FILE_BYTES:,} can be taken")
    try:
        return (checkout.read_regular(place) or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise EditRefused(f"{path} is no UTF-8 text any more; only text can be proposed") from None
    except OSError as error:
        raise EditRefused(f"{path} cannot be read: {error.strerror}") from None


class _Looks(NamedTuple):
    """What tells one content of a file from another, without reading it."""

    mode: int
    bytes: int
    changed_ns: int


def _looks(place: Path) -> _Looks | None:
    """None for what is not there, or cannot be seen."""
    try:
        info = place.lstat()
    except OSError:
        return None
    return _Looks(info.st_mode, info.st_size, info.st_mtime_ns)
