"""Follow a run without a screen: facts as lines on stdout, talk on stderr, and an exit code.

The first SIGINT or SIGTERM asks the engine to stop after this experiment, the second to stop at once. A hang-up or a closed
stdout ends only the following; the run goes on.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from loopwatch.engine import events
from loopwatch.engine.client import Run, Viewer
from loopwatch.engine.commands import Stop
from loopwatch.engine.events import AnyFact, Entry

from . import doing, sentences, words
from .clean import printable
from .exits import Exit, of_run
from .facts import dump, fact_json

TICK_SECONDS: Final = 0.05
PROGRESS_SECONDS: Final = 5.0
"""A long training says where it is when nothing else was said for this long."""
ENDING_SECONDS: Final = 10.0
"""How long an engine that wrote its last fact may take to let go of the run."""

WAIT_TOLD_SECONDS: Final = 60.0
"""A wait for a service says how long it still is when nothing else was said for this long."""

QUIET: Final = (
    events.Applied, events.Finished, events.Measured, events.Settled, events.Asked, events.Briefed, events.Requested,
    events.RepeatStarted,
)  # fmt: skip
"""Facts that the line after them says again; an ask is told on stderr, with the command that answers it."""


class Signals:
    """The signals that came in while it is open, oldest first."""

    def __init__(self) -> None:
        """None so far."""
        self.came: list[int] = []

    @contextmanager
    def caught(self) -> Iterator["Signals"]:
        """Catch SIGINT, SIGTERM and SIGHUP, and give back the handlers afterwards."""
        before = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.came.append(number)


class Follower:
    """One viewer's way through a run, until the run ends or the viewer leaves."""

    def __init__(self, run: Run, *, after: int, as_json: bool, owner: bool, signals: Signals) -> None:
        """Tell the facts with a greater `seq` than `after`; `owner` means that a signal stops the run too."""
        self._run, self._after, self._json, self._owner, self._signals = run, after, as_json, owner, signals
        self._viewer = Viewer(run, name="headless")
        self._heard = 0
        self._told_at = time.monotonic()
        self._told_pause = ""
        self._point = 0

    def follow(self) -> int:
        """Return the run's exit code when it has ended, or why the viewer left."""
        try:
            return self._follow()
        except BrokenPipeError:
            # Whoever read the lines has gone; without this, Python would complain at exit when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.OK
        finally:
            self._viewer.close()

    def _follow(self) -> int:
        while True:
            # Asked before the facts are read: an engine that ended in between has left its last fact.
            alive = self._run.is_alive
            for entry in self._viewer.poll():
                if entry.seq > self._after:
                    self._tell(entry)
            state = self._viewer.state
            if state.stopped is not None:
                return self._ended(state.stopped)
            if not alive:
                talk(
                    f"{self._run.name}: the engine was killed or never started; nothing is lost: loopwatch resume {self._run.name}"
                )
                return Exit.ENGINE_FAILED
            leave = self._hear()
            if leave is not None:
                return leave
            self._hint()
            self._progress()
            time.sleep(TICK_SECONDS)

    def _tell(self, entry: Entry) -> None:
        if self._json:
            say(dump(fact_json(entry)))
        elif is_told(entry.fact) and not self._is_a_vote(entry.fact):
            say(sentences.sentence(entry.fact))
        self._told_at = time.monotonic()

    def _ended(self, stopped: events.Stopped) -> int:
        deadline = time.monotonic() + ENDING_SECONDS
        while self._run.is_alive and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
        code = of_run(stopped, self._run.config.stop)
        if code in (Exit.USER_ERROR, Exit.ENGINE_FAILED):
            talk(words.one_line(stopped.detail))
        if code == Exit.ENGINE_FAILED:
            talk(f"nothing is lost: loopwatch resume {self._run.name}; more in {self._run.engine_log}")
        return code

    def _is_a_vote(self, fact: AnyFact) -> bool:
        """Whether it is the bill for one vote of many: what a judge found is told in one line."""
        bills = self._viewer.state.bills
        return isinstance(fact, events.Billed) and bills[fact.request].asked.role == "judge"

    def _hear(self) -> int | None:
        came = self._signals.came
        if signal.SIGHUP in came:
            return Exit.OK
        if len(came) == self._heard:
            return None
        number, times, self._heard = came[-1], len(came), len(came)
        if not self._owner or times > 2:
            talk(f"left {self._run.name}; it goes on: loopwatch attach {self._run.name}")
            return 128 + number
        self._viewer.ask(Stop(now=times == 2, signal=number))
        talk(f"stopping {self._stops_when()}; again: at once" if times == 1 else "stopping at once")
        return None

    def _stops_when(self) -> str:
        current = self._viewer.state.current
        started = current is not None and current.step not in ("proposing", "proposed")
        return f"after experiment {current.number}" if current and started else "before the next experiment"

    def _hint(self) -> None:
        state, name = self._viewer.state, self._run.name
        waiting = state.waiting
        wait = state.backing_off
        pause = waiting.asked.ask if waiting else state.held_by or state.paused_by or ""
        if not pause and wait and not state.paused_by:
            pause = f"service {wait.experiment}.{wait.attempt}.{wait.until}"
        if pause and pause != self._told_pause:
            if waiting:
                talk(f"{sentences.sentence(waiting.asked)}\n  answer with: {doing.to_answer(waiting, name)}")
            elif wait and not state.held_by and not state.paused_by:
                talk(f"{words.service(wait, time.time())}; at once with: loopwatch resume {name}")
            else:
                why = f": {words.one_line(state.paused_why)}; mend it, and" if state.paused_why else ";"
                talk(
                    f"{'held' if state.held_by else 'paused'} by {words.one_line(pause)}{why} go on with: loopwatch resume {name}"
                )
        self._told_pause = pause

    def _progress(self) -> None:
        wait = self._viewer.state.backing_off
        if wait and not self._json and time.monotonic() - self._told_at >= WAIT_TOLD_SECONDS:
            say(f"#{wait.experiment} waits: {words.service(wait, time.time())}")
            self._told_at = time.monotonic()
        current = self._viewer.state.current
        if (
            self._json
            or current is None
            or current.step != "running"
            or time.monotonic() - self._told_at < PROGRESS_SECONDS
        ):
            return
        points = self._viewer.points(current.number, after=self._point)
        if not points:
            return
        last = points[-1]
        self._point, self._told_at = last.id, time.monotonic()
        done = "" if last.progress is None else f" ({last.progress:.0%})"
        loss = "" if last.loss is None else f", loss {words.number(last.loss)}"
        say(f"#{current.number} trains: step {last.step}{done}{loss}")


def follow(
    run: Run, *, after: int = 0, as_json: bool = False, owner: bool = True, start: Callable[[], None] | None = None
) -> int:
    """Start an engine if `start` is given, follow its run, and return the exit code.

    after  tell only the facts with a greater `seq`
    owner  SIGINT and SIGTERM stop the run; otherwise they only end the following
    """
    with Signals().caught() as signals:
        if start is not None:
            start()
        return Follower(run, after=after, as_json=as_json, owner=owner, signals=signals).follow()


def is_told(fact: AnyFact) -> bool:
    """Whether a reader of lines wants this fact; in JSON every fact is told."""
    if isinstance(fact, events.Decided):
        return fact.person or fact.ask is not None or fact.answer not in ("approve", "accept", "let_run")
    if isinstance(fact, events.TurnEnded):
        return fact.outcome != "proposed"
    return not isinstance(fact, QUIET)


def say(text: str) -> None:
    """Lines of data. Whoever made them, they come out clean."""
    print(printable(text), flush=True)


def talk(text: str) -> None:
    """A line to the person."""
    with suppress(BrokenPipeError):
        print(printable(f"loopwatch: {text}"), file=sys.stderr, flush=True)
