"""The generations of an agent that rewrites itself: each verb on its own, with real boxes; no experiment runs."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine import events
from loopwatch.engine.agent_events import Adopted, AgentRestored, Checked, Dropped, Rewritten
from loopwatch.engine.agents.code import AgentCode
from loopwatch.engine.agents.crew import Crew
from loopwatch.engine.agents.generations import Generations
from loopwatch.engine.books import Books
from loopwatch.engine.config import AgentSettings, RunConfig
from loopwatch.engine.errors import UserError
from loopwatch.engine.gate import Gates
from loopwatch.engine.lineage import Version
from loopwatch.engine.proposers import Proposer
from loopwatch.engine.proposers.anthropic import Anthropic
from loopwatch.engine.proposers.mutation import Mutation
from loopwatch.engine.repository.workspace import Workspace
from loopwatch.engine.sandbox.means import Means
from loopwatch.engine.sandbox.sandbox import Sandbox
from loopwatch.engine.task import load
from tests.engine import facts
from tests.engine.bench import journal_in
from tests.engine.boxed import SEALED, on_linux
from tests.engine.keeping import eventually
from tests.servers.anthropic import Server, Step

pytestmark = on_linux

META = """\
REWRITES = {rewrites!r}


def improve(agent, ask):
    played = len(agent["fitness"]) + len(agent["failures"])
    return REWRITES[played] if played < len(REWRITES) else {{"reason": "all were played", "files": {{}}}}
"""
BOLDER = "def propose(task, ask):\n    return ask('bolder')\n"
BETTER = {"reason": "bolder steps", "files": {"task_agent.py": BOLDER}}


class Run:
    """A run of the sine task whose agent's meta half plays these rewrites."""

    def __init__(
        self,
        folder: Path,
        *rewrites: Any,
        means: Means = SEALED,
        policy: str = "auto",
        seed: str = "",
        backend: Proposer | None = None,
    ) -> None:
        self.folder, task = folder / "run", folder / "task"
        self.folder.mkdir()
        shutil.copytree(load("sine").folder, task)
        (task / "agents").mkdir()
        if rewrites:
            (task / "agents" / "meta_agent.py").write_text(META.format(rewrites=rewrites))
        if seed:
            (task / "agents" / "task_agent.py").write_text(seed)
        self.task = load(str(task))
        self.workspace = Workspace.create(
            self.folder, task, editable=self.task.editable, frozen=self.task.frozen, run_name="sine-1", use_repository=False, when=0
        )  # fmt: skip
        config = RunConfig.model_validate(
            {"run": "sine-1", "task": "sine", "strategy": "hyperagent", "gates": {"rewrite": policy}}
        )
        opened = facts.opened(self.task.metric, strategy="hyperagent", gates={"rewrite": policy})
        settled = facts.life(1)[-1].model_copy(update={"best_commit": self.workspace.base})
        self.journal = journal_in(
            self.folder, opened.model_copy(update={"base_commit": self.workspace.base}), facts.engine(), *facts.life(1)[:-1], settled
        )  # fmt: skip
        self.gates = Gates(self.journal)
        self.agent = Generations(
            Crew(
                task=self.task, config=config, journal=self.journal, gates=self.gates,
                books=Books(journal=self.journal, run_dir=self.folder), workspace=self.workspace, run_dir=self.folder,
                backend=backend or Mutation(), contain=lambda programs: Sandbox(means, hidden=[self.folder]),
            ),
            each=2,
        )  # fmt: skip

    def opened(self) -> None:
        """As `open` leaves it, with a generation that had its experiments; without the second that its checks take."""
        code = AgentCode.seed("task", self.task.folder)
        passed = [Checked(agent="gen_000", stage=stage, ok=True) for stage in ("compile", "import", "call")]
        self.journal.append(
            Rewritten(agent="gen_000", role="task", by="seed", files=dict(code.files), digest=code.digest),
            *passed,
            Adopted(agent="gen_000"),
        )
        self.works(0.0, 0.0)

    def tried(self, *gains: float) -> None:
        """The experiments of a trial, each with its gain: the parent's, and the candidate's."""
        parent = self.journal.state.lineage.live
        for _ in range(4):
            self.works(gains[self.agent.due() != parent])
        self.agent.judge()

    def works(self, *gains: float) -> list[str]:
        """Experiments by whoever's turn it is, each with its gain; who they were."""
        names = []
        for gain in gains:
            number, name = len(self.journal.state.experiments) + 1, self.agent.due()
            assert name, "it is nobody's turn"
            names.append(name)
            begun, proposed = facts.proposed(number)
            judged, settled = facts.judged(number, "discarded", 2.0)
            self.journal.append(
                begun.model_copy(update={"agent": name}), proposed, judged.model_copy(update={"gain": gain}),
                settled.model_copy(update={"best_commit": self.workspace.base}),
            )  # fmt: skip
        return names

    async def rewritten(self) -> Version:
        """What came of a rewrite, up to the gate."""
        candidate = await self.agent.rewrite()
        if candidate and await self.agent.check(candidate):
            await self.agent.allow(candidate)
        return list(self.journal.state.lineage.versions.values())[-1]

    def of(self, kind: type) -> list[Any]:
        """The facts of a kind, oldest first."""
        return [entry.fact for entry in self.journal.ledger.since() if isinstance(entry.fact, kind)]

    def close(self) -> None:
        self.workspace.close()
        self.journal.telemetry.close()
        self.journal.ledger.close()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Any]:
    made: list[Run] = []

    def make(*rewrites: Any, **more: Any) -> Run:
        made.append(Run(tmp_path, *rewrites, **more))
        return made[-1]

    yield make
    for run in made:
        run.close()


