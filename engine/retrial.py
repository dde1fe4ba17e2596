"""python -m loopwatch.engine.retrial RUN_DIR rerun N | ablate | hidden: train again what a run proposed, outside of the run.

The exact bytes, in folders of their own below RUN/retrial, with the task's runner, evaluator and sandbox. The run's ledger and
repository are only read, and none of its folders is used; its data is copied. What happens is told as JSON lines on stdout. It
ends with whoever started it: at the end of stdin, or with a signal, and then nothing of it is left.
"""

import argparse
import asyncio
import fcntl
import json
import os
import secrets
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from . import events
from .archive import changed
from .config import RunConfig
from .editing import edits
from .errors import EditRefused, LoopwatchError, RunInUse, UserError
from .events import Entry, Finished, RepeatStarted, Started
from .judging.judge import measurement
from .ledger import as_it_stands
from .records import Sample
from .repository import checkout
from .repository.workspace import Workspace
from .running.runner import Runner
from .sandbox.proof import prove
from .state import Experiment, State
from .suites import Suites
from .suites import read as read_tests
from .supervisor import sandbox_for
from .task import Task, load

AGREES_SIGMA = 2.0
"""Two runs of the same code differ by less than so many standard deviations of such a difference, in 19 of 20 cases."""


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the code: a commit, with some of the task's files replaced."""

    what: str
    commit: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of one training."""

    what: str
    seed: int
    value: float | None
    problem: str
    wall_seconds: float


@dataclass(frozen=True, slots=True)
class Rerun:
    """One training again, beside what the ledger says of it."""

    experiment: int
    revision: int
    seed: int
    verdict: str
    recorded: float | None
    value: float | None
    problem: str
    noise: float | None
    difference: float | None
    """Positive is better than recorded, in the metric's unit."""
    sigmas: float | None
    """The same in standard deviations of the difference of two trainings."""
    agrees: bool
    """Within the noise; or nothing was recorded to compare with."""


@dataclass(frozen=True, slots=True)
class Without:
    """A kept change, and what the best loses without it."""

    experiment: int
    hypothesis: str
    gain: float | None
    """Its own, when it was kept."""
    lost: float | None
    """Positive: the best is worse without it."""
    error: float | None
    """One standard deviation of `lost`; None where nobody knows."""
    problem: str
    """Why there is no number."""


