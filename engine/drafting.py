"""python -m loopwatch.engine.drafting ORDER: draft a rubric for a task's questions, or check one, for a person.

The task's own commands, which print its knowledge base and say what may enter its suite, run in a copy of the task and in a box;
nothing is written but below a folder that is gone afterwards. What happens is told as JSON lines on stdout. A model costs what its
requests cost, up to the order's own cap; there is no run whose books they could be in.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from . import home, rubric
from .books import known_prices
from .config import AgentSettings, RunConfig, Tier
from .errors import ConfigError, LoopwatchError, ProposerFailed, TaskError
from .events import Heard
from .models import Model, Talk, Turned
from .models.asking import ask
from .money import Prices, Usage, dollars
from .registry import MODELS, find, known
from .rubric import Fact, Library
from .running.runner import Runner
from .sandbox.proof import prove
from .supervisor import sandbox_for
from .task import Task, load

_KNOWLEDGE: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])
OUTPUT_TOKENS = 4000


class Order(BaseModel):
    """What is to be done."""

    task: str
    questions: tuple[str, ...] = ()
    """To draft facts for."""
    tests: tuple[JsonValue, ...] = ()
    """To be checked, instead."""
    model: str = ""
    """PROVIDER:MODEL that drafts; "" for none."""
    base_url: str | None = None
    usd: float | None = None
    sandbox: Tier = "fenced"


class Office:
    """A copy of a task, and its commands."""

    def __init__(self, runner: Runner, folder: Path) -> None:
        self._runner, self._folder = runner, folder

    @classmethod
    async def of(cls, task: Task, folder: Path, order: Order) -> "Office":
        """Lay the task out below `folder`, with the best containment there is."""
        pristine = folder / "pristine"
        await asyncio.to_thread(shutil.copytree, task.folder, pristine, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "work").mkdir()
        config = RunConfig(run="rubric", task=str(task.folder))
        proof = await prove(folder / "proof", minimum=order.sandbox)
        sandbox = sandbox_for(proof, folder, config, task)
        return cls(Runner(task, folder, workdir=folder / "work", pristine=pristine, seed=1, sandbox=sandbox), folder)

    async def library(self) -> Library:
        """The task's knowledge base."""
        outcome = await self._runner.knowledge()
        try:
            if outcome.ok:
                return Library(_KNOWLEDGE.validate_json(outcome.tail))
            reason = f"it {outcome.ended.reason.replace('_', ' ')}"
        except ValidationError:
            reason = "it does not print one JSON object with a text per topic"
        raise TaskError(f"the knowledge command of [rubric] in task.toml is of no use: {reason}")

    async def refusals(self, tests: Sequence[JsonValue]) -> list[str]:
        """Per test, why it may not enter the task's suite; "" where it may."""
        proposed, suite = self._folder / "proposed.json", self._folder / "suite.json"
        proposed.write_text(json.dumps(list(tests)), encoding="utf-8")
        suite.write_text("[]", encoding="utf-8")
        outcome = await self._runner.check_tests(proposed, suite)
        lines = outcome.tail.decode("utf-8", "replace").splitlines()
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            said = [json.loads(line) for line in lines if line.startswith("{")]
            found = ["" if one["ok"] else str(one["reason"]) for one in said]
            if outcome.ok and len(found) == len(tests):
                return found
        raise TaskError(
            "the check of [suite] in task.toml does not print a line of JSON for each test; run it by hand to see why"
        )


class Purse:
    """A `turn.Line` without a run: nothing is heard, and money has a cap."""

    def __init__(self, prices: Prices, cap: float | None) -> None:
        self._prices, self._cap, self.usd = prices, cap, 0.0

    def hear(self, kind: Heard, text: str) -> None:
        """See `turn.Line`."""

    async def request(self, model: str, *, prompt_tokens: int, output_tokens: int) -> "_Bill":
        """See `turn.Line`."""
        worst = self._prices.worst(model, prompt=prompt_tokens, output=output_tokens) or 0.0
        if self._cap is not None and self.usd + worst > self._cap:
            raise ProposerFailed(
                f"{dollars(self.usd)} is spent, and the next request could cost {dollars(worst)}; --usd X allows more",
                "over_budget",
            )
        return _Bill(self, model)

    async def back_off(self, why: str, seconds: float, *, attempt: int, attempts: int | None) -> None:
        """See `turn.Line`."""
        tell("waits", why=why, seconds=seconds)
        await asyncio.sleep(seconds)

    def pay(self, model: str, usage: Usage, usd: float | None) -> float:
        """What a request cost, or is taken to have cost."""
        cost = self._prices.usd(model, usage) if usd is None else usd
        return cost or 0.0