async def test_the_first_generation_is_checked_and_works(runs: Any) -> None:
    run = runs()

    await run.agent.open()

    assert [(fact.stage, fact.ok) for fact in run.of(Checked)] == [("compile", True), ("import", True), ("call", True)]
    assert run.journal.state.lineage.live == "gen_000"
    assert run.agent.due() == "gen_000"
    assert (run.folder / "agent_code" / "meta_agent.py").read_text().startswith('"""Rewrites the agent')
    assert (run.folder / "seed" / "task_agent.py").stat().st_mode & 0o777 == 0o444


async def test_a_run_does_not_begin_with_an_agent_that_does_not_work(runs: Any) -> None:
    with pytest.raises(UserError, match=r"would begin with does not work: compile: task_agent.py, line 1: SyntaxError"):
        await runs(seed="def propose(:\n").agent.open()


async def test_a_run_does_not_begin_where_nothing_contains_what_agents_write(runs: Any) -> None:
    run = runs(means=Means(seccomp=True))

    with pytest.raises(UserError, match="the strategy hyperagent runs source code that agents have written"):
        await run.agent.open()
    assert run.of(Rewritten) == []


@pytest.mark.parametrize(
    ("files", "because", "stage", "why"),
    [
        ({"task_agent.py": "def propose(:\n"}, "broken", "compile", "compile: task_agent.py, line 1: SyntaxError: invalid syntax"),
        ({"task_agent.py": "import requests\n"}, "broken", "import",
         "import: task_agent.py, line 1: ModuleNotFoundError: No module named 'requests'"),
        ({"meta_agent.py": "def improve(agent, ask):\n    return 1\n"}, "broken", "call",
         "call: what improve() returned is not as it should be: Input should be a valid dictionary or instance of Rewrite"),
        ({"other.py": "A = 1\n"}, "failed", None, "'other.py' is no file of this agent; there are: task_agent.py, meta_agent.py"),
        ({}, "failed", None, "it is the same code"),
    ],
    ids=["compile", "import", "call", "other files", "nothing"],
)  # fmt: skip
async def test_a_rewrite_that_does_not_work_is_dropped_and_the_last_generation_stays(
    runs: Any, files: dict[str, str], because: str, stage: str | None, why: str
) -> None:
    run = runs({"reason": "a better idea", "files": files})
    run.opened()

    version = await run.rewritten()

    assert (version.name, version.failed_stage) == ("gen_001", stage)
    assert (version.dropped.because, version.dropped.reason) == (because, why)
    assert run.journal.state.lineage.live == "gen_000"
    assert run.works(0.0) == ["gen_000"], "it works on before the next rewrite"
    assert run.agent.due() is None


async def test_a_better_generation_takes_its_parents_place_after_as_many_experiments_each(runs: Any) -> None:
    run = runs(BETTER)
    run.opened()

    await run.rewritten()
    run.tried(0.0, 0.5)

    (_, adopted) = run.of(Adopted)
    assert (adopted.agent, adopted.replaces, adopted.fitness.n, adopted.against.n) == ("gen_001", "gen_000", 2, 2)
    assert adopted.reason.startswith("better than its parent: +")
    assert (run.folder / "agent_code" / "task_agent.py").read_text() == BOLDER
    assert run.agent.due() is None, "its experiments on trial are what it learns from"


