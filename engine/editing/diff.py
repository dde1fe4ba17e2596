"""Read a unified diff strictly: one way to understand it, or a refusal.

Not covered: whether it fits any file, or may change it; that is in edits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..errors import EditRefused

DIFF_BYTES = 256 * 1024

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(?: .*)?")
_HARMLESS_HEADER = re.compile(r"new file mode 100644|index [0-9a-f]+\.\.[0-9a-f]+(?: 100(?:644|755))?")
_GITS = (".git", "git~")
"""How the names begin that git reads for itself; the second is what old Windows calls the first."""
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_+@=,~.() -]+(?:/[A-Za-z0-9_+@=,~.() -]+)*")

# Text that a reader cannot see, or that reorders what they see (CVE-2021-42574): controls other than tab,
# bidirectional marks, zero-width and filler characters, line separators that Python and an editor count
# differently, tags.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\u2800]"
    # Which look an emoji has is its own business; after anything else, or again and again, it says something to nobody we see.
    "|(?<![^\x00-\x22\x24-\x29\x2b-\x2f\x3a-\x7f\ufe0e\ufe0f])[\ufe0e\ufe0f]"
)


class Line(NamedTuple):
    """One line of a hunk. `text` ends in a newline, except for the last line of a file that has none."""

    op: Literal[" ", "-", "+"]
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines to find and lines to put in their place; `start` counts from 1 in the old file."""

    start: int
    lines: tuple[Line, ...]

    @property
    def before(self) -> list[str]:
        """The old lines."""
        return [line.text for line in self.lines if line.op != "+"]

    @property
    def after(self) -> list[str]:
        """The new lines."""
        return [line.text for line in self.lines if line.op != "-"]


@dataclass(frozen=True, slots=True)
class FilePatch:
    """All that a diff does to one file."""

    path: str
    hunks: tuple[Hunk, ...]
    new: bool = False


def parse(diff: str, *, recount: bool = False) -> tuple[FilePatch, ...]:
    """Read a unified diff: git's or plain, one section per file, text only.

    Raises EditRefused for anything else: renames, copies, deletions, modes, links, submodules, binary, odd
    paths, unseen characters in added lines, wrong counts. With `recount` the numbers in @@ lines may be wrong
    or absent, and `#` lines at the top are skipped: a person edited the diff, or a model wrote it.
    """
    check_size("the diff", diff, DIFF_BYTES)
    if "\0" in diff:
        raise EditRefused("the diff contains a NUL byte; only text can be proposed")
    patches = tuple(_Reader(diff, recount).files())
    if not patches:
        raise EditRefused("the diff names no file; it needs --- a/FILE, +++ b/FILE and @@ lines")
    return patches


def check_size(what: str, text: str, limit: int) -> None:
    """EditRefused when `text` is longer than `limit` bytes of UTF-8, or cannot be UTF-8 at all."""
    try:
        size = len(text) if len(text) > limit else len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise EditRefused(f"{what} is not valid Unicode; only UTF-8 text can be proposed") from None
    if size > limit:
        raise EditRefused(f"{what} has {size:,} bytes; at most {limit:,} are accepted")


def show(text: str) -> str:
    """Text from outside, short and without anything that a terminal would act on."""
    return ascii(text if len(text) <= 80 else f"{text[:77]}...")


