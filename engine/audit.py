"""Whether a run's ledger, repository, logs, briefs and bills agree with each other: every disagreement, in plain sentences.

Covered: any change to what is stored, and whatever the parts say differently. Not covered: a run that was made up as a whole;
and facts cut off at the end together with all that hangs on them. Reads only, also beside a running engine: what is not settled
yet is left out.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from . import chain
from . import events as facts
from .archive import changed, message, trailers
from .chain import Row
from .errors import EditRefused, LedgerError, LoopwatchError, WorkspaceError
from .events import Briefed, ControlMeasured, Entry, Finished, Measured, RepeatMeasured, Reviewed, experiment_of
from .housekeeping import LOGS_BYTES
from .ledger import as_it_stands
from .repository import checkout
from .repository.store import Change, Store, doubted
from .repository.trailers import written
from .repository.workspace import BASE, BRANCH, EXPERIMENTS, Workspace
from .rules import Rules
from .state import Experiment, State

T = TypeVar("T")

Part = Literal["ledger", "facts", "git", "logs", "artefacts", "briefs", "bills"]

PARTS: tuple[Part, ...] = ("ledger", "facts", "git", "logs", "artefacts", "briefs", "bills")

Progress = Callable[[Part, int, int], None]
"""Hears the part that is at work, how much of it is done, and of how much."""

NEW_FILE = 0o100644


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something that is not as something else says."""

    part: Part
    text: str
    experiment: int | None = None
    fact: int | None = None


