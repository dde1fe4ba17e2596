"""Places in a population change hands: a copy of a winner, mutated by whoever makes the run's edits, for one of the worst.

    Rewritten → Checked … → (Asked → Decided) → Adopted | Dropped

A copy that does not pass the checks, or may not work, is reverted and written down; then the place stays whose it was.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue

from ..agent_events import Adopted, Dropped, Fitness, Rewritten, Role
from ..agents.code import AgentCode
from ..agents.crew import Crew, code_of
from ..agents.forms import Question, Told
from ..credentials import redact
from ..errors import AgentFailed, EditRefused, NothingToPropose, ProposerFailed
from ..lineage import Version
from .population import Form, Pair, due, standings

HINTS: Mapping[str, JsonValue] = {"kinds": {"constant": 3.0, "operator": 1.0}, "step": 0.5, "edits": 1}
"""For edits that are made without a model: those that leave a program whole, mostly."""
FUNCTIONS: Mapping[Role, str] = {
    "code": "propose(task, ask), which returns a dict with hypothesis, mechanism, expected and files",
    "test": "propose_tests(task, ask), which returns a list of dicts with input, expected and why",
}


class Breeding:
    """The populations of one run's arena, as they change."""

    def __init__(self, crew: Crew, form: Form) -> None:
        self._crew, self._form = crew, form

    async def fill(self, role: Role, samples: Sequence[Told]) -> None:
        """Give every place that is due to a copy that works, or leave it; `samples` are tests for a rehearsal."""
        while pair := due(self._crew.lineage, self._form, role):
            copy = self._open(role) or await self._mutated(role, pair)
            if copy.is_open and await self._crew.check(copy, samples) and await self._crew.allow(copy):
                self._adopt(copy, pair, role)

    def _open(self, role: Role) -> Version | None:
        versions = self._crew.lineage.versions.values()
        return next((version for version in versions if version.role == role and version.is_open), None)

    def _adopt(self, copy: Version, pair: Pair, role: Role) -> None:
        means, rounds = standings(self._crew.lineage, self._form, role), self._form.every or 1
        self._crew.journal.append(
            Adopted(
                agent=copy.name,
                replaces=pair.worst,
                reason=f"{pair.worst} was among the worst of the last {rounds} rounds, {pair.winner} among the best",
                against=Fitness(mean=means[pair.worst], n=rounds),
            )
        )

    # -- mutating ------------------------------------------------------------------------------------------------------

    async def _mutated(self, role: Role, pair: Pair) -> Version:
        """A copy of the winner with one change, written down; where nothing came of that, it is dropped already."""
        crew, number = self._crew, 1 + sum(v.role == role for v in self._crew.lineage.versions.values())
        name, parent = f"{role}-{number}", crew.lineage.versions[pair.winner]
        before, last, round_ = code_of(parent), crew.state.last, crew.lineage.round
        assert last is not None, "there are experiments before anybody is replaced"
        assert round_ is not None, "there are rounds before anybody is replaced"
        brief = replace(crew.brief(last), review="", comment="")
        sitting = crew.sitting(brief, "meta")
        by, rewritten = crew.config.proposer.partition(":")[0], round_.number
        try:
            change = await crew.edited(
                self._question(role, parent, name), brief, sitting, check=lambda files, _: self._new(before, files)
            )
            after, reason = self._new(before, change.files), f"{change.hypothesis} ({change.mechanism})"
        except (AgentFailed, EditRefused, NothingToPropose, ProposerFailed) as failure:
            why = f"no copy of {parent.name} could be mutated: {failure}"
            written = _written(name, before, before, parent=parent.name, by=by, reason="", round_=rewritten)
            crew.journal.append(written, Dropped(agent=name, because="failed", reason=redact(why)))
        else:
            crew.journal.append(
                _written(name, after, before, parent=parent.name, by=by, reason=redact(reason), round_=rewritten)
            )
        finally:
            crew.end(sitting)
        return crew.lineage.versions[name]

    def _question(self, role: Role, parent: Version, name: str) -> Question:
        lines = [f"- {agent}: {mean:.3g}" for agent, mean in standings(self._crew.lineage, self._form, role).items()]
        what = "gained in the metric" if role == "code" else "proposed that was valid and that the best code fails"
        instructions = (
            f"The file below is {parent.name}, one of several agents that compete. It defines {FUNCTIONS[role]}; ask(instructions, files, "
            "hints) has files edited. Make one change to it, so that its copy does better than it did. Keep the function, use nothing "
            "but the standard library, and neither files nor network: there are none.\n\n"
            f"What each agent {what}, in the mean of the last {self._form.every} rounds:\n" + "\n".join(lines)
        )
        hints = {**HINTS, "seed": zlib.crc32(f"{self._crew.config.seed}/{name}".encode())}
        return Question(instructions=instructions, files=dict(parent.written.files), hints=hints)

    def _new(self, before: AgentCode, files: Mapping[str, str]) -> AgentCode:
        """The copy with these files; EditRefused for one that may not be, or that there was already."""
        after = before.with_files({name: text for name, text in files.items() if before.files.get(name) != text})
        twins = (v.name for v in self._crew.lineage.versions.values() if v.written.digest == after.digest)
        if twin := next(twins, None):
            raise EditRefused(f"the same code is {twin}")
        return after


def _written(
    name: str, code: AgentCode, before: AgentCode, *, parent: str, by: str, reason: str, round_: int
) -> Rewritten:
    return Rewritten(
        agent=name,
        role=code.role,
        parent=parent,
        by=by,
        reason=reason,
        files=dict(code.files),
        digest=code.digest,
        diff=code.diff(before),
        round=round_,
    )
