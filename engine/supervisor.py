"""One engine process: it puts the parts together, takes up what a killed engine left, runs strategy and inbox, and says why it ends."""

import asyncio
import os
import platform
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import home, program
from .agents.crew import Crew
from .archive import Archive
from .bench import Bench
from .books import Books
from .config import RunConfig, Tier
from .desk import Desk
from .errors import Blocked, LedgerError, NothingToPropose, TaskError, UserError
from .events import AnyFact, AttemptLost, EngineStarted, Resumed, RunOpened, Stopped, Warned, WentOn
from .gate import Gates
from .inbox import Inbox
from .journal import Journal
from .jury import Jury
from .lab import Lab, Stopping
from .ledger import Ledger
from .machine import has_gpu
from .proposers import proposer
from .registry import AGENTS
from .repository.workspace import Workspace
from .reviewer import Reviewer
from .running.runner import Runner
from .sandbox.means import Host
from .sandbox.proof import Proof, prove
from .sandbox.sandbox import Sandbox
from .state import Experiment, State
from .strategies import strategy
from .suites import Suites
from .task import SHIPPED, Task, load, locate
from .telemetry import Telemetry
from .watcher import Watcher

SECONDS_BETWEEN_FLUSHES = 0.25
SECONDS_BETWEEN_THOUGHTS = 0.05
"""Somebody reads along, so a first piece is written as it comes; what follows it soon is written together."""


async def supervise(run_dir: Path, *, at_most: Tier | None = None) -> Stopped:
    """Work on a run until it ends; the fact that says why is in the ledger when this returns.

    at_most  the tightest containment that is tried; a test of poorer machines
    """
    config = RunConfig.model_validate_json((run_dir / "run.json").read_text(encoding="utf-8"))
    journal = Journal(Ledger.of(run_dir), Telemetry.of(run_dir), ballast=run_dir / "ballast")
    try:
        stopped = await _work(run_dir, config, journal, Host.here().at_most(at_most) if at_most else None)
    except UserError as error:
        stopped = Stopped(because="user_error", detail=str(error))
    except Exception as error:
        journal.append(Stopped(because="engine_failed", detail=f"{type(error).__name__}: {error}"))
        raise
    journal.append(stopped)
    journal.telemetry.close()
    return stopped


async def _work(run_dir: Path, config: RunConfig, journal: Journal, host: Host | None) -> Stopped:
    workspace, task = _open(run_dir, config, journal)
    propose, loop = proposer(config.proposer, config.agent), strategy(config.strategy)
    proof = await prove(run_dir / "proof", minimum=config.sandbox, host=host)
    agents = proof.taken.of_agents if config.proposer.partition(":")[0] in AGENTS else ()
    journal.append(*_recovered(journal.state, proof, (*proof.not_protected, *agents)))
    runner = Runner(
        task,
        run_dir,
        workdir=workspace.work_folder,
        pristine=workspace.pristine_folder,
        seed=config.seed,
        sandbox=sandbox_for(proof, run_dir, config, task),
    )
    gates = Gates(journal)
    watcher = Watcher(task=task, config=config, journal=journal)
    books = Books(journal=journal, run_dir=run_dir)
    books.close_open()
    bench = Bench(
        task=task,
        journal=journal,
        workspace=workspace,
        runner=runner,
        gates=gates,
        watcher=watcher,
        seed=config.seed,
        one_seed=config.keep == "improve",
        suites=Suites(task, workspace.pristine_folder, run_dir) if task.suite else None,
        judge=Jury(config, journal=journal, books=books) if config.judge else None,
    )
    archive = Archive(task=task, journal=journal, workspace=workspace, run_dir=run_dir)
    contain = partial(sandbox_for, proof, run_dir, config, task)
    crew = Crew(
        task=task,
        config=config,
        journal=journal,
        gates=gates,
        books=books,
        workspace=workspace,
        run_dir=run_dir,
        backend=propose,
        contain=contain,
    )
    desk = Desk(
        task=task,
        config=config,
        journal=journal,
        gates=gates,
        books=books,
        workspace=workspace,
        proposer=propose,
        archive=archive,
        run_dir=run_dir,
        contain=contain,
        agents=crew.live,
    )
    lab = Lab(
        task=task,
        config=config,
        journal=journal,
        gates=gates,
        bench=bench,
        desk=desk,
        archive=archive,
        run_dir=run_dir,
        reviewer=Reviewer(config=config, journal=journal, books=books, run_dir=run_dir),
        crew=crew,
    )
    if not journal.state.paused_by:
        lab.resumed.set()
    inbox = Inbox(journal=journal, lab=lab, gates=gates, bench=bench, runner=runner)
    path = _program(config, task)
    if fact := program.read(path, journal.state.program.text if journal.state.program else "", otherwise=task.words):
        journal.append(fact)
    try:
        async with _signals(journal), _background(inbox.watch(), _flush(journal), _follow(path, journal)):

            async def work() -> None:
                await lab.unless_stopped(runner.prepare())
                workspace.pristine()
                runner.make_spare()
                await loop(lab)

            return await _loop(work(), lab)
    finally:
        await watcher.close()
        await runner.close()


async def _loop(running: Awaitable[None], lab: Lab) -> Stopped:
    asked = lab.state
    try:
        await running
    except Stopping:
        stop = asked.stop_asked
        assert stop is not None, "only a command that is a fact sets the stop"
        because = "signal" if stop.signal else "person"
        detail = f"signal {stop.signal}, passed on by {stop.by}" if stop.signal else f"stopped by {stop.by}"
        return Stopped(because=because, detail=detail, signal=stop.signal)
    except NothingToPropose as end:
        return Stopped(because="nothing_to_propose", detail=str(end))
    except Blocked as block:
        return Stopped(because=block.because, detail=str(block))
    assert lab.ending is not None, "a strategy ends when the lab says so"
    return Stopped(because=lab.ending.because, detail=lab.ending.detail)


