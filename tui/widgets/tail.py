"""Text that keeps arriving: reasoning, a log.

Covered: pieces that end anywhere, who says each stretch, wrapping, following the end or being held, a limit on lines. Not
covered: when to draw; the caller's tick calls `flush`, at most ten times a second.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from rich.segment import Segment

from loopwatch.tui.clean import clean, wrap
from loopwatch.tui.palette import Inks, Role

from .pane import Pane, Title

LINES_KEPT = 5_000
LONGEST_LINE = 4_000
"""Characters; an endless line is broken here, so that adding to it stays cheap."""

PENDING_KEPT = 1_000_000
"""Characters kept between two flushes; of a flood only the end can be read anyway."""

JUMP = 5
"""Lines left empty when the end is reached, so that most flushes repaint a line or two instead of the
whole pane."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a piece of text is told from others: a mark before its first line, and what colour it has."""

    role: Role = "text"
    mark: str = ""
    """One cell, in a margin of its own; "" writes without a margin."""
    every_line: bool = False
    """Each line has the mark: each is something of its own."""


PLAIN = Voice()
MARGIN = 2
"""Cells for a mark and the space after it."""


class Line(NamedTuple):
    """A line of a voice; `begins` when it has the mark."""

    text: str
    voice: Voice
    begins: bool


