"""One line to type in, docked where it hides nothing; while it has the focus no key decides anything."""

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from loopwatch.tui.clean import clean

Answer = Callable[[str], None]


class Prompt(Horizontal):
    """Asks for a line of text, hands it over, and goes away."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; }
    Prompt Static { width: auto; padding: 0 1; color: $accent; }
    Prompt Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Hidden until `open`."""
        super().__init__(id=id)
        self._answer: Answer | None = None
        self._return_to: object = None

    def compose(self) -> ComposeResult:
        """The question and the field."""
        yield Static("", markup=False)
        yield Input(compact=True, select_on_focus=False)

    def open(self, question: str, answer: Answer) -> None:
        """Ask; `answer` gets what was typed, and is not called when the person presses escape."""
        self._answer, self._return_to = answer, self.screen.focused
        self.query_one(Static).update(clean(question))
        self.query_one(Input).value = ""
        self.display = True
        self.query_one(Input).focus()

    def close(self) -> None:
        """Go away."""
        self.display = False
        self._answer = None
        self.screen.set_focus(None)

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Hand the line over."""
        submitted.stop()
        answer = self._answer
        self.close()
        if answer:
            answer(submitted.value.strip())

    def on_key(self, event: events.Key) -> None:
        """Escape goes away without an answer."""
        if event.key == "escape":
            event.stop()
            self.close()
