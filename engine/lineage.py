"""Who proposes and on what it is scored, as the facts say: versions of agents, rounds of an arena, a suite that grows. Pure."""

from dataclasses import dataclass, field
from hashlib import sha256

from . import agent_events as events
from .agent_events import Fitness, LineageFact, RefusedTest, Role, Stage, TestCase


@dataclass(slots=True)
class Version:
    """One version of an agent's source code."""

    written: events.Rewritten
    at: float
    after: int = 0
    """The newest experiment when it was written."""
    checks: list[events.Checked] = field(default_factory=list)
    allowed: bool | None = None
    """What was said at the rewrite gate; None before."""
    allowed_by: str = ""
    adopted: events.Adopted | None = None
    """When it began to work, the last time."""
    dropped: events.Dropped | None = None

    @property
    def name(self) -> str:
        """Its name: gen_003, code-5, test-2."""
        return self.written.agent

    @property
    def role(self) -> Role:
        """What it does."""
        return self.written.role

    @property
    def failed_stage(self) -> Stage | None:
        """The check that it did not pass."""
        return next((check.stage for check in self.checks if not check.ok), None)

    @property
    def is_checked(self) -> bool:
        """Whether it passed all three checks."""
        return any(check.ok and check.stage == "call" for check in self.checks)

    @property
    def is_working(self) -> bool:
        """Whether it proposes now."""
        return self.adopted is not None and self.dropped is None

    @property
    def is_open(self) -> bool:
        """Whether nobody has said yet what becomes of it."""
        return self.adopted is None and self.dropped is None

    @property
    def fitness(self) -> Fitness | None:
        """What its experiments gained, when it was last judged by that."""
        last = self.dropped or self.adopted
        return last.fitness if last else None


@dataclass(slots=True)
class Proposals:
    """What a test agent proposed in a round, and what became of it."""

    proposed: events.TestsProposed
    weighed: events.TestsWeighed | None = None


@dataclass(slots=True)
class Round:
    """One round of an arena."""

    began: events.RoundBegan
    after: int = 0
    """The newest experiment when it began."""
    tests: dict[str, Proposals] = field(default_factory=dict)
    """By test agent."""
    changed: events.SuiteChanged | None = None
    ended: events.RoundEnded | None = None

    @property
    def number(self) -> int:
        """From 1."""
        return self.began.round


@dataclass(slots=True)
class Lineage:
    """All versions of all agents, and the suite's history."""

    versions: dict[str, Version] = field(default_factory=dict)
    """By name, oldest first."""
    live: str = ""
    """The generation that works now, without an arena."""
    rounds: dict[int, Round] = field(default_factory=dict)
    suite: int = 0
    """The number of the suite that experiments are scored on."""
    suites: list[events.SuiteChanged] = field(default_factory=list)
    admitted: list[TestCase] = field(default_factory=list)
    """What was added to the original suite, oldest first."""
    weighed: int = 0
    """How many of the admitted tests are in the present suite: the rest came after it."""

    def working(self, role: Role) -> list[Version]:
        """Those of a role that propose now, oldest first."""
        return [version for version in self.versions.values() if version.role == role and version.is_working]

    @property
    def open(self) -> Version | None:
        """The version of which nobody has said yet what becomes of it; there is one at a time."""
        return next((version for version in reversed(self.versions.values()) if version.is_open), None)

    @property
    def round(self) -> Round | None:
        """The newest round."""
        return self.rounds[max(self.rounds)] if self.rounds else None

    @property
    def refused(self) -> list[RefusedTest]:
        """Every proposed test that may not enter the suite, oldest first."""
        found = (tests.weighed for round_ in self.rounds.values() for tests in round_.tests.values())
        return [refused for weighed in found if weighed for refused in weighed.refused]

    def children(self, name: str) -> list[Version]:
        """The versions that were made from this one."""
        return [version for version in self.versions.values() if version.written.parent == name]

    def apply(self, fact: LineageFact, at: float, *, after: int) -> None:
        """Fold one fact in; `after` is the newest experiment."""
        match fact:
            case events.Rewritten():
                self.versions[fact.agent] = Version(fact, at, after)
            case events.Checked():
                self.versions[fact.agent].checks.append(fact)
            case events.Adopted():
                self._adopt(fact)
            case events.Dropped():
                self.versions[fact.agent].dropped = fact
            case events.AgentRestored():
                self._restore(fact)
            case events.RoundBegan():
                self.rounds[fact.round] = Round(fact, after)
            case events.TestsProposed():
                self.rounds[fact.round].tests[fact.agent] = Proposals(fact)
            case events.TestsWeighed():
                self.rounds[fact.round].tests[fact.agent].weighed = fact
                self.admitted += fact.admitted
            case events.SuiteChanged():
                self.suite, self.rounds[fact.round].changed = fact.suite, fact
                self.suites.append(fact)
                self.weighed = len(self.admitted)
            case events.RoundEnded():
                self.rounds[fact.round].ended = fact

    def _adopt(self, fact: events.Adopted) -> None:
        version = self.versions[fact.agent]
        version.adopted, version.dropped = fact, None
        if fact.replaces and fact.replaces in self.versions and self.versions[fact.replaces].dropped is None:
            self.versions[fact.replaces].dropped = events.Dropped(
                agent=fact.replaces, because="replaced", reason=f"{fact.agent} took its place", fitness=fact.against
            )
        if version.role == "task":
            self.live = fact.agent

    def _restore(self, fact: events.AgentRestored) -> None:
        version, before = self.versions[fact.agent], self.versions.get(self.live)
        if before is not None and before.name != fact.agent and version.role == "task":
            before.dropped = events.Dropped(
                agent=before.name, because="replaced", reason=f"{fact.by} restored {fact.agent}"
            )
        version.dropped = None
        version.adopted = version.adopted or events.Adopted(agent=fact.agent, by=fact.by)
        if version.role == "task":
            self.live = fact.agent


def digest(files: dict[str, str]) -> str:
    """SHA-256 of an agent's files, names and texts."""
    hashed = sha256()
    for name, text in sorted(files.items()):
        data = text.encode("utf-8", "surrogatepass")
        hashed.update(f"{name}\0{len(data)}\0".encode() + data)
    return hashed.hexdigest()
