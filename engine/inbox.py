"""The viewers' inbox: each command is checked against what is true now, acted on, and answered.

A command that no longer makes sense is refused in words: the screen it came from may have been a second old. The lower row wins.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import assert_never

from . import commands
from .agent_events import AgentRestored
from .bench import Bench
from .errors import EditRefused
from .events import (
    AnyFact,
    CapsChanged,
    Decided,
    Explained,
    ForecasterTrusted,
    Held,
    Noted,
    Paused,
    PolicyChanged,
    Resumed,
    ReviewerMuted,
    StopAsked,
)  # fmt: skip
from .gate import ANSWERS, Gates
from .journal import Journal
from .lab import Lab
from .ledger import Inbox as Row
from .policy import parse_for
from .running.runner import Runner
from .state import State

SECONDS_BETWEEN_LOOKS = 0.05

Act = Callable[[], Awaitable[object]]


class Refused(Exception):
    """A command that makes no sense now; the message is the answer."""


class Inbox:
    """Reads commands and makes them happen."""

    def __init__(self, *, journal: Journal, lab: Lab, gates: Gates, bench: Bench, runner: Runner) -> None:
        """The inbox of one engine."""
        self._journal, self._lab, self._gates, self._bench, self._runner = journal, lab, gates, bench, runner

    async def watch(self) -> None:
        """Look for commands for ever."""
        while True:
            for row in self._journal.ledger.due():
                await self._handle(row)
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    @property
    def _state(self) -> State:
        return self._journal.state

    async def _handle(self, row: Row) -> None:
        try:
            text, facts, act = self._plan(row)
        except Refused as refusal:
            self._journal.answer(row.id, ok=False, text=str(refusal))
            return
        # Facts and answer are one transaction; whoever withdrew the row before it wins, and nothing happens.
        if self._journal.answer(row.id, ok=True, text=text, facts=facts):
            await act()

    def _plan(self, row: Row) -> tuple[str, tuple[AnyFact, ...], Act]:
        command = row.command
        match command:
            case None:
                raise Refused("this engine does not know that command; is the viewer of another version?")
            case commands.Reply():
                return self._reply(command, row.by)
            case commands.Abort():
                return self._abort(command, row.by)
            case commands.Pause():
                return self._pause(row.by)
            case commands.Hold():
                return self._hold(row.by)
            case commands.Resume():
                return self._resume(row.by)
            case commands.Stop():
                return self._stop(command, row.by)
            case commands.Note():
                number = len(self._state.notes) + 1
                when = self._lab.desk.steering
                text = f"note {number} will be in the next prompt"
                if when and when != "next experiment":
                    text = (
                        f"note {number} reaches the proposer in {when}"
                        if when == "this turn"
                        else f"note {number} reaches the proposer with its {when}"
                    )
                return text, (Noted(note=number, text=command.text, by=row.by),), self._steer
            case commands.Mute():
                muted = self._state.muted_by is not None
                if command.muted == muted:
                    raise Refused(f"the reviewer is {'muted' if muted else 'heard'} already")
                text = (
                    "the reviewer is muted: its words stay out of the briefs"
                    if command.muted
                    else "the reviewer is heard again"
                )
                return text, (ReviewerMuted(muted=command.muted, by=row.by),), _nothing
            case commands.Explain():
                return self._explain(command, row.by)
            case commands.SetPolicy():
                try:
                    parse_for(command.gate, command.policy)
                except ValueError as error:
                    raise Refused(str(error)) from None
                fact = PolicyChanged(gate=command.gate, policy=command.policy, by=row.by)
                return f"gate {command.gate} is {command.policy} from now on", (fact,), _nothing
            case commands.SetCaps():
                caps = self._state.caps.model_copy(update=command.caps.model_dump(exclude_none=True))
                return f"{caps.words} from now on", (CapsChanged(caps=caps, by=row.by),), self._lab.desk.retry
            case commands.Trust():
                if self._state.trusted_by:
                    raise Refused(f"it may act already, since {self._state.trusted_by} let it")
                trusted = ForecasterTrusted(by=row.by, why="a person said go")
                return "the forecaster may act from now on", (trusted,), _nothing
            case commands.RestoreAgent():
                return self._restore(command.agent, row.by)
            case _:
                assert_never(command)

    def _restore(self, agent: str, by: str) -> tuple[str, tuple[AnyFact, ...], Act]:
        lineage = self._state.lineage
        version = lineage.versions.get(agent)
        if version is None or version.role != "task":
            there = ", ".join(one.name for one in lineage.versions.values() if one.role == "task")
            raise Refused(f"there is no generation {agent!r}; there are: {there or 'none'}")
        if agent == lineage.live:
            raise Refused(f"{agent} works already")
        if version.is_open:
            raise Refused(f"{agent} is on trial, or waits for it; its turn comes without you")
        if not version.is_checked:
            why = f": it failed at {version.failed_stage}" if version.failed_stage else ""
            raise Refused(f"{agent} cannot work{why}")
        return f"{agent} works from the next experiment on", (AgentRestored(agent=agent, by=by),), _nothing

    def _reply(self, reply: commands.Reply, by: str) -> tuple[str, tuple[AnyFact, ...], Act]:
        waiting = self._state.waiting
        if waiting is None or waiting.asked.gate != reply.gate or reply.ask not in (None, waiting.asked.ask):
            raise Refused(self._too_late(reply))
        asked = waiting.asked
        if reply.digest is not None and reply.digest != asked.digest:
            raise Refused(f"too late: #{asked.experiment} was changed after you saw it; look again")
        if reply.answer not in ANSWERS[reply.gate]:
            raise Refused(
                f"{reply.answer} is no answer at the {reply.gate} gate; there are: {', '.join(ANSWERS[reply.gate])}"
            )
        decided = Decided(
            ask=asked.ask,
            experiment=asked.experiment,
            gate=asked.gate,
            answer=reply.answer,
            by=by,
            person=True,
            reason=reply.reason,
            digest=asked.digest,
            amended=reply.diff if reply.gate == "tool" else "",
            agent=asked.agent,
        )
        facts: tuple[AnyFact, ...] = (decided,)
        if reply.answer == "amend" and reply.gate == "apply":
            try:
                facts = (
                    decided,
                    self._lab.desk.amended(self._state.experiments[asked.experiment], reply.diff, by=by),
                )
            except EditRefused as refusal:
                raise Refused(f"the amended diff was refused: {refusal}") from None

        async def hand_over() -> None:
            self._gates.replied(decided)

        return f"{_WORDS[reply.answer]} #{asked.experiment}", facts, hand_over

    async def _steer(self) -> None:
        self._lab.desk.steer()

    def _explain(self, command: commands.Explain, by: str) -> tuple[str, tuple[AnyFact, ...], Act]:
        experiment = self._state.experiments.get(command.experiment)
        if experiment is None or experiment.verdict is None:
            raise Refused(f"#{command.experiment} has no verdict yet, so its mechanism is open")
        fact = Explained(experiment=experiment.number, mechanism=command.mechanism, theory=command.theory, by=by)
        return f"the mechanism of #{experiment.number} is {command.mechanism}", (fact,), _nothing

    def _too_late(self, reply: commands.Reply) -> str:
        number = int(reply.ask.split("-")[0]) if reply.ask and reply.ask.split("-")[0].isdecimal() else None
        experiment = self._state.experiments.get(number) if number is not None else self._state.last
        waiting = self._state.waiting
        if reply.ask and waiting and (waiting.asked.experiment, waiting.asked.gate) == (number, reply.gate):
            return f"too late: #{number} was changed after you saw it; look again"
        decided = experiment.decided(reply.gate) if experiment else None
        if experiment is None or decided is None:
            return f"nothing waits at the {reply.gate} gate"
        return f"too late: #{experiment.number} was already decided ({_WORDS[decided.answer]} by {decided.by})"

    def _abort(self, command: commands.Abort, by: str) -> tuple[str, tuple[AnyFact, ...], Act]:
        current, repeating = self._state.current, self._state.repeating
        if repeating and command.experiment in (None, repeating[0]):
            ended = f"aborted by {by}" + (f": {command.reason}" if command.reason else "")
            return f"aborted the repeat of #{repeating[0]}", (), lambda: self._bench.abort(ended)
        if current is None or command.experiment not in (None, current.number):
            raise Refused("that experiment does not run" if command.experiment else "nothing runs")
        why = f"aborted by {by}" + (f": {command.reason}" if command.reason else "")
        if current.step == "proposing":

            async def cancel() -> None:
                self._lab.desk.cancel(by)

            return f"cancelled the proposal of #{current.number}", (), cancel
        if current.step != "running":
            raise Refused(f"#{current.number} does not run: {_INSTEAD[current.step]}")
        waiting = self._state.waiting
        ask = waiting.asked.ask if waiting and waiting.asked.gate == "run" else None
        decided = Decided(
            ask=ask,
            experiment=current.number,
            gate="run",
            answer="abort",
            by=by,
            person=True,
            reason=command.reason,
        )
        return f"aborted #{current.number}", (decided,), lambda: self._bench.abort(why)

    def _pause(self, by: str) -> tuple[str, tuple[AnyFact, ...], Act]:
        if self._state.paused_by:
            raise Refused(f"it is paused already, by {self._state.paused_by}")

        async def close() -> None:
            self._lab.resumed.clear()

        return "paused: the experiment at hand is finished, no other is started", (Paused(by=by),), close

    def _hold(self, by: str) -> tuple[str, tuple[AnyFact, ...], Act]:
        current = self._state.current
        if self._state.held_by:
            raise Refused(f"it is held already, by {self._state.held_by}")
        if self._state.repeating:
            number = self._state.repeating[0]
            return f"held the repeat of #{number}", (Held(by=by, experiment=number),), self._runner.hold
        if current is None or current.step != "running":
            raise Refused("no experiment runs that could be held; pause keeps the next one from starting")
        return (
            f"held #{current.number}: its clock stands still",
            (Held(by=by, experiment=current.number),),
            self._runner.hold,
        )

    def _resume(self, by: str) -> tuple[str, tuple[AnyFact, ...], Act]:
        waits = self._state.backing_off
        if not self._state.paused_by and not self._state.held_by and not waits:
            raise Refused("it is neither paused nor held")

        async def go_on() -> None:
            self._lab.resumed.set()
            await self._runner.release()
            await self._lab.desk.retry()

        return "it tries again at once" if waits else "it goes on", (Resumed(by=by),), go_on

    def _stop(self, command: commands.Stop, by: str) -> tuple[str, tuple[AnyFact, ...], Act]:
        current = self._state.current
        runs = current is not None and current.step in ("running", "finished")
        text = f"stopping after #{current.number}" if runs and current and not command.now else "stopping now"

        async def stop() -> None:
            self._lab.stop.set()
            if command.now:
                await self._bench.abort(f"the run was stopped by {by}")
            else:
                await self._runner.release()  # one that is held could not come to its end

        facts: tuple[AnyFact, ...] = (StopAsked(by=by, now=command.now, signal=command.signal),)
        if self._state.held_by and not command.now:
            facts = (*facts, Resumed(by=by))
        return text, facts, stop


async def _nothing() -> None:
    """A command whose fact is all there is to it."""


_INSTEAD = {
    "proposed": "it waits for approval; veto it",
    "approved": "it is about to start; ask again in a moment",
    "applied": "it is about to start; ask again in a moment",
    "finished": "it has ended and is being measured",
    "measured": "it has ended and waits for its verdict",
    "judged": "it has its verdict already",
}

_WORDS = {
    "allow": "allowed it to",
    "deny": "denied it to",
    "approve": "approved",
    "veto": "vetoed",
    "amend": "amended",
    "send_back": "sent back",
    "let_run": "let run",
    "abort": "aborted",
    "accept": "accepted the verdict on",
    "keep": "kept",
    "discard": "discarded",
    "one_more": "trains once more",
}
