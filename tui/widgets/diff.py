"""A unified diff to decide by.

Covered: every character of it, long lines wrapped and hidden ones spelt out; the changed words; how much of
it was on the screen. Not covered: making diffs.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from rich.segment import Segment
from textual.errors import NoWidget
from textual.message import Message
from textual.strip import Strip

from loopwatch.tui.clean import chop, reveal_lines
from loopwatch.tui.palette import Inks, Role

from .pane import Pane, Title

LONGEST_COMPARED = 400
"""Characters; longer lines are shown as changed altogether."""

Kind = Literal["file", "hunk", "added", "removed", "context", "plain"]
"""plain: the text is no diff at all; a command, say."""

ROLES: dict[Kind, Role] = {
    "file": "quiet",
    "hunk": "accent",
    "added": "good",
    "removed": "bad",
    "context": "text",
    "plain": "text",
}

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_SIGNS = ("", " ", "+", "-", "\\")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class DiffLine:
    """A line of a diff, sign included, with its hunk (0 before the first) and the line it replaces or is
    replaced by."""

    text: str
    kind: Kind
    hunk: int
    partner: str | None = None


@dataclass(frozen=True)
class _Row:
    """A piece of a line that fits in the pane: characters `start` to `end`."""

    line: int
    start: int
    end: int


class Diff(Pane):
    """A diff that knows which of its hunks were shown. Posts `Seen` when that changes."""

    class Seen(Message):
        """Another hunk was on the screen, from its first row to its last."""

        def __init__(self, diff: "Diff", seen: int, total: int) -> None:
            super().__init__()
            self.diff, self.seen, self.total = diff, seen, total

        @property
        def control(self) -> "Diff":
            """The pane, so that a handler can be bound to its id."""
            return self.diff

    def __init__(
        self,
        *,
        title: Title = "",
        empty: str = "no change",
        ascii_only: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`empty` is what is shown when there is no diff."""
        super().__init__(title=title, ascii_only=ascii_only, id=id, classes=classes)
        self._text = ""
        self._empty = empty
        self._lines: list[DiffLine] = []
        self._rows: list[_Row] = []
        self._wrapped_at = 0
        self._top = 0
        self._unseen: list[set[int]] = [set()]
        self._reported = 0
        self._marked: tuple[int, int, int] | None = None

    @property
    def hunks_total(self) -> int:
        """How many hunks the diff has."""
        return len(self._unseen) - 1

    @property
    def hunks_seen(self) -> int:
        """How many of them were on the screen, every row."""
        return sum(not rows for rows in self._unseen[1:])

    def set_diff(self, text: str, *, empty: str | None = None) -> None:
        """Show the unified diff `text` from its start, or `empty` without one; nothing happens if it is shown already."""
        if text == self._text and empty in (None, self._empty):
            return
        self._text, self._empty = text, self._empty if empty is None else empty
        self._lines = parse(text)
        self._top = 0
        self._reported = 0
        self._wrap()
        self.redraw()

    def next_hunk(self, step: int = 1) -> None:
        """Go to the next hunk, or the one before."""
        starts = [at for at, row in enumerate(self._rows) if self._is_hunk_start(row)]
        later = [at for at in starts if at > self._top]
        earlier = [at for at in starts if at < self._top]
        if step > 0 and later:
            self.move(later[0] - self._top)
        elif step < 0 and earlier:
            self.move(earlier[-1] - self._top)

    def move(self, lines: int) -> None:
        """Scroll."""
        last = max(0, len(self._rows) - self.inner_height)
        self._top = max(0, min(last, self._top + lines))
        self.redraw()

    def on_resize(self) -> None:
        """Wrap again; a hunk that was seen to its end stays seen."""
        if self._lines and self.inner_width != self._wrapped_at:
            line = self._rows[self._top].line if self._rows else 0
            seen = [not rows for rows in self._unseen]
            self._wrap()
            self._unseen = [set() if done else rows for done, rows in zip(seen, self._unseen, strict=True)]
            self._top = next((at for at, row in enumerate(self._rows) if row.line == line), 0)
        self.move(0)

    def render_line(self, y: int) -> Strip:
        """Return a line; being asked for one means that what is in view is on the screen."""
        strip = super().render_line(y)
        self._mark_seen()
        return strip

    def foot(self) -> Title:
        """Return how much was seen, and the place."""
        if not self._lines:
            return ""
        last = min(len(self._rows), self._top + self.inner_height)
        if not self.hunks_total:
            return [(f"{last}/{len(self._rows)}", "quiet" if last == len(self._rows) else "warn")]
        seen = f"seen {self.hunks_seen}/{self.hunks_total} hunks"
        role: Role = "quiet" if self.hunks_seen == self.hunks_total else "warn"
        return [(seen, role), (f" · {last}/{len(self._rows)}", "quiet")]

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """Draw the rows in view."""
        if not self._lines:
            return [[Segment(self._empty, ink("quiet"))]]
        if self._wrapped_at != self.inner_width:
            self._wrap()
        return [self._line(row, ink) for row in self._rows[self._top : self._top + height]]

    def _line(self, row: _Row, ink: Inks) -> list[Segment]:
        line = self._lines[row.line]
        role = ROLES[line.kind]
        if line.kind in ("file", "hunk", "plain"):
            return [Segment(line.text[row.start : row.end], ink(role, bold=line.kind == "hunk"))]
        # The sign is repeated on every row of a wrapped line: added text must not pass for context.
        going_on = ">" if self.ascii_only else "↳"
        head = line.text[:1] + (" " if row.start == 1 else going_on)
        changed = changed_words(line.text, line.partner) if line.partner is not None else ()
        return [Segment(head, ink(role)), *self._body(line, row, changed, ink)]

    def _body(self, line: DiffLine, row: _Row, changed: tuple[tuple[int, int], ...], ink: Inks) -> list[Segment]:
        """The text of a row, its changed words bold and underlined."""
        role = ROLES[line.kind]
        segments: list[Segment] = []
        at = row.start
        for start, end in changed:
            start, end = max(start, row.start), min(end, row.end)
            if start >= end:
                continue
            segments.append(Segment(line.text[at:start], ink(role)))
            segments.append(Segment(line.text[start:end], ink(role, bold=True, underline=True)))
            at = end
        return [*segments, Segment(line.text[at : row.end], ink(role))]

    def _is_hunk_start(self, row: _Row) -> bool:
        return row.start == 0 and self._lines[row.line].kind == "hunk"

    def _wrap(self) -> None:
        """Cut the lines to the width and count every row as unseen."""
        self._wrapped_at = self.inner_width
        self._marked = None
        width = max(4, self._wrapped_at)
        hunks = max((line.hunk for line in self._lines), default=0)
        self._rows = []
        self._unseen = [set() for _ in range(hunks + 1)]
        for number, line in enumerate(self._lines):
            start = 0 if line.kind in ("file", "hunk", "plain") else 1
            room = width if start == 0 else width - 2
            for piece in chop(line.text[start:], room):
                self._unseen[line.hunk].add(len(self._rows))
                self._rows.append(_Row(number, start, start + len(piece)))
                start += len(piece)

    def _mark_seen(self) -> None:
        first, last = self._visible_rows()
        if self._marked == (first, last, len(self._rows)):
            return
        self._marked = (first, last, len(self._rows))
        for at in range(first, last):
            self._unseen[self._lines[self._rows[at].line].hunk].discard(at)
        if self.hunks_seen != self._reported:
            self._reported = self.hunks_seen
            self.call_after_refresh(self._report)

    def _visible_rows(self) -> tuple[int, int]:
        """The rows that are drawn and not clipped: a pane may be higher than a small terminal."""
        try:
            widget = self.screen.find_widget(self)
        except NoWidget:
            return self._top, self._top
        top = widget.visible_region.y - widget.region.y - self.framed
        bottom = widget.visible_region.bottom - widget.region.y - self.framed
        last = min(len(self._rows), self._top + self.inner_height, self._top + bottom)
        return self._top + max(0, top), last

    def _report(self) -> None:
        self.post_message(self.Seen(self, self.hunks_seen, self.hunks_total))
        self.redraw()


