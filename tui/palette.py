"""The few colours, by what they mean.

Chosen from the 256-colour cube, and so that Rich's reduction to 16 keeps hue and contrast: most terminals
over SSH have no more. Meaning is never in the colour alone; whoever draws adds a word or a glyph.
"""

from functools import lru_cache
from typing import Final, Literal

from rich.style import Style
from textual.theme import Theme

Role = Literal["text", "quiet", "thought", "frame", "accent", "good", "warn", "bad", "mark", "alarm"]
"""text: to be read · quiet: beside it · thought: what somebody thinks, in italics · frame: lines · accent: the live thing
· good, warn, bad: how it went · mark: to be doubted · alarm: never to be overlooked, on a ground of its own."""

DARK: Final[dict[Role, str]] = {
    "text": "#d7d7d7",
    "quiet": "#9e9e9e",
    "thought": "#afafd7",
    "frame": "#6c6c6c",
    "accent": "#5fd7ff",
    "good": "#5fd787",
    "warn": "#ffd75f",
    "bad": "#ff8787",
    "mark": "#d787ff",
    "alarm": "#ff8787",
}
LIGHT: Final[dict[Role, str]] = {
    "text": "#262626",
    "quiet": "#585858",
    "thought": "#5f5f87",
    "frame": "#767676",
    "accent": "#0000af",
    "good": "#008700",
    "warn": "#875f00",
    "bad": "#af0000",
    "mark": "#8700af",
    "alarm": "#af0000",
}
ANSI_DARK: Final[dict[Role, str]] = {
    "text": "default",
    "quiet": "white",
    "thought": "white",
    "frame": "bright_black",
    "accent": "bright_cyan",
    "good": "bright_green",
    "warn": "bright_yellow",
    "bad": "bright_red",
    "mark": "bright_magenta",
    "alarm": "bright_red",
}
ANSI_LIGHT: Final[dict[Role, str]] = {
    "text": "default",
    "quiet": "bright_black",
    "thought": "bright_black",
    "frame": "bright_black",
    "accent": "blue",
    "good": "green",
    "warn": "yellow",
    "bad": "red",
    "mark": "magenta",
    "alarm": "red",
}
DARK_BACKGROUND: Final = "#121212"
DARK_CURSOR: Final = "#262626"
LIGHT_BACKGROUND: Final = "#ffffff"
LIGHT_CURSOR: Final = "#e4e4e4"


def _theme(name: str, colours: dict[Role, str], background: str, raised: str, *, dark: bool) -> Theme:
    return Theme(
        name=name,
        primary=colours["accent"],
        secondary=colours["mark"],
        accent=colours["accent"],
        warning=colours["warn"],
        error=colours["bad"],
        success=colours["good"],
        foreground=colours["text"],
        background=background,
        surface=background,
        panel=raised,
        dark=dark,
        text_alpha=1.0,
    )


DARK_THEME: Final = _theme("loopwatch-dark", DARK, DARK_BACKGROUND, DARK_CURSOR, dark=True)
LIGHT_THEME: Final = _theme("loopwatch-light", LIGHT, LIGHT_BACKGROUND, LIGHT_CURSOR, dark=False)
"""Register both with `App.register_theme`; widgets also follow any other theme, by its darkness."""


class Inks:
    """The styles of one theme on one background.

    Every style has both colours, which the NO_COLOR filter relies on.
    """

    def __init__(self, base: Style, *, dark: bool = True, ansi: bool = False) -> None:
        """`base` gives the background; `ansi` asks for the terminal's own sixteen colours."""
        self._dark, self._ansi = dark, ansi
        self._colours = (ANSI_DARK if dark else ANSI_LIGHT) if ansi else (DARK if dark else LIGHT)
        self._background = base.bgcolor.name if base.bgcolor else "default"
        self._known: dict[tuple[Role, bool, bool, bool], Style] = {}

    def __call__(
        self, role: Role = "text", *, bold: bool = False, underline: bool = False, cursor: bool = False
    ) -> Style:
        """Return the style of `role`; with `cursor`, as part of the line that is pointed at, where nothing
        is quiet."""
        key = (role, bold, underline, cursor)
        if key not in self._known:
            self._known[key] = self._mix(role, bold, underline, cursor)
        return self._known[key]

    def _mix(self, role: Role, bold: bool, underline: bool, cursor: bool) -> Style:
        if cursor and role in ("quiet", "frame"):
            role = "text"
        raised = DARK_CURSOR if self._dark else LIGHT_CURSOR
        background = raised if cursor and not self._ansi else self._background
        return Style(
            color=self._colours[role],
            bgcolor=background,
            bold=bold or cursor,
            underline=underline,
            italic=role == "thought",
            reverse=role == "alarm",
        )


@lru_cache(maxsize=32)
def inks(base: Style, *, dark: bool = True, ansi: bool = False) -> Inks:
    """Return the inks for a background, made once."""
    return Inks(base, dark=dark, ansi=ansi)
