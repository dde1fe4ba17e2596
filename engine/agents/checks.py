"""The checks of a new version of an agent, each in its box: it is Python, it can be loaded, it answers a rehearsal.

A rehearsal is a call with a scripted model in place of the run's: it gives every edit that is asked for, and costs nothing.
Not covered: whether the agent is any good, or means well; that is measured, and contained.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..agent_events import Stage
from ..errors import AgentFailed
from . import forms
from .box import Boxes, Worker
from .code import AgentCode
from .forms import Change, Question, Rewrite, Told

FUNCTIONS = {"task_agent.py": "propose", "meta_agent.py": "improve", "test_agent.py": "propose_tests"}
"""What each file is for."""


_BY = "gen_000"
_HISTORY = tuple(
    {
        "number": number,
        "by": _BY if number > 1 else "baseline",
        "hypothesis": "a rehearsal",
        "mechanism": "made up",
        "verdict": verdict,
        "reason": f"{verdict}: a rehearsal",
        "gain": gain,
        "sigma": gain,
        "value": value,
        "suite": 0,
        "diff": "" if number == 1 else "--- a/rehearsed.py\n+++ b/rehearsed.py\n@@ -1 +1 @@\n-A = 1\n+A = 2\n",
    }
    for number, verdict, gain, value in (
        (1, "kept", None, 0.5),
        (2, "kept", 0.5, 1.0),
        (3, "discarded", -0.25, 0.75),
        (4, "crashed", None, None),
        (5, "unproposed", None, None),
    )
)


class Found(NamedTuple):
    """What a check came to."""

    stage: Stage
    ok: bool
    detail: str = ""
    """What is wrong."""


def rehearsal(
    code: AgentCode,
    *,
    program: str,
    metric: Told,
    files: Mapping[str, str],
    seed: int,
    tests: Sequence[Told] = (),
) -> dict[str, Told]:
    """What each file's function is called with in a rehearsal: the task as it is, and outcomes that are made up.

    tests  some of the suite's, where there is one
    """
    task = {
        "program": program,
        "metric": metric,
        "files": dict(files),
        "best": 1.0,
        "experiment": len(_HISTORY) + 1,
        "seed": seed,
        "history": list(_HISTORY),
        "notes": ["a note"],
        "review": "a review",
    }
    agent = {
        "files": dict(code.files),
        "generation": _BY,
        "program": program,
        "metric": metric,
        "outcomes": list(_HISTORY[1:]),
        "fitness": [{"generation": _BY, "mean": 0.5, "error": 0.25, "n": 4}],
        "failures": [{"generation": "gen_001", "stage": "import", "detail": "a rehearsal"}],
        "seed": seed,
    }
    some = list(tests) or [{"input": "rehearsed", "expected": None, "why": "a rehearsal"}]
    return {
        "task_agent.py": task,
        "meta_agent.py": agent,
        "test_agent.py": {**task, "tests": some, "failed": some[:1], "wanted": 2},
    }


async def check(code: AgentCode, name: str, boxes: Boxes, arguments: Mapping[str, Told]) -> list[Found]:
    """The checks in order, up to the first that fails.

    arguments  what each file's function is called with in the rehearsal
    """
    found: list[Found] = []
    stages: tuple[tuple[Stage, Callable[[Worker], Awaitable[None]]], ...] = (
        ("compile", lambda worker: _compile(code, worker)),
        ("import", lambda worker: _load(code, worker)),
        ("call", lambda worker: _rehearse(code, worker, arguments)),
    )
    async with boxes.at_work(code, name) as worker:
        for stage, do in stages:
            try:
                await do(worker)
            except AgentFailed as failure:
                return [*found, Found(stage, False, str(failure))]
            found.append(Found(stage, True))
    return found


async def _compile(code: AgentCode, worker: Worker) -> None:
    for file in code.files:
        await worker.compile(file)


async def _load(code: AgentCode, worker: Worker) -> None:
    for file in code.files:
        await worker.load(file)


async def _rehearse(code: AgentCode, worker: Worker, arguments: Mapping[str, Told]) -> None:
    for file in code.files:
        await worker.fits(file, FUNCTIONS[file], 2)
    for file in code.files:
        model = Rehearsal(arguments[file])
        said = await worker.call(file, FUNCTIONS[file], arguments[file], model.ask)
        _read(file, said, arguments[file])


def _read(file: str, said: object, argument: Told) -> None:
    """AgentFailed when the answer has another shape than the run needs."""
    words = f"what {FUNCTIONS[file]}() returned"
    match file:
        case "task_agent.py":
            change = forms.read(Change, said, words)
            if not forms.changed(change.files, argument["files"]):
                raise AgentFailed(f"{words} changes no file, though the edit that was asked for did")
        case "meta_agent.py":
            rewrite = forms.read(Rewrite, said, words)
            if unknown := set(rewrite.files) - set(argument["files"]):
                raise AgentFailed(
                    f"{words} names {forms.listed(unknown)}, and the agent has {forms.listed(argument['files'])}"
                )
        case _:
            forms.read_tests(said, words)


class Rehearsal:
    """A scripted model: it makes an edit of every file that it gets."""

    def __init__(self, argument: Told) -> None:
        """`argument` is what the agent's function was called with; its files are edited where no others are named."""
        self._argument = argument
        self._edits = 0

    async def ask(self, said: object) -> dict[str, Any]:
        """See `box.Ask`."""
        question = forms.read(Question, said, "what ask() was given")
        self._edits += 1
        files = question.files if question.files is not None else self._argument["files"]
        return {
            "hypothesis": "a rehearsal",
            "mechanism": "a scripted model says so",
            "expected": "nothing",
            "files": {path: self._edited(path, text) for path, text in files.items()},
        }

    def _edited(self, path: str, text: str) -> str:
        if path.endswith(".py"):
            return f"{text.rstrip()}\n\nREHEARSED = {self._edits}\n"
        if path.endswith(".json"):
            return '[{"input": "rehearsed", "expected": null, "why": "a rehearsal"}]\n'
        return f"{text.rstrip()}\nrehearsed {self._edits}\n"
