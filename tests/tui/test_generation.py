"""`loopwatch generation`: what was written, what became of it, and one brought back."""

import json
from pathlib import Path

from loopwatch.engine.agent_events import Adopted, Checked, Dropped, Fitness, Rewritten

from .command import Command, made_run, opened, started

DIFF = "--- a/task_agent.py\n+++ b/task_agent.py\n@@ -1 +1 @@\n-STEP = 1\n+STEP = 2\n"
LITTLE, MUCH = Fitness(mean=0.1, error=0.05, n=4), Fitness(mean=0.6, error=0.1, n=4)


def written(agent: str, parent: str = "gen_000", reason: str = "bolder") -> Rewritten:
    return Rewritten(
        agent=agent, role="task", parent=parent, by=parent or "seed", reason=reason, files={}, digest="d", diff=DIFF if parent else ""
    )  # fmt: skip


def three_generations(home: Path) -> Command:
    made_run(
        home,
        opened(),
        started(),
        written("gen_000", "", "the first generation"),
        Adopted(agent="gen_000"),
        written("gen_001", reason="evil \x1b[31mred"),
        Checked(agent="gen_001", stage="compile", ok=True),
        Checked(agent="gen_001", stage="import", ok=False, detail="no module"),
        Dropped(agent="gen_001", because="broken", reason="import: no module"),
        written("gen_002"),
        Adopted(agent="gen_002", replaces="gen_000", reason="better than its parent", fitness=MUCH, against=LITTLE),
    )
    return Command(home)


def test_all_generations_are_listed_with_what_became_of_them(tmp_path: Path) -> None:
    lines = three_generations(tmp_path)("generation").stdout.splitlines()

    assert [line.split("  ")[0] for line in lines] == ["", "gen_000", "gen_001", "gen_002"]
    assert "replaced" in lines[1]
    assert "broken at import" in lines[2]
    assert "evil red" in lines[2]
    assert "works" in lines[3]
    assert "+0.6 ± 0.1 (n 4)" in lines[3]
    assert "+0.1 ± 0.05 (n 4)" in lines[3]


def test_one_generation_is_shown_with_its_diff(tmp_path: Path) -> None:
    loopwatch = three_generations(tmp_path)

    shown = loopwatch("generation", "gen_002").stdout
    told = json.loads(loopwatch("generation", "gen_002", "--json").stdout)

    assert shown.startswith(
        "gen_002, made from gen_000 by gen_000: works\nwhy: bolder\noutcome: better than its parent\n"
    )
    assert "-STEP = 1\n+STEP = 2\n" in shown
    assert [(one["generation"], one["became"], one["fitness"]["mean"]) for one in told] == [("gen_002", "works", 0.6)]


def test_what_is_no_generation_is_said_in_words(tmp_path: Path) -> None:
    loopwatch = three_generations(tmp_path)

    unknown, nameless = loopwatch("generation", "gen_009"), loopwatch("generation", "--restore")

    assert (unknown.returncode, nameless.returncode) == (1, 1)
    assert "has no generation 'gen_009'; there are: gen_000, gen_001, gen_002" in unknown.stderr
    assert "--restore needs a generation: loopwatch generation gen_000 --restore" in nameless.stderr


def test_a_run_whose_agents_are_no_source_code_has_none(tmp_path: Path) -> None:
    made_run(tmp_path, opened(), started())

    assert "its agents are no source code" in Command(tmp_path)("generation").stdout
