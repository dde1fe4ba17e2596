"""The rounds of an arena: who takes part, what has been done of the round at hand, and what is to be done next.

    RoundBegan → (TestsProposed → TestsWeighed) for each test agent → SuiteChanged → Rescored
    → an experiment for each code agent → RoundEnded

Each verb looks at what is written down, does only what is missing, and can be repeated after a crash.
"""

from ..agent_events import Adopted, Checked, Rewritten, Role, RoundBegan, RoundEnded
from ..errors import UserError
from ..lab import Lab
from ..lineage import Lineage, Round
from ..state import Experiment
from ..stopping import reached
from . import population
from .breeding import Breeding
from .hearing import Hearing
from .population import ROLES, Form

NO_SUITE = (
    "task {name} cannot be played in an arena: {what}. An arena needs tests that may become more, and a program that says which are "
    "valid: a [suite] with file and check in task.toml"
)
NO_SCORES = (
    "task {name} cannot be played in an arena: its evaluator does not say how each test went, so nobody knows which tests a solution "
    "fails; let it print a line scores: [1.0, 0.0, …] with a number from 0 to 1 for each test of LOOPWATCH_SUITE"
)


class Arena:
    """The arena of one run."""

    def __init__(self, lab: Lab, form: Form) -> None:
        self._lab, self._form = lab, form
        suite = lab.crew.task.suite
        self._hearing = Hearing(lab, wanted=form.wanted, most=suite.most if suite else 0)
        self._breeding = Breeding(lab.crew, form)

    @property
    def _lineage(self) -> Lineage:
        return self._lab.state.lineage

    async def open(self) -> None:
        """Have both populations. UserError where the task or this machine is not made for it, or an agent would not work."""
        task = self._lab.crew.task
        if task.suite is None or task.suite.check is None:
            what = "its [suite] has no check" if task.suite else "it has no [suite]"
            raise UserError(NO_SUITE.format(name=task.name, what=what))
        self._lab.crew.require_box()
        for role in ROLES:
            await self._populate(role)

    def turn(self) -> str | None:
        """Who has the next experiment, "" for the baseline; None when something else comes first."""
        state, round_ = self._lab.state, self._lineage.round
        if state.current:
            return state.current.agent
        if not state.experiments:
            return ""
        return population.turn(round_, state.experiments.values()) if round_ and self._is_ready(round_) else None

    def is_unbeaten(self) -> bool:
        """Whether the best is as good as was wanted, and a whole round of tests brought none that it fails."""
        state, round_ = self._lab.state, self._lineage.round
        if round_ is None or not self._is_ready(round_) or max(state.experiments) > round_.after:
            return False
        heard = [round_.tests[name] for name in round_.began.test]
        silent = any(one.proposed.problem and not one.proposed.tests for one in heard)
        beaten = any(one.weighed.breaks for one in heard if one.weighed)
        return not silent and not beaten and bool(self.reached)

    @property
    def reached(self) -> str:
        """That the best is as good as was wanted, in a sentence; "" when it is not."""
        return reached(self._lab.state, self._lab.crew.config.stop)

    def end(self) -> bool:
        """End the round once every code agent had its experiment; whether that is now."""
        experiments, round_ = self._lab.state.experiments.values(), self._lineage.round
        if (
            self._lab.state.current
            or round_ is None
            or not self._is_ready(round_)
            or population.turn(round_, experiments)
        ):
            return False
        scores = population.scores(round_, experiments, self._form.wanted)
        self._lab.crew.journal.append(RoundEnded(round=round_.number, scores=scores))
        return True

    async def advance(self) -> None:
        """What comes between experiments: a round is ended, or the next one made ready."""
        if self.end():
            return
        for role in ROLES:
            await self._breeding.fill(role, self._hearing.samples(role))
        round_ = self._open_round()
        for name in round_.began.test:
            await self._hearing.hear(name, round_)
        if self._lineage.weighed < len(self._lineage.admitted):
            self._lab.crew.journal.append(self._lab.suites.changed(self._lineage, round_.number))
        for experiment in self._compared():
            await self._lab.rescore(experiment)

    # -- rounds --------------------------------------------------------------------------------------------------------

    def _open_round(self) -> Round:
        last = self._lineage.round
        if last is None or last.ended:
            if last is None and self._lab.state.baseline and not self._lab.state.baseline.scores:
                raise UserError(NO_SCORES.format(name=self._lab.crew.task.name))
            number = last.number + 1 if last else 1
            code, test = (population.order(self._names(role), number) for role in ROLES)
            self._lab.crew.journal.append(RoundBegan(round=number, code=code, test=test))
        assert self._lineage.round is not None, "it has just begun"
        return self._lineage.round

    def _names(self, role: Role) -> list[str]:
        return [version.name for version in self._lineage.working(role)]

    def _is_ready(self, round_: Round) -> bool:
        """Whether its tests are in the suite, and everything that others are compared with is scored on that."""
        heard = all(name in round_.tests and round_.tests[name].weighed for name in round_.began.test)
        grown = self._lineage.weighed == len(self._lineage.admitted)
        scored = all(experiment.suite == self._lineage.suite for experiment in self._compared())
        return round_.ended is None and heard and grown and scored

    def _compared(self) -> list[Experiment]:
        """The experiments that others are compared with, each once."""
        state = self._lab.state
        # Where trainings differ, the baseline tells by how much.
        baseline = state.baseline if state.metric.noise != 0 else None
        found = (state.best_experiment, state.confirmed_experiment, baseline)
        return list({experiment.number: experiment for experiment in found if experiment}.values())

    # -- the first agents ----------------------------------------------------------------------------------------------

    async def _populate(self, role: Role) -> None:
        crew, journal = self._lab.crew, self._lab.crew.journal
        if not any(version.role == role for version in self._lineage.versions.values()):
            code = crew.seed(role)
            names = [f"{role}-{number}" for number in range(1, self._form.size(role) + 1)]
            journal.append(*(
                Rewritten(agent=name, role=role, by="seed", reason="one of the first", files=dict(code.files), digest=code.digest)
                for name in names
            ))  # fmt: skip
        seeds = [v for v in self._lineage.versions.values() if v.role == role and not v.written.parent]
        if all(version.adopted for version in seeds):
            return
        first, *others = seeds
        if not await crew.check(first, self._hearing.samples(role)):
            failed = first.checks[-1]
            raise UserError(
                f"the {role} agent that the run would begin with does not work: {failed.stage}: {failed.detail}"
            )
        same = [Checked(agent=v.name, stage=c.stage, ok=True, detail=c.detail) for v in others for c in first.checks]
        journal.append(*same, *(Adopted(agent=version.name, reason="one of the first") for version in seeds))
