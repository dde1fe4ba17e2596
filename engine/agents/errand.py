"""One edit that an agent's code asks for, as a turn of the run's own back-end: a part of the turn that the agent was given.

What is heard, spent and permitted goes to that turn; only the prompt, the check and the copy are of the files that are to be edited.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..editing import diff as diffs
from ..editing import edits, syntax
from ..errors import EditRefused
from ..events import Heard
from ..prompt.brief import Brief, Prompt
from ..proposers import Proposal, Turn
from ..repository import checkout
from ..sandbox.sandbox import Sandbox
from ..turn import Permission, Permitted, Request
from .forms import Question

PATH_CHARACTERS = 200

Check = Callable[[Mapping[str, str], Proposal], object]
"""EditRefused for edited files that would not be taken; the proposal's own diff is of these files."""


def brief_for(whole: Brief, question: Question) -> Brief:
    """The brief for one edit: the agent's instructions, and the files that it wants edited.

    What was tried is for the agent to tell: that is half of its work.
    """
    programme = f"{whole.program.rstrip()}\n\n" if whole.program.strip() else ""
    if question.files is None:
        program = f"{programme}## What to do now\n\n{question.instructions}"
        return replace(whole, program=program, memory="review", hints=question.hints)
    context = f"\n\n## What this is part of\n\n{programme}" if programme else ""
    return replace(
        whole,
        task=whole.task.model_copy(update={"editable": tuple(sorted(question.files))}),
        program=f"{question.instructions}{context}",
        sources=question.files,
        history=(),
        diagnostics="",
        sent_back=None,
        hints=question.hints,
    )


class Errand:
    """A `Turn` within another one."""

    def __init__(self, turn: Turn, whole: Brief, part: Brief, check: Check | None) -> None:
        """`part` is the brief of one edit within `whole`; `check` looks at files that are not the task's."""
        self._turn, self._whole, self._brief, self._check = turn, whole, part, check
        self._is_part = part.sources is not whole.sources

    def edited(self, proposal: Proposal) -> dict[str, str]:
        """The files as the proposal leaves them; EditRefused when its diff may not be applied."""
        patches = diffs.parse(proposal.diff)
        edits.allowed(patches, self._brief.task.editable)
        return {**self._brief.sources, **edits.apply(patches, self._brief.sources)}

    def check(self, proposal: Proposal) -> None:
        """See `Turn`."""
        files = self.edited(proposal)
        for path, text in files.items():
            syntax.check(path, text)
        if not self._is_part:
            self._turn.check(proposal)
        elif self._check:
            self._check(files, proposal)

    def prompt(self, *, shrink: int = 0, brief: Brief | None = None) -> Prompt:
        """See `Turn`."""
        return self._turn.prompt(shrink=shrink, brief=brief or self._brief)

    def scratch(self) -> Path:
        """See `Turn`; a copy of nothing but the files that are to be edited, where they are not the task's."""
        folder = self._turn.scratch()
        if self._is_part:
            checkout.remove(folder)
            folder.mkdir(mode=0o700)
            for path, text in self._brief.sources.items():
                place = folder / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8", newline="")
        return folder

    # -- as it is ------------------------------------------------------------------------------------------------------

    def hear(self, kind: Heard, text: str) -> None:
        """See `Turn`."""
        self._turn.hear(kind, text)

    async def request(self, model: str, *, prompt_tokens: int, output_tokens: int) -> Request:
        """See `Turn`."""
        return await self._turn.request(model, prompt_tokens=prompt_tokens, output_tokens=output_tokens)

    async def back_off(self, why: str, seconds: float, *, attempt: int, attempts: int | None) -> None:
        """See `Turn`."""
        await self._turn.back_off(why, seconds, attempt=attempt, attempts=attempts)

    def notes(self) -> tuple[str, ...]:
        """See `Turn`."""
        return self._turn.notes()

    async def noted(self) -> str:
        """See `Turn`."""
        return await self._turn.noted()

    async def permit(self, permission: Permission) -> Permitted:
        """See `Turn`."""
        return await self._turn.permit(permission)

    def sandbox(self, programs: Sequence[str]) -> Sandbox:
        """See `Turn`."""
        return self._turn.sandbox(programs)


def name_files(paths: Collection[str]) -> None:
    """EditRefused for what are no plain paths of files inside one folder: an agent may name anything."""
    for path in paths:
        parts = path.split("/")
        odd = not path.isprintable() or "\\" in path or len(path) > PATH_CHARACTERS
        if odd or any(not part or part.startswith(".") for part in parts):
            raise EditRefused(f"{diffs.show(path)} is no plain path")
        if any("/".join(parts[:depth]) in paths for depth in range(1, len(parts))):
            raise EditRefused(f"{diffs.show(path)} lies in what is a file")
