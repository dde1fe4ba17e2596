"""telemetry.db: live curves and streamed text, beside the ledger.

Many rows, written in batches with synchronous=NORMAL: a power cut may take the last quarter of a second, and no fact with it.
"""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, Self

from .events import Heard
from .forecast import Forecast
from .ledger import connect, rows, storable, transaction
from .records import Sample

_SAMPLE = "experiment, attempt, at, step, progress, loss, metric, lr, speed, bad"


_LOOK = "experiment, attempt, at, share, mean, sd, p_better, abort_below, abort, reason"


class Point(NamedTuple):
    """A sample as it was stored; `loss` is NaN where the experiment printed NaN or an infinity."""

    id: int
    experiment: int
    attempt: int
    at: float
    step: int
    progress: float | None
    loss: float | None
    metric: float | None
    lr: float | None
    speed: float | None


class Thought(NamedTuple):
    """A piece of streamed reasoning, as it came."""

    id: int
    experiment: int
    at: float
    text: str
    kind: Heard = "thinking"


class Look(NamedTuple):
    """What the forecaster expected at one moment of an attempt."""

    id: int
    experiment: int
    attempt: int
    at: float
    share: float
    mean: float | None
    sd: float | None
    p_better: float
    abort_below: float
    abort: int
    reason: str


class Telemetry:
    """A run's curves and streamed text."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open or make the database at `path`; `clock` gives the seconds since 1970 that text is dated with."""
        self._clock = clock
        self._db = connect(path, "telemetry.sql", synchronous="normal")
        self._samples: list[tuple[object, ...]] = []
        self._thoughts: list[tuple[int, float, str, Heard]] = []
        self._looks: list[tuple[object, ...]] = []

    @classmethod
    def of(cls, run_dir: Path) -> Self:
        """The telemetry of a run folder."""
        return cls(run_dir / "telemetry.db")

    def add_samples(self, experiment: int, attempt: int, at: float, samples: Iterable[Sample]) -> None:
        """Keep samples until the next flush."""
        for sample in samples:
            bad = sample.loss is not None and not math.isfinite(sample.loss)
            numbers = (
                _finite(sample.loss),
                _finite(sample.metric),
                _finite(sample.lr_multiplier),
                _finite(sample.speed),
            )
            self._samples.append((experiment, attempt, at, sample.step, _finite(sample.progress), *numbers, int(bad)))

    def add_thought(self, experiment: int, text: str, kind: Heard = "thinking") -> None:
        """Keep a piece of text until the next flush; pieces of one kind that follow each other become one row."""
        text = storable(text)
        if self._thoughts and (self._thoughts[-1][0], self._thoughts[-1][3]) == (experiment, kind):
            number, at, before, _ = self._thoughts[-1]
            self._thoughts[-1] = (number, at, before + text, kind)
        else:
            self._thoughts.append((experiment, self._clock(), text, kind))

    def add_forecast(self, experiment: int, attempt: int, at: float, forecast: Forecast) -> None:
        """Keep a look of the forecaster until the next flush."""
        f = forecast
        numbers = (f.share, f.mean, f.sd, f.p_better, f.abort_below, int(f.abort))
        self._looks.append((experiment, attempt, at, *numbers, storable(f.reason)))

    def flush(self) -> None:
        """Write what was kept, in one transaction; LedgerError when it cannot be written, and then it is dropped."""
        if not self._samples and not self._thoughts and not self._looks:
            return
        samples, self._samples = self._samples, []
        thoughts, self._thoughts = self._thoughts, []
        looks, self._looks = self._looks, []
        with transaction(self._db) as db:
            db.executemany(f"insert into forecast ({_LOOK}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", looks)
            db.executemany(f"insert into sample ({_SAMPLE}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", samples)
            db.executemany("insert into thought (experiment, at, text, kind) values (?, ?, ?, ?)", thoughts)

    def points(self, experiment: int, *, after: int = 0) -> list[Point]:
        """The curve of an experiment, all attempts, oldest first."""
        found = rows(
            self._db,
            "select id, experiment, attempt, at, step, progress, case bad when 1 then 'nan' else loss end, metric, lr, speed"
            " from sample where experiment = ? and id > ? order by id",
            experiment,
            after,
        )
        return [Point._make((*row[:6], math.nan if row[6] == "nan" else row[6], *row[7:])) for row in found]

    def losses(self, experiment: int, attempt: int) -> tuple[float, ...]:
        """What an attempt printed of its loss, oldest first."""
        return tuple(p.loss for p in self.points(experiment) if p.attempt == attempt and p.loss is not None)

    def thoughts(self, experiment: int, *, after: int = 0) -> list[Thought]:
        """The streamed text of an experiment, oldest first."""
        found = rows(
            self._db,
            "select id, experiment, at, text, kind from thought where experiment = ? and id > ? order by id",
            experiment,
            after,
        )
        return [Thought(*row) for row in found]

    def looks(self, experiment: int, *, after: int = 0) -> list[Look]:
        """What the forecaster expected of an experiment, oldest first."""
        found = rows(
            self._db, f"select id, {_LOOK} from forecast where experiment = ? and id > ? order by id", experiment, after
        )
        return [Look(*row) for row in found]

    def close(self) -> None:
        """Write what was kept, and give the file back."""
        self.flush()
        self._db.close()


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
