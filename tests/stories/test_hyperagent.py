"""Whole runs of an agent that rewrites itself: what it writes is checked, asked about, tried beside its parent, and survives kills."""

import json
import sys
from typing import Any

import pytest

from loopwatch.engine.agent_events import Adopted, AgentRestored, Checked, Dropped, Rewritten
from loopwatch.engine.commands import RestoreAgent
from loopwatch.engine.events import Proposing

from .story import Story

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are built on Linux")

TASK_AGENT = """\
STEP = {step}


def propose(task, ask):
    text = task["files"]["train.py"]
    line = next(line for line in text.splitlines() if line.startswith("SCORE"))
    score = float(line.partition("=")[2]) + STEP + task["experiment"] / 1000
    files = {{"train.py": text.replace(line, f"SCORE = {{score}}")}}
    return {{"hypothesis": f"a score of {{score}}", "mechanism": "it says so", "files": files}}
"""
META_AGENT = """\
REWRITES = {rewrites!r}


def improve(agent, ask):
    return REWRITES[min(int(agent["generation"][-3:]) + len(agent["failures"]), len(REWRITES) - 1)]
"""
WORSE, BOLD = TASK_AGENT.format(step=-1), TASK_AGENT.format(step=5)


def agents(story: Story, *rewrites: dict[str, str]) -> None:
    """A task whose agent proposes worse scores, and is rewritten like this, one file after the other."""
    task = story.make_task()
    settings = task / "task.toml"
    settings.write_text(settings.read_text().replace("seconds = 3\n", "seconds = 60\n"))  # in a box, on a busy machine
    folder = task / "agents"
    folder.mkdir()
    (folder / "task_agent.py").write_text(WORSE)
    played = [{"reason": "a better idea", "files": files} for files in rewrites]
    (folder / "meta_agent.py").write_text(META_AGENT.format(rewrites=played))


def begin(story: Story, experiments: int, **settings: Any) -> None:
    gates = {"rewrite": "auto", **settings.pop("gates", {})}
    story.begin(
        [], strategy="hyperagent:2", sandbox="fenced", gates=gates, stop={"experiments": experiments, "failures": None}, **settings
    )  # fmt: skip


def test_a_broken_rewrite_is_reverted_and_a_better_one_takes_its_parents_place(story: Story) -> None:
    agents(story, {"task_agent.py": "import requests\n"}, {"task_agent.py": BOLD})

    begin(story, 8)
    ended = story.ends()

    assert ended.because == "experiments", ended
    broken, adopted = story.sees(Dropped, agent="gen_001"), story.sees(Adopted, agent="gen_002")
    assert (broken.because, story.state.lineage.versions["gen_001"].failed_stage) == ("broken", "import")
    assert (adopted.replaces, story.state.lineage.live) == ("gen_000", "gen_002")
    assert sorted(fact.agent for fact in story.all(Proposing)[4:]) == ["gen_000", "gen_000", "gen_002", "gen_002"]
    assert story.state.best_value is not None
    assert story.state.best_value > 10
    live = story.run.folder / "agent_code" / "task_agent.py"
    assert live.read_text() == BOLD
    meta = json.loads((story.run.folder / "generations" / "gen_001" / "meta.json").read_text())
    assert (meta["verdict"], meta["parent"]) == ("broken at import", "gen_000")


def test_a_kill_in_the_outer_loop_loses_nothing_and_repeats_nothing(story: Story) -> None:
    agents(story, {"task_agent.py": BOLD})
    begin(story, 4, gates={"rewrite": "ask"})

    asked = story.waits("rewrite", 3)
    story.kill()
    story.start()
    story.reply("rewrite", 3, "allow")
    story.ends()

    assert asked.agent == "gen_001"
    assert len(story.all(Rewritten)) == 2
    assert len(story.all(Checked)) == 6
    assert [fact.experiment for fact in story.all(Proposing)] == [1, 2, 3, 4]
    assert story.all(Proposing)[-1].agent in ("gen_000", "gen_001")
    assert story.state.lineage.open is not None
    assert list((story.run.folder / "boxes").iterdir()) == []


def test_a_person_who_denies_a_rewrite_and_one_who_restores_a_generation_are_obeyed(story: Story) -> None:
    agents(story, {"task_agent.py": BOLD}, {"task_agent.py": f"{BOLD}# again\n"})
    begin(story, 5, gates={"rewrite": "ask"})

    asked = story.waits("rewrite", 3)
    early = story.ask(RestoreAgent(agent="gen_001"))
    story.reply("rewrite", 3, "deny", reason="too bold")
    vetoed = story.sees(Dropped, agent="gen_001")
    story.waits("rewrite", 4)
    restored = story.ask(RestoreAgent(agent="gen_001"))
    unknown = story.ask(RestoreAgent(agent="gen_009"))
    story.reply("rewrite", 4, "allow")
    story.ends()

    assert "+STEP = 5" in asked.detail
    assert (early.ok, early.answer) == (False, "gen_001 is on trial, or waits for it; its turn comes without you")
    assert (vetoed.because, vetoed.reason) == ("vetoed", "denied by anna: too bold")
    assert (restored.ok, restored.answer) == (True, "gen_001 works from the next experiment on")
    assert unknown.answer == "there is no generation 'gen_009'; there are: gen_000, gen_001, gen_002"
    assert story.sees(AgentRestored).by == "anna"
    assert story.sees(Dropped, agent="gen_002").because == "replaced"
    assert story.all(Proposing)[-1].agent == "gen_001"


def test_a_run_without_a_box_does_not_begin_and_says_what_to_do(story: Story) -> None:
    story.begin([], strategy="hyperagent", sandbox="none")

    stopped = story.ends()

    assert stopped.because == "user_error"
    assert "runs source code that agents have written, and does so only in a box" in stopped.detail
    assert "--sandbox fenced" in stopped.detail
