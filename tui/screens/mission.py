"""Mission control: one screen on one run. It polls, folds, draws and asks; it decides nothing."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from loopwatch.engine.client import Viewer
from loopwatch.engine.events import Entry
from loopwatch.engine.state import Experiment, State

from .. import headline, question, sentences, telling, view
from ..arrange import PaneName
from ..controls import Controls
from ..deciding import Answers
from ..keys import KEYS, Key, When, footer
from ..moments import moments
from ..repaint import CellCompositor
from ..widgets.askbox import AskBox
from ..widgets.body import Body
from ..widgets.curve import Curve
from ..widgets.diff import Diff
from ..widgets.keylist import KeyList
from ..widgets.lines import Lines
from ..widgets.pane import Pane
from ..widgets.prompt import Prompt
from ..widgets.table import Table
from ..widgets.tail import Tail
from .chart import Chart
from .handlers import Handlers
from .transcript import Transcript

if TYPE_CHECKING:
    from ..app import MissionControl

FACTS_SECONDS = 0.05
CURVE_SECONDS = 0.25
TEXT_SECONDS = 0.1
LIVENESS_SECONDS = 1.0
AWAY_SECONDS = 60
EVENTS_KEPT = 200
ASK_LINES = (2, 3, 4)
"""What is shown of a question at once: on a low terminal, usually, and of a long one: why, how, what is expected, what is done."""
LONGEST_ASK = 6
"""Lines of a question on a terminal that is `TALL`."""
TALL = 36


class Mission(Screen[None]):
    """Everything about one run."""

    CSS = """
    Mission { layout: vertical; overflow: hidden; }
    #header { height: 3; }
    #banner { display: none; }
    #notice { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, f"do('{key.id}')", key.label, id=key.id, show=False)
        for key in KEYS
        for keys in key.keys.split(",")
    ]

    app: "MissionControl"

    def __init__(self, viewer: Viewer, *, ascii_only: bool = False, clock: Callable[[], float] = time.time) -> None:
        """A screen that looks through `viewer`; `clock` gives the seconds since 1970 that ages are counted to."""
        super().__init__()
        self._compositor = CellCompositor()
        self._clock = clock
        self.viewer, self.ascii_only = viewer, ascii_only
        self.answers = Answers(viewer)
        self.handlers = Handlers(self, Controls(viewer, self.answers))
        self._alive = True
        self.chosen: PaneName | None = None
        """The pane that a person chose to give the room to; None follows what matters."""
        self.zoomed: PaneName | None = None
        self._chart = Chart(viewer, ascii_only=ascii_only)
        self._transcript = Transcript(viewer)
        self._header: tuple[int, int, int, bool, bool] | None = None
        self._began = False
        self._output = ""
        self._last_key = time.monotonic()
        self._rung: str | None = None

    # -- parts ---------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Header, panes, and below them what is asked, said and typed."""
        a = self.ascii_only
        yield Lines(id="banner", ascii_only=a)
        yield Lines(id="header", ascii_only=a)
        yield Body(
            Table(
                view.EXPERIMENT_COLUMNS,
                title="1 Experiments",
                empty="the baseline comes first",
                id="experiments",
                ascii_only=a,
            ),
            Curve(title="2 Curve", empty="no step was printed yet", id="curve", ascii_only=a),
            Tail(title="3 Reasoning", empty="nothing was said yet", id="reasoning", ascii_only=a),
            Diff(title="4 Diff", empty="the unmodified start", id="diff", ascii_only=a),
            Tail(title="5 Events", id="events", ascii_only=a),
            Tail(title="6 Output", empty="nothing was printed yet", id="output", ascii_only=a),
            KeyList(id="help", ascii_only=a),
        )
        yield AskBox(lines=ASK_LINES[1], id="ask", ascii_only=a)
        yield Lines(id="notice", ascii_only=a)
        yield Prompt(id="prompt")
        yield Lines(id="footer", ascii_only=a)

    def on_mount(self) -> None:
        """Read what there is, then keep looking."""
        self._check_engine()
        self.call_after_refresh(self._look)
        self.set_interval(FACTS_SECONDS, self._look)
        self.set_interval(CURVE_SECONDS, self._draw_curve)
        self.set_interval(TEXT_SECONDS, self._draw_text)
        self.set_interval(LIVENESS_SECONDS, self._check_engine)

    @property
    def state(self) -> State:
        """The run, as its facts say."""
        return self.viewer.state

    def on_resize(self) -> None:
        """A very low terminal keeps one line of the three at the top."""
        self._size_header()

    def _size_header(self) -> None:
        lines = 4 if self.state.lineage.versions else 3
        self.query_one("#header", Lines).styles.height = lines if self.size.height > 12 else 1

    def _pane(self, name: PaneName) -> Pane:
        return self.query_one(f"#{name}", Pane)

    # -- looking -------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        entries = self.viewer.poll()
        if entries:
            self._tell_events(entries)
            self._tell_receipts(entries)
            self._draw_experiments()
            self._show_experiment()
        self.answers.look()
        self._draw_lines()
        self._draw_ask()
        self.place()

    def _check_engine(self) -> None:
        alive = self.viewer.run.is_alive
        if alive != self._alive:
            self._alive = alive
            self._draw_experiments()

    def _draw_experiments(self) -> None:
        self.query_one(Table).set_rows(view.experiment_rows(self.state, alive=self._alive))

    @property
    def shown(self) -> Experiment | None:
        """The experiment that the panes are about: the one under the cursor."""
        selected = self.query_one(Table).selected
        return self.state.experiments.get(int(selected)) if selected else None

    def on_table_highlighted(self, _: Table.Highlighted) -> None:
        """Look at another experiment."""
        self._show_experiment()
        self._draw_curve()

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _draw_lines(self) -> None:
        self._draw_header()
        width = self.size.width
        notice = self.query_one("#notice", Lines)
        line = self.answers.line()
        lines = (
            [[(f" {line[0]}", line[1])]] if line else headline.notice(self.state, width=width) if self._alive else []
        )
        notice.display = bool(lines)
        if lines:
            notice.styles.height = len(lines)
            notice.set_lines(lines)
        keys: view.Parts = []
        for key, label in footer(self.moments(), width, self._label):
            keys += [(f" {key}", "accent"), (f" {label} ", "quiet")]
        self.query_one("#footer", Lines).set_lines([keys])

    def _draw_header(self) -> None:
        state, current = self.state, self.state.current
        now = self._clock()
        # Ages count whole seconds, so nothing changes more often than that unless a fact does.
        progress = self._chart.progress(current) if current else None
        about = (state.seq, int(now), self.size.width, self._alive, progress is None)
        if about != self._header:
            self._header = about
            banner = headline.banner(state, width=self.size.width)
            self.query_one("#banner", Lines).display = bool(banner)
            self.query_one("#banner", Lines).set_lines([banner])
            lines = headline.header(
                state, alive=self._alive, now=now, width=self.size.width, ascii_only=self.ascii_only, progress=progress
            )
            self.query_one("#header", Lines).set_lines(lines)
            self._size_header()

    def _label(self, key: Key) -> str:
        state = self.state
        if key.id == "abort" and state.current and state.current.step == "proposing":
            return "veto this thought" if self.size.width >= headline.NARROW else "veto thought"
        goes_on = (key.id == "pause" and state.paused_by) or (key.id == "hold" and state.held_by)
        return "go on" if goes_on else key.label

    def _draw_ask(self) -> None:
        box = self.query_one(AskBox)
        ask = None if self.answers.busy else question.ask_view(self.state, now=self._clock())
        if ask is not None:
            low, least, most = ASK_LINES
            tall = most if self.size.height < TALL else len(ask.lines)
            box.set_lines(low if self.size.height < 20 else max(least, min(len(ask.lines), tall, LONGEST_ASK)))
        new = ask is not None and (box.ask is None or box.ask.id != ask.id or box.ask.digest != ask.digest)
        box.show(ask)
        if new and ask is not None:
            self._asked_anew(ask.id)

    def _asked_anew(self, ask: str) -> None:
        self.query_one(Table).home()
        self.query_one("#reasoning", Tail).hold()
        away = time.monotonic() - self._last_key > 60 or not self.app.app_focus
        if away and self._rung != ask:
            self.app.bell()
            self._rung = ask

    def _show_experiment(self) -> None:
        e = self.shown
        if e is None:
            return
        diff = self._pane("diff")
        assert isinstance(diff, Diff)
        diff.set_title(view.diff_title(self.state, e))
        diff.set_diff(view.diff_body(self.state, e), empty=view.no_diff(e))
        self._transcript.begin(self.query_one("#reasoning", Tail), e)
        self._draw_text()

    def _draw_text(self) -> None:
        e = self.shown
        self._transcript.draw(self.query_one("#reasoning", Tail), self.state, e)
        if self._pane("output").display and e is not None:
            self._draw_output(e)

    def _draw_output(self, e: Experiment) -> None:
        text = self.viewer.log_tail(e.number, max(1, e.attempt))
        if text != self._output:
            output, self._output = self.query_one("#output", Tail), text
            output.clear()
            output.append(text.replace("\r", "\n"))
            output.flush()

    def _draw_curve(self) -> None:
        self._chart.draw(self.query_one(Curve), self.state, self.shown)

    def _tell_events(self, entries: list[Entry]) -> None:
        pane = self.query_one("#events", Tail)
        for entry in entries[-EVENTS_KEPT:]:
            pane.append(view.event_line(entry.at, sentences.sentence(entry.fact)) + "\n")
        pane.flush()

    def _tell_receipts(self, entries: list[Entry]) -> None:
        """Say when a note was read, once the screen is open: whoever wrote it waits for that."""
        if self._began:
            for receipt in telling.receipts(self.state, entries):
                self.answers.say(receipt, "good")
        self._began = True

    # -- places --------------------------------------------------------------------------------------------------------

    @property
    def main(self) -> PaneName:
        """The pane that matters now, unless a person chose one."""
        if self.chosen:
            return self.chosen
        e, waiting = self.shown, self.state.waiting
        if waiting and e and waiting.asked.experiment == e.number:
            return "diff" if waiting.asked.gate in ("apply", "tool", "rewrite") else "curve"
        if e is None or e.step == "proposing" or e.verdict == "unproposed":
            return "reasoning"
        return "curve" if e.attempt else "diff"

    def place(self) -> None:
        """Give the room to what matters, and the focus to something that can be seen."""
        body = self.query_one(Body)
        body.show(self.main, self.zoomed)
        panes = body.visible_panes
        if not self.query_one(Prompt).display and self.focused not in panes and panes:
            self.set_focus(
                self.query_one("#experiments", Pane) if self.query_one("#experiments", Pane) in panes else panes[0]
            )

    # -- keys ----------------------------------------------------------------------------------------------------------

    def moments(self) -> frozenset[When]:
        """What holds now, for the keys that depend on it."""
        answers = self.answers
        return moments(self.state, alive=self._alive, busy=answers.busy, can_undo=answers.can_undo)

    def action_do(self, key: str) -> None:
        """A key was pressed, or a command chosen."""
        self._last_key = time.monotonic()
        self.handlers.do(key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a line is being typed, no key does anything but write."""
        return not (action == "do" and self.query_one(Prompt).display)

    def on_app_focus(self) -> None:
        """The terminal has the focus again: what is asked must be seen again before a key counts."""
        self.query_one(AskBox).rearm()

    def on_screen_resume(self) -> None:
        """Another screen was in front: the same."""
        self.query_one(AskBox).rearm()
