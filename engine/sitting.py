"""One sitting of a proposer at the desk: the engine's end of a `Turn`, from the brief to the last question."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from .books import Books
from .credentials import redact
from .editing import edits
from .events import Briefed, Caller, NoteRead, Warned
from .gate import Gates
from .journal import Journal
from .line import Line
from .policy import Occasion
from .prompt.brief import Brief, Prompt, compose
from .sandbox.means import Means
from .sandbox.sandbox import Sandbox
from .turn import Permission, Permitted, Proposal


class Sitting(Line):
    """A `Turn` for one revision of one experiment."""

    def __init__(
        self,
        brief: Brief,
        *,
        journal: Journal,
        gates: Gates,
        books: Books,
        run_dir: Path,
        check: Callable[[Proposal], object],
        export: Callable[[Path], None],
        contain: Callable[[Sequence[str]], Sandbox] = lambda programs: Sandbox(Means()),
        role: Caller = "proposer",
    ) -> None:
        """`check` raises EditRefused for what the desk would not take; `export` fills a folder with the best version.

        contain  makes boxes for programs
        role     of whoever sits here: what others than a proposer are told is not the experiment's own prompt
        """
        super().__init__(brief.experiment, role, journal=journal, books=books)
        self._role = role
        self._brief, self._gates = brief, gates
        self._run_dir, self._check, self._export, self._contain = run_dir, check, export, contain
        self._new_note = asyncio.Event()
        self._permissions = 0
        self._one_at_a_time = asyncio.Lock()  # a gate shows one question; an agent may ask several at once

    def prompt(self, *, shrink: int = 0, brief: Brief | None = None) -> Prompt:
        """See `Turn`."""
        prompt = compose(brief or self._brief, shrink=shrink)
        folder = self._run_dir / "briefs"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f"{prompt.digest}.txt").write_text(prompt.text, encoding="utf-8")
        if self._role != "proposer":
            return prompt
        self._journal.append(
            Briefed(
                experiment=self._brief.experiment,
                revision=self._brief.revision,
                digest=prompt.digest,
                tokens=prompt.tokens,
                left_out=prompt.left_out,
            )
        )
        return prompt

    def check(self, proposal: Proposal) -> None:
        """See `Turn`."""
        self._check(proposal)

    def notice_note(self) -> None:
        """A person wrote a note while this sitting goes on."""
        self._new_note.set()

    def notes(self) -> tuple[str, ...]:
        """See `Turn`."""
        unread = self._journal.state.unread_notes()
        read = (NoteRead(note=n.number, experiment=self._brief.experiment, where="next request") for n in unread)
        self._journal.append(*read)
        return tuple(note.text for note in unread)

    async def noted(self) -> str:
        """See `Turn`."""
        while not (unread := self._journal.state.unread_notes()):
            self._new_note.clear()
            await self._new_note.wait()
        note = unread[0]
        self._journal.append(NoteRead(note=note.number, experiment=self._brief.experiment, where="this turn"))
        return note.text

    async def permit(self, permission: Permission) -> Permitted:
        """See `Turn`."""
        inside = permission.kind in ("edit", "read") and not any(Path(path).is_absolute() for path in permission.paths)
        question, detail = redact(permission.title), redact(permission.detail)
        async with self._one_at_a_time:
            self._permissions += 1
            decided = await self._gates.decide(
                "tool",
                self._brief.experiment,
                question=question,
                detail=detail,
                # An engine that starts again counts from one: the name alone might be that of something else.
                digest=edits.digest(f"{question}\n{detail}"),
                occasion=Occasion(lines=len(detail.splitlines()), paths=permission.paths),
                suggestion="allow" if inside else "deny",
                name=f"{self._brief.experiment}-tool-{self._brief.revision}.{self._permissions}",
            )
        return Permitted(
            decided.answer in ("allow", "amend"), by=decided.by, reason=decided.reason, amended=decided.amended
        )

    def sandbox(self, programs: Sequence[str]) -> Sandbox:
        """See `Turn`."""
        made, about = self._contain(programs), "agents"
        if not made.means.hides_files and about not in self._journal.state.warned:
            text = f"agents are not contained here ({made.tier}): what your user can do, an agent can do; see loopwatch doctor"
            self._journal.append(Warned(text=text, once=about))
        return made

    def scratch(self) -> Path:
        """See `Turn`."""
        folder = self._run_dir / "scratch" / f"{self._brief.experiment:04d}-{self._brief.revision}"
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        self._export(folder)
        return folder
