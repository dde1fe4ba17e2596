"""Proposers: the same seed draws the same, a script plays line by line, and what goes wrong is said in words."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine.config import AgentSettings
from loopwatch.engine.editing import constants, diff, edits
from loopwatch.engine.errors import ConfigError, EditRefused, NothingToPropose, ProposerFailed
from loopwatch.engine.proposers import Brief, Proposal, proposer
from loopwatch.engine.proposers.random import Random
from loopwatch.engine.proposers.scripted import Scripted
from loopwatch.engine.registry import PROPOSERS
from loopwatch.engine.task import Hyperparameter, Task, load
from tests.engine.listener import Listener

SOURCE = '"""Train."""\n\nLR = 0.01  # how bold\nWIDTH = 12\nKIND = "tanh"\n\nprint(LR)\n'
PARAMETERS = (
    Hyperparameter(name="LR", file="train.py", low=1e-4, high=0.1, scale="log"),
    Hyperparameter(name="WIDTH", file="train.py", low=2, high=64, type="int"),
    Hyperparameter(name="KIND", file="train.py", choices=("tanh", "relu", "sine")),
)
SINE = load("sine")


def task_with(*parameters: Hyperparameter) -> Task:
    return SINE.model_copy(update={"hyperparameter": parameters})


BRIEF = Brief(
    experiment=2, revision=1, task=task_with(*PARAMETERS), program="", sources={"train.py": SOURCE}, history=(),
    best=1.0, notes=(), comment="", seed=1,
)  # fmt: skip


async def draw(brief: Brief) -> Proposal:
    return await Random().propose(brief, Listener(brief))


def draw_now(brief: Brief) -> Proposal:
    """The random proposer waits for nothing, so it can be run to its end without a loop."""
    coroutine = Random().propose(brief, Listener(brief))
    try:
        coroutine.send(None)
    except StopIteration as end:
        made: Proposal = end.value
        return made
    raise AssertionError("it waited for something")


SEEDS = st.builds(
    lambda seed, experiment, revision: replace(BRIEF, seed=seed, experiment=experiment, revision=revision),
    st.integers(0, 10**6),
    st.integers(2, 10**4),
    st.integers(1, 5),
)


@given(SEEDS)
def test_the_same_seed_and_number_draw_the_same(brief: Brief) -> None:
    assert draw_now(brief) == draw_now(brief)


def test_other_numbers_seeds_and_revisions_draw_other_things() -> None:
    briefs = [
        *(replace(BRIEF, experiment=number) for number in range(2, 12)),
        *(replace(BRIEF, seed=seed) for seed in range(2, 12)),
        *(replace(BRIEF, revision=revision) for revision in range(2, 12)),
    ]

    assert len({draw_now(brief).diff for brief in briefs}) > 20


@given(SEEDS)
def test_a_draw_changes_one_line_to_another_value_in_the_range(brief: Brief) -> None:
    proposal = draw_now(brief)

    changes = edits.count_changes(proposal.diff)
    after = edits.apply(diff.parse(proposal.diff), brief.sources)["train.py"]
    values = {name: constants.constant(after, name) for name in ("LR", "WIDTH", "KIND")}
    assert (changes.added, changes.removed) == (1, 1)
    assert values != {"LR": 0.01, "WIDTH": 12, "KIND": "tanh"}
    assert 1e-4 <= values["LR"] <= 0.1  # type: ignore[operator]
    assert isinstance(values["WIDTH"], int)
    assert 2 <= values["WIDTH"] <= 64
    assert values["KIND"] in ("tanh", "relu", "sine")
    assert "# how bold" in after


@st.composite
def ranges(draw: st.DrawFn) -> Hyperparameter:
    low = draw(st.floats(1e-6, 1e6))
    high = low * draw(st.floats(1.0001, 1e3))
    return Hyperparameter(
        name="LR", file="train.py", low=low, high=high, scale=draw(st.sampled_from(["log", "linear"]))
    )


@given(ranges(), st.integers(2, 1000))
def test_however_narrow_the_range_a_draw_stays_in_it(parameter: Hyperparameter, number: int) -> None:
    brief = replace(BRIEF, experiment=number, task=task_with(parameter))

    after = edits.apply(diff.parse(draw_now(brief).diff), brief.sources)["train.py"]

    assert parameter.low <= constants.constant(after, "LR") <= parameter.high  # type: ignore[operator]


async def test_a_task_without_hyperparameters_has_nothing_to_vary() -> None:
    with pytest.raises(NothingToPropose, match=r"task sine declares no \[\[hyperparameter\]\]"):
        await draw(replace(BRIEF, task=task_with()))


async def test_a_hyperparameter_with_one_value_says_so() -> None:
    only = Hyperparameter(name="KIND", file="train.py", choices=("tanh",))

    with pytest.raises(NothingToPropose, match="no untried value of KIND; widen a range"):
        await draw(replace(BRIEF, task=task_with(only)))


async def test_random_search_draws_again_what_was_tried_before() -> None:
    def refuse(proposal: Proposal) -> None:
        if "relu" in proposal.diff:
            raise EditRefused("the same code was tried in #2, which was discarded")

    kinds = Hyperparameter(name="KIND", file="train.py", choices=("tanh", "relu", "sine"))
    briefs = [replace(BRIEF, task=task_with(kinds), experiment=number) for number in range(2, 8)]

    drawn = [await Random().propose(brief, Listener(brief, refuses=refuse)) for brief in briefs]

    assert {proposal.hypothesis for proposal in drawn} == {f"KIND 'tanh' → 'sine' improves {SINE.metric.name}"}


async def test_random_search_ends_when_every_value_was_tried_and_names_the_last() -> None:
    def refuse(proposal: Proposal) -> None:
        raise EditRefused("the same code was tried in #2, which was discarded")

    brief = replace(BRIEF, task=task_with(Hyperparameter(name="KIND", file="train.py", choices=("tanh", "relu"))))

    with pytest.raises(
        NothingToPropose, match=r"no untried value of KIND \(the last refusal: KIND = 'relu': the same code was tried"
    ):
        await Random().propose(brief, Listener(brief, refuses=refuse))


@pytest.mark.parametrize("sources", [{"train.py": "print(1)\n"}, {"train.py": "LR = 1\nLR = 2\n"}, {}])
async def test_a_constant_that_an_experiment_removed_fails_this_proposal_and_not_the_engine(
    sources: dict[str, str],
) -> None:
    with pytest.raises(ProposerFailed, match=r"train.py: LR needs exactly one line LR = VALUE"):
        await draw(replace(BRIEF, task=task_with(PARAMETERS[0]), sources=sources))


async def test_random_search_says_what_it_drew_and_claims_no_mechanism() -> None:
    brief = replace(BRIEF, task=task_with(PARAMETERS[0]))
    listener = Listener(brief)

    proposal = await Random().propose(brief, listener)

    assert listener.heard[0][1] == "Random search: LR is 0.01; drawing from 0.0001 … 0.1 (log).\n"
    assert proposal.hypothesis.startswith("LR 0.01 → ")
    assert proposal.mechanism == "none: drawn at random from 0.0001 … 0.1 (log)"


def script(folder: Path, *lines: dict[str, Any] | str) -> Path:
    path = folder / "script.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


async def play(path: Path, experiment: int = 2, revision: int = 1) -> Proposal:
    brief = replace(BRIEF, experiment=experiment, revision=revision)
    return await Scripted(str(path)).propose(brief, Listener(brief))


async def test_a_script_plays_a_line_per_experiment(tmp_path: Path) -> None:
    path = script(
        tmp_path, {"hypothesis": "one", "set": {"train.py": {"LR": 0.02}}}, "", {"hypothesis": "two", "diff": "d"}
    )

    first, second = await play(path, 2), await play(path, 3)

    assert (first.hypothesis, second.hypothesis, second.diff) == ("one", "two", "d")
    assert edits.apply(diff.parse(first.diff), BRIEF.sources)["train.py"] == SOURCE.replace("0.01", "0.02")


async def test_a_script_sent_back_plays_its_other_versions_and_then_the_last_one_again(tmp_path: Path) -> None:
    path = script(tmp_path, {"diff": "a", "again": [{"diff": "b"}, {"diff": "c"}]})

    assert [(await play(path, revision=revision)).diff for revision in (1, 2, 3, 4)] == ["a", "b", "c", "c"]


async def test_a_script_that_was_played_to_its_end_says_so(tmp_path: Path) -> None:
    with pytest.raises(NothingToPropose, match="the script has 1 proposals, and all were played"):
        await play(script(tmp_path, {"diff": "a"}), experiment=3)


async def test_reasoning_is_streamed_piece_by_piece_and_complete(tmp_path: Path) -> None:
    listener = Listener(BRIEF)
    text = "The loss falls slowly.\n\n  So: more."

    await Scripted(str(script(tmp_path, {"diff": "a", "reasoning": text}))).propose(BRIEF, listener)

    assert listener.said("thinking") == text
    assert len(listener.heard) > 5


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"fails": "no key"}, "no key"),
        ({"set": {"train.py": {"GONE": 1}}}, "train.py: GONE needs exactly one line GONE = VALUE at the top level; there are 0"),
        ({"set": {"model.py": {"LR": 1}}}, "the script sets a constant in model.py; there are: train.py"),
    ],
)  # fmt: skip
async def test_a_line_that_cannot_be_played_fails_this_proposal_and_not_the_engine(
    tmp_path: Path, line: dict[str, Any], why: str
) -> None:
    with pytest.raises(ProposerFailed) as failure:
        await play(script(tmp_path, line))

    assert str(failure.value) == why


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not valid JSON: Expecting property name enclosed in double quotes"),
        ("[]", "Input should be a valid dictionary or instance of Line"),
        ('{"hypo": 1}', "hypo: Extra inputs are not permitted"),
        ('{"set": {"train.py": 3}}', "set.train.py: Input should be a valid dictionary"),
        ('{"again": [{"delay": "soon"}]}', "again.0.delay: Input should be a valid number"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_file_and_number(tmp_path: Path, line: str, why: str) -> None:
    path = script(tmp_path, {"diff": "a"}, "", line)

    with pytest.raises(ConfigError) as error:
        Scripted(str(path))

    assert str(error.value).startswith(f"{path}, line 3: ")
    assert why in str(error.value)


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the script .*/gone.jsonl cannot be read: No such file or directory"):
        Scripted(str(tmp_path / "gone.jsonl"))
    with pytest.raises(ConfigError, match="the scripted proposer needs a file: --proposer scripted:FILE"):
        Scripted("")


def test_a_script_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "script.jsonl").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match=r"script.jsonl cannot be read: "):
        Scripted(str(tmp_path / "script.jsonl"))


async def test_a_script_may_contain_any_character_that_is_no_new_line(tmp_path: Path) -> None:
    path = script(tmp_path, '{"diff": "a", "hypothesis": "one\u2028two\x85"}')

    assert (await play(path)).hypothesis == "one\u2028two\x85"


def test_every_proposer_can_be_made_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "claude").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    arguments = {"scripted": str(script(tmp_path, {"diff": "a"})), "acp": sys.executable, "openai": "a-model"}

    assert all(proposer(f"{name}:{arguments.get(name, '')}", AgentSettings()) for name in PROPOSERS)
