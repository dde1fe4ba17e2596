"""An agent's source code as a proposer: with any back-end for its edits, and whatever it does, the run hears a sentence."""

from dataclasses import replace
from pathlib import Path

import pytest

from loopwatch.engine.agents.code import AgentCode
from loopwatch.engine.agents.live import LiveAgent
from loopwatch.engine.config import AgentSettings
from loopwatch.engine.editing import edits
from loopwatch.engine.editing.diff import parse
from loopwatch.engine.errors import EditRefused, NothingToPropose, ProposerFailed
from loopwatch.engine.prompt.brief import Brief
from loopwatch.engine.proposers import Proposal, Proposer, Steering, Turn
from loopwatch.engine.proposers.acp import Acp
from loopwatch.engine.proposers.anthropic import Anthropic
from loopwatch.engine.proposers.mutation import Mutation
from loopwatch.engine.state import Experiment
from tests.engine.agents import BRIEF, SOURCE, Person, bold, command, heard, person
from tests.engine.boxed import boxes, changes, on_linux, task_agent
from tests.servers.anthropic import Server, Step

pytestmark = on_linux
SEED = AgentCode.seed("task")
BOLDER = edits.render("train.py", SOURCE, SOURCE.replace("LR = 0.01", "LR = 0.02"))


class Edits:
    """A back-end that makes one edit, or fails, and remembers what it was asked."""

    steering: Steering = "next request"

    def __init__(self, *outcomes: Proposal | Exception) -> None:
        self._outcomes = list(outcomes)
        self.briefs: list[Brief] = []
        self.prompts: list[str] = []

    async def propose(self, brief: Brief, turn: Turn) -> Proposal:
        self.briefs.append(brief)
        self.prompts.append(turn.prompt().text)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        turn.check(outcome)
        return outcome


def live(folder: Path, code: AgentCode, backend: Proposer | None = None) -> LiveAgent:
    return LiveAgent("gen_000", code, backend=backend or Mutation(), boxes=boxes(folder / "run"))


async def failure(folder: Path, body: str, backend: Proposer | None = None) -> ProposerFailed:
    with pytest.raises(ProposerFailed) as caught:
        await live(folder, task_agent(body), backend).propose(BRIEF, person(folder))
    return caught.value


async def test_its_own_change_becomes_a_diff_against_the_best(tmp_path: Path) -> None:
    code = task_agent(changes("train.py", "LR = 0.01", "LR = 0.02"))

    assert await live(tmp_path, code).propose(BRIEF, person(tmp_path)) == Proposal("h", "m", BOLDER, "e")


async def test_the_seed_works_without_a_model(tmp_path: Path) -> None:
    proposal = await live(tmp_path, SEED).propose(BRIEF, person(tmp_path))

    assert edits.apply(parse(proposal.diff), BRIEF.sources)["train.py"] != SOURCE
    assert proposal.mechanism.startswith("none: drawn at random")


async def test_the_seed_works_with_a_model_which_reads_its_instructions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-marked-1b2c3d4e5f")
    draft = {
        "hypothesis": "bolder is better", "mechanism": "longer steps", "expected": "-0.1", "previous_mechanism": None,
        "edits": [{"path": "train.py", "old": "LR = 0.01", "new": "LR = 0.02"}],
    }  # fmt: skip
    turn = person(tmp_path)

    with Server(Step(content=[{"type": "tool_use", "name": "propose_experiment", "input": draft}])) as server:
        backend = Anthropic("", AgentSettings(base_url=server.url))
        proposal = await live(tmp_path, SEED, backend).propose(BRIEF, turn)

    assert (proposal.hypothesis, proposal.diff) == ("bolder is better", BOLDER)
    assert "Prefer the smallest change that could matter" in str(server.requests[0].body)
    assert len(turn.requests) == 1