@dataclass(slots=True)
class Audit:
    """What was compared, and what came of it."""

    disagreements: list[Disagreement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What could not be compared, and why that is no disagreement."""
    compared: dict[str, int] = field(default_factory=dict)
    """How many of what."""

    def found(self, part: Part, text: str, *, experiment: int | None = None, fact: int | None = None) -> None:
        """Write down a disagreement."""
        self.disagreements.append(Disagreement(part, text, experiment, fact))


def audit(run_dir: Path, *, alive: bool, progress: Progress) -> Audit:
    """Compare everything; `alive` says whether an engine works on the run meanwhile."""
    return _Auditor(run_dir, alive, progress).audit()


class _Auditor:
    """One look at one run: the ledger first, then all else against it."""

    def __init__(self, run_dir: Path, alive: bool, progress: Progress) -> None:
        self._run_dir, self._alive, self._progress = run_dir, alive, progress
        self._told, self._state = Audit(), State()
        self._entries: list[Entry] = []
        self._anchors: dict[int, str] = {}

    def audit(self) -> Audit:
        self._ledger()
        if self._state.opened is None:
            self._told.found(
                "facts", "the ledger does not say which run this is, so nothing else can be compared with it"
            )
            return self._told
        for part, check in (
            ("git", self._git),
            ("logs", self._logs),
            ("artefacts", self._artefacts),
            ("briefs", self._briefs),
        ):
            try:
                check()
            except (LoopwatchError, OSError) as error:
                self._told.found(part, str(error))  # type: ignore[arg-type]  # mypy widens the literals of a loop
        self._bills()
        return self._told

    # -- the ledger ----------------------------------------------------------------------------------------------------

    def _ledger(self) -> None:
        rows: list[Row] = []
        try:
            with as_it_stands(self._run_dir / "run.db") as found:
                rows.extend(found)
        except LedgerError as error:
            self._told.found("ledger", str(error))
        self._told.compared["facts"] = len(rows)
        for broken in chain.breaks(self._counted("ledger", rows)):
            self._told.found("ledger", broken.why, fact=broken.seq)
        unhashed = [row.seq for row in rows if not row.hash]
        if unhashed:
            vouched = (
                "the first hash after them vouches for them"
                if len(unhashed) < len(rows)
                else "nothing vouches for them"
            )
            self._told.notes.append(f"{len(unhashed)} facts are from a loopwatch that wrote no hashes; {vouched}")
        self._fold(rows)

    def _fold(self, rows: Sequence[Row]) -> None:
        rules = Rules()
        for row in self._counted("facts", rows):
            try:
                fact = facts.read(row.body)
            except ValidationError:
                self._told.found(
                    "facts", f"fact {row.seq} cannot be understood; what follows it was not compared", fact=row.seq
                )
                return
            number = experiment_of(fact)
            if (row.kind, row.experiment) != (fact.kind, number):
                self._told.found(
                    "facts", f"fact {row.seq} is filed as another than it is", experiment=number, fact=row.seq
                )
            try:
                for text in rules.broken(fact, self._state):
                    self._told.found("facts", text, experiment=number, fact=row.seq)
                self._state.apply(Entry(row.seq, row.at, fact))
            except (LookupError, AssertionError, ValueError, TypeError, AttributeError) as error:
                why = f"{type(error).__name__}: {error}"
                self._told.found(
                    "facts", f"fact {row.seq} does not fit what was told before it ({why}); what follows was not compared", fact=row.seq
                )  # fmt: skip
                return
            self._entries.append(Entry(row.seq, row.at, fact))
            if fact.kind in ("proposed", "measured") and number and self._state.experiments[number].verdict is None:
                self._anchors[number] = row.hash
        self._told.compared["experiments"] = len(self._state.experiments)

    # -- git -----------------------------------------------------------------------------------------------------------

    def _git(self) -> None:
        store, workspace = Store(self._run_dir), Workspace.look(self._run_dir)
        try:
            self._objects(store)
            self._refs(store)
            self._branch(store)
            judged = [e for e in self._state.experiments.values() if e.verdict is not None and e.commit]
            for experiment in self._counted("git", judged):
                self._commit(experiment, store, workspace)
            self._told.compared["commits"] = len(judged)
            with doubted("the base commit"):
                tampered = workspace.tampered(workspace.pristine_folder)
            for path in tampered:
                self._told.found("git", f"{path} in the pristine copy, which measures, is not as it was at the start")
        finally:
            store.close()
            workspace.close()

    def _objects(self, store: Store) -> None:
        names = store.objects()
        for name in self._counted("git", names):
            if problem := store.unsound(name):
                self._told.found("git", problem)
        for problem in store.unsound_packs():
            self._told.found("git", problem)
        self._told.compared["objects"] = len(names)

    def _refs(self, store: Store) -> None:
        refs, opened = store.refs(), self._state.opened
        assert opened is not None
        known = {BASE: opened.base_commit, f"{BRANCH}{opened.run}": ""}
        for experiment in self._state.experiments.values():
            name = f"{EXPERIMENTS}{experiment.number:04d}"
            known[name] = experiment.commit or ""
            if experiment.step == "settled" and experiment.commit and name not in refs:
                self._told.found(
                    "git", f"#{experiment.number} has a commit, but no ref keeps it", experiment=experiment.number
                )
        for name, commit in refs.items():
            if not commit:
                self._told.found("git", f"the file of {name} does not hold a commit's name and nothing else")
            elif name in known and known[name] not in ("", commit):
                self._told.found("git", f"{name} is at {commit[:12]}, but the ledger says {known[name][:12]}")
            elif name not in known and not self._alive:
                self._told.found("git", f"{name} belongs to no experiment of the ledger")
        for name in (BASE, f"{BRANCH}{opened.run}"):
            if name not in refs:
                self._told.found("git", f"{name} is missing")
        self._told.compared["refs"] = len(refs)

    def _branch(self, store: Store) -> None:
        """Nothing but the base and what was kept, in order; what is being settled now may be there or not."""
        opened = self._state.opened
        assert opened is not None
        there = list(_line(store, store.refs().get(f"{BRANCH}{opened.run}", ""), opened.base_commit))
        kept = [e for e in self._state.experiments.values() if e.verdict == "kept" and e.commit]
        must = [str(e.commit) for e in kept if e.step == "settled"]
        may = [str(e.commit) for e in kept]
        if there not in (must, may) and not (self._alive and there[: len(must)] == must):
            names = {e.commit: f"#{e.number}" for e in self._state.experiments.values() if e.commit}
            told = ", ".join(names.get(commit, commit[:12]) for commit in there) or "nothing"
            wanted = ", ".join(names[commit] for commit in must) or "nothing"
            self._told.found("git", f"the branch holds {told}, but what was kept is {wanted}")

    def _commit(self, experiment: Experiment, store: Store, workspace: Workspace) -> None:
        number, opened = experiment.number, self._state.opened
        assert opened is not None
        assert experiment.commit is not None
        try:
            made = store.commit(experiment.commit)
            with doubted(f"its parent {experiment.parent[:12]}"):
                files = changed(experiment, workspace.sources(experiment.parent))
            wrong = [
                *_wrong_making(made.parents, made.when, made.by, experiment),
                *_wrong_words(made.message, made.trailers, experiment),
                *_wrong_trailers(
                    made.trailers, trailers(experiment, experiment, opened.metric.name, anchor=self._anchors.get(number, ""))
                ),
                *_wrong_bytes(
                    store.changes(experiment.parent, experiment.commit),
                    files,
                    workspace.facts.folder,
                ),
            ]  # fmt: skip
        except EditRefused as refusal:
            wrong = [f"its diff does not apply to its parent: {refusal}"]
        except WorkspaceError as error:
            wrong = [str(error)]
        for text in wrong:
            self._told.found("git", f"#{number}: {text}", experiment=number)

    # -- files ---------------------------------------------------------------------------------------------------------

    def _logs(self) -> None:
        folder = self._run_dir / "logs"
        said = [told for entry in self._entries for told in _log_of(entry.fact)]
        pruned = sum(file.stat().st_size for file in folder.glob("*")) > LOGS_BYTES // 2 if folder.exists() else False
        missing = 0
        for number, name, digest in self._counted("logs", said):
            found = checkout.digest(folder / name)
            if not found and pruned:
                missing += 1
            elif found != digest:
                how = "is not as it was when it was finished" if found else "is missing"
                whose = f"#{number}: its log" if number else "the control's log"
                self._told.found("logs", f"{whose} {name} {how}", experiment=number or None)
        if missing:
            self._told.notes.append(f"{missing} old logs were deleted to keep all logs below {LOGS_BYTES >> 30} GiB")
        self._told.compared["logs"] = len(said) - missing

    def _artefacts(self) -> None:
        """Of the best experiment: the others' are deleted."""
        best = self._state.best_experiment
        measured = best.measured if best and best.step == "settled" else None
        if best is None or measured is None:
            return
        for name, digest in self._counted("artefacts", list(measured.artefacts.items())):
            found = checkout.digest(self._run_dir / "out" / f"{best.number:04d}-{measured.attempt}" / name)
            if found != digest and not (self._alive and not found):  # a better one may be settling now
                how = "is not the file that was measured" if found else "is missing"
                self._told.found("artefacts", f"#{best.number}: its {name} {how}", experiment=best.number)
        self._told.compared["artefacts"] = len(measured.artefacts)

    def _briefs(self) -> None:
        said = [
            entry.fact for entry in self._entries if isinstance(entry.fact, Briefed | Reviewed) and entry.fact.digest
        ]
        for fact in self._counted("briefs", said):
            number, digest = fact.experiment, fact.digest
            found = checkout.digest(self._run_dir / "briefs" / f"{digest}.txt")
            if found != digest:
                how = "is not as it was given" if found else "is missing"
                self._told.found("briefs", f"#{number}: the prompt {digest[:12]} {how}", experiment=number)
        self._told.compared["briefs"] = len(said)

    def _bills(self) -> None:
        """The accounts add up a bill at a time as it changes; here each request's last bill is added."""
        sums: dict[int, float] = defaultdict(float)
        for bill in self._state.bills.values():
            sums[bill.asked.experiment] += (bill.billed.usd or 0.0) if bill.billed else 0.0
        accounts = {f"#{e.number}": (sums[e.number], e.spent.usd) for e in self._state.experiments.values()}
        for what, (total, account) in {
            **accounts,
            "the run": (math.fsum(sums.values()), self._state.spent.usd),
        }.items():
            if not math.isclose(total, account, rel_tol=1e-9, abs_tol=1e-9):
                self._told.found("bills", f"the bills of {what} add up to ${total:.6f}, its account to ${account:.6f}")
        self._told.compared["bills"] = len(self._state.bills)

    def _counted(self, part: Part, things: Sequence[T]) -> Iterator[T]:
        for done, thing in enumerate(things):
            if done % 50 == 0:
                self._progress(part, done, len(things))
            yield thing


def _line(store: Store, tip: str, base: str) -> Iterator[str]:
    """The commits from the base, without it, to the tip."""
    line: list[str] = []
    while tip and tip != base:
        line.append(tip)
        parents = store.commit(tip).parents
        tip = parents[0] if parents else ""
    return reversed(line)


def _wrong_making(parents: tuple[str, ...], when: int, by: str, experiment: Experiment) -> Iterator[str]:
    if parents != (experiment.parent,):
        yield f"its commit comes after {', '.join(p[:12] for p in parents) or 'nothing'}, not after {experiment.parent[:12]}"
    if when != int(experiment.began_at) or by != "loopwatch <loopwatch@localhost>":
        yield "its commit was made by somebody else, or at another time"


def _wrong_words(text: str, found: Mapping[str, str], experiment: Experiment) -> Iterator[str]:
    if text != (written(message(experiment), found) if found else ""):
        yield "its commit says other words than the proposal"


def _wrong_trailers(found: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """Trailers that nobody here knows are as they are."""
    for name in sorted({*wanted, *({"Loopwatch-Ledger"} & found.keys())}):
        if found.get(name) != wanted.get(name):
            yield f"its commit says {name}: {found.get(name, 'nothing')}, the ledger {wanted.get(name, 'nothing')}"


def _wrong_bytes(found: Mapping[str, Change], files: Mapping[str, str], folder: str) -> Iterator[str]:
    """Whether a commit is its parent with exactly these files written."""
    wanted = {f"{folder}/{path}" if folder else path: text for path, text in files.items()}
    for path in sorted({*found, *wanted}):
        if path not in wanted:
            yield f"its commit changes {path}, which its diff does not"
        elif path not in found or found[path].blob != checkout.blob_hash(wanted[path].encode()):
            yield f"its commit holds another {path} than its diff makes"
        elif found[path].mode != (found[path].mode_before or NEW_FILE):
            yield f"its commit changes the mode of {path}"


def _log_of(fact: facts.AnyFact) -> Iterator[tuple[int, str, str]]:
    """The experiment, name and digest of a log, where a fact has them."""
    match fact:
        case Finished() if fact.log_digest:
            yield fact.experiment, f"{fact.experiment:04d}-{fact.attempt}.log", fact.log_digest
        case Measured() if fact.log_digest:
            yield fact.experiment, f"{fact.experiment:04d}-{fact.attempt}.evaluate.log", fact.log_digest
        case RepeatMeasured():
            for name, digest in fact.logs.items():
                yield fact.experiment, name, digest
        case ControlMeasured():
            for name, digest in fact.logs.items():
                yield 0, name, digest
        case _:
            pass
