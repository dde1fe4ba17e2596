"""A run written by hand, fact by fact, and the screen that shows it."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from loopwatch.engine import events
from loopwatch.engine.client import Run
from loopwatch.engine.config import Gates, RunConfig
from loopwatch.engine.events import AnyFact, Heard
from loopwatch.engine.forecast import Forecast
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.money import Usage
from loopwatch.engine.records import Sample
from loopwatch.engine.task import Budget, Metric
from loopwatch.engine.telemetry import Telemetry
from loopwatch.engine.trust import Trust
from loopwatch.tui.app import MissionControl
from loopwatch.tui.widgets.askbox import AskBox

BEGAN = 1_750_000_000.0
DIFF = """\
--- a/train.py
+++ b/train.py
@@ -1,4 +1,4 @@
 import math

-LR = 0.01
+LR = 0.02
 WD = 0.1
"""
METRIC = Metric(name="val_bpb", direction="down", unit="bits per byte", low=0.1, high=9, noise=0.01)


class Film:
    """A run written by hand: facts at times of our own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        folder.mkdir()
        self.now = BEGAN
        config = RunConfig(run="pretrain-0615", task="pretrain", gates=Gates(), by="anna", **settings)
        (folder / "run.json").write_text(config.model_dump_json())
        self.run = Run(folder)
        self._ledger, self._telemetry = (
            Ledger(folder / "run.db", clock=lambda: self.now),
            Telemetry(folder / "telemetry.db", clock=lambda: self.now),
        )
        budget = Budget(kind="cpu_seconds", amount=20, wall_seconds=120)
        self.tell(
            events.RunOpened(
                run=config.run, task="pretrain", metric=METRIC, budget=budget, config=config, base_commit="0" * 40
            ),
            events.EngineStarted(pid=4242, host="gpu3", versions={}, sandbox="sealed"),
        )

    def tell(self, *facts: AnyFact, after: float = 1) -> None:
        self.now += after
        self._ledger.append(*facts)

    def think(self, experiment: int, text: str, kind: Heard = "thinking") -> None:
        self.now += 1
        self._telemetry.add_thought(experiment, text, kind)
        self._telemetry.flush()

    def ask_agent(self, number: int, proposer: str = "anthropic") -> None:
        """An agent begins to think."""
        self.tell(events.Proposing(experiment=number, revision=1, proposer=proposer))

    def bill(self, experiment: int, request: int, usd: float | None, *, estimated: bool = False) -> None:
        """A request that was sent and paid for."""
        asked = events.Requested(
            experiment=experiment, request=request, role="proposer", model="claude-opus-5", prompt_tokens=9000
        )
        used = Usage(input=9000, output=1200)
        self.tell(
            asked, events.Billed(experiment=experiment, request=request, usage=used, usd=usd, estimated=estimated)
        )

    def permit(self, number: int, title: str, detail: str) -> None:
        """An agent asks at the tool gate."""
        self.tell(
            events.Asked(
                ask=f"{number}-tool-1.1", experiment=number, gate="tool", question=title, detail=detail, digest="",
                policy="ask", suggestion="allow",
            )
        )  # fmt: skip

    def train(self, experiment: int, *, until: float, low: float, attempt: int = 1) -> None:
        for step in range(1, int(until * 100) + 1):
            loss = low + 3 / (1 + step / 5)
            sample = Sample(step=step, progress=step / 100, loss=loss)
            self._telemetry.add_samples(experiment, attempt, step / 5, [sample])
        self._telemetry.flush()

    def look(self, experiment: int, *chances: float) -> None:
        """Looks of the forecaster, every tenth of the budget."""
        for at, chance in enumerate(chances, start=1):
            forecast = Forecast(
                at / 10, 3.6, 0.05, chance, 0.02, chance < 0.02, f"would end at 3.600 ± 0.050, {chance:.0%} chance"
            )
            self._telemetry.add_forecast(experiment, 1, at * 2.0, forecast)
        self._telemetry.flush()

    def propose(self, number: int, hypothesis: str, diff: str = DIFF) -> None:
        self.tell(events.Proposing(experiment=number, revision=1, proposer="scripted" if number > 1 else "baseline"))
        self.tell(
            events.Proposed(
                experiment=number, revision=1, author="scripted" if number > 1 else "loopwatch", hypothesis=hypothesis,
                mechanism="steps are few", diff=diff, digest=f"digest-{number}", parent="0" * 40,
                paths=("train.py",) if diff else (), added=1, removed=1,
            ),
        )  # fmt: skip

    def run_to(
        self,
        number: int,
        value: float,
        *,
        gain: float | None,
        kept: bool,
        sure: bool = True,
        flags: tuple[str, ...] = (),
    ) -> None:
        self.start(number)
        self.train(number, until=1.0, low=value)
        self.measure(number, value, flags=flags)
        self.judge(number, value, gain=gain, kept=kept, sure=sure, flags=flags)

    def measure(self, number: int, value: float, *, trust: Trust = "independent", flags: tuple[str, ...] = ()) -> None:
        self.tell(
            events.Finished(experiment=number, attempt=1, reason="exited", exit_code=0, wall_seconds=21), after=21
        )
        self.tell(events.Measured(experiment=number, attempt=1, value=value, trust=trust, flags=flags), after=2)

    def judge(
        self,
        number: int,
        value: float,
        *,
        gain: float | None,
        kept: bool,
        sure: bool = True,
        flags: tuple[str, ...] = (),
    ) -> None:
        word = "kept" if kept else "discarded"
        self.tell(
            events.Judged(
                experiment=number, verdict="kept" if kept else "discarded", value=value, gain=gain, confirmed=kept and sure,
                sigma=gain / 0.01 if gain is not None else None, reason=f"{word}: now {value}", by="judge", commit="1" * 40,
                flags=flags, quarantined=bool(flags),
            ),
            events.Settled(experiment=number, best_commit="1" * 40),
        )  # fmt: skip

    def begin_repeat(self, number: int, repeat: int, why: events.Why, of: int | None = None) -> None:
        self.tell(events.RepeatStarted(experiment=number, repeat=repeat, seed=7 * repeat, why=why, of=of))

    def repeat(self, number: int, why: events.Why, *values: float, first: int = 1, of: int | None = None) -> None:
        """Repeats of a kind, each with its value."""
        for at, value in enumerate(values, start=first):
            self.begin_repeat(number, at, why, of)
            done = events.RepeatMeasured(experiment=number, repeat=at, value=value, why=why, of=of, wall_seconds=21)
            self.tell(done, after=21)

    def start(self, number: int) -> None:
        self.tell(events.Decided(experiment=number, gate="apply", answer="approve", by="anna", person=True))
        started = events.Started(experiment=number, attempt=1, seed=1, sandbox="sealed")
        self.tell(events.Applied(experiment=number, digest="d"), started)

    def ask(self, number: int, gate: str = "apply", question: str = "a higher learning rate", detail: str = "") -> None:
        asked = {"ask": f"{number}-{gate}-1", "experiment": number, "gate": gate, "question": question, "policy": "ask"}
        asked["detail"] = detail
        self.tell(events.Asked.model_validate({**asked, "digest": f"digest-{number}" if gate == "apply" else ""}))


@asynccontextmanager
async def screen(film: Film, size: tuple[int, int], *, ascii_only: bool = False) -> AsyncIterator[Pilot[int]]:
    app = MissionControl(film.run, ascii_only=ascii_only, clock=lambda: film.now + 5)
    async with app.run_test(size=size) as pilot:
        await settle(pilot, lambda: app.viewer.state.seq > 0)
        yield pilot
    app.viewer.close()


async def settle(pilot: Pilot[int], fact: Callable[[], bool] = lambda: True) -> None:
    """Let every timer of the screen tick, and wait for a fact."""
    deadline = time.monotonic() + 20
    for _ in range(6):
        await pilot.pause(0.06)
    while not fact():
        assert time.monotonic() < deadline, text(pilot)
        await pilot.pause(0.06)


def text(pilot: Pilot[int]) -> str:
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def armed(pilot: Pilot[int]) -> Callable[[], bool]:
    return lambda: pilot.app.screen.query_one(AskBox).armed and "armed" in text(pilot)
