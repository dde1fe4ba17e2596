"""Every key, in words; made from the table in keys.py."""

from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from loopwatch.tui.clean import wrap
from loopwatch.tui.palette import Inks, Role

from ..keys import KEYS, SHOWN
from ..widgets.pane import Pane, Title

KEY_CELLS = 16
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
    return lines[1:]