async def test_the_seed_works_with_an_agent_program_that_has_tools(tmp_path: Path) -> None:
    proposal = await live(tmp_path, SEED, Acp(command(tmp_path, bold()), AgentSettings(attempts=1))).propose(
        BRIEF, person(tmp_path)
    )

    assert proposal.diff == BOLDER
    prompt = next(m["params"]["prompt"][0]["text"] for m in heard(tmp_path) if m.get("method") == "session/prompt")
    assert "Be bold." in prompt
    assert "## What to do now" in prompt


async def test_what_it_asks_for_reaches_whoever_edits_with_its_hints(tmp_path: Path) -> None:
    backend = Edits(Proposal("h", "m", BOLDER))

    proposal = await live(tmp_path, task_agent("return ask('be brave', hints={'step': 2})"), backend).propose(
        BRIEF, person(tmp_path)
    )

    assert proposal.diff == BOLDER
    assert backend.briefs[0].hints == {"step": 2}
    assert "be brave" in backend.prompts[0]


async def test_the_constants_at_the_top_of_the_seed_are_what_whoever_edits_is_hinted(tmp_path: Path) -> None:
    seed = SEED.files["task_agent.py"]
    code = SEED.with_files(
        {"task_agent.py": seed.replace("STEP = 0.5", "STEP = 2.0").replace("EDITS = 1", "EDITS = 3")}
    )
    failed = tuple(Experiment(n, verdict="discarded", hypothesis=f"idea {n}", reason="worse") for n in (2, 3))
    backend = Edits(Proposal("h", "m", BOLDER))

    await live(tmp_path, code, backend).propose(replace(BRIEF, history=failed), person(tmp_path))

    hints = backend.briefs[0].hints
    assert (hints["step"], hints["edits"], hints["kinds"]["constant"]) == (2.4, 3, 3.0)
    assert "Not to be repeated:\n- idea 2: worse\n- idea 3: worse" in backend.prompts[0]


async def test_instructions_that_are_too_long_are_cut_and_say_so(tmp_path: Path) -> None:
    backend = Edits(Proposal("h", "m", BOLDER))

    await live(tmp_path, task_agent("return ask('x' * 100_000)"), backend).propose(BRIEF, person(tmp_path))

    assert backend.briefs[0].program.endswith("xxx … (40,000 more characters)")


async def test_files_of_its_own_are_edited_apart_from_the_task(tmp_path: Path) -> None:
    notes = edits.render("notes.txt", "old\n", "new\n")
    backend = Edits(Proposal("h", "m", notes), Proposal("h", "m", BOLDER))
    body = "notes = ask('note', files={'notes.txt': 'old\\n'})['files']['notes.txt']\nreturn {**ask('x'), 'hypothesis': notes}"

    proposal = await live(tmp_path, task_agent(body), backend).propose(BRIEF, person(tmp_path))

    assert (proposal.hypothesis, proposal.diff) == ("new\n", BOLDER)
    assert backend.briefs[0].task.editable == ("notes.txt",)


async def test_an_edit_that_comes_to_nothing_is_the_agents_to_answer(tmp_path: Path) -> None:
    backend = Edits(ProposerFailed("no idea", "nothing"), Proposal("h", "m", BOLDER))

    proposal = await live(
        tmp_path, task_agent("try:\n    return ask('x')\nexcept AskFailed:\n    return ask('y')"), backend
    ).propose(BRIEF, person(tmp_path))

    assert proposal.diff == BOLDER


