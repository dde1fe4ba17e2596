"""The books against the bill: what loopwatch says some hundred requests cost, and what their server counted, to the cent.

    python -m benchmarks.money

The real SDK asks a scripted Messages API on loopback: with prompts that come from its cache, go into it or are longer than the step
in the price, with errors, overload within the stream, connections cut at any moment, and callers who leave in the middle. The server
counts the tokens of what it sent, and both sides use the shipped prices. What was cut is an estimate in the books, and told apart.
"""

import asyncio
import math
import os
import random
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from loopwatch.engine.books import Books, shipped_prices
from loopwatch.engine.config import AgentSettings, RunConfig
from loopwatch.engine.errors import ProposerFailed
from loopwatch.engine.events import Heard, Proposing, RunOpened
from loopwatch.engine.journal import Journal
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.line import Line
from loopwatch.engine.models import Talk, Tool
from loopwatch.engine.models.anthropic import Anthropic
from loopwatch.engine.models.asking import ask
from loopwatch.engine.money import Usage
from loopwatch.engine.prompt.brief import Block, Prompt
from loopwatch.engine.state import Bill
from loopwatch.engine.task import load
from loopwatch.engine.telemetry import Telemetry
from tests.servers.anthropic import Served, Server, Step

from .figures import arguments, heading, note

MODELS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5")
TOOL = Tool("propose", "Propose.", {
    "type": "object", "properties": {"why": {"type": "string"}}, "required": ["why"], "additionalProperties": False,
})  # fmt: skip
CUTS = ("incomplete", "reset", "clean", "garbage", "error")


class Impatient(Line):
    """A line whose caller leaves a moment after the first word."""

    patience: asyncio.Timeout
    seconds: float | None = None

    def hear(self, kind: Heard, text: str) -> None:
        """See `turn.Line`."""
        super().hear(kind, text)
        if self.seconds is not None and self.patience.when() is None:
            self.patience.reschedule(asyncio.get_running_loop().time() + self.seconds)


class Pair(NamedTuple):
    """A request in the books, and on the server; None when it never came there."""

    bill: Bill
    served: Served | None


def answer(dice: random.Random) -> Step:
    """What the server does: seven times in ten it answers, else it breaks somewhere."""
    thinking = {"type": "thinking", "thinking": "Let me see. " * dice.randrange(1, 60)}
    call = {"type": "tool_use", "name": TOOL.name, "input": {"why": "because " * dice.randrange(1, 80)}}
    fate = dice.random()
    if fate < 0.08:
        return Step(status=529, type="overloaded_error", message="overloaded")
    if fate < 0.3:
        return Step(content=[thinking, call], after=dice.randrange(20), then=dice.choice(CUTS), type="overloaded_error")
    return Step(content=[thinking, call], truncate=dice.choice((None, None, 60)))


def prompt(dice: random.Random, number: int, model: str) -> Prompt:
    """Three beginnings that repeat, an end that does not; for the model with a step in its price sometimes beyond it."""
    long = 40_000 if model == MODELS[2] and dice.random() < 0.1 else 1000
    rules = Block("rules", f"Rules {dice.randrange(3)}. " * long, marked=True)
    return Prompt(
        (rules,),
        (Block("history", f"History {dice.randrange(6)}. " * 600, marked=True), Block("now", f"Request {number}.")),
    )


async def talk(number: int, dice: random.Random, url: str, journal: Journal, books: Books) -> None:
    """One answer, with as many attempts as it takes, or until the caller has had enough."""
    name = dice.choice(MODELS)
    settings = AgentSettings(base_url=url, wait_seconds=0.001, output_tokens=4000)
    model, line = Anthropic(name, settings), Impatient(2, "proposer", journal=journal, books=books)
    line.seconds = dice.uniform(0, 0.05) if dice.random() < 0.15 else None
    try:
        with suppress(TimeoutError, ProposerFailed):
            async with asyncio.timeout(None) as line.patience:
                asked = Talk(prompt(dice, number, name))
                await ask(model, lambda: asked, TOOL, line, settings)
    finally:
        line.close()
        await model.close()


