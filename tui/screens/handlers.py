"""What each key does. Decisions count only while their question is on the screen, painted, and half a second old."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from loopwatch.engine import client
from loopwatch.engine.client import start
from loopwatch.engine.errors import LoopwatchError
from loopwatch.engine.events import Answer, Asked
from loopwatch.engine.policy import Gate

from .. import editor, headline, play, words
from ..arrange import PANES
from ..controls import Controls
from ..widgets.askbox import AskBox
from ..widgets.body import Body
from ..widgets.diff import Diff
from ..widgets.pane import Pane
from ..widgets.prompt import Prompt
from .family import Family
from .playing import Playing
from .reading import Reading, Text

if TYPE_CHECKING:
    from .mission import Mission


YES: dict[Gate, Answer] = {"apply": "approve", "verdict": "accept", "tool": "allow", "rewrite": "allow"}


class Handlers:
    """One method per key id of the table in keys.py."""

    def __init__(self, screen: Mission, controls: Controls) -> None:
        """Acts for `screen`, through `controls`."""
        self._screen, self._controls = screen, controls
        self._drafts: dict[str, str] = {}
        """Amended diffs by ask, so that one that was refused can be mended instead of written again."""

    def do(self, key: str) -> None:
        """Do what a key stands for, if it means something now."""
        if key in PANES and key != "help":
            self._choose(key)
            return
        getattr(self, key)()

    # -- answers -------------------------------------------------------------------------------------------------------

    def _asked(self, *gates: str) -> Asked | None:
        """The question that a decision key answers; None when there is none, or it was not seen long enough."""
        box, waiting = self._screen.query_one(AskBox), self._screen.state.waiting
        if waiting is None or box.ask is None or waiting.asked.gate not in gates:
            return None
        if not box.armed or (box.ask.id, box.ask.digest) != (waiting.asked.ask, waiting.asked.digest):
            self._screen.answers.say("not yet: read it first", "warn", seconds=1)
            return None
        return waiting.asked

    def approve(self) -> None:
        """Yes to the proposal; or, at the verdict, accept it; or let an agent do what it asks for: all on the key a."""
        if asked := self._asked("apply", "verdict", "tool", "rewrite"):
            self._controls.reply(asked, YES[asked.gate])

    accept = allow = let_work = approve

    def veto(self) -> None:
        """No, with a reason."""
        if asked := self._asked("apply", "tool", "rewrite"):
            no: Answer = "veto" if asked.gate == "apply" else "deny"
            self._prompt(f"{no}, because (⏎ for no reason):", lambda text: self._controls.reply(asked, no, reason=text))

    deny = keep_parent = veto

    def send_back(self) -> None:
        """Something else, please."""
        if asked := self._asked("apply"):
            self._prompt("send back, because:", lambda text: self._controls.reply(asked, "send_back", reason=text))

    def approve_all(self) -> None:
        """Yes, and do not ask again."""
        if asked := self._asked("apply", "tool"):
            self._controls.approve_all(asked)

    allow_all = approve_all

    def override(self) -> None:
        """The other verdict."""
        if asked := self._asked("verdict"):
            self._prompt("override the verdict, because:", lambda text: self._controls.override(asked, text))

    def one_more(self) -> None:
        """Another training before the verdict."""
        if asked := self._asked("verdict"):
            self._controls.reply(asked, "one_more")

    def let_run(self) -> None:
        """Let the experiment run on."""
        if asked := self._asked("run"):
            self._controls.reply(asked, "let_run")

    def amend(self) -> None:
        """Edit the diff, or what an agent asks for, in the user's editor."""
        asked = self._asked("apply", "tool")
        if asked is None:
            return
        own = asked.detail if asked.gate == "tool" else self._screen.state.experiments[asked.experiment].diff
        diff = self._drafts.get(asked.ask) or own
        try:
            with self._screen.app.suspend():
                amended = editor.edit(asked.experiment, diff)
        except editor.EditorProblem as problem:
            self._screen.answers.say(str(problem), "bad")
            return
        if amended is None:
            self._screen.answers.say("nothing was amended")
            return
        self._drafts[asked.ask] = amended
        self._controls.reply(asked, "amend", diff=amended)

    rewrite = amend

    def undo(self) -> None:
        """Take back the last answer."""
        self._screen.answers.undo()

    # -- control -------------------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """Stop what runs."""
        if "running" in self._screen.moments():
            self._controls.abort()

    def retry(self) -> None:
        """Ask a service again now."""
        if "service" in self._screen.moments():
            self._controls.retry()

    def mute(self) -> None:
        """Mute the reviewer, or hear it again."""
        self._controls.mute()

    def explain(self) -> None:
        """Say whether the mechanism of the selected experiment held."""
        shown = self._screen.shown
        if shown is None or shown.verdict is None or shown.is_baseline:
            self._screen.answers.say("select an experiment with a mechanism and a verdict first", "warn")
            return
        number = shown.number
        self._prompt(
            f"the mechanism of #{number}: confirmed, refuted or open? and why:",
            lambda text: self._controls.explain(number, text),
        )

    def pause(self) -> None:
        """Pause, or go on."""
        self._controls.pause()

    def hold(self) -> None:
        """Hold, or go on."""
        self._controls.hold()

    def note(self) -> None:
        """Write to the proposer."""
        self._prompt("note to the proposer:", self._controls.note)

    def stop(self) -> None:
        """End the run."""
        self._prompt("stop the run: after this experiment, or now? (after/now, esc: not at all)", self._controls.stop)

    def trust(self) -> None:
        """Let the forecaster act."""
        self._controls.trust()

    def restart(self) -> None:
        """Start an engine again."""
        if "dead" in self._screen.moments():
            self._screen.answers.say("starting an engine …", "accent")
            self._screen.run_worker(self._restart, thread=True, exclusive=True)

    def _restart(self) -> None:
        screen = self._screen
        try:
            start(screen.viewer.run)
            screen.app.call_from_thread(screen.answers.say, "an engine works again", "good")
        except LoopwatchError as error:
            screen.app.call_from_thread(screen.answers.say, str(error), "bad")

    # -- looking -------------------------------------------------------------------------------------------------------

    def _choose(self, name: str) -> None:
        chosen = next(pane for pane in PANES if pane == name)
        self._screen.chosen = chosen
        if self._screen.zoomed:
            self._screen.zoomed = chosen
        self._screen.place()
        self._screen.query_one(f"#{chosen}", Pane).focus()

    def lineage(self) -> None:
        """Look at the family of agents."""
        screen = self._screen
        if not screen.state.lineage.versions:
            screen.answers.say("there is no lineage: the agents of this run are no source code", "warn")
            return
        screen.app.push_screen(
            Family(
                lambda: screen.state, self._controls.restore_agent, screen.answers.line, ascii_only=screen.ascii_only
            )
        )

    def bring_back(self) -> None:
        """A key of the lineage screen."""

    def auto(self) -> None:
        """Follow what matters."""
        self._screen.chosen = self._screen.zoomed = None
        self._screen.place()

    def zoom(self) -> None:
        """One pane, or all."""
        focused = next((name for name in PANES if self._screen.focused is self._screen.query_one(f"#{name}")), None)
        self._screen.zoomed = None if self._screen.zoomed else focused
        self._screen.place()

    def next_pane(self) -> None:
        """The next pane that can be seen."""
        panes = self._screen.query_one(Body).visible_panes
        at = panes.index(self._screen.focused) if self._screen.focused in panes else -1
        panes[(at + 1) % len(panes)].focus()

    def _focused(self) -> Pane | None:
        return self._screen.focused if isinstance(self._screen.focused, Pane) else None

    def down(self) -> None:
        """Move down."""
        if pane := self._focused():
            pane.move(1)

    def up(self) -> None:
        """Move up."""
        if pane := self._focused():
            pane.move(-1)

    def page_down(self) -> None:
        """Move down by a page."""
        if pane := self._focused():
            pane.page(1)

    def page_up(self) -> None:
        """Move up by a page."""
        if pane := self._focused():
            pane.page(-1)

    def first(self) -> None:
        """Go to the beginning."""
        if pane := self._focused():
            pane.home()

    def last(self) -> None:
        """Go to the end."""
        if pane := self._focused():
            pane.end()

    def next_hunk(self) -> None:
        """The next hunk."""
        self._screen.query_one(Diff).next_hunk(1)

    def previous_hunk(self) -> None:
        """The hunk before."""
        self._screen.query_one(Diff).next_hunk(-1)

    def brief(self) -> None:
        """Read the prompt that the selected experiment had, or what the next one will be."""
        run, shown = self._screen.viewer.run, self._screen.shown
        had = [partial(_prompt_of, run, shown.number)] if shown and shown.brief else []
        sources = [*had, partial(_prompt_of, run, None)]
        banner = headline.banner(self._screen.state, width=self._screen.size.width)
        self._screen.app.push_screen(Reading(sources, banner=banner, ascii_only=self._screen.ascii_only))

    def play(self) -> None:
        """Watch the games of the selected experiment, or of the best one."""
        screen, shown = self._screen, self._screen.shown
        try:
            found = play.games(screen.viewer.run, screen.state, shown.number if shown else None)
        except LoopwatchError as error:
            screen.answers.say(str(error), "warn")
            return
        screen.app.push_screen(Playing(found.title, found.replays, ascii_only=screen.ascii_only))

    def help(self) -> None:
        """Every key, or back."""
        self._screen.zoomed = None if self._screen.zoomed == "help" else "help"
        self._screen.place()

    def back(self) -> None:
        """Out of help, or of a zoomed pane."""
        self._screen.zoomed = None
        self._screen.place()

    def palette(self) -> None:
        """Find a command."""
        self._screen.app.action_command_palette()

    def detach(self) -> None:
        """Leave; the run goes on."""
        self._screen.app.exit(0)

    def _prompt(self, question: str, answer: Callable[[str], None]) -> None:
        self._screen.query_one(Prompt).open(question, answer)


def _prompt_of(run: client.Run, experiment: int | None) -> Text:
    found = client.brief(run, experiment)
    given = "was given" if found.given else "would be given now"
    left_out = f" · no room for {', '.join(found.left_out)}" if found.left_out else ""
    awaits = f" · what becomes of #{found.awaits} comes in addition" if found.awaits else ""
    return Text(
        f"the prompt that #{found.experiment} {given} · {words.tokens(found.tokens)} tokens{left_out}{awaits}",
        found.text,
    )