class Stand:
    """Where versions of a run's code are trained, one at a time."""

    def __init__(self, run_dir: Path, scratch: Path, entries: Sequence[Entry], runner: Runner, task: Task) -> None:
        self.entries, self.task = entries, task
        self.state = State()
        for entry in entries:
            self.state.apply(entry)
        self.workspace = Workspace.look(run_dir)
        self.scratch, self._runner, self._count, self._told_at = scratch, runner, 0, 0.0
        self.pristine = scratch / "pristine" / self.workspace.facts.folder

    @classmethod
    async def of(cls, run_dir: Path, scratch: Path) -> Self:
        """Lay out the pristine copy and the data; the working copy comes with each version."""
        with as_it_stands(run_dir / "run.db") as rows:
            entries = [Entry(row.seq, row.at, events.read(row.body)) for row in rows]
        opened = next((entry.fact for entry in entries if isinstance(entry.fact, events.RunOpened)), None)
        if opened is None:
            raise UserError(f"{run_dir.name} has not begun, so there is nothing to train again")
        workspace = Workspace.look(run_dir)
        pristine = workspace.lay(workspace.base, scratch / "pristine", {}, unseen=True)
        folder = workspace.facts.folder
        workspace.close()
        if (run_dir / "data").exists():
            await asyncio.to_thread(shutil.copytree, run_dir / "data", scratch / "data", symlinks=True)
        config = RunConfig.model_validate_json((run_dir / "run.json").read_text(encoding="utf-8"))
        if config.judge:
            raise UserError(
                f"the numbers of {run_dir.name} are what {config.judge} says, and no model is asked outside of a run"
            )
        task = load(str(pristine)).with_budget(opened.budget)
        proof = await prove(scratch / "proof", minimum=config.sandbox)
        runner = Runner(
            task, scratch, workdir=scratch / "work" / folder, pristine=pristine, seed=config.seed,
            sandbox=sandbox_for(proof, run_dir, config, task),
        )  # fmt: skip
        return cls(run_dir, scratch, entries, runner, task)

    async def train(self, version: Version, seed: int, *, suite: str | Path = "") -> Trained:
        """Train a version and measure it, as the run would, or on the tests of another file, of the task's where it is a name."""
        self._count += 1
        workdir = self.workspace.lay(version.commit, self.scratch / "work", version.files)
        frozen = self.workspace.frozen_digest(workdir)
        began_at = time.time()
        tell("training", what=version.what, seed=seed, training=self._count)
        finished = await self._runner.run(self._count, 1, started=lambda _: None, heard=self._heard, seed=seed)
        value, problem = None, _problem(finished)
        if not problem and self.workspace.frozen_digest(workdir) != frozen:
            problem = "frozen files were changed while it ran"
        if not problem:
            tests = self.pristine / suite if suite else None
            evaluation = await self._runner.evaluate(self._count, 1, since=began_at, suite=tests)
            value, problem = measurement(self.task.metric, evaluation.printed)
            value, problem = (None, evaluation.problem) if evaluation.problem else (value, problem)
        found = Trained(version.what, seed, None if problem else value, problem, finished.wall_seconds)
        self._runner.forget(self._count, 1)
        tell("trained", **asdict(found))
        return found

    def seeds_of(self, experiment: int) -> list[int]:
        """Those that an experiment was trained on, oldest first."""
        facts = [entry.fact for entry in self.entries]
        found = [f.seed for f in facts if isinstance(f, Started | RepeatStarted) and f.experiment == experiment]
        return list(dict.fromkeys(found))

    async def close(self) -> None:
        """End whatever runs, and let go of the files."""
        await self._runner.close()
        self.workspace.close()

    def _heard(self, samples: Sequence[Sample]) -> None:
        progress = next((sample.progress for sample in reversed(samples) if sample.progress is not None), None)
        if progress is not None and time.monotonic() - self._told_at >= 1:
            self._told_at = time.monotonic()
            tell("progress", share=progress, seconds=self._runner.elapsed)


async def rerun(stand: Stand, number: int, *, revision: int | None, seed: int | None) -> Rerun:
    """Train what an experiment proposed once more; UserError where that cannot be done, with the reason."""
    state = stand.state
    experiment = state.experiments.get(number)
    if experiment is None:
        raise UserError(f"there is no experiment {number}; there are {len(state.experiments)}")
    proposals = {
        entry.fact.revision: entry.fact
        for entry in stand.entries
        if isinstance(entry.fact, events.Proposed) and entry.fact.experiment == number
    }
    chosen = max(proposals, default=0) if revision is None else revision
    if chosen not in proposals:
        there = ", ".join(map(str, proposals)) or "none"
        raise UserError(f"#{number} has no proposal of revision {chosen}; there is {there}")
    proposal, is_last = proposals[chosen], chosen == max(proposals)
    try:
        edits.allowed(edits.parse(proposal.diff), stand.task.editable) if proposal.diff else None
        files = changed(Experiment(number, diff=proposal.diff), stand.workspace.sources(proposal.parent))
    except EditRefused as refusal:
        raise UserError(f"#{number} cannot be trained, it was refused before it was applied: {refusal}") from None
    ran_on = [e.fact.seed for e in stand.entries if isinstance(e.fact, Started) and e.fact.experiment == number]
    opened = state.opened
    assert opened is not None
    used = seed if seed is not None else ran_on[-1] if ran_on else opened.config.seed
    found = await stand.train(Version(f"#{number}", proposal.parent, files), used)
    # Trained again, it is scored on the tests that its task began with.
    first = experiment.frozen_score if experiment.suite else experiment.first
    recorded = first if is_last and ran_on else None
    noise, verdict = state.noise.sigma, (experiment.verdict or "") if is_last else "sent back"
    difference = sigmas = None
    if found.value is not None and recorded is not None:
        difference = state.metric.gain(found.value, recorded)
        sigmas = difference / (noise * 2**0.5) if noise else None
    if recorded is None:
        agrees = not (is_last and ran_on) or found.value is None
    else:
        agrees = difference == 0 or (sigmas is not None and abs(sigmas) <= AGREES_SIGMA)
    return Rerun(number, chosen, used, verdict, recorded, found.value, found.problem, noise, difference, sigmas, agrees)