async def test_a_generation_that_is_no_better_goes_and_may_not_come_again(runs: Any) -> None:
    run = runs(BETTER, BETTER)
    run.opened()

    await run.rewritten()
    run.tried(0.1, 0.1)
    again = await run.rewritten()

    (first, second) = run.of(Dropped)
    assert (first.because, first.reason) == ("no_better", "no better than its parent: +0 ± 0 σ per experiment")
    assert (again.name, second.because, second.reason) == (
        "gen_002",
        "failed",
        "the same code is gen_001, which is no better",
    )


async def test_what_a_meta_agent_asks_a_model_is_in_the_books_as_its_own(
    runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-marked-1b2c3d4e5f")
    draft = {
        "hypothesis": "bolder", "mechanism": "a larger step", "expected": "more", "previous_mechanism": None,
        "edits": [{"path": "task_agent.py", "old": "STEP = 0.5", "new": "STEP = 0.9"}],
    }  # fmt: skip

    with Server(Step(content=[{"type": "tool_use", "name": "propose_experiment", "input": draft}])) as server:
        run = runs(backend=Anthropic("", AgentSettings(base_url=server.url)))
        run.opened()
        written = (await run.agent.rewrite()).written

    assert (written.by, written.reason) == ("gen_000", "bolder (a larger step)")
    assert "-STEP = 0.5\n+STEP = 0.9\n" in written.diff
    assert [(fact.role, fact.experiment) for fact in run.of(events.Requested)] == [("meta", 3)]
    assert "Rewrite it, so that its next proposals gain more" in next((run.folder / "briefs").iterdir()).read_text()
    assert run.journal.state.experiments[3].brief is None, "that prompt was not the experiment's"


async def test_a_person_who_denies_a_rewrite_is_obeyed(runs: Any) -> None:
    run = runs(BETTER, policy="ask")
    run.opened()
    candidate = await run.agent.rewrite()
    assert await run.agent.check(candidate)

    async def answers() -> None:
        await eventually(lambda: run.journal.state.waiting is not None)
        asked = run.journal.state.waiting.asked
        assert (asked.gate, asked.agent, asked.digest) == ("rewrite", "gen_001", candidate.written.digest)
        assert asked.detail == candidate.written.diff
        decided = events.Decided(
            ask=asked.ask, experiment=asked.experiment, gate="rewrite", answer="deny", by="anna", person=True,
            reason="too bold", digest=asked.digest, agent=asked.agent,
        )  # fmt: skip
        run.journal.append(decided)
        run.gates.replied(decided)

    allowed, _ = await asyncio.gather(run.agent.allow(candidate), answers())

    assert not allowed
    assert [(fact.because, fact.reason, fact.by) for fact in run.of(Dropped)] == [
        ("vetoed", "denied by anna: too bold", "anna")
    ]
    assert run.works(0.0) == ["gen_000"]


async def test_a_candidate_whose_parent_a_person_put_away_is_dropped(runs: Any) -> None:
    other = {"reason": "another", "files": {"task_agent.py": BOLDER.replace("bolder", "other")}}
    run = runs(BETTER, {}, other)  # by then two generations have a fitness
    run.opened()
    await run.rewritten()
    run.tried(0.0, 0.5)
    assert (await run.rewritten()).name == "gen_002"

    run.journal.append(AgentRestored(agent="gen_000", by="anna"))

    assert run.agent.due() is None
    assert await run.agent.rewrite() is None
    assert run.of(Dropped)[-1].reason == "gen_001, which it was made from, works no longer"
    assert run.works(0.0) == ["gen_000"]


async def test_an_engine_that_was_killed_anywhere_goes_on_from_what_is_written_down(runs: Any, tmp_path: Path) -> None:
    run = runs(BETTER)
    run.opened()
    candidate = await run.agent.rewrite()

    again = await run.agent.rewrite()
    checked = [await run.agent.check(again), await run.agent.check(again)]
    allowed = [await run.agent.allow(again), await run.agent.allow(again)]
    shutil.rmtree(run.folder / "generations")
    (run.folder / "agent_code" / "task_agent.py").write_text("import os\n")
    await run.agent.open()

    assert again is candidate
    assert (checked, allowed) == ([True, True], [True, True])
    assert (len(run.of(Rewritten)), len(run.of(Checked))) == (2, 6)
    assert len([fact for fact in run.of(events.Decided) if fact.gate == "rewrite"]) == 1
    assert (run.folder / "generations" / "gen_001" / "meta.json").exists()
    assert "def propose" in (run.folder / "agent_code" / "task_agent.py").read_text()
