"""The proposer without a model: small edits, honest words, and more of what paid."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine import novelty
from loopwatch.engine.editing import diff, edits
from loopwatch.engine.errors import EditRefused, NothingToPropose
from loopwatch.engine.events import Verdict
from loopwatch.engine.proposers import Brief, Proposal, proposer
from loopwatch.engine.proposers.mutation import Hints, Mutation
from loopwatch.engine.state import Experiment
from loopwatch.engine.task import load
from tests.engine.listener import Listener

SOURCE = """\
import re

LR = 0.01  # how bold
WIDTH = 12


def choose(words):
    for word in words:
        if word and re.match(r"[a-z]+", word):
            return word
    return min(words)
"""
BRIEF = Brief(
    experiment=2, revision=1, task=load("sine"), program="", sources={"train.py": SOURCE}, history=(), best=1.0,
    notes=(), comment="", seed=1,
)  # fmt: skip


async def draw(brief: Brief = BRIEF, **hints: Any) -> Proposal:
    return await Mutation().propose(replace(brief, hints=hints), Listener(brief))


async def kinds(brief: Brief = BRIEF, **hints: Any) -> Counter[str]:
    """The first words of what forty experiments propose."""
    drawn = [await draw(replace(brief, experiment=number), **hints) for number in range(2, 42)]
    return Counter(one.mechanism.split(", ")[1].split()[0] for one in drawn)


def after(proposal: Proposal, sources: dict[str, str]) -> dict[str, str]:
    return {**sources, **edits.apply(diff.parse(proposal.diff), sources)}


def earlier(number: int, mechanism: str, verdict: Verdict, **more: Any) -> Experiment:
    return Experiment(number, mechanism=mechanism, verdict=verdict, **more)


async def test_more_code_than_can_be_looked_at_in_seconds_is_left_alone() -> None:
    large = replace(BRIEF, sources={"a.py": "LR = 1\n" * 60_000, "train.py": SOURCE})

    assert diff.parse((await draw(large)).diff)[0].path == "train.py"


def test_a_hint_too_large_for_a_float_is_the_largest_that_makes_sense() -> None:
    assert Hints.read({"step": 10**400, "edits": -(10**400)}) == Hints(step=10.0, edits=1)


async def test_the_same_brief_draws_the_same_and_other_ones_draw_other_things() -> None:
    numbers = {(await draw(replace(BRIEF, experiment=number))).diff for number in range(2, 12)}
    seeds = {(await draw(replace(BRIEF, seed=seed))).diff for seed in range(2, 12)}

    assert await draw() == await draw()
    assert len(numbers) > 6
    assert len(seeds) > 6
    assert await draw(seed=1) != await draw(seed=2)
    assert await draw(replace(BRIEF, revision=2)) != await draw()


async def test_a_proposal_says_what_it_is_and_claims_nothing() -> None:
    proposal = await draw(kinds={"constant": 1})

    assert " → " in proposal.hypothesis
    assert proposal.hypothesis.endswith(", to improve val_loss")
    assert proposal.mechanism.startswith("none: drawn at random, constant edit in train.py:")
    assert proposal.mechanism.endswith("; 0 of 0 earlier edits of this kind were kept")


async def test_hints_choose_kinds_and_the_number_of_edits() -> None:
    assert set(await kinds(kinds={"text": 1})) == {"text"}
    assert set(await kinds(kinds={"idiom": 1, "operator": 3})) == {"idiom", "operator"}

    three = await draw(edits=3)
    assert three.mechanism.count(" edit in ") == 3
    assert three.hypothesis.count(" and ") >= 2
    compile(after(three, {"train.py": SOURCE})["train.py"], "train.py", "exec")


NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.dictionaries(st.sampled_from(("constant", "text")), st.floats()),
)


@given(st.dictionaries(st.sampled_from(("kinds", "step", "edits", "seed", "more")), NONSENSE))
def test_hints_that_make_no_sense_are_ignored(said: dict[str, Any]) -> None:
    hints = Hints.read(said)

    assert any(hints.kinds.values())
    assert 0.001 <= hints.step <= 10
    assert 1 <= hints.edits <= 8


async def test_what_was_kept_before_is_drawn_more_often() -> None:
    went: tuple[tuple[str, Verdict], ...] = (("text", "kept"), ("constant", "crashed"), ("operator", "discarded"))
    history = tuple(
        earlier(number, f"none: drawn at random, {kind} edit in train.py:choose; and so on", verdict)
        for number, (kind, verdict) in enumerate(went * 8)
    )

    before, later = await kinds(), await kinds(replace(BRIEF, history=history))

    assert later["text"] > 20 > before["text"]


async def test_what_is_refused_is_not_drawn_again_until_nothing_is_left() -> None:
    tried: set[str] = set()

    def refuse(proposal: Proposal) -> None:
        made = novelty.fingerprint(after(proposal, {"train.py": "A = True\n"}))
        assert made not in tried
        tried.add(made)
        raise EditRefused("it was tried")

    brief = replace(BRIEF, sources={"train.py": "A = True\n"})
    with pytest.raises(
        NothingToPropose, match=r"no untried edit of train.py; the last refusal: A True → False: it was tried"
    ):
        await Mutation().propose(brief, Listener(brief, refuses=refuse))

    assert len(tried) == 1


@pytest.mark.parametrize("sources", [{"tests.json": "[]"}, {"train.py": "def ("}, {}])
async def test_without_python_there_is_nothing_to_propose(sources: dict[str, str]) -> None:
    with pytest.raises(NothingToPropose, match="no untried edit"):
        await draw(replace(BRIEF, sources=sources))


async def test_an_edit_that_nearly_paid_is_tried_on_a_later_best() -> None:
    bold = edits.render("train.py", SOURCE, SOURCE.replace("0.01", "0.1"))
    history = (earlier(2, "", "discarded", diff=bold, gain=-0.01),)
    wider = {"train.py": SOURCE.replace("12", "24")}

    proposal = await draw(replace(BRIEF, history=history, sources=wider), kinds={"crossover": 1})

    assert proposal.hypothesis == "the edit of #2 on the best of now, to improve val_loss"
    assert after(proposal, wider)["train.py"] == SOURCE.replace("12", "24").replace("0.01", "0.1")


async def test_an_edit_that_does_not_fit_any_more_is_left() -> None:
    bold = edits.render("train.py", SOURCE, SOURCE.replace("0.01", "0.1"))
    history = (earlier(2, "", "discarded", diff=bold, gain=-0.01),)

    with pytest.raises(NothingToPropose):
        await draw(replace(BRIEF, history=history, sources={"train.py": "A = 1\n"}), kinds={"crossover": 1})


async def test_every_editable_file_may_be_edited() -> None:
    sources = {"agent.py": "A = 1\n", "train.py": "B = 1\n", "notes.txt": "C = 1\n"}
    brief = replace(BRIEF, sources=sources)

    paths = {diff.parse((await draw(replace(brief, seed=seed))).diff)[0].path for seed in range(20)}

    assert paths == {"agent.py", "train.py"}


def test_it_is_known_by_its_name() -> None:
    from loopwatch.engine.config import AgentSettings

    assert isinstance(proposer("mutation", AgentSettings()), Mutation)
