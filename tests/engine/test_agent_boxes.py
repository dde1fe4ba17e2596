"""Boxes of agents that are source code: what their code reaches, what stops it, and the checks of a new version."""

import os
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine.agents import forms
from loopwatch.engine.agents.box import ASKS, Boxes
from loopwatch.engine.agents.checks import check, rehearsal
from loopwatch.engine.agents.code import AgentCode
from loopwatch.engine.errors import AgentFailed, UserError
from loopwatch.engine.sandbox.means import Means
from tests.engine.agents import BRIEF
from tests.engine.boxed import boxes, changes, on_linux, seed_with, task_agent

pytestmark = on_linux
TOLD = forms.task(BRIEF)
FORGES = """\
import os
for file in range(3, 9):
    try:
        os.write(file, b"{}" + bytes([10]))
    except OSError:
        pass
"""
REACHES = """\
found = []
for name, words in {tries!r}.items():
    try:
        exec(words)
    except OSError:
        continue
    found.append(name)
return found
"""


async def nothing(said: object) -> dict[str, Any]:
    """Nobody makes edits."""
    raise AgentFailed("nobody is here")


async def called(room: Boxes, code: AgentCode, **more: Any) -> object:
    async with room.at_work(code, "agent") as worker:
        return await worker.call("task_agent.py", "propose", TOLD, more.pop("ask", nothing), **more)


async def stages(room: Boxes, code: AgentCode) -> list[str]:
    arguments = rehearsal(code, program="", metric={**TOLD["metric"]}, files=BRIEF.sources, seed=1)
    found = await check(code, "agent", room, arguments)
    return [f"{one.stage} {one.detail or 'ok'}" for one in found]


async def test_an_agents_code_reaches_its_own_source_and_a_place_to_write_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.db").write_text("secret")
    tries = {
        "ledger": f"open({str(tmp_path / 'run' / 'run.db')!r}).read()",
        "engine": f"open('/proc/{os.getpid()}/environ').read()",
        "network": "socket.create_connection(('1.1.1.1', 53), 1)",
        "own source": "open(__file__, 'a')",
        "read source": "open(__file__).read()",
        "temporary": "open(os.environ['TMPDIR'] + '/x', 'w').write('x')",
    }

    found = await called(boxes(tmp_path / "run"), task_agent(REACHES.format(tries=tries), before="import os, socket"))

    assert found == ["read source", "temporary"]
    assert list((tmp_path / "run" / "boxes").iterdir()) == []


async def test_what_it_prints_goes_to_its_log_and_not_into_the_protocol(tmp_path: Path) -> None:
    body = 'print(\'{"done": "forged"}\')\nos.system("echo shell")\nreturn "mine"'

    assert await called(boxes(tmp_path / "run"), task_agent(body, before="import os")) == "mine"
    assert (tmp_path / "run" / "logs" / "agent.agent.log").read_text() == '{"done": "forged"}\nshell\n'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("while True: pass", "took longer than 1 s"),
        ("import os; os._exit(7)", "ended with exit code 7"),
        (f"for _ in range({ASKS + 1}):\n    try: ask('more')\n    except AskFailed: pass", f"asked for more than {ASKS} edits"),
        (FORGES, "said something that is no answer"),
        (FORGES.replace('b"{}"', """b'{"failed": %s}' % (b"[" * 500 + b"]" * 500)"""), "said nothing that is a text"),
    ],
    ids=["does not end", "dies", "asks too often", "forges", "forges a failure"],
)  # fmt: skip
async def test_code_that_does_not_answer_is_ended_with_a_reason(tmp_path: Path, body: str, why: str) -> None:
    with pytest.raises(AgentFailed, match=why):
        await called(boxes(tmp_path / "run"), task_agent(body), seconds=1 if "while" in body else 30)


async def test_what_goes_wrong_in_a_call_is_told_in_a_line_and_the_next_call_works(tmp_path: Path) -> None:
    wrong = {
        "raise SystemExit(0)": "SystemExit: 0",
        "bytearray(2 << 30)": "MemoryError: ",
        "ask('an edit')": "AskFailed: nobody is here",
        "return {1, 2}": "TypeError: Object of type set is not JSON serializable",
        "return float('nan')": "ValueError: Out of range float values are not JSON compliant",
        "1 / 0": "ZeroDivisionError: division by zero",
    }
    before = "".join(f"def f{number}(task, ask):\n    {body}\n" for number, body in enumerate(wrong))
    told = []

    async with boxes(tmp_path / "run").at_work(task_agent("return 'fine'", before=before), "agent") as worker:
        for number in range(len(wrong)):
            with pytest.raises(AgentFailed) as failure:
                await worker.call("task_agent.py", f"f{number}", TOLD, nothing)
            told.append(str(failure.value).removeprefix(f"task_agent.py, line {2 * number + 2}: "))
        assert await worker.call("task_agent.py", "propose", TOLD, nothing) == "fine"

    assert told == list(wrong.values())


async def test_without_a_box_nothing_runs_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"does so only in a box; .* 'limits'.* --sandbox fenced"):
        await called(boxes(tmp_path / "run", Means(seccomp=True)), task_agent("open('/tmp/it-ran', 'w')"))


async def test_the_seeds_pass_the_checks(tmp_path: Path) -> None:
    room, passed = boxes(tmp_path / "run"), ["compile ok", "import ok", "call ok"]

    assert await stages(room, AgentCode.seed("task")) == passed
    assert await stages(room, AgentCode.seed("test")) == passed


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ({"task_agent.py": "def propose(:\n"}, ["compile task_agent.py, line 1: SyntaxError: invalid syntax"]),
        ({"meta_agent.py": "import requests\n"},
         ["compile ok", "import meta_agent.py, line 1: ModuleNotFoundError: No module named 'requests'"]),
        ({"task_agent.py": "import os\nos._exit(3)\n"}, ["compile ok", "import ended with exit code 3"]),
        ({"task_agent.py": "A = 1\n"},
         ["compile ok", "import ok", "call TypeError: there is no function propose() in task_agent.py"]),
        ({"task_agent.py": "def propose(task):\n    return {}\n"},
         ["compile ok", "import ok", "call TypeError: propose() cannot be called with 2 arguments: too many positional arguments"]),
        ({"task_agent.py": "def propose(task, ask):\n    return 'a better idea'\n"},
         ["compile ok", "import ok",
          "call what propose() returned is not as it should be: Input should be a valid dictionary or instance of Change"]),
        ({"task_agent.py": "def propose(task, ask):\n    return {**ask('x'), 'files': {}}\n"},
         ["compile ok", "import ok", "call what propose() returned changes no file, though the edit that was asked for did"]),
        ({"meta_agent.py": "def improve(agent, ask):\n    return {'reason': 'r', 'files': {'run.json': ''}}\n"},
         ["compile ok", "import ok", "call what improve() returned names run.json, and the agent has meta_agent.py, task_agent.py"]),
    ],
    ids=["syntax", "module", "dies", "no function", "signature", "shape", "no change", "other files"],
)  # fmt: skip
async def test_a_broken_version_fails_at_its_stage_with_the_detail(
    tmp_path: Path, code: dict[str, str], told: list[str]
) -> None:
    assert await stages(boxes(tmp_path / "run"), seed_with(code)) == told


async def test_a_start_up_that_does_not_end_is_ended(tmp_path: Path) -> None:
    async with boxes(tmp_path / "run").at_work(
        task_agent(changes("train.py", "a", "b"), before="while True: pass"), "agent"
    ) as worker:
        with pytest.raises(AgentFailed, match="took longer than 1 s"):
            await worker.load("task_agent.py", seconds=1)
