"""Where each pane goes, for every size of a terminal. Pure.

Narrow screens give the room to one main pane, which follows what is going on (`main`), and keep the experiments and one more pane
below it. Wide ones show four panes, tall ones the events as well.
"""

from typing import Literal, NamedTuple

PaneName = Literal["experiments", "curve", "reasoning", "diff", "events", "output", "help"]
PANES: tuple[PaneName, ...] = ("experiments", "curve", "reasoning", "diff", "events", "output", "help")
"""Help is shown only when it is zoomed."""

WIDE = 110
"""Columns from which two columns of panes are shown."""


class Place(NamedTuple):
    """A pane's corner and size, in cells, within the body of the screen."""

    x: int
    y: int
    width: int
    height: int


def arrange(width: int, height: int, *, main: PaneName, zoomed: PaneName | None = None) -> dict[PaneName, Place]:
    """The panes to show; those that are missing are hidden."""
    if zoomed:
        return {zoomed: Place(0, 0, width, height)}
    if height < 8 or width < 60:
        return {main: Place(0, 0, width, height)}
    if width < WIDE:
        return _narrow(width, height, main)
    return _wide(width, height, main)


def _narrow(width: int, height: int, main: PaneName) -> dict[PaneName, Place]:
    upper = height - 5 if height < 16 else round(height * 0.56)
    left = round(width * 0.54)
    below = height - upper
    beside: PaneName = "curve" if main == "reasoning" else "reasoning"
    if main == "experiments":
        return {
            "experiments": Place(0, 0, width, upper),
            "reasoning": Place(0, upper, left, below),
            "curve": Place(left, upper, width - left, below),
        }
    return {
        main: Place(0, 0, width, upper),
        "experiments": Place(0, upper, left, below),
        beside: Place(left, upper, width - left, below),
    }


def _wide(width: int, height: int, main: PaneName) -> dict[PaneName, Place]:
    below = 6 if height >= 32 else 0
    body = height - below
    left = round(width * 0.48)
    upper = body // 2
    right_above: PaneName = "output" if main == "output" else "curve"
    places: dict[PaneName, Place] = {
        "experiments": Place(0, 0, left, upper),
        right_above: Place(left, 0, width - left, upper),
        "reasoning": Place(0, upper, left, body - upper),
        "diff": Place(left, upper, width - left, body - upper),
    }
    if below:
        places["events"] = Place(0, body, width, below)
    elif main == "events":
        places["events"] = places.pop("diff")
    return places