class _Bill:
    def __init__(self, purse: Purse, model: str) -> None:
        self._purse, self._model, self._so_far = purse, model, 0.0

    def used(self, usage: Usage, *, usd: float | None = None, estimated: bool = False, final: bool = True) -> None:
        """See `turn.Request`."""
        cost = self._purse.pay(self._model, usage, usd)
        self._purse.usd += cost - self._so_far
        self._so_far = cost


async def check(office: Office, tests: Sequence[JsonValue]) -> None:
    """Tell of each test whether it may enter the suite."""
    for test, reason in zip(tests, await office.refusals(tests), strict=True):
        question = test.get("input") if isinstance(test, dict) else None
        tell("checked", question=question if isinstance(question, str) else "", reason=reason)


async def draft(office: Office, order: Order) -> None:
    """Tell of each question which facts its rubric might have: those that the task's check admits."""
    library = await office.library()
    if order.model:
        drafted = await _by_model(library, order)
    else:
        drafted = [library.drafts(question) for question in order.questions]
    admitted: list[list[Fact]] = [[] for _ in order.questions]
    refused: list[list[str]] = [[] for _ in order.questions]
    # One fact of each question at a time: a check speaks of whole tests, and does not take a question twice.
    for place in range(rubric.CANDIDATES):
        asked = [at for at, facts in enumerate(drafted) if place < len(facts) and len(admitted[at]) < rubric.FACTS]
        tests = [_test(order.questions[at], [drafted[at][place]]) for at in asked]
        for at, reason in zip(asked, await office.refusals(tests) if tests else (), strict=True):
            if reason:
                refused[at].append(reason)
            else:
                admitted[at].append(drafted[at][place])
    by = order.model or "the words of the knowledge base"
    for at, question in enumerate(order.questions):
        test = {**_test(question, rubric.weighted(admitted[at])), "why": f"drafted by {by}; not edited yet"}
        tell("drafted", test=test, refused=refused[at])


async def _by_model(library: Library, order: Order) -> list[list[Fact]]:
    provider, _, name = order.model.partition(":")
    settings = AgentSettings(output_tokens=OUTPUT_TOKENS, base_url=order.base_url)
    model: Model = await asyncio.to_thread(lambda: find(provider, MODELS)(name, settings))
    purse, drafted = Purse(known_prices(), order.usd), []
    try:
        for number, question in enumerate(order.questions, 1):
            tell("asking", question=question, number=number, of=len(order.questions))
            talk = Talk(rubric.prompt(question, library.passages(question)))
            answer = await ask(model, lambda talk=talk: talk, rubric.TOOL, purse, settings)  # type: ignore[misc]
            found = rubric.facts_in(answer)
            if isinstance(found, str) and answer.stop == "done":
                again = Talk(talk.prompt, (Turned(answer, found),))
                answer = await ask(model, lambda again=again: again, rubric.TOOL, purse, settings)  # type: ignore[misc]
                found = rubric.facts_in(answer)
            drafted.append([] if isinstance(found, str) else found)
    finally:
        await model.close()
        tell("spent", usd=purse.usd)
    return drafted


def _test(question: str, facts: Sequence[Fact]) -> dict[str, Any]:
    return {"input": question, "expected": [fact.model_dump() for fact in facts]}


def tell(kind: str, **fields: Any) -> None:
    """One JSON line for whoever started this."""
    with suppress(BrokenPipeError):
        print(json.dumps({"kind": kind, **fields}), flush=True)


async def work(order: Order) -> None:
    """Do what is ordered; UserError where the task or the order do not allow it."""
    task = load(order.task)
    if task.suite is None or task.suite.check is None:
        raise TaskError(
            f"{task.name} has no suite with a check of its own; a rubric is a suite's (see [suite] in task.toml)"
        )
    if task.rubric is None and not order.tests:
        raise TaskError(
            f'{task.name} names no knowledge base; add a [rubric] section with knowledge = ["{{python}}", "knowledge.py"]'
        )
    if order.model:
        try:
            known(order.model, MODELS, "provider of models")
        except ValueError as error:
            raise ConfigError(f"--model {order.model}: {error}") from None
    with tempfile.TemporaryDirectory(prefix="rubric-", dir=home.home()) as folder:
        office = await Office.of(task, Path(folder), order)
        await (check(office, order.tests) if order.tests else draft(office, order))


def main() -> int:
    """Exit codes: 0 it was done, 1 it cannot be done (the last line says why), 130 it was ended early."""
    try:
        asyncio.run(work(Order.model_validate_json(sys.argv[1])))
    except KeyboardInterrupt:
        return 130
    except LoopwatchError as error:
        tell("error", text=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
