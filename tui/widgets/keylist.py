"""Every key, in words; made from the table in keys.py."""

from rich.segment import Segment

from loopwatch.tui.clean import wrap
from loopwatch.tui.keys import KEYS, SHOWN
from loopwatch.tui.palette import Inks, Role

from .pane import Pane, Title

KEY_CELLS = 16
GROUPS = (
    ("an agent asks", ("tool",)),
    ("a proposal or an experiment waits", ("apply", "verdict", "run", "rewrite", "undo")),
    ("while it works", ("running", "training", "service", "working", "dead")),
    ("agents that are source code (L)", ("lineage",)),
    ("always", ("always",)),
)
MARKS = (
    ("■ kept", "confirmed: better on fresh seeds, told from luck"),
    ("□ for now", "provisional: better so far, and perhaps luck; the search goes on from it, the headline waits"),
    ("▲ doubted", "quarantined: it would be kept, but something makes the number hard to believe"),
    ("m  ✓ ✗ ○", "whether the mechanism held: confirmed, refuted, open"),
    (
        "value L, S",
        "the number is locked (a frozen evaluator ran the agent's code) or self-reported; without: independent",
    ),
)
"""What the table of experiments draws."""


class KeyList(Pane):
    """The keys, by the moment in which they mean something."""

    def __init__(self, *, title: Title = "Keys", ascii_only: bool = False, id: str | None = None) -> None:
        """Takes no values: the table is the same for every run."""
        super().__init__(title=title, ascii_only=ascii_only, id=id)
        self._top = 0

    def move(self, lines: int) -> None:
        """Scroll."""
        self._top = max(0, min(self._top + lines, len(_lines(self.inner_width)) - self.inner_height))
        self.redraw()

    def foot(self) -> Title:
        """How to leave."""
        return "j k scroll   esc back"

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """The lines in view."""
        return [
            [Segment(f"{left:<{KEY_CELLS}}", ink("accent", bold=True)), Segment(right, ink(role))]
            for left, right, role in _lines(width)[self._top : self._top + height]
        ]


def _lines(width: int) -> list[tuple[str, str, Role]]:
    """The keys, what they do, and how that is drawn; long texts wrapped."""
    lines: list[tuple[str, str, Role]] = []
    for name, moments in GROUPS:
        lines += [("", "", "quiet"), ("", f"— {name} —", "quiet")]
        for key in KEYS:
            if key.when in moments:
                shown = " ".join(SHOWN.get(one, one) for one in key.keys.split(","))
                first, *more = wrap(key.help, max(10, width - KEY_CELLS))
                lines += [(shown, first, "text"), *(("", rest, "text") for rest in more)]
    lines += [("", "", "quiet"), ("", "— marks —", "quiet")]
    for mark, meaning in MARKS:
        first, *more = wrap(meaning, max(10, width - KEY_CELLS))
        lines += [(mark, first, "text"), *(("", rest, "text") for rest in more)]
    return lines[1:]