@pytest.mark.parametrize(
    ("body", "why", "outcome"),
    [
        ("return {}", "gen_000: what propose() returned is not as it should be: hypothesis: Field required", "invalid"),
        ("1 / 0", "gen_000: task_agent.py, line 3: ZeroDivisionError: division by zero", "crashed"),
        ("return {'hypothesis': 'h', 'mechanism': 'm', 'files': task['files']}",
         "gen_000 proposed nothing: the files are as they were", "nothing"),
        ("return {'hypothesis': 'h', 'mechanism': 'm', 'files': {'train.py': 'x' * 600_000}}",
         "gen_000: what propose() returned is not as it should be: "
         "files: Value error, train.py has 600,000 bytes; at most 524,288 are taken", "invalid"),
        ("ask('x')", "gen_000: task_agent.py, line 3: AskFailed: no idea", "nothing"),
        ("ask('x', files={'../run.db': ''})", "gen_000: task_agent.py, line 3: AskFailed: '../run.db' is no plain path", "crashed"),
        ("ask('x', files={'a': '', 'a/b': ''})", "gen_000: task_agent.py, line 3: AskFailed: 'a/b' lies in what is a file", "crashed"),
        ("ask('x', files={'.claude/settings.json': ''})",
         "gen_000: task_agent.py, line 3: AskFailed: '.claude/settings.json' is no plain path", "crashed"),
    ],
    ids=["shape", "crash", "no change", "too long", "no edit", "path", "file and folder", "hidden"],
)  # fmt: skip
async def test_what_is_wrong_with_it_is_a_sentence(tmp_path: Path, body: str, why: str, outcome: str) -> None:
    failed = await failure(tmp_path, body, Edits(ProposerFailed("no idea", "nothing")))

    assert (str(failed), failed.outcome) == (why, outcome)


@pytest.mark.parametrize(
    "ends", [ProposerFailed("no money", "over_budget"), NothingToPropose("all were played")], ids=["money", "the end"]
)
async def test_what_no_other_edit_could_mend_ends_its_turn_whatever_it_does(tmp_path: Path, ends: Exception) -> None:
    body = "try:\n    ask('x')\nexcept BaseException:\n    pass\nreturn ask('again')"

    with pytest.raises(type(ends), match=str(ends)):
        await live(tmp_path, task_agent(body), Edits(ends)).propose(BRIEF, person(tmp_path))


async def test_what_goes_wrong_in_whoever_edits_is_the_agents_to_answer(tmp_path: Path) -> None:
    backend = Edits(KeyError("a fault"), Proposal("h", "m", BOLDER))

    proposal = await live(
        tmp_path, task_agent("try:\n    return ask('x')\nexcept AskFailed:\n    return ask('y')"), backend
    ).propose(BRIEF, person(tmp_path))

    assert proposal.diff == BOLDER


async def test_the_desk_checks_a_draft_while_whoever_edits_can_still_mend_it(tmp_path: Path) -> None:
    def refuses(proposal: Proposal) -> None:
        raise EditRefused("it was tried in #2")

    turn = Person(BRIEF, tmp_path / "run", refuses=refuses)

    with pytest.raises(EditRefused, match="it was tried in #2"):
        await live(tmp_path, task_agent("return ask('x')"), Edits(Proposal("h", "m", BOLDER))).propose(BRIEF, turn)


async def test_a_meta_agent_sees_the_outcomes_and_rewrites_the_agent(tmp_path: Path) -> None:
    told = {
        "files": dict(SEED.files), "generation": "gen_000", "program": "", "metric": {"name": "loss", "direction": "down"},
        "outcomes": [], "fitness": [], "failures": [], "seed": 1,
    }  # fmt: skip
    brief = replace(BRIEF, sources=SEED.files)

    rewrite = await live(tmp_path, SEED).improve(told, brief, person(tmp_path), check=lambda files, proposal: None)

    assert ", to improve " in rewrite.reason
    assert SEED.with_files(rewrite.files).diff(SEED)


async def test_a_test_agent_varies_inputs_where_nobody_can_write_tests(tmp_path: Path) -> None:
    suite = [{"input": "anna@example.org", "expected": True, "why": "plain"}]
    agent = live(tmp_path, AgentCode.seed("test"))

    tests = await agent.propose_tests(BRIEF, person(tmp_path), tests=suite, failed=[], wanted=5)

    assert len(tests) == 5
    assert all(isinstance(test.input, str) and test.expected is True for test in tests)
    assert len({test.input for test in tests} - {"anna@example.org"}) > 1
