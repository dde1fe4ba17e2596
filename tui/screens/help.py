"""Every key, in words; made from the table in keys.py."""

from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from loopwatch.tui.palette import Inks

from ..keys import KEYS, SHOWN
from ..widgets.pane import Pane, Title

GROUPS = (
    ("at a gate", ("apply", "verdict", "run", "undo")),
    ("while it works", ("running", "working", "dead")),
    ("always", ("always",)),
)


class KeyList(Pane):
    """The keys by moment."""

    def __init__(self) -> None:
        super().__init__(title="Keys")
        self._top = 0

    def move(self, lines: int) -> None:
        """Scroll."""
        self._top = max(0, min(self._top + lines, len(_lines()) - self.inner_height))
        self.redraw()

    def foot(self) -> Title:
        """How to leave."""
        return "↑ ↓ scroll   esc back"

    def draw(self, width: int, height: int, ink: Inks) -> list[list[Segment]]:
        """The lines in view."""
        return [
            [Segment(f"{left:<16}", ink("accent", bold=True)), Segment(right, ink())]
            if left
            else [Segment(right, ink("quiet"))]
            for left, right in _lines()[self._top : self._top + height]
        ]


class Help(ModalScreen[None]):
    """Help, one key away; any of esc, q and ? leaves it."""

    CSS = "Help { align: center middle; } KeyList { width: 90%; height: 90%; max-width: 100; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "back"),
        Binding("down,j", "move(1)"),
        Binding("up,k", "move(-1)"),
        Binding("pagedown,space", "move(10)"),
        Binding("pageup", "move(-10)"),
    ]

    def compose(self) -> ComposeResult:
        """The list."""
        yield KeyList()

    def action_move(self, lines: int) -> None:
        """Scroll."""
        self.query_one(KeyList).move(lines)


def _lines() -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, moments in GROUPS:
        lines += [("", ""), ("", f"— {name} —")]
        for key in KEYS:
            if key.when in moments:
                shown = " ".join(SHOWN.get(one, one) for one in key.keys.split(","))
                lines.append((shown, key.help))
    return lines[1:]