class _Reader:
    """Walks through the lines of one diff."""

    def __init__(self, diff: str, recount: bool) -> None:
        self.lines = diff.removesuffix("\n").split("\n")
        self.at = 0
        self.recount = recount
        self.skip_blank()
        while recount and self.peek().startswith("#"):
            self.take()
            self.skip_blank()

    def files(self) -> Iterator[FilePatch]:
        """Each file's section."""
        seen: set[str] = set()
        while self.at < len(self.lines):
            patch = self.file()
            # Folded: on a file system that ignores case, two spellings are one file.
            if patch.path.casefold() in seen:
                raise EditRefused(f"{patch.path} appears twice in the diff; put all its hunks in one section")
            seen.add(patch.path.casefold())
            yield patch
            self.skip_blank()

    def skip_blank(self) -> None:
        while self.at < len(self.lines) and not self.lines[self.at]:
            self.at += 1

    def peek(self, ahead: int = 0) -> str:
        return self.lines[self.at + ahead] if self.at + ahead < len(self.lines) else ""

    def take(self) -> str:
        self.at += 1
        return self.lines[self.at - 1]

    def file(self) -> FilePatch:
        git_path, declared_new = self.git_header()
        if not (self.peek().startswith("--- ") and self.peek(1).startswith("+++ ")):
            raise EditRefused(
                f"line {self.at + 1} of the diff is {show(self.peek())}; expected --- a/FILE and +++ b/FILE"
            )
        path, new = _path_of(_name(self.take()), _name(self.take()))
        if git_path not in (None, path) or (declared_new and not new):
            raise EditRefused(f"the headers of {path} disagree with each other")
        hunks: list[Hunk] = []
        while self.peek().startswith("@@"):
            hunks.append(self.hunk(path, len(hunks) + 1))
        if not hunks:
            raise EditRefused(f"the diff of {path} has no hunk")
        return FilePatch(path, tuple(hunks), new)

    def git_header(self) -> tuple[str | None, bool]:
        """The path and whether the file is new, from git's lines above `---`, where there are any."""
        if not self.peek().startswith("diff --git "):
            return None, False
        path, new = _git_path(self.take()), False
        while self.at < len(self.lines) and not self.peek().startswith(("--- ", "diff --git ")):
            line = self.take()
            new = new or line == "new file mode 100644"
            if not _HARMLESS_HEADER.fullmatch(line):
                raise EditRefused(f"{show(line)} in the diff of {path}: only the text of files can be changed")
        return path, new

    def hunk(self, path: str, number: int) -> Hunk:
        where = f"hunk {number} of {path}"
        header = self.take()
        numbers = _HUNK.fullmatch(header)
        if not numbers and not self.recount:
            raise EditRefused(f"{where} begins with {show(header)}; expected @@ -LINE,COUNT +LINE,COUNT @@")
        # Without numbers its lines alone say where it goes.
        start = int(numbers[1]) if numbers else 0
        if numbers and not self.recount:
            lines = self.counted(where, int(numbers[2] or 1), int(numbers[4] or 1))
        else:
            lines = self.uncounted(where)
        if not any(line.op != " " for line in lines):
            raise EditRefused(f"{where} changes nothing")
        return Hunk(start, tuple(lines))

    def counted(self, where: str, old: int, new: int) -> list[Line]:
        """Exactly as many lines as the header says."""
        lines: list[Line] = []
        while old > 0 or new > 0:
            if self.at >= len(self.lines):
                raise EditRefused(f"{where} ends before its {old} old and {new} new lines that are still to come")
            line = self.line(where)
            old -= line.op != "+"
            new -= line.op != "-"
            lines.append(line)
        if old or new or self.peek().startswith((" ", "+")):
            raise EditRefused(f"{where} has other line counts than its @@ line says")
        return lines

    def uncounted(self, where: str) -> list[Line]:
        """Lines up to the next header, or to the end; blank lines before that are an editor's."""
        end = self.at
        while end < len(self.lines) and not self.starts_section(end):
            end += 1
        following = end
        while end > self.at and not self.lines[end - 1]:
            end -= 1
        lines = []
        while self.at < end:
            lines.append(self.line(where))
        self.at = following
        return lines

    def starts_section(self, at: int) -> bool:
        first, second, third = (*self.lines[at : at + 3], "", "")[:3]
        # "--- x" alone may be the removed line "-- x".
        return first.startswith(("@@", "diff --git ")) or (
            first.startswith("--- ") and second.startswith("+++ ") and third.startswith("@@")
        )

    def line(self, where: str) -> Line:
        raw = self.take()
        # Editors and models strip the one space of an empty context line.
        text = raw[1:]
        if self.peek().startswith("\\ "):
            self.take()
        else:
            text += "\n"
        match raw[:1]:
            case "" | " ":
                return Line(" ", text)
            case "-":
                return Line("-", text)
            case "+":
                _check_seen(where, text)
                return Line("+", text)
        raise EditRefused(f"{where}: {show(raw)} begins with neither a space nor + nor -")


def _check_seen(where: str, text: str) -> None:
    # A carriage return ends a line only before a newline; elsewhere it starts one that no editor shows.
    if hidden := UNSEEN.search(text.removesuffix("\n").removesuffix("\r")):
        raise EditRefused(
            f"{where} adds the unseen character U+{ord(hidden[0]):04X}; write it as an escape if it is meant"
        )


def _name(header: str) -> str:
    """The path in a --- or +++ line; a tab begins a timestamp."""
    return header[4:].split("\t", 1)[0]


def _path_of(old: str, new: str) -> tuple[str, bool]:
    """The one path that both headers name, and whether the file is new."""
    if new == "/dev/null":
        raise EditRefused(f"{show(old)} would be deleted; only the text of files can be changed")
    if old == "/dev/null":
        return _checked(new.removeprefix("b/")), True
    if old == new:
        return _checked(old), False
    if old.startswith("a/") and new.startswith("b/") and old[2:] == new[2:]:
        return _checked(old[2:]), False
    raise EditRefused(f"the headers name two files, {show(old)} and {show(new)}; a diff may not rename or copy")


def _git_path(header: str) -> str:
    """The path in `diff --git a/PATH b/PATH`."""
    names = header.removeprefix("diff --git ")
    half = len(names) // 2
    # A name may hold spaces, so the middle is the only place to part two names that agree.
    if (
        len(names) % 2 == 0
        or names[half] != " "
        or names[:half].removeprefix("a/") != names[half + 1 :].removeprefix("b/")
    ):
        raise EditRefused(f"{show(header)} names two files; a diff may not rename or copy")
    return _path_of(names[:half], names[half + 1 :])[0]


def _checked(path: str) -> str:
    """The path itself, if it is a plain relative one in ASCII that means the same on every file system."""
    parts = path.split("/")
    if not _PLAIN_PATH.fullmatch(path) or len(path) > 255:
        raise EditRefused(f"{show(path)} is not a plain relative path (ASCII letters, digits, . _ - and /)")
    if any(part.strip(". ") == "" or part[-1] in ". " or part.casefold().startswith(_GITS) for part in parts):
        raise EditRefused(f"{show(path)} is not a plain path inside the task folder")
    return path
