"""The generations of an agent that rewrites itself: who works now, who is on trial, and what is to be done next.

    rewrite → check → allow → (experiments, in turns with the parent) → judge

Each verb looks at what is written down, does only what is missing, and can be repeated after a crash. A version works only once it
was allowed to, and stays only if it gains more than its parent, by more than the error of the difference.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..agent_events import Adopted, Dropped, DroppedBecause, Rewritten
from ..credentials import redact
from ..errors import EditRefused, ProposerFailed, UserError
from ..lineage import Version
from ..prompt.brief import Brief
from ..state import Experiment
from . import fitness, folders, forms
from .code import AgentCode
from .crew import Crew, code_of


class Generations:
    """The agent of one run, through its generations."""

    def __init__(self, crew: Crew, *, each: int) -> None:
        """`each`: how many experiments every generation gets to show what it can."""
        self._crew, self._each = crew, each

    async def open(self) -> None:
        """Have a first generation that works. UserError where there is no box for it, or where it does not pass the checks."""
        self._crew.require_box()
        if not self._crew.lineage.versions:
            code = self._crew.seed("task")
            self._append(_written(_name(0), code, None, by="seed", reason="the first generation"))
        first = self._crew.lineage.versions[_name(0)]
        if not await self._crew.check(first):
            failed = first.checks[-1]
            raise UserError(
                f"the agent that the run would begin with does not work: {failed.stage}: {failed.detail}; "
                "mend the task's agents/ folder, and start a new run"
            )
        if not self._crew.lineage.live:
            self._append(Adopted(agent=first.name, reason="the first generation"))
        self._project()
        self.judge()

    def due(self) -> str | None:
        """Whose turn it is to propose, "" for the baseline; None when it is time to rewrite, or to judge."""
        state = self._crew.state
        if state.current:
            return state.current.agent
        if not state.experiments:
            return ""
        if candidate := self._crew.lineage.open:
            order = fitness.turns(candidate.written.parent, candidate.name, self._each, self._crew.config.seed)
            done = len(self._trial(candidate))
            return order[done] if candidate.allowed and done < len(order) and self._stands(candidate) else None
        live = self._crew.lineage.live
        mine = [experiment for experiment in state.experiments.values() if experiment.agent == live]
        last = max(version.after for version in self._crew.lineage.versions.values())
        # Whatever came of the last rewrite, there is something new to learn from before the next.
        return live if len(mine) < self._each or max(state.experiments) <= last else None

    async def rewrite(self) -> Version | None:
        """The generation of which nobody has said yet what becomes of it, or a new one; None when that came to nothing."""
        candidate = self._crew.lineage.open
        if candidate and not self._stands(candidate):
            self._drop(candidate, "replaced", f"{candidate.written.parent}, which it was made from, works no longer")
            return None
        if candidate is None:
            self._append(*await self._rewritten())
            self._project()
        return self._crew.lineage.open

    async def check(self, candidate: Version) -> bool:
        """Whether it passes the checks."""
        passed = await self._crew.check(candidate)
        self._project()
        return passed

    async def allow(self, candidate: Version) -> bool:
        """Whether it may work."""
        allowed = await self._crew.allow(candidate)
        self._project()
        return allowed

    def judge(self) -> None:
        """Let a candidate take its parent's place, or drop it, as soon as both had their experiments."""
        candidate = self._crew.lineage.open
        if candidate is None or not self._stands(candidate) or not candidate.allowed:
            return
        parent, tried = candidate.written.parent, self._trial(candidate)
        if len(tried) < 2 * self._each or any(experiment.step != "settled" for experiment in tried):
            return
        unit = fitness.unit(self._crew.state)
        new, old = (fitness.fitness((e for e in tried if e.agent == name), unit) for name in (candidate.name, parent))
        outcome = fitness.compare(new, old, unit.name)
        if outcome.is_better:
            self._append(
                Adopted(agent=candidate.name, replaces=parent, reason=outcome.reason, fitness=new, against=old)
            )
        else:
            self._append(
                Dropped(agent=candidate.name, because="no_better", reason=outcome.reason, fitness=new, against=old)
            )
        self._project()

    # -- what there is -------------------------------------------------------------------------------------------------

    def _trial(self, candidate: Version) -> list[Experiment]:
        names = (candidate.name, candidate.written.parent)
        return [e for e in self._crew.state.experiments.values() if e.number > candidate.after and e.agent in names]

    def _stands(self, candidate: Version) -> bool:
        """Whether its parent still works; a person may have restored another one."""
        return candidate.written.parent == self._crew.lineage.live

    def _append(self, *facts: Rewritten | Adopted | Dropped) -> None:
        self._crew.journal.append(*facts)

    def _drop(self, version: Version, because: DroppedBecause, reason: str) -> None:
        self._append(Dropped(agent=version.name, because=because, reason=reason))
        self._project()

    def _project(self) -> None:
        journal = self._crew.journal
        journal.patiently(lambda: folders.project(self._crew.run_dir, journal.state.lineage))

    # -- rewriting -----------------------------------------------------------------------------------------------------

    async def _rewritten(self) -> tuple[Rewritten | Dropped, ...]:
        """The fact of a new generation; where nothing came of it, together with why."""
        crew = self._crew
        live = crew.lineage.versions[crew.lineage.live]
        before, name = code_of(live), _name(len(crew.lineage.versions))
        last = crew.state.last
        assert last is not None, "an agent has outcomes before it is rewritten"
        brief = _brief(crew.brief(last), before)
        sitting = crew.sitting(brief, "meta")
        try:
            said = await crew.live(live.name).improve(
                self._told(live, brief), brief, sitting, check=lambda files, proposal: self._new(before, files)
            )
            after = self._new(before, forms.changed(said.files, before.files))
        except (ProposerFailed, EditRefused) as failure:
            why = redact(str(failure))
            return (
                _written(name, before, before, by=live.name, reason="", parent=live.name),
                Dropped(agent=name, because="failed", reason=why),
            )
        finally:
            crew.end(sitting)
        return (_written(name, after, before, by=live.name, reason=redact(said.reason), parent=live.name),)

    def _new(self, before: AgentCode, files: Mapping[str, str]) -> AgentCode:
        """The version with these files; EditRefused for one that may not be, or that there was already."""
        after = before.with_files(files)
        twins = (version for version in self._crew.lineage.versions.values() if version.written.digest == after.digest)
        if twin := next(twins, None):
            raise EditRefused(f"the same code is {twin.name}, which is {folders.verdict(twin, live=False)}")
        return after

    def _told(self, live: Version, brief: Brief) -> dict[str, Any]:
        versions, state = self._crew.lineage.versions.values(), self._crew.state
        return {
            "files": dict(live.written.files),
            "generation": live.name,
            "program": brief.program,
            "metric": forms.metric(self._crew.task.metric, brief.sigma),
            "outcomes": forms.history([e for e in state.experiments.values() if e.agent and e.verdict]),
            "fitness": [
                {"generation": version.name, **version.fitness.model_dump()} for version in versions if version.fitness
            ],
            "failures": [
                {
                    "generation": version.name,
                    "stage": version.failed_stage or version.dropped.because,
                    "detail": version.dropped.reason,
                }
                for version in versions
                if version.dropped and version.dropped.fitness is None and version.dropped.because != "replaced"
            ],
            "seed": self._crew.config.seed,
        }


def _brief(brief: Brief, code: AgentCode) -> Brief:
    """The same, where what is edited is an agent's own files."""
    task = brief.task.model_copy(update={"editable": tuple(code.files)})
    return replace(
        brief, task=task, sources=code.files, history=(), diagnostics="", review="", comment="", sent_back=None
    )


def _name(number: int) -> str:
    return f"gen_{number:03d}"


def _written(
    name: str, code: AgentCode, before: AgentCode | None, *, by: str, reason: str, parent: str = ""
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
    )