async def hidden(stand: Stand) -> dict[str, Any]:
    """What the baseline and the best score on tests that nothing in the run has seen."""
    suite, state = stand.task.suite, stand.state
    if suite is None or suite.hidden is None:
        raise UserError(f"task {stand.task.name} has no hidden tests: it names none as hidden under [suite]")
    best = state.confirmed_experiment or state.best_experiment
    if best is None or best.commit is None:
        raise UserError("nothing was kept, not even the baseline, so there is nothing to measure")
    seed, number = stand.seeds_of(best.number)[0], best.number
    begun = await stand.train(Version("the baseline", stand.workspace.base, {}), seed, suite=suite.hidden)
    found = begun
    if not best.is_baseline:
        found = await stand.train(Version(f"#{number}, the best", best.commit, {}), seed, suite=suite.hidden)
    tests = len(read_tests(stand.pristine / suite.hidden))
    problem = found.problem or begun.problem
    return {"experiment": number, "baseline": begun.value, "best": found.value, "problem": problem, "tests": tests}


async def ablate(stand: Stand, seeds: int) -> list[Without]:
    """Leave out each kept change in turn, and see what the best loses."""
    state = stand.state
    best, kept = state.best_experiment, [e for e in state.experiments.values() if e.verdict == "kept" and e.commit]
    changes = [experiment for experiment in kept if not experiment.is_baseline]
    if best is None or best.commit is None or not changes:
        raise UserError("nothing was kept beside the baseline, so nothing can be left out")
    chosen = stand.seeds_of(best.number)[:seeds]
    chosen += [secrets.randbelow(2**31) for _ in range(seeds - len(chosen))]
    versions = {e.number: _without(e, best.commit, stand.workspace) for e in changes}
    separable = {number: version for number, version in versions.items() if isinstance(version, Version)}
    seconds = best.finished.wall_seconds if best.finished else 0.0
    tell("plan", trainings=len(chosen) * (1 + len(separable)), seconds_each=seconds, seeds=chosen)
    # Where the suite grew, changes that new tests made worth while show on those.
    suite = Suites(stand.task, stand.pristine, stand.scratch).file(state.lineage) if state.lineage.suite else ""
    whole = [
        await stand.train(Version(f"#{best.number}, the best", best.commit, {}), seed, suite=suite) for seed in chosen
    ]
    found = []
    for experiment in changes:
        version = versions[experiment.number]
        gain = experiment.gain
        if isinstance(version, str):
            found.append(Without(experiment.number, experiment.hypothesis, gain, None, None, version))
            continue
        parts = [await stand.train(version, seed, suite=suite) for seed in chosen]
        lost, error, problem = _lost(whole, parts, state)
        found.append(Without(experiment.number, experiment.hypothesis, gain, lost, error, problem))
        tell("without", **asdict(found[-1]))
    return found


def _without(experiment: Experiment, best: str, workspace: Workspace) -> Version | str:
    """The best version without one change, or why there is none."""
    assert experiment.commit is not None
    before, after, whole = (workspace.sources(commit) for commit in (experiment.parent, experiment.commit, best))
    paths = [path for path in after if after[path] != before.get(path)]
    if new := [path for path in paths if path not in before]:
        return f"it cannot be separated: it added {', '.join(new)}"
    refused = ""
    for context in (3, 1, 0):
        back = "".join(edits.render(path, after[path], before[path], context=context) for path in sorted(paths))
        patches = edits.parse(back)
        if not all(hunk.before for patch in patches for hunk in patch.hunks):
            break  # nothing says where the lines belong that it took out
        try:
            return Version(f"without #{experiment.number}", best, edits.apply(patches, whole))
        except EditRefused as refusal:
            refused = refused or str(refusal)
    return f"it cannot be separated from what came after it: {refused}"


