"""Unified diffs as data: read strictly, applied in memory, written in one canonical form.

Covered: what a person saw is what is applied, byte for byte, to the files that may be edited and to no other.
Not covered: whether the new code is good, or harmless when it runs; that is for the gate and the sandbox.

Pure: text in, text out.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import EditRefused
from .changes import Comparison
from .constants import Value, constant, set_constant
from .diff import FilePatch, Hunk, Line, check_size, parse, show

__all__ = [
    "Changes",
    "EditRefused",
    "FilePatch",
    "Hunk",
    "Line",
    "Value",
    "alias",
    "allowed",
    "apply",
    "canonical",
    "constant",
    "count_changes",
    "digest",
    "parse",
    "permits",
    "render",
    "set_constant",
]

FILE_BYTES = 512 * 1024
_NO_NEWLINE = "\\ No newline at end of file"


class Changes(NamedTuple):
    """The size of a diff."""

    added: int
    removed: int
    files: int
    hunks: int


def apply(patches: Sequence[FilePatch], sources: Mapping[str, str]) -> dict[str, str]:
    """The new text of each patched file; `sources` are the old texts. Other files are not in the answer.

    A hunk must match exactly at its stated line, or at exactly one other place after the hunk before it.
    """
    results = {}
    for patch in patches:
        before = _source(patch, sources)
        after = "".join(_patched(patch, _lines(before)))
        if after == before:
            raise EditRefused(f"the diff changes nothing in {patch.path}")
        check_size(f"the new {patch.path}", after, FILE_BYTES)
        results[patch.path] = after
    return results


def render(path: str, before: str | None, after: str, *, context: int = 3) -> str:
    """The unified diff from `before` (None: a new file) to `after`, with lines of context; "" if equal."""
    name, old, new = "/dev/null" if before is None else f"a/{path}", _lines(before or ""), _lines(after)
    found = [] if old == new else [f"--- {name}\n", f"+++ b/{path}\n"]
    for group in Comparison(old, new).get_grouped_opcodes(context):
        (_, i, _, k, _), (_, _, j, _, m) = group[0], group[-1]
        found.append(f"@@ -{_range(i, j)} +{_range(k, m)} @@\n")
        for tag, i, j, k, m in group:
            found += (f" {line}" for line in old[i:j] if tag == "equal")
            found += (f"-{line}" for line in old[i:j] if tag != "equal")
            found += (f"+{line}" for line in new[k:m] if tag != "equal")
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}\n" for line in found)


def canonical(diff: str, sources: Mapping[str, str], *, recount: bool = False) -> str:
    """The one way to write what `diff` does to `sources`, files in order of their names."""
    results = apply(parse(diff, recount=recount), sources)
    return "".join(render(path, sources.get(path), results[path]) for path in sorted(results))


def digest(diff: str) -> str:
    """SHA-256 of the diff, in hexadecimal, as the ledger keeps it: what a person saw is what is applied."""
    return hashlib.sha256(diff.encode("utf-8", "replace")).hexdigest()


def permits(path: str, editable: Sequence[str]) -> bool:
    """Whether `path` is, byte for byte, an editable file, or lies in an editable folder (ends in /)."""
    return any(path == entry or (entry.endswith("/") and path.startswith(entry)) for entry in editable)


def alias(path: str, others: Iterable[str]) -> str:
    """One of the other files, or a folder of theirs, that is the same as `path` where case or Unicode form do not count; "" for none."""
    there = {_folded(found): found for other in others for found in _with_folders(other)}
    known = set(there.values())
    return next((there[_folded(one)] for one in _with_folders(path) if one not in known and _folded(one) in there), "")


def allowed(patches: Sequence[FilePatch], editable: Sequence[str]) -> None:
    """Return if every patch stays within the editable files; EditRefused names the first that does not."""
    choice = ", ".join(editable) or "nothing"
    for patch in patches:
        if not permits(patch.path, editable):
            raise EditRefused(f"{patch.path} may not be changed; editable: {choice}")
        if patch.new and patch.path in editable:
            raise EditRefused(f"{patch.path} is there already; the diff says that it is new")


def count_changes(diff: str) -> Changes:
    """Lines added and removed, files and hunks; EditRefused when `diff` is not a diff."""
    patches = parse(diff, recount=True)
    ops = [line.op for patch in patches for hunk in patch.hunks for line in hunk.lines]
    return Changes(ops.count("+"), ops.count("-"), len(patches), sum(len(patch.hunks) for patch in patches))


def _with_folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _folded(path: str) -> str:
    """What file systems that are lenient about names take for the same."""
    return unicodedata.normalize("NFKC", path).casefold()


def _range(start: int, stop: int) -> str:
    """Lines from `start` up to `stop`, counted from 0, in the words of a hunk's header."""
    count = stop - start
    return f"{start + 1}" if count == 1 else f"{start + bool(count)},{count}"


def _lines(text: str) -> list[str]:
    """Lines with their newline. Not splitlines: a form feed or U+2028 ends no line in a diff."""
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _source(patch: FilePatch, sources: Mapping[str, str]) -> str:
    if not patch.new:
        if patch.path not in sources:
            raise EditRefused(f"{patch.path} is not there to be changed")
        return sources[patch.path]
    if patch.path in sources or (twin := alias(patch.path, sources)):
        there = patch.path if patch.path in sources else twin
        raise EditRefused(f"{patch.path} cannot be new: {there} is there already")
    if any(part.startswith(".") for part in patch.path.split("/")):
        raise EditRefused(f"{patch.path} would be a hidden new file; give it a visible name")
    return ""


def _patched(patch: FilePatch, source: list[str]) -> Iterator[str]:
    done = 0
    for number, hunk in enumerate(patch.hunks, 1):
        at = _place(f"hunk {number} of {patch.path}", hunk, source, done)
        yield from source[done:at]
        yield from _whole_lines(patch, hunk, at, source)
        done = at + len(hunk.before)
    yield from source[done:]


def _place(where: str, hunk: Hunk, source: list[str], done: int) -> int:
    """The index in `source` at which the hunk applies."""
    before = hunk.before
    if not before:
        if source:
            raise EditRefused(
                f"{where} has no line of context, so its place cannot be checked; add the lines around it"
            )
        return 0
    stated = hunk.start - 1
    if stated >= done and source[stated : stated + len(before)] == before:
        return stated
    last = len(source) - len(before)
    places = [at for at in range(done, last + 1) if source[at] == before[0] and source[at : at + len(before)] == before]
    if len(places) == 1:
        return places[0]
    if places:
        lines = ", ".join(str(at + 1) for at in places[:5])
        raise EditRefused(
            f"{where} fits at lines {lines}, and not at line {hunk.start} as stated; add lines of context"
        )
    raise EditRefused(f"{where} does not fit: {_difference(before, source, max(stated, 0))}")


def _difference(before: list[str], source: list[str], start: int) -> str:
    for line, expected in enumerate(before, start):
        if line >= len(source):
            return f"the file ends at line {len(source)}, the diff expects {show(expected)} at line {line + 1}"
        if source[line] != expected:
            return f"line {line + 1} is {show(source[line])}, the diff expects {show(expected)}"
    return "it overlaps the hunk before it"


def _whole_lines(patch: FilePatch, hunk: Hunk, at: int, source: list[str]) -> list[str]:
    after = hunk.after
    ends_file = at + len(hunk.before) == len(source)
    if any(not text.endswith("\n") for text in (after if not ends_file else after[:-1])):
        raise EditRefused(f"{patch.path}: a line without a newline is not the last of the file")
    return after