def parse(text: str) -> list[DiffLine]:
    """Return the lines of a unified diff.

    Within a hunk its header counts the lines, so `--- x` there is a removed line.
    """
    lines: list[DiffLine] = []
    hunk = old = new = 0
    raw = reveal_lines(text)
    if raw and not raw[-1]:
        raw.pop()
    for line in raw:
        kind: Kind = "file"
        if (old > 0 or new > 0) and line[:1] in _SIGNS:
            kind = {"+": "added", "-": "removed"}.get(line[:1], "context")  # type: ignore[assignment]
            old -= kind != "added" and not line.startswith("\\")
            new -= kind != "removed" and not line.startswith("\\")
        elif counts := _HUNK.match(line):  # perhaps sooner than the header before it promised
            kind, hunk = "hunk", hunk + 1
            old, new = (int(count) if count is not None else 1 for count in counts.groups())
        elif hunk and line.startswith("\\"):
            kind = "context"
        lines.append(DiffLine(line if line or kind == "file" else " ", kind, hunk if kind != "file" else 0))
    return _pair(lines) if hunk else [DiffLine(line.text, "plain", 0) for line in lines]


def _pair(lines: list[DiffLine]) -> list[DiffLine]:
    """Give each removed line of a block the added line at the same place below it, and the other way
    round."""
    paired = list(lines)
    at = 0
    while at < len(lines):
        removed = _run(lines, at, "removed")
        added = _run(lines, at + removed, "added") if removed else 0
        for number in range(min(removed, added)):
            one, other = at + number, at + removed + number
            before, after = lines[one], lines[other]
            paired[one] = DiffLine(before.text, before.kind, before.hunk, after.text)
            paired[other] = DiffLine(after.text, after.kind, after.hunk, before.text)
        at += removed + added or 1
    return paired


def _run(lines: list[DiffLine], start: int, kind: Kind) -> int:
    end = start
    while end < len(lines) and lines[end].kind == kind:
        end += 1
    return end - start


@lru_cache(maxsize=1024)
def changed_words(text: str, partner: str) -> tuple[tuple[int, int], ...]:
    """Return where the words of `text` (its sign aside) differ from those of `partner`; nothing if hardly
    anything is common."""
    if max(len(text), len(partner)) > LONGEST_COMPARED:
        return ()
    ours, theirs = _WORDS.findall(text[1:]), _WORDS.findall(partner[1:])
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    if matcher.ratio() < 0.4:
        return ()
    starts = [1]
    for word in ours:
        starts.append(starts[-1] + len(word))
    changed = [(i, j) for tag, i, j, _, _ in matcher.get_opcodes() if tag != "equal" and i < j]
    return tuple((starts[i], starts[j]) for i, j in changed)