def _open(run_dir: Path, config: RunConfig, journal: Journal) -> tuple[Workspace, Task]:
    if journal.state.opened or (run_dir / "repo.git").exists():
        workspace = Workspace.open(run_dir)
        workspace.pristine()
        task = load(str(workspace.pristine_folder))
    else:
        task = load(config.task)
        workspace = Workspace.create(
            run_dir,
            task.folder,
            editable=task.editable,
            frozen=task.frozen,
            unseen=task.unseen,
            run_name=config.run,
            use_repository=not task.folder.is_relative_to(SHIPPED),
            when=int(time.time()),
        )
    opened = journal.state.opened
    task = task.with_budget(opened.budget) if opened else task.on(gpu=has_gpu())
    task = task.judged() if config.judge else task
    if task.needs_judge:
        raise TaskError(f"task {task.name}: {task.needs_judge}")
    if opened is None:
        journal.append(
            _opened(config, task, workspace), *(Warned(text=text) for text in (*task.remarks, *workspace.warnings))
        )
    return workspace, task


def _program(config: RunConfig, task: Task) -> Path:
    """The user's own file, also where the task is read from the run's copy of it."""
    try:
        return config.program or locate(config.task) / task.program.name
    except TaskError:
        return task.program


def _opened(config: RunConfig, task: Task, workspace: Workspace) -> RunOpened:
    return RunOpened(
        run=config.run,
        task=task.name,
        metric=task.metric,
        budget=task.budget,
        config=config,
        base_commit=workspace.base,
        repository=workspace.facts.repository,
    )


def sandbox_for(proof: Proof, run_dir: Path, config: RunConfig, task: Task, more: Sequence[str] = ()) -> Sandbox:
    """Boxes in which neither the runs are seen, nor what is set for all of them, nor the folder that the task came from.

    more  programs that will be started, besides the task's
    """
    origin = Path(config.task).expanduser()
    hidden = [run_dir, run_dir.parent, home.config(), SHIPPED, *([origin] if origin.exists() else [])]
    commands = [command.command for command in (task.prepare, task.run, task.evaluate) if command]
    programs = {*more, *(command[0] for command in commands if command[0] != "{python}")}
    return Sandbox(proof.taken.means, hidden=hidden, commands=sorted(programs))


def _recovered(state: State, proof: Proof, not_protected: tuple[str, ...]) -> tuple[AnyFact, ...]:
    """The facts that an engine begins with: it works now, and takes up what the last one left."""
    current, was_killed = state.current, state.engine is not None and state.stopped is None
    lost = current.number if current and current.step == "running" else None
    why = f"the engine {'was killed' if was_killed else 'failed'} while it ran"
    facts: list[AnyFact] = [
        _engine_started(_what_was_left(current, lost) if was_killed else "", proof, not_protected),
        *_went_on(state),
    ]
    if state.paused_why:  # whoever starts an engine has mended it, or will hear of it again
        facts.append(Resumed(by="the new engine"))
    if current is not None and lost is not None:
        facts.append(AttemptLost(experiment=lost, attempt=current.attempt, why=why))
    return tuple(facts)


def _went_on(state: State) -> tuple[WentOn, ...]:
    """The end of a wait that a killed engine did not come to; it lasted until that engine's last fact at least."""
    if (waits := state.backing_off) is None:
        return ()
    until = min(state.at, waits.until)
    return (WentOn(experiment=waits.experiment, waited_seconds=max(0.0, until - state.backing_off_since)),)


def _what_was_left(current: Experiment | None, lost: int | None) -> str:
    if current is None:
        return "the last engine ended between two experiments; nothing was lost"
    if lost is not None:
        return f"the last engine was killed while #{lost} ran; it is run again"
    return f"the last engine was killed when #{current.number} was {current.step}; it goes on from there"


def _engine_started(recovered: str, proof: Proof, not_protected: tuple[str, ...]) -> EngineStarted:
    versions = {
        "loopwatch": version("loopwatch"),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }
    return EngineStarted(
        pid=os.getpid(),
        host=socket.gethostname(),
        versions=versions,
        not_protected=not_protected,
        sandbox=proof.tier,
        sandbox_of=proof.taken.means.words,
        recovered=recovered,
    )


@asynccontextmanager
async def _background(*forever: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run coroutines beside the body; the first of them that fails ends it, and the body's end ends them."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in forever]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several


async def _flush(journal: Journal) -> None:
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_THOUGHTS)
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_BETWEEN_FLUSHES - SECONDS_BETWEEN_THOUGHTS):
                await journal.heard.wait()
        journal.flush()


async def _follow(path: Path, journal: Journal) -> None:
    async for fact in program.edits(path, journal.state.program.text if journal.state.program else ""):
        journal.append(fact)


@asynccontextmanager
async def _signals(journal: Journal) -> AsyncIterator[None]:
    """SIGTERM and SIGINT ask for a stop like anybody else: in the inbox, the second time at once."""
    from .commands import Stop

    loop = asyncio.get_running_loop()
    seen: list[int] = []

    def ask(number: int) -> None:
        try:
            journal.ask(Stop(now=bool(seen), signal=number), by="the system", via=f"signal {number}")
        except LedgerError:
            # It cannot be written down. Then the signal does what signals do: a killed engine loses nothing.
            loop.remove_signal_handler(number)
            signal.raise_signal(number)
        seen.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