class Tail(Pane):
    """The end of a stream, following it until it is held or scrolled back."""

    def __init__(
        self,
        *,
        title: Title = "",
        empty: str = "",
        jump: int = JUMP,
        ascii_only: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`jump` is how many lines the view goes on at once; `empty` is shown until there is text."""
        super().__init__(title=title, ascii_only=ascii_only, id=id, classes=classes)
        self._lines: deque[Line] = deque(maxlen=LINES_KEPT)
        self._rows: deque[tuple[str, str, Role]] = deque(maxlen=LINES_KEPT)
        self._pending: list[tuple[str, Voice]] = []
        self._pending_size = 0
        self._partial = ""
        self._partial_rows = 0
        self._voice = PLAIN
        self._begins = True
        self._wrapped_at = 0
        self._empty = clean(empty)
        self._jump = jump
        self._top = 0
        self._following = True
        self._held_at_end = False
        self._missed = 0

    @property
    def following(self) -> bool:
        """Whether new text moves the view."""
        return self._following

    def append(self, text: str, *, voice: Voice = PLAIN) -> None:
        """Add a piece of text that may begin and end anywhere; another voice than the last begins a line. Drawn at `flush`."""
        if not text:
            return
        self._pending.append((text[-PENDING_KEPT:], voice))
        self._pending_size += len(text)
        if self._pending_size > 2 * PENDING_KEPT:
            self._drop_flood()

    def heading(self, text: str, *, role: Role = "quiet") -> None:
        """Begin a new block with a line of its own."""
        fresh = "" if self._ends_with_line_feed() else "\n"
        self.append(f"{fresh}{clean(text)}\n", voice=Voice(role))

    def clear(self) -> None:
        """Forget everything and follow again."""
        self._lines.clear()
        self._rows.clear()
        self._pending.clear()
        self._partial, self._partial_rows, self._pending_size = "", 0, 0
        self._voice, self._begins = PLAIN, True
        self._top, self._missed, self._following = 0, 0, True
        self.redraw()

    def flush(self) -> None:
        """Draw what was appended."""
        if not self._pending:
            return
        pending, self._pending, self._pending_size = self._pending, [], 0
        for text, voice in pending:
            self._take(text, voice)
        self._place()
        self.redraw()

    def hold(self) -> None:
        """Stay at what is in view, whatever arrives."""
        self._held_at_end = self._following
        self._following = False
        self.redraw()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._following, self._missed = True, 0
        self._top = max(0, len(self._rows) - self.inner_height)
        self.redraw()

    def move(self, lines: int) -> None:
        """Scroll; reaching the end follows again."""
        last = max(0, len(self._rows) - self.inner_height)
        self._top = max(0, min(last, min(self._top, last) + lines))
        self._following, self._held_at_end = self._top == last and lines >= 0, False
        if self._following:
            self._missed = 0
        self.redraw()

    def end(self) -> None:
        """Follow."""
        self.follow()

    def on_resize(self) -> None:
        """Wrap again, keeping the end, or roughly the place where the view was held."""
        if self._wrap_width != self._wrapped_at:
            share = self._top / len(self._rows) if self._rows else 0.0
            self._wrap_all()
            self._top = int(share * len(self._rows))
        last = max(0, len(self._rows) - self.inner_height)
        # A view that is held shows no empty room below the end of its text, and keeps the end in sight if it was.
        stays_at_end = self._following or (self._held_at_end and not self._missed)
        self._top = last if stays_at_end else min(self._top, last)
        self.redraw()

    def foot(self) -> Title:
        """Return whether the view follows, and what it misses."""
        if self._following:
            return ""
        new = f" · {self._missed} new" if self._missed else ""
        return [(f"held{new} · G follows", "warn")]

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """Draw the rows in view."""
        if not self._rows:
            return [[Segment(self._empty, ink("quiet"))]]
        shown = islice(self._rows, self._top, self._top + height)
        return [[Segment(margin, ink(role, bold=True)), Segment(text, ink(role))] for margin, text, role in shown]

    @property
    def _wrap_width(self) -> int:
        return max(2, self.inner_width) if self.inner_width else 78

    def _take(self, text: str, voice: Voice) -> None:
        """Add a piece: whole lines are settled, the rest stays open."""
        self._withdraw_partial()
        if voice != self._voice:
            text = self._change_voice(text, voice)
        text = self._partial + text
        # A carriage return at the very end may be half of a line end.
        tail = "\r" if text.endswith("\r") else ""
        *whole, self._partial = _split(text[: len(text) - len(tail)])
        self._partial += tail
        for line in whole[-LINES_KEPT:]:
            self._settle(line)
        while len(self._partial) > LONGEST_LINE:
            self._settle(self._partial[:LONGEST_LINE])
            self._partial = self._partial[LONGEST_LINE:]
        self._show_partial()

    def _change_voice(self, text: str, voice: Voice) -> str:
        """Somebody else speaks: end the line of the one before, and drop the empty lines between the two."""
        if self._partial:
            self._settle(self._partial.removesuffix("\r"))
            self._partial, text = "", text.removeprefix("\n")
        while self._lines and self._lines[-1].voice.mark and not self._lines[-1].text.strip():
            self._lines.pop()
            self._rows.pop()
        self._voice, self._begins = voice, True
        return text

    def _settle(self, raw: str) -> None:
        for at in range(0, max(1, len(raw)), LONGEST_LINE):
            line = Line(clean(raw[at : at + LONGEST_LINE]), self._voice, self._begins)
            if line.begins and line.voice.mark and not line.text.strip():
                continue
            self._begins = self._voice.every_line
            self._lines.append(line)
            self._add_rows(line)

    def _show_partial(self) -> None:
        if self._partial:
            self._partial_rows = self._add_rows(Line(clean(self._partial.rstrip("\r")), self._voice, self._begins))

    def _withdraw_partial(self) -> None:
        for _ in range(self._partial_rows):
            self._rows.pop()
        if self._partial_rows and not self._following:
            self._missed -= 1
        self._partial_rows = 0

    def _add_rows(self, line: Line) -> int:
        """Add the rows of a line and return how many; when the oldest falls off, a held view stays on its text."""
        text, voice, begins = line
        margin = MARGIN if voice.mark else 0
        rows = wrap(text, max(2, self._wrap_width - margin))
        for number, row in enumerate(rows):
            if len(self._rows) == LINES_KEPT:
                self._top = max(0, self._top - 1)
            mark = voice.mark if begins and number == 0 else ""
            self._rows.append((mark.ljust(margin), row, voice.role))
        self._missed += 0 if self._following else 1
        return len(rows)

    def _wrap_all(self) -> None:
        self._wrapped_at = self._wrap_width
        missed = self._missed
        self._rows.clear()
        self._partial_rows = 0
        for line in self._lines:
            self._add_rows(line)
        self._show_partial()
        self._missed = missed

    def _place(self) -> None:
        """Follow the end: jump on by a few lines when it leaves the view."""
        height = self.inner_height
        if not self._following or not height:
            return
        below = len(self._rows) - self._top - height
        if below > 0 or self._top > len(self._rows):
            jump = min(self._jump, height // 3)
            self._top = max(0, len(self._rows) - height + jump)

    def _ends_with_line_feed(self) -> bool:
        if self._pending:
            return self._pending[-1][0].endswith("\n")
        return not self._partial

    def _drop_flood(self) -> None:
        """Keep the newest pieces that fit."""
        kept: list[tuple[str, Voice]] = []
        size = 0
        for text, voice in reversed(self._pending):
            if size >= PENDING_KEPT:
                break
            kept.append((text, voice))
            size += len(text)
        self._pending = kept[::-1]
        self._pending_size = size


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