def opened(journal: Journal) -> None:
    task = load("sine")
    config = RunConfig(run="money", task="sine")
    journal.append(
        RunOpened(run="money", task="sine", metric=task.metric, budget=task.budget, config=config, base_commit=""),
        Proposing(experiment=2, revision=1, proposer="anthropic"),
    )


async def measure(folder: Path, times: int, server: Server, dice: random.Random) -> list[Pair]:
    journal = Journal(Ledger.of(folder), Telemetry.of(folder), ballast=folder / "ballast")
    opened(journal)
    books = Books(journal=journal, run_dir=folder, prices=shipped_prices())
    pairs: list[Pair] = []
    for number in range(times):
        billed, served = len(journal.state.bills), len(server.requests)
        await talk(number, dice, server.url, journal, books)
        await asyncio.sleep(0.02)  # until the server has seen who left
        bills = list(journal.state.bills.values())[billed:]
        came: list[Served | None] = [*server.requests[served:]]
        pairs += [Pair(*pair) for pair in zip(bills, came + [None] * (len(bills) - len(came)), strict=True)]
    assert all(not bill.is_open for bill in journal.state.bills.values())
    journal.ledger.close()
    journal.telemetry.close()
    return pairs


def cost(served: Served | None) -> float:
    """What the server bills."""
    if served is None or not served.usage:
        return 0.0
    usd = shipped_prices().usd(served.body["model"], Usage.model_validate(served.usage))
    assert usd is not None
    return usd


def compare(name: str, pairs: list[Pair]) -> None:
    books = math.fsum(pair.bill.billed.usd or 0.0 for pair in pairs if pair.bill.billed)
    billed = math.fsum(cost(pair.served) for pair in pairs)
    same = "the same to the cent" if abs(books - billed) < 0.005 else f"{books - billed:+.4f} $"
    print(f"{name:<34} books {books:10.6f} $   server {billed:10.6f} $   n {len(pairs):<4} {same}", flush=True)


def main() -> None:
    chosen = arguments(__doc__).parse_args()
    times, dice = 100 if chosen.quick else 400, random.Random(1)
    heading(f"money: {times} answers")
    os.environ["ANTHROPIC_API_KEY"] = "sk-of-nobody"
    steps = [answer(dice).model_copy(update={"seconds": 0.001}) for _ in range(times * 4)]
    with tempfile.TemporaryDirectory() as folder, Server(*steps) as server:
        pairs = asyncio.run(measure(Path(folder), times, server, dice))
    exact = [pair for pair in pairs if pair.bill.billed and not pair.bill.billed.estimated]
    cut = [pair for pair in pairs if pair.bill.billed and pair.bill.billed.estimated]
    compare("whole, or refused with an error", exact)
    compare("cut, so that it is an estimate", [pair for pair in cut if pair.served])
    compare("given up before it came there", [pair for pair in cut if not pair.served])
    compare("all", pairs)
    read = sum(pair.bill.billed.usage.cache_read for pair in pairs if pair.bill.billed)
    ends = Counter(pair.served.outcome if pair.served else "never came" for pair in pairs)
    note(
        f"{read:,} tokens came from the cache; on the server they ended: "
        + ", ".join(f"{n} {end}" for end, n in ends.most_common())
    )
    if guessed := [pair for pair in cut if pair.bill.billed and cost(pair.served) != pair.bill.billed.usd]:
        worst = max(
            guessed, key=lambda pair: abs((pair.bill.billed.usd or 0) - cost(pair.served)) if pair.bill.billed else 0
        )
        assert worst.bill.billed
        note(f"the worst single estimate: {worst.bill.billed.usd:.6f} $ for {cost(worst.served):.6f} $")


if __name__ == "__main__":
    main()
