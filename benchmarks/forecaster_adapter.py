"""Our forecaster behind the interface of a replay benchmark: reset(ctx), observe(t, loss), observe_val(t, v), decide(t).

ctx holds plain numbers and arrays: budget, direction ("min" or "max"), best, loss_to_metric, and history, a list of dicts
with times, losses, val_times, vals, final, status, stop, loss_to_metric.
"""

from collections.abc import Mapping
from typing import Any

from loopwatch.engine.forecast import Curve, Direction, Forecaster, Past, Reading, Setting, Watch, curve, forecaster

_ENDED: Mapping[str, Any] = {"done": "measured", "aborted": "aborted", "failed": "failed"}


class Adapter:
    """One episode: `reset` for every experiment, then readings and decisions."""

    name = "learned"

    def __init__(self) -> None:
        self._forecaster: Forecaster = forecaster(self.name)
        self._pasts: dict[int, tuple[object, Past]] = {}

    def reset(self, ctx: Mapping[str, Any]) -> None:
        """A new experiment starts."""
        self._budget = float(ctx["budget"])
        self._factor = ctx.get("loss_to_metric")
        self._readings: list[Reading] = []
        self._curve = Curve()
        direction: Direction = "down" if ctx["direction"] == "min" else "up"
        history = tuple(self._past(number, record) for number, record in enumerate(ctx["history"]))
        setting = Setting(direction, history, ctx["best"], budget=self._budget, unit=str(ctx.get("unit", "s")))
        self._watch: Watch = self._forecaster.watch(setting)

    def observe(self, t: float, loss: float) -> None:
        """A training loss."""
        self._readings.append(Reading(t / self._budget, loss=float(loss)))

    def observe_val(self, t: float, v: float) -> None:
        """An intermediate value of the metric."""
        self._readings.append(Reading(t / self._budget, metric=float(v)))

    def decide(self, t: float) -> dict[str, Any]:
        """Whether to abort, and why."""
        live = curve(sorted(self._readings, key=_when), loss_to_metric=self._factor)
        forecast = self._watch.look(live, t / self._budget)
        return {"abort": forecast.abort, "p": forecast.p_better, "mean": forecast.mean, "sd": forecast.sd}

    def _past(self, number: int, record: Mapping[str, Any]) -> Past:
        known = self._pasts.get(id(record))
        if known is None or known[0] is not record:
            known = self._pasts[id(record)] = (record, self._read(number, record))
        return known[1]

    def _read(self, number: int, record: Mapping[str, Any]) -> Past:
        losses = zip(record["times"], record["losses"], strict=True)
        metrics = zip(record["val_times"], record["vals"], strict=True)
        readings = [Reading(float(t) / self._budget, loss=float(loss)) for t, loss in losses]
        readings += [Reading(float(t) / self._budget, metric=float(v)) for t, v in metrics]
        made = curve(sorted(readings, key=_when), loss_to_metric=record.get("loss_to_metric"))
        return Past(number, made, record["final"], _ENDED[record["status"]], min(1.0, record["stop"] / self._budget))


def _when(reading: Reading) -> float:
    return reading.share
