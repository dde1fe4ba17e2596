"""The facts about agents that are source code, and about suites of tests that grow.

A version of an agent lives like an experiment, one transaction per arrow:

    Rewritten → Checked … → (Asked → Decided) → Adopted | Dropped

and an arena's round is

    RoundBegan → (TestsProposed → TestsWeighed → SuiteChanged → Rescored …) … experiments … → RoundEnded
"""

from typing import Literal

from pydantic import Field, JsonValue

from .fact import Fact

Role = Literal["task", "code", "test"]
"""What an agent does:

task  proposes changes to the task's code, and is rewritten by its own other half, the meta agent
code  the same in an arena, as one of a population
test  proposes tests for an arena's suite
"""

Stage = Literal["compile", "import", "call"]
"""The checks of a new version, in order: it is Python, it can be loaded, and it answers a rehearsal in the right shape."""

DroppedBecause = Literal["broken", "vetoed", "no_better", "replaced", "failed"]
"""Why a version does not work, or works no longer:

broken     a check failed
vetoed     a person or a policy did not want it
no_better  its experiments gained no more than its parent's
replaced   another one took its place
failed     whoever should have written it came to nothing
"""


class LineageFact(Fact):
    """A fact about who proposes and on what it is scored. (`Rescored` belongs to its experiment.)"""


class Fitness(Fact):
    """What an agent's experiments gained, in the unit that the strategy says: a mean with its standard error."""

    mean: float
    error: float | None = None
    """None where one experiment says nothing about the spread."""
    n: int


class Rewritten(LineageFact):
    """A version of an agent was written, durable before any of it runs."""

    kind: Literal["rewritten"] = "rewritten"
    agent: str
    """Its name: gen_003, code-5, test-2."""
    role: Role
    parent: str = ""
    """The version that it was made from; "" for a seed."""
    by: str
    """Who wrote it."""
    reason: str = ""
    """Why, in its author's words: a claim."""
    files: dict[str, str]
    """All of its source code, by file name."""
    digest: str
    """SHA-256 of the files: what a person saw is what runs."""
    diff: str = ""
    """Against its parent."""
    round: int = 0
    """Of the arena; 0 without one."""


class Checked(LineageFact):
    """One of the checks of a new version was done, in a box."""

    kind: Literal["checked"] = "checked"
    agent: str
    stage: Stage
    ok: bool
    detail: str = ""


class Adopted(LineageFact):
    """A version works from now on."""

    kind: Literal["adopted"] = "adopted"
    agent: str
    replaces: str = ""
    reason: str = ""
    by: str = "engine"
    fitness: Fitness | None = None
    against: Fitness | None = None
    """The fitness of the one that it replaces, on the same budget."""


class Dropped(LineageFact):
    """A version does not work, or works no longer; its source stays."""

    kind: Literal["dropped"] = "dropped"
    agent: str
    because: DroppedBecause
    reason: str = ""
    by: str = "engine"
    fitness: Fitness | None = None
    against: Fitness | None = None


class AgentRestored(LineageFact):
    """A person brought an earlier version back."""

    kind: Literal["agent_restored"] = "agent_restored"
    agent: str
    by: str


class TestCase(Fact):
    """One test of a suite."""

    __test__ = False

    input: JsonValue
    expected: JsonValue = None
    why: str = ""
    """What it tries, in its author's words: a claim."""


class RefusedTest(Fact):
    """A test that may not enter the suite."""

    test: TestCase
    reason: str


class RoundBegan(LineageFact):
    """A round of the arena began, with these agents."""

    kind: Literal["round_began"] = "round_began"
    round: int
    code: tuple[str, ...]
    test: tuple[str, ...]


class TestsProposed(LineageFact):
    """A test agent proposed tests, durable before they are weighed."""

    __test__ = False

    kind: Literal["tests_proposed"] = "tests_proposed"
    round: int
    agent: str
    tests: tuple[TestCase, ...] = ()
    problem: str = ""
    """Why there are none."""


class TestsWeighed(LineageFact):
    """The task's own check, and the engine, said which proposed tests are valid."""

    __test__ = False

    kind: Literal["tests_weighed"] = "tests_weighed"
    round: int
    agent: str
    admitted: tuple[TestCase, ...] = ()
    refused: tuple[RefusedTest, ...] = ()
    breaks: int = 0
    """How many of the admitted ones the best solution fails at least in part."""
    lost: float = 0
    """What it loses by them: 1 for each that it fails wholly."""


class SuiteChanged(LineageFact):
    """What experiments are scored on grew: numbers of before are not numbers of now."""

    kind: Literal["suite_changed"] = "suite_changed"
    suite: int
    """Numbered from 1; 0 is the frozen original."""
    round: int
    size: int
    """Tests in it, the original's counted."""
    digest: str
    """SHA-256 of its file."""


class Rescored(Fact):
    """What an experiment left was scored on another suite."""

    kind: Literal["rescored"] = "rescored"
    experiment: int
    suite: int
    value: float | None = None
    frozen: float | None = None
    """On the frozen original suite."""
    scores: tuple[float, ...] = ()
    """Per test of the suite, 0 to 1, where the evaluator says so."""
    problem: str = ""


class RoundEnded(LineageFact):
    """A round of the arena ended."""

    kind: Literal["round_ended"] = "round_ended"
    round: int
    scores: dict[str, float] = Field(default_factory=dict)
    """What each agent did in it: a code agent's gain, a test agent's share of what it was asked for that the best fails."""
