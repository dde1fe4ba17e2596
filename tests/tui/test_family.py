"""Agents that are source code, as a person sees them: where the outer loop is, the family, and both suites' scores."""

import pytest

from loopwatch.engine import agent_events, events
from loopwatch.engine.agent_events import Checked, Fitness, Rewritten
from loopwatch.engine.commands import RestoreAgent
from loopwatch.tui.facts import run_json
from loopwatch.tui.outer import scored
from loopwatch.tui.report import standing
from loopwatch.tui.starting import read_state

from .film import Film, armed, screen, settle, text
from .test_controls import asked_by

DIFF = """\
--- a/task_agent.py
+++ b/task_agent.py
@@ -1,2 +1,2 @@
-STEP = 0.5
+STEP = 1.5
 EDITS = 1
"""


def written(agent: str, parent: str, **more: object) -> Rewritten:
    facts = {"agent": agent, "parent": parent, "role": "task", "by": "meta_agent of gen_000", "digest": agent}
    files = {"task_agent.py": "STEP = 1.5\nEDITS = 1\n"}
    return Rewritten.model_validate({**facts, "files": files, "diff": DIFF if parent else "", **more})


def generations(film: Film) -> None:
    """A seed that works, a rewrite that was broken, one that was no better, and one that waits at the gate."""
    film.tell(written("gen_000", "", by="seed"), agent_events.Adopted(agent="gen_000"))
    film.tell(written("gen_001", "gen_000", reason="larger steps"))
    film.tell(Checked(agent="gen_001", stage="compile", ok=False, detail="SyntaxError: line 3"))
    film.tell(agent_events.Dropped(agent="gen_001", because="broken", reason="it is no Python"))
    film.tell(written("gen_002", "gen_000", reason="two edits \x1b[2Jat once"))
    film.tell(*(Checked(agent="gen_002", stage=stage, ok=True) for stage in ("compile", "import", "call")))
    ours, theirs = Fitness(mean=0.1, error=0.3, n=4), Fitness(mean=0.2, error=0.2, n=4)
    film.tell(agent_events.Dropped(agent="gen_002", because="no_better", fitness=ours, against=theirs))
    film.tell(written("gen_003", "gen_000", reason="longer memory"))
    film.tell(*(Checked(agent="gen_003", stage=stage, ok=True) for stage in ("compile", "import", "call")))


def gate(film: Film) -> None:
    film.tell(
        events.Asked(
            ask="gen_003-rewrite", experiment=3, gate="rewrite", question="gen_003 takes larger steps", detail=DIFF,
            digest="gen_003", policy="ask", suggestion="allow", agent="gen_003",
        )
    )  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.usefixtures("engine")
async def test_a_rewrite_is_asked_about_with_its_own_diff(film: Film, size: tuple[int, int]) -> None:
    generations(film)
    gate(film)

    async with screen(film, size) as pilot:
        await settle(pilot, armed(pilot))
        shown = text(pilot)

    assert "gen_003, an agent's new version" in shown
    assert "STEP = 1.5" in shown
    assert "Rewrite  gen_003" in shown
    assert "gen_003 at the rewrite gate" in shown
    assert "compile ✓  import ✓  call ✓" in shown


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.usefixtures("engine")
async def test_the_family_shows_every_generation_and_what_became_of_it(film: Film, size: tuple[int, int]) -> None:
    generations(film)

    async with screen(film, size) as pilot:
        await pilot.press("L")
        await settle(pilot, lambda: "gen_000" in text(pilot))
        shown = text(pilot)
        assert "broken at compile" in shown
        assert "no better" in shown
        assert "\x1b" not in shown
        await pilot.press("j")
        await settle(pilot, lambda: "gen_000 → gen_002" in text(pilot))
        assert "STEP = 0.5" in text(pilot)
        await pilot.press("escape")
        await settle(pilot, lambda: "Experiments" in text(pilot))


@pytest.mark.usefixtures("engine")
async def test_a_generation_is_brought_back_by_a_command(film: Film) -> None:
    generations(film)

    async with screen(film, (120, 40)) as pilot:
        await pilot.press("L", "G")
        await settle(pilot, lambda: "# task_agent.py" in text(pilot))
        await pilot.press("b")
        viewer = pilot.app.viewer  # type: ignore[attr-defined]
        await settle(pilot, lambda: asked_by(viewer) == [RestoreAgent(agent="gen_000")])


def test_the_status_says_where_the_outer_loop_is(film: Film) -> None:
    generations(film)
    rounds(film)
    state = read_state(film.run)

    told = standing(film.run, state, alive=False, now=0).splitlines()

    assert "round        1  code 1/1  suite 1: 25 tests (+1)  best 3.9000 (original 3.3000)" in told
    agents = run_json(film.run.name, state, alive=False)["agents"]
    assert isinstance(agents, dict)
    assert agents["working"] == ["gen_000", "code-1", "test-1"]
    assert (agents["suite"], agents["tests"], agents["admitted"]) == (1, 25, 1)


def test_an_experiment_says_what_it_scored_on_every_suite(film: Film) -> None:
    rounds(film)
    state = read_state(film.run)

    assert scored(state.experiments[3]) == "3.9000 on suite 1; 3.3000 on the original tests"
    assert scored(state.experiments[2]) == "3.4100 on the original tests"


@pytest.mark.usefixtures("engine")
async def test_without_agents_that_are_code_there_is_nothing_to_show(film: Film) -> None:
    async with screen(film, (80, 24)) as pilot:
        await pilot.press("L")
        await settle(pilot, lambda: "there is no lineage" in text(pilot))
        assert not pilot.app.screen.query("#versions")


def rounds(film: Film) -> None:
    """An arena in its second round: the suite grew, and the best fell on it, but not on the original tests."""
    for name, role in (("code-1", "code"), ("test-1", "test")):
        film.tell(written(name, "", by="seed", role=role), agent_events.Adopted(agent=name))
    case = agent_events.TestCase(input="a@b", expected=True)
    film.tell(agent_events.RoundBegan(round=1, code=("code-1",), test=("test-1",)))
    film.tell(agent_events.TestsProposed(round=1, agent="test-1", tests=(case,)))
    film.tell(agent_events.TestsWeighed(round=1, agent="test-1", admitted=(case,), breaks=1))
    film.tell(agent_events.SuiteChanged(suite=1, round=1, size=25, digest="d"))
    film.tell(agent_events.Rescored(experiment=3, suite=1, value=3.9, frozen=3.3))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.usefixtures("engine")
async def test_an_agent_of_an_arena_shows_what_it_did_in_its_rounds(film: Film, size: tuple[int, int]) -> None:
    rounds(film)
    film.tell(agent_events.RoundEnded(round=1, scores={"code-1": 0.0, "test-1": 0.625}))

    async with screen(film, size) as pilot:
        await pilot.press("L")
        await settle(pilot, lambda: "+0.625 (n 1)" in text(pilot))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.usefixtures("engine")
async def test_a_fall_after_the_suite_grew_is_shown_beside_the_original_score(
    film: Film, size: tuple[int, int]
) -> None:
    rounds(film)

    async with screen(film, size) as pilot:
        await settle(pilot, lambda: "ROUND" in text(pilot))
        assert "suite 1: 25 tests (+1)  best 3.9000 (original 3.3000)" in text(pilot)
        await pilot.press("L")
        await settle(pilot, lambda: "on the original tests" in text(pilot))
        shown = text(pilot)

    assert "suite changed at" in shown
    assert any("on the suite of its time" in line and "3.9000" in line for line in shown.splitlines())
    assert any("on the original tests" in line and "3.3000" in line for line in shown.splitlines())
