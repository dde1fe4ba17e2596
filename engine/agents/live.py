"""An agent's source code as a proposer: its own code thinks in a box, and the run's back-end makes the edits that it asks for."""

import sys
import traceback
from dataclasses import dataclass
from typing import Any

from ..credentials import redact
from ..editing import edits
from ..errors import AgentFailed, EditRefused, LoopwatchError, NothingToPropose, ProposerFailed
from ..prompt.brief import Brief
from ..proposers import Lesson, Proposal, Proposer, Steering, Turn
from . import forms
from .box import Boxes
from .code import AgentCode
from .errand import Check, Errand, brief_for, name_files
from .forms import Change, Question, Rewrite, Test


class LiveAgent:
    """Proposes with a version of an agent. See `Proposer`."""

    def __init__(self, name: str, code: AgentCode, *, backend: Proposer, boxes: Boxes) -> None:
        """`name` is the version's, `backend` makes its edits."""
        self._name, self._code, self._backend, self._boxes = name, code, backend, boxes
        self.steering: Steering = backend.steering

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        """See `Proposer`: what the agent's code proposes; ProposerFailed says what is wrong with it, or with its answer."""
        asking = Asking(self._backend, brief, turn)
        said = await self._call("task_agent.py", "propose", forms.task(brief), asking, turn)
        try:
            change = forms.read(Change, said, "what propose() returned")
        except AgentFailed as failure:
            raise _failed(self._name, failure, "invalid") from None
        if not (files := forms.changed(change.files, brief.sources)):
            raise ProposerFailed(f"{self._name} proposed nothing: the files are as they were", "nothing")
        diff = "".join(edits.render(path, brief.sources.get(path), files[path]) for path in sorted(files))
        return Proposal(change.hypothesis, change.mechanism, diff, change.expected, asking.lesson)

    async def propose_tests(self, brief: Brief, turn: Turn, **more: Any) -> list[Test]:
        """Tests of an agent that makes them; `more` is what it is told besides. ProposerFailed when there are none."""
        asking = Asking(self._backend, brief, turn)
        said = await self._call("test_agent.py", "propose_tests", forms.task(brief, **more), asking, turn)
        try:
            return forms.read_tests(said, "what propose_tests() returned")
        except AgentFailed as failure:
            raise _failed(self._name, failure, "invalid") from None

    async def improve(self, agent: dict[str, Any], brief: Brief, turn: Turn, *, check: Check) -> Rewrite:
        """What the agent's other half would have it be. ProposerFailed when that comes to nothing.

        check  EditRefused for files of an agent that would not be taken
        """
        asking = Asking(self._backend, brief, turn, check=check)
        said = await self._call("meta_agent.py", "improve", agent, asking, turn)
        try:
            return forms.read(Rewrite, said, "what improve() returned")
        except AgentFailed as failure:
            raise _failed(self._name, failure, "invalid") from None

    async def _call(self, file: str, function: str, argument: dict[str, Any], asking: "Asking", turn: Turn) -> object:
        turn.hear("tool", f"{function}() of {self._name}\n")
        try:
            async with self._boxes.at_work(self._code, self._name) as worker:
                await worker.load(file)
                return await worker.call(file, function, argument, asking.ask)
        except AgentFailed as failure:
            raise _failed(self._name, failure, asking.outcome or "crashed") from None


@dataclass(slots=True)
class Asking:
    """What an agent's code asks for while one call of it goes on."""

    backend: Proposer
    brief: Brief
    turn: Turn
    check: Check | None = None
    lesson: Lesson | None = None
    """What whoever edited says of an earlier experiment."""
    outcome: str = ""
    """How the last edit that came to nothing ended."""

    async def ask(self, said: object) -> dict[str, Any]:
        """One edit. AgentFailed, for the agent to hear, when nobody could make it."""
        question = forms.read(Question, said, "what ask() was given")
        try:
            name_files(question.files or {})
        except EditRefused as refusal:
            raise AgentFailed(str(refusal)) from None
        part = brief_for(self.brief, question)
        errand = Errand(self.turn, self.brief, part, self.check)
        proposal = await self._edit(part, errand)
        try:
            files = errand.edited(proposal)
        except EditRefused as refusal:
            self.outcome = "invalid"
            raise AgentFailed(f"the edit cannot be applied: {refusal}") from None
        self.lesson, self.outcome = proposal.lesson or self.lesson, ""
        return Change(
            hypothesis=proposal.hypothesis, mechanism=proposal.mechanism, expected=proposal.expected, files=files
        ).model_dump()

    async def _edit(self, part: Brief, errand: Errand) -> Proposal:
        try:
            return await self.backend.propose(part, errand)
        except ProposerFailed as failure:
            if failure.outcome in _ENDS_ALL:
                raise
            self.outcome = failure.outcome
            raise AgentFailed(str(failure)) from None
        except NothingToPropose as end:
            if part.sources is self.brief.sources:
                raise
            self.outcome = "nothing"
            raise AgentFailed(str(end)) from None
        except LoopwatchError:
            raise
        except Exception as error:
            # A border, as at the desk: what goes wrong in a back-end ends an edit, not the run.
            print(redact(traceback.format_exc()), file=sys.stderr, flush=True)
            self.outcome = "crashed"
            raise AgentFailed(f"{type(error).__name__}: {error}") from error


_ENDS_ALL = frozenset({"bad_key", "over_budget", "unavailable", "cancelled"})
"""How an edit may end that no other would come to more now."""


def _failed(name: str, failure: AgentFailed, outcome: str) -> ProposerFailed:
    return ProposerFailed(f"{name}: {failure}", outcome)