def _lost(whole: Sequence[Trained], parts: Sequence[Trained], state: State) -> tuple[float | None, float | None, str]:
    """How much better the whole is than the part, on the same seeds, and how sure that is."""
    pairs = [
        (w.value, p.value) for w, p in zip(whole, parts, strict=True) if w.value is not None and p.value is not None
    ]
    if not pairs:
        return None, None, next((t.problem for t in (*parts, *whole) if t.problem), "no number")
    lost = [state.metric.gain(w, p) for w, p in pairs]
    noise = state.noise.sigma
    error = statistics.stdev(lost) / len(lost) ** 0.5 if len(lost) > 1 else noise * 2**0.5 if noise else None
    return statistics.fmean(lost), error, ""


def _problem(finished: Finished) -> str:
    if finished.evidence:
        return "it changed something that it may not"
    if finished.reason == "exited" and finished.exit_code == 0:
        return ""
    how = finished.reason.replace("_", " ")
    if finished.reason == "exited":
        how = f"signal {finished.signal}" if finished.signal else f"exit code {finished.exit_code}"
    return f"{how}: {finished.detail}" if finished.detail else how


# -- the process -------------------------------------------------------------------------------------------------------


def tell(kind: str, **fields: Any) -> None:
    """One JSON line for whoever started this."""
    with suppress(BrokenPipeError):
        print(json.dumps({"kind": kind, **fields}), flush=True)


@contextmanager
def scratch_of(run_dir: Path) -> Iterator[Path]:
    """A folder of its own, for one retrial of a run at a time; what a killed one left is swept away."""
    folder = run_dir / "retrial"
    with open(run_dir / "retrial.lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunInUse(
                f"something of {run_dir.name} is being trained again already; wait for it, or stop it"
            ) from None
        checkout.remove(folder)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            checkout.remove(folder)


async def _work(args: argparse.Namespace) -> None:
    with scratch_of(args.run_dir) as scratch:
        stand = await Stand.of(args.run_dir, scratch)
        try:
            if args.what == "hidden":
                tell("hidden", **await hidden(stand))
            elif args.what == "rerun":
                found = await rerun(stand, args.number, revision=args.revision, seed=args.seed)
                tell("rerun", **asdict(found), metric=stand.task.metric.name)
            else:
                rows = await ablate(stand, args.seeds)
                tell("ablation", metric=stand.task.metric.name, changes=[asdict(row) for row in rows])
        finally:
            await stand.close()


async def _until_left(args: argparse.Namespace) -> None:
    """The work, ended early by a signal or by the end of stdin: whoever started this has gone."""
    loop, work = asyncio.get_running_loop(), asyncio.ensure_future(_work(args))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, work.cancel)
    loop.add_reader(0, lambda: os.read(0, 1024) or work.cancel())
    try:
        await work
    finally:
        loop.remove_reader(0)


def main() -> int:
    """Exit codes: 0 it was done, 1 it cannot be done (the last line says why), 130 it was ended early."""
    parser = argparse.ArgumentParser(prog="loopwatch.engine.retrial")
    parser.add_argument("run_dir", type=Path)
    kinds = parser.add_subparsers(dest="what", required=True)
    again = kinds.add_parser("rerun")
    again.add_argument("number", type=int)
    again.add_argument("--revision", type=int)
    again.add_argument("--seed", type=int)
    kinds.add_parser("hidden")
    kinds.add_parser("ablate").add_argument("--seeds", type=int, default=1)
    try:
        asyncio.run(_until_left(parser.parse_args()))
    except asyncio.CancelledError:
        return 130
    except LoopwatchError as error:
        tell("error", text=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
