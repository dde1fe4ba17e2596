"""Puts panes where `arrange` says, whenever the size or what matters changes."""

from textual.containers import Container

from loopwatch.tui.arrange import PANES, PaneName, arrange

from .pane import Pane


class Body(Container):
    """The part of the screen that has the panes; each pane's id is its name."""

    DEFAULT_CSS = """
    Body { height: 1fr; width: 1fr; }
    Body > * { position: absolute; }
    """

    def __init__(self, *panes: Pane, id: str | None = None) -> None:
        """Takes every pane there is."""
        super().__init__(*panes, id=id)
        self._main: PaneName = "reasoning"
        self._zoomed: PaneName | None = None

    def show(self, main: PaneName, zoomed: PaneName | None) -> None:
        """Give the room to these."""
        if (main, zoomed) != (self._main, self._zoomed):
            self._main, self._zoomed = main, zoomed
            self._place()

    def on_resize(self) -> None:
        """Place everything anew."""
        self._place()

    @property
    def visible_panes(self) -> list[Pane]:
        """The panes on the screen, in the order of their numbers."""
        return [pane for name in PANES if (pane := self.query_one(f"#{name}", Pane)).display]

    def _place(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        places = arrange(width, height, main=self._main, zoomed=self._zoomed)
        for name in PANES:
            pane, place = self.query_one(f"#{name}", Pane), places.get(name)
            pane.display = place is not None
            if place:
                pane.styles.offset = (place.x, place.y)
                pane.styles.width, pane.styles.height = place.width, place.height
