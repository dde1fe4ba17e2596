"""Folders of a four-level project, run as they are."""

import shutil
from pathlib import Path

import pytest

from loopwatch.engine.editing.edits import render
from loopwatch.engine.events import Warned
from tests.servers.anthropic import Server, Step

from .story import Story

FOLDERS = Path(__file__).resolve().parents[1] / "tasks" / "four_levels"


@pytest.mark.parametrize(
    ("name", "before", "after", "values", "because"),
    [
        ("snake", "WAIT = 1", "WAIT = 0", [0.1, 5.5], "experiments"),
        (
            "email_validation",
            'match(r"[a-z]+@[a-z]+[.][a-z]+"',
            'fullmatch(r"[a-z.+]+@[a-z]+([.][a-z]+)+"',
            [0.625, 1.0],
            "target",
        ),
        ("support", "return lines[0]", 'return " ".join(lines)', [37.5, 87.5], "experiments"),
    ],
)
def test_a_borrowed_folder_runs_as_it_is(
    story: Story, tmp_path: Path, name: str, before: str, after: str, values: list[float], because: str
) -> None:
    folder = tmp_path / "DIR" / "tasks" / name
    shutil.copytree(FOLDERS / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    source = (folder / "initial_solution.py").read_text()
    better = render("initial_solution.py", source, source.replace(before, after))
    line = {"hypothesis": "it is better", "mechanism": "it looks", "diff": better}

    story.begin([line], task=str(folder), stop={"experiments": 2})
    stopped = story.ends()

    state = story.state
    assert [experiment.value for experiment in state.experiments.values()] == values
    assert [experiment.trust for experiment in state.experiments.values()] == ["locked", "locked"]
    assert stopped.because == because
    assert state.program is not None
    assert state.program.text.startswith(("This function ", "The function "))
    assert any("no model judges" in fact.text for fact in story.all(Warned)) == (name == "support")
    assert not list((story.run.folder / "work").glob("*.json"))


def test_answers_with_nothing_to_look_up_are_judged_by_a_model_or_not_measured(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "DIR" / "tasks" / "support"
    shutil.copytree(FOLDERS / "support", folder, ignore=shutil.ignore_patterns("__pycache__", "rubric*"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    said = {"type": "tool_use", "name": "vote", "input": {"fact_1": True}}
    with Server(Step(content=[said], times=0)) as server:
        story.begin([], task=str(folder), judge="anthropic:claude-haiku-5-5", agent={"base_url": server.url})
        judged = story.ends()

    assert judged.because == "target"
    assert story.state.experiments[1].value == 100.0

    story.begin([], task=str(folder))
    alone = story.ends()

    assert alone.because == "user_error"
    assert "its answers have to be judged" in alone.detail
