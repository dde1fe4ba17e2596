"""A full screen on agents that are source code: the family, what each version changed, and the best on both suites."""

from collections.abc import Callable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from loopwatch.engine.lineage import Version
from loopwatch.engine.state import State

from .. import family, outer
from ..keys import KEYS
from ..palette import Role
from ..view import Parts
from ..widgets.diff import Diff
from ..widgets.lines import Lines
from ..widgets.pane import Pane
from ..widgets.table import Table

LEAVE: Final = ("back", "lineage", "detach")
LOOK_SECONDS: Final = 0.25
MOVES: Final = ("down", "up", "page_down", "page_up", "first", "last", "next_pane", "next_hunk", "previous_hunk")


class Family(Screen[None]):
    """The versions of every agent; the keys are those of the table in keys.py."""

    CSS = """
    Family { layout: vertical; overflow: hidden; }
    Family #versions { height: 1fr; }
    Family #source { height: 1fr; }
    Family #scores, Family #nested { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, "leave" if key.id in LEAVE else f"go('{key.id}')", key.label, show=False)
        for key in KEYS
        if key.id in (*LEAVE, *MOVES, "bring_back")
        for keys in key.keys.split(",")
    ]

    def __init__(
        self,
        state: Callable[[], State],
        restore: Callable[[str], None],
        said: Callable[[], tuple[str, Role] | None],
        *,
        ascii_only: bool = False,
    ) -> None:
        """`state` gives the run as it is now, `restore` asks for a version, `said` is what came of that."""
        super().__init__()
        self._state, self._restore, self._said = state, restore, said
        self._ascii, self._seq = ascii_only, -1
        self._told: tuple[str, Role] | None = None
        self._shown: str | None = None

    def compose(self) -> ComposeResult:
        """How far it is, both suites' scores, the family, and what the selected version changed."""
        a = self._ascii
        yield Lines(id="nested", ascii_only=a)
        yield Lines(id="scores", ascii_only=a)
        yield Table(family.COLUMNS, title="Agents", empty="the seeds come first", id="versions", ascii_only=a)
        yield Diff(title="Source", empty="nothing was changed", id="source", ascii_only=a)
        yield Lines(id="keys", ascii_only=a)

    def on_mount(self) -> None:
        """Look, and keep looking."""
        self.query_one(Table).focus()
        self._look()
        self.set_interval(LOOK_SECONDS, self._look)

    def on_table_highlighted(self, _: Table.Highlighted) -> None:
        """Another version is under the cursor."""
        self._show()

    def action_leave(self) -> None:
        """Back to the run."""
        self.dismiss()

    def action_go(self, key: str) -> None:
        """Move, go to the other pane, or bring a version back."""
        pane = self.focused if isinstance(self.focused, Pane) else self.query_one(Table)
        match key:
            case "bring_back":
                if version := self._selected:
                    self._restore(version.name)
            case "next_pane":
                self.set_focus(self.query_one(Diff) if pane is self.query_one(Table) else self.query_one(Table))
            case "next_hunk" | "previous_hunk":
                self.query_one(Diff).next_hunk(1 if key == "next_hunk" else -1)
            case "down" | "up":
                pane.move(1 if key == "down" else -1)
            case "page_down" | "page_up":
                pane.page(1 if key == "page_down" else -1)
            case "first":
                pane.home()
            case "last":
                pane.end()

    @property
    def _selected(self) -> Version | None:
        key = self.query_one(Table).selected
        return self._state().lineage.versions.get(key) if key else None

    def _look(self) -> None:
        state = self._state()
        if state.seq != self._seq:
            self._seq = state.seq
            self.query_one("#nested", Lines).set_lines(
                [outer.nested(state) or [(" its agents are no source code", "quiet")]]
            )
            scores = self.query_one("#scores", Lines)
            curves = family.curves(state, ascii_only=self._ascii)
            scores.display = bool(curves)
            if curves:
                scores.styles.height = len(curves)
                scores.set_lines(curves)
            self.query_one(Table).set_rows(family.rows(state.lineage))
            self._show()
        if (said := self._said()) != self._told or self._told is None:
            self._told = said
            hint: Parts = [
                (" b", "accent"),
                (" bring back  ", "quiet"),
                ("tab", "accent"),
                (" source  ", "quiet"),
            ]
            hint += [("esc", "accent"), (" back", "quiet")]
            self.query_one("#keys", Lines).set_lines([[(f" {said[0]}", said[1])] if said else hint])

    def _show(self) -> None:
        version = self._selected
        if version is not None and version.name == self._shown:
            return
        self._shown = version.name if version else None
        diff = self.query_one(Diff)
        diff.set_title(family.diff_title(version))
        diff.set_diff(family.source(version))
