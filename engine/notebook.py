"""A repository's notebook: what outside agents wrote down of their hypotheses and trials, as facts in a ledger of its own.

All working trees of one repository share it, and any number of processes may write: whoever writes holds the notebook's lock
from reading what is there to adding a fact, so no name is given twice. A repository that moves begins a new one.
"""

import fcntl
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, get_args

from pydantic_core import from_json

from . import foreign, home
from .errors import ConfigError, StateFolderError
from .events import Mechanism
from .foreign import Row
from .ledger import Facts
from .trials import HypothesisStated, Pages, TrialEnded, TrialFact, TrialOpened, TrialVerdict, read

_NAME: Final = re.compile(r"[eh][1-9][0-9]{0,8}")
_METRICS_BYTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody works: the repository, or else the folder, and the part of it."""

    root: Path
    """What all working trees have in common: the repository's git folder."""
    name: str
    task: str
    """The path inside the working tree with - for /; "" for the whole of it."""


def place_of(folder: Path) -> Place:
    """Where a folder is: in a git repository, or by itself."""
    folder = folder.resolve()
    for tree in (folder, *folder.parents):
        if common := _common(tree / ".git"):
            name = common.parent.name if common.name == ".git" else common.name
            return Place(common, name, "-".join(folder.relative_to(tree).parts))
    return Place(folder, folder.name, "")


def _common(entry: Path) -> Path | None:
    """The git folder that all working trees share, from the `.git` of one of them."""
    try:
        if not entry.is_file():
            return entry.resolve() if (entry / "HEAD").exists() else None
        own = entry.parent / entry.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        shared = own / "commondir"
        return (own / shared.read_text(encoding="utf-8").strip() if shared.exists() else own).resolve()
    except (OSError, UnicodeDecodeError):
        return None


class Taken(NamedTuple):
    """What was taken in from elsewhere."""

    hypotheses: int
    trials: int
    results: int
    renamed: Mapping[str, str]
    """What could not keep its name, because another has it here."""
    orphans: int
    """Rows that belong to nothing that is there."""


