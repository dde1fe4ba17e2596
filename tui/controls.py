"""What a person can do to a run: each a command with the id and digest of what they saw."""

from loopwatch.engine.client import Viewer
from loopwatch.engine.commands import (
    Abort,
    Explain,
    Hold,
    Mute,
    Note,
    Pause,
    Reply,
    RestoreAgent,
    Resume,
    SetPolicy,
    Stop,
    Trust,
)
from loopwatch.engine.events import Answer, Asked, Mechanism
from loopwatch.engine.state import State

from .deciding import Answers


class Controls:
    """Turns wishes into commands."""

    def __init__(self, viewer: Viewer, answers: Answers) -> None:
        """Commands go through `answers`."""
        self._viewer, self._answers = viewer, answers

    @property
    def _state(self) -> State:
        return self._viewer.state

    def reply(self, asked: Asked, answer: Answer, *, reason: str = "", diff: str = "") -> None:
        """Answer a gate: `asked` is what was on the screen when the key was pressed."""
        command = Reply(ask=asked.ask, gate=asked.gate, answer=answer, digest=asked.digest, reason=reason, diff=diff)
        self._answers.ask(
            command, f"{WORDS[answer]} #{asked.experiment}", undo=not (answer == "amend" and asked.gate == "apply")
        )

    def approve_all(self, asked: Asked) -> None:
        """Say yes, and let the gate say yes from now on."""
        self._answers.ask(SetPolicy(gate=asked.gate, policy="auto"), f"gate {asked.gate} auto")
        self.reply(asked, "allow" if asked.gate == "tool" else "approve")

    def override(self, asked: Asked, reason: str) -> None:
        """The other verdict than the judge's."""
        keeps = asked.question.startswith("kept")
        self.reply(asked, "discard" if keeps else "keep", reason=reason)

    def abort(self, reason: str = "") -> None:
        """Stop what runs, or is being proposed."""
        current = self._state.current
        if self._state.repeating:
            number = self._state.repeating[0]
            self._answers.ask(Abort(experiment=number, reason=reason), f"abort the repeat of #{number}", undo=True)
            return
        if current is None:
            self._answers.say("nothing runs", "warn")
            return
        thinks = current.step == "proposing"
        # Nobody waits two seconds for the end of a thought: each costs money.
        what = f"veto the thought of #{current.number}" if thinks else f"abort #{current.number}"
        self._answers.ask(Abort(experiment=current.number, reason=reason), what, undo=not thinks)

    def pause(self) -> None:
        """Pause, or go on."""
        if self._state.paused_by:
            self._answers.ask(Resume(), "go on")
        else:
            self._answers.ask(Pause(), "pause")

    def hold(self) -> None:
        """Hold, or go on."""
        if self._state.held_by:
            self._answers.ask(Resume(), "go on")
        else:
            self._answers.ask(Hold(), "hold")

    def retry(self) -> None:
        """Ask a service again now."""
        self._answers.ask(Resume(), "try again")

    def mute(self) -> None:
        """Mute the reviewer, or hear it again."""
        muted = self._state.muted_by is not None
        self._answers.ask(Mute(muted=not muted), "hear the reviewer" if muted else "mute the reviewer")

    def explain(self, experiment: int, typed: str) -> None:
        """Say whether a mechanism held; `typed` begins with the answer, and a theory may follow."""
        word, _, theory = typed.strip().partition(" ")
        word = word.lower().rstrip(":,")
        found = [known for known in MECHANISMS if word and known.startswith(word)]
        if not found:
            self._answers.say(f"not marked: {word!r} is none of {', '.join(MECHANISMS)}", "warn")
            return
        command = Explain(experiment=experiment, mechanism=found[0], theory=theory.strip())
        self._answers.ask(command, f"mechanism of #{experiment} {found[0]}")

    def trust(self) -> None:
        """Let the forecaster act."""
        self._answers.ask(Trust(), "trust the forecaster", undo=True)

    def restore_agent(self, name: str) -> None:
        """Let a version of an agent work again."""
        self._answers.ask(RestoreAgent(agent=name), f"bring {name} back", undo=True)

    def note(self, text: str) -> None:
        """Tell the proposer."""
        if text:
            self._answers.ask(Note(text=text), "note")

    def stop(self, typed: str) -> None:
        """End the run; `typed` says when."""
        when = typed.lower() or "after"
        if when not in ("after", "now"):
            self._answers.say(f"not stopped: {typed!r} is neither after nor now", "warn")
            return
        self._answers.ask(Stop(now=when == "now"), "stop", undo=True)


MECHANISMS: tuple[Mechanism, ...] = ("confirmed", "refuted", "open")

WORDS: dict[Answer, str] = {
    "allow": "allow",
    "deny": "deny",
    "approve": "approve",
    "veto": "veto",
    "amend": "amend",
    "send_back": "send back",
    "let_run": "let run",
    "abort": "abort",
    "accept": "accept",
    "keep": "keep",
    "discard": "discard",
    "one_more": "one more training of",
}
