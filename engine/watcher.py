"""The forecaster at work: it watches the running experiment, looks at each check, and says once whether to abort.

It decides nothing: the bench takes its suggestion to the run gate, and only when the forecaster may act (it has proved itself on
this run's own experiments, or a person said go) and the experiment is not one that is audited.
"""

import asyncio
import math
import traceback
from collections.abc import Iterable
from typing import Literal

from .config import RunConfig
from .events import AbortSuggested, ForecasterTrusted, Warned
from .forecast import Curve, Forecast, Forecaster, Past, Reading, Setting, Watch, curve, forecaster
from .forecast.record import ENOUGH, audited, proven
from .journal import Journal
from .past import READINGS, past_of, ran, thinned
from .policy import RUN_ONLY
from .records import Sample
from .state import Experiment
from .task import Task

CHECKS = 20
"""Looks per experiment, when the settings name no seconds."""

LONGEST_HISTORY = 200
"""Earlier experiments that are looked at; older ones say little about today's best."""


class Watcher:
    """Follows one experiment after the other."""

    def __init__(self, *, task: Task, config: RunConfig, journal: Journal) -> None:
        """The watcher of one run."""
        self._task, self._config, self._journal = task, config, journal
        self._made: Forecaster | None = None
        self._past: dict[tuple[int, int], Past | None] = {}
        """By number, and the suite that it was scored on."""
        self._tested = 0
        self._testing: asyncio.Task[None] | None = None
        self._experiment: Experiment | None = None
        self._watch: Watch | None = None
        self._readings: list[Reading] = []
        self._next = 0.0
        self._suggested = False
        self.looks = 0
        """How often the attempt at hand was looked at."""

    @property
    def _forecaster(self) -> Forecaster:
        if self._made is None:  # numpy is loaded here, when it is needed
            self._made = forecaster(self._config.forecaster, error_budget=self._config.error_budget)
        return self._made

    @property
    def is_off(self) -> bool:
        """Whether the run gate's policy keeps the forecaster from looking at all."""
        return self._journal.state.gates["run"] == "off"

    def begin(self, experiment: Experiment) -> None:
        """An attempt is about to start."""
        self._experiment, self._readings, self._next, self._suggested = experiment, [], self._step, False
        self._watch, self.looks = None, 0
        if self.is_off or experiment.is_baseline:
            return
        try:
            history = self._history()
            self._watch = self._forecaster.watch(self._setting(history))
            self._prove(history, experiment.number)
        except Exception as error:
            self._look_away(error)

    def heard(self, samples: Iterable[Sample], at: float) -> AbortSuggested | None:
        """Take the samples of the running attempt; the fact of a suggestion, at the first look that would abort.

        at  seconds of training so far, held time not counted
        """
        if self._watch is None:
            return None
        budget = self._task.budget
        for sample in samples:
            share = budget.share(at=at, step=sample.step, progress=sample.progress)
            self._readings.append(Reading(share, sample.loss, sample.metric, sample.lr_multiplier))
        if len(self._readings) > 4 * READINGS:
            self._readings = thinned(self._readings)
        now = self._readings[-1].share if self._readings else 0.0
        if self.is_off or now < self._next or now >= 1:
            return None
        self._next = self._step * (math.floor(now / self._step + 1e-9) + 1 - 1e-9)
        try:
            return self._look(self._watch, curve(self._readings), now, at)
        except Exception as error:
            self._look_away(error)
            return None

    async def close(self) -> None:
        """End a back-test that still runs."""
        if self._testing:
            self._testing.cancel()
            await asyncio.gather(self._testing, return_exceptions=True)

    def _look_away(self, error: Exception) -> None:
        # A border: a forecaster that fails says nothing about this experiment, and ends nothing.
        traceback.print_exception(error)
        self._watch = None
        text = f"the forecaster failed and looks away: {error}"
        self._journal.append(Warned(text=text, experiment=self._experiment_number))

    @property
    def _experiment_number(self) -> int | None:
        return self._experiment.number if self._experiment else None

    @property
    def _step(self) -> float:
        seconds = self._config.check_seconds
        return (
            1 / CHECKS
            if seconds is None or self._task.budget.kind == "steps"
            else min(0.5, seconds / self._task.budget.amount)
        )

    def _look(self, watch: Watch, seen: Curve, share: float, at: float) -> AbortSuggested | None:
        assert self._experiment is not None, "only an attempt that began is looked at"
        forecast = watch.look(seen, share)
        number, attempt = self._experiment.number, self._experiment.attempt
        self._journal.telemetry.add_forecast(number, attempt, at, forecast)
        self.looks += 1
        if not forecast.abort or self._suggested:
            return None
        self._suggested = True
        return AbortSuggested(
            experiment=number,
            attempt=attempt,
            forecaster=self._config.forecaster,
            mode=self._mode(number),
            share=share,
            mean=forecast.mean,
            sd=forecast.sd,
            p_better=forecast.p_better,
            saves_seconds=self._seconds(forecast, at),
            reason=forecast.reason,
        )

    def _mode(self, number: int) -> Literal["shadow", "audit", "acts"]:
        state = self._journal.state
        if state.trusted_by is None or state.gates["run"] in RUN_ONLY:
            return "shadow"
        return "audit" if audited(state.run, number, share=self._config.audit) else "acts"

    def _seconds(self, forecast: Forecast, at: float) -> float:
        """What an abort now would save: the time for the rest of the budget, at the pace so far."""
        return at * (1 - forecast.share) / forecast.share if forecast.share > 0 else 0.0

    def _setting(self, history: tuple[Past, ...]) -> Setting:
        budget, metric = self._task.budget, self._task.metric
        return Setting(
            direction=metric.direction,
            history=history,
            best=self._journal.state.best_value,
            noise=metric.noise,
            margin_sigma=self._config.margin_sigma,
            budget=budget.amount,
            unit="steps" if budget.kind == "steps" else "s",
        )

    def _history(self) -> tuple[Past, ...]:
        state = self._journal.state
        # What scored on other tests has no number that could be compared.
        of_now = (e for e in state.experiments.values() if e.suite == state.lineage.suite or e.value is None)
        known = {e.number: (e.number, e.suite) for e in of_now if ran(e)}
        wanted = {key for number, key in known.items() if number == state.best}.union(
            list(known.values())[-LONGEST_HISTORY:]
        )
        self._past = {key: self._past.get(key) or self._read(key[0]) for key in sorted(wanted)}
        return tuple(past for past in self._past.values() if past is not None)

    def _read(self, number: int) -> Past | None:
        points = self._journal.telemetry.points(number)
        return past_of(self._journal.state.experiments[number], points, self._task.budget)

    def _prove(self, history: tuple[Past, ...], number: int) -> None:
        """Test the forecaster on the run's own experiments, in the background and less often as they grow many."""
        due = len(history) >= ENOUGH and number >= self._tested * 1.2
        if self._journal.state.trusted_by is None and due and (self._testing is None or self._testing.done()):
            self._tested = number
            self._testing = asyncio.create_task(self._test(history))

    async def _test(self, history: tuple[Past, ...]) -> None:
        try:
            proof = await asyncio.to_thread(
                proven,
                history,
                self._forecaster,
                direction=self._task.metric.direction,
                error_budget=self._config.error_budget,
                noise=self._task.metric.noise,
                margin_sigma=self._config.margin_sigma,
            )
        except Exception:
            traceback.print_exc()  # what cannot be tested is not proved; it stays in shadow
            return
        if proof.proven and self._journal.state.trusted_by is None:
            self._journal.append(ForecasterTrusted(by="its back-test", why=proof.sentence))