class Notebook:
    """A repository's notebook, seen from one of its folders."""

    def __init__(self, place: Path | Place) -> None:
        """The notebook of a folder; nothing is made before something is written."""
        self.place = place if isinstance(place, Place) else place_of(place)
        digest = hashlib.sha256(str(self.place.root).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.place.name)[:40]
        self.folder = home.home() / "notebooks" / f"{name}-{digest}"

    @property
    def task(self) -> str:
        """What a trial opened here belongs to; a dot is the whole repository."""
        return self.place.task or "."

    def pages(self) -> Pages:
        """All that stands in it."""
        if not (self.folder / "run.db").exists():
            return Pages()
        with closing(self._ledger()) as ledger:
            return _folded(ledger)

    def state(self, title: str, mechanism: str, *, by: str) -> str:
        """Write down a hypothesis; its name. ConfigError without a title or a mechanism."""
        if not title.strip() or not mechanism.strip():
            raise ConfigError(
                'a hypothesis needs a title and a mechanism: lab hypothesis "what" -m "why it should work"'
            )
        with self._writing() as pages:
            name = _next("h", pages.known.hypotheses)
            pages.add(HypothesisStated(hypothesis=name, title=title, mechanism=mechanism, by=by))
            return name

    def begin(self, hypothesis: str, *, by: str) -> str:
        """Open a trial of a hypothesis; its name. ConfigError when nobody stated that hypothesis."""
        with self._writing() as pages:
            if hypothesis not in pages.known.hypotheses:
                raise ConfigError(
                    f'there is no hypothesis {hypothesis!r}; state one first: lab hypothesis "what" -m "why it should work"'
                )
            name = _next("e", pages.known.trials)
            pages.add(TrialOpened(trial=name, hypothesis=hypothesis, task=self.task, by=by))
            return name

    def end(
        self, trial: str, verdict: TrialVerdict, *, metrics: str, mechanism: Mechanism, theory: str, by: str
    ) -> None:
        """Write down what came of a trial, in place of what was said before. ConfigError when there is no such trial."""
        told = TrialEnded(
            trial=trial, verdict=verdict, metrics=_metrics(metrics), mechanism=mechanism, theory=theory, by=by
        )
        with self._writing() as pages:
            if trial not in pages.known.trials:
                raise ConfigError(f"there is no experiment {trial!r}; open one first: lab experiment HYPOTHESIS")
            pages.add(told)

    def take_in(self, file: Path, *, by: str) -> Taken:
        """Add what stands in an experiments.db and is not here yet: all of it, or nothing and a ConfigError."""
        tables = foreign.read(file)
        with self._writing() as pages:
            try:
                return _Taking(pages, by).all(tables)
            except (ValueError, TypeError) as error:
                raise ConfigError(f"{file} holds what no lab writes: {error}") from None

    def _ledger(self) -> Facts[TrialFact]:
        return Facts(self.folder / "run.db", read)

    @contextmanager
    def _writing(self) -> Iterator["_Writing"]:
        """What is there, and a way to add to it; all that was added is written at the end, if nothing went wrong."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = open(self.folder / "lock", "ab")  # noqa: SIM115
        except OSError as error:
            raise StateFolderError(f"the notebook {self.folder} cannot be written: {error.strerror}") from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with closing(self._ledger()) as ledger:
                pages = _Writing(_folded(ledger))
                yield pages
                ledger.append(*pages.added)


class _Writing:
    def __init__(self, known: Pages) -> None:
        self.known, self.added = known, list[TrialFact]()

    def add(self, fact: TrialFact) -> None:
        self.known.apply(0, fact)
        self.added.append(fact)


class _Taking:
    """Brings rows from elsewhere in, under names that are free here."""

    def __init__(self, pages: _Writing, by: str) -> None:
        self._pages, self._by, self._known = pages, by, pages.known
        self._renamed: dict[str, str] = {}
        self._orphans = 0

    def all(self, tables: foreign.Tables) -> Taken:
        hypotheses = self._hypotheses(tables.hypotheses)
        trials = self._trials(tables.experiments, hypotheses)
        self._results(tables.results, trials)
        kinds = [type(fact) for fact in self._pages.added]
        return Taken(
            kinds.count(HypothesisStated), kinds.count(TrialOpened), kinds.count(TrialEnded), self._renamed, self._orphans
        )  # fmt: skip

    def _hypotheses(self, rows: Sequence[Row]) -> dict[str, str]:
        return {
            _text(row, "id"): self._known.origins.get(origin := _origin("hypothesis", row)) or self._stated(row, origin)
            for row in rows
        }

    def _stated(self, row: Row, origin: str) -> str:
        name = self._named(_text(row, "id"), "h", self._known.hypotheses)
        self._pages.add(
            HypothesisStated(
                hypothesis=name, title=_text(row, "title"), mechanism=_text(row, "mechanism"),
                by=self._by, origin=origin, happened_at=_time(row),
            )
        )  # fmt: skip
        return name

    def _trials(self, rows: Sequence[Row], hypotheses: Mapping[str, str]) -> dict[str, str]:
        return {
            _text(row, "id"): self._known.origins.get(origin := _origin("experiment", row))
            or self._opened(row, origin, of)
            for row in rows
            if (of := self._belongs(_text(row, "hypothesis_id"), hypotheses))
        }

    def _opened(self, row: Row, origin: str, hypothesis: str) -> str:
        name = self._named(_text(row, "id"), "e", self._known.trials)
        self._pages.add(
            TrialOpened(
                trial=name, hypothesis=hypothesis, task=_text(row, "task_id") or ".",
                by=self._by, origin=origin, happened_at=_time(row),
            )
        )  # fmt: skip
        return name

    def _results(self, rows: Sequence[Row], trials: Mapping[str, str]) -> None:
        for row in rows:
            origin, trial = _origin("result", row), self._belongs(_text(row, "experiment_id"), trials)
            if trial and origin not in self._known.origins:
                confirmed = row["mechanism_confirmed"]
                self._pages.add(
                    TrialEnded(
                        trial=trial, verdict=_verdict(row), metrics=_metrics(_text(row, "metrics_json") or "{}"),
                        mechanism="open" if confirmed is None else "confirmed" if confirmed else "refuted",
                        theory=_text(row, "theory_revision"), by=self._by, origin=origin, happened_at=_time(row),
                    )
                )  # fmt: skip

    def _belongs(self, there: str, names: Mapping[str, str]) -> str | None:
        self._orphans += there not in names
        return names.get(there)

    def _named(self, there: str, letter: str, taken: Mapping[str, object]) -> str:
        if _NAME.fullmatch(there) and there[0] == letter and there not in taken:
            return there
        name = _next(letter, taken)
        self._renamed[there] = name
        return name


def _folded(ledger: Facts[TrialFact]) -> Pages:
    pages = Pages()
    for _, at, fact in ledger.since():
        pages.apply(at, fact)
    return pages


def _next(letter: str, taken: Mapping[str, object]) -> str:
    return f"{letter}{1 + max((int(name[1:]) for name in taken), default=0)}"


def _metrics(text: str) -> str:
    """A JSON object as it is kept: what is no finite number in it is null."""
    try:
        found = from_json(text)
        if not isinstance(found, dict) or len(text) > _METRICS_BYTES:
            raise ValueError("it is no object" if len(text) <= _METRICS_BYTES else "it is too long")
        return json.dumps(_finite(found), ensure_ascii=False)
    except ValueError as error:
        raise ConfigError(
            f"the metrics {text[:80]!r} are no JSON object ({error}); write them as in --metrics '{{\"val_bpb\": 0.99}}'"
        ) from None


def _finite(value: object) -> object:
    match value:
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list():
            return [_finite(inner) for inner in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def _origin(table: str, row: Row) -> str:
    return hashlib.sha256(json.dumps([table, row], sort_keys=True, default=repr).encode()).hexdigest()[:32]


def _text(row: Row, column: str) -> str:
    value = row[column]
    if not isinstance(value, str | None):
        raise TypeError(f"{column} is {value!r}, which is no text")
    return value or ""


def _verdict(row: Row) -> TrialVerdict:
    for verdict in get_args(TrialVerdict):
        if verdict == row["verdict"]:
            return verdict  # type: ignore[no-any-return]
    raise ValueError(f"the verdict of {_text(row, 'experiment_id')} is {row['verdict']!r}")


def _time(row: Row) -> float:
    when = datetime.fromisoformat(_text(row, "created_at"))
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
