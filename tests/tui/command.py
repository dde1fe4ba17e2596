"""The real command line, and runs whose facts a test writes itself."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine import events
from loopwatch.engine.client import Run
from loopwatch.engine.config import RunConfig
from loopwatch.engine.events import AnyFact
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.task import Budget, Metric
from loopwatch.tui.cli import main
from tests.waiting import until

CLI = [sys.executable, "-m", "loopwatch.tui.cli"]
UNCONTAINED = ("--sandbox", "none")
"""For a run that is about something else: its engine has no box to prove, and its trainings none to build."""

METRIC = Metric(name="val_bpb", direction="down", unit="bits per byte", noise=0.008)
BUDGET = Budget(kind="cpu_seconds", amount=20, wall_seconds=120)

Json = Any


class Command:
    """`loopwatch`, with its runs kept in one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "LOOPWATCH_HOME": str(home), "LOOPWATCH_USER": "anna", "NO_COLOR": "1"}

    def __call__(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end, without a terminal, in this process: a third of a second is saved where nothing else is lost."""
        out, err = _Pipe(), _Pipe()
        with pytest.MonkeyPatch.context() as shell:
            for name, value in self.environment.items():
                shell.setenv(name, value)
            shell.chdir(self.home)
            shell.setattr(sys, "stdin", io.StringIO(stdin))
            shell.setattr(sys, "stdout", out)
            shell.setattr(sys, "stderr", err)
            try:
                code = main(args)
            except SystemExit as end:  # argparse's own way
                code = int(end.code or 0)
        return subprocess.CompletedProcess(args, int(code), out.text, err.text)

    def process(self, *args: str) -> subprocess.CompletedProcess[str]:
        """The same in a process of its own."""
        return subprocess.run(
            [*CLI, *args],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def background(self, *args: str) -> subprocess.Popen[str]:
        """Start it, without a terminal; its lines go to `out` and `err` beside the runs."""
        with open(self.home / "out", "w") as out, open(self.home / "err", "w") as err:
            return subprocess.Popen(
                [*CLI, *args],
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
                # Whoever runs the tests in the background may have them ignore Ctrl+C, and so would this.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def json(self, *args: str) -> Json:
        """What it prints as JSON."""
        return json.loads(self(*args, "--json").stdout)

    def until_state(self, *words: str) -> Json:
        """The status of the newest run, once its state is one of `words`."""

        def reached() -> Json:
            status = self.json("status")
            return status if status["state"] in words else None

        return until(reached, seconds=60, every=0.05)

    def until_printed(self, text: str, *, where: str = "out") -> None:
        """Return once a background command has printed `text`."""
        until(lambda: text in (self.home / where).read_text(), seconds=60)


class _Pipe(io.TextIOWrapper):
    """A standard stream that is no terminal."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        """What was written."""
        return self._bytes.getvalue().decode()


def opened(name: str = "made-1", **settings: Any) -> events.RunOpened:
    """The first fact of a run."""
    config = RunConfig(run=name, task="made", **settings)
    return events.RunOpened(run=name, task="made", metric=METRIC, budget=BUDGET, config=config, base_commit="0" * 40)


def started(pid: int = 1) -> events.EngineStarted:
    """An engine took the run."""
    return events.EngineStarted(pid=pid, host="here", versions={})


def proposed(number: int, hypothesis: str, *, mechanism: str = "", diff: str = "") -> list[AnyFact]:
    """A proposal, from the question to the diff."""
    return [
        events.Proposing(experiment=number, revision=1, proposer="scripted"),
        events.Proposed(
            experiment=number,
            revision=1,
            author="scripted",
            hypothesis=hypothesis,
            mechanism=mechanism,
            diff=diff,
            digest="d",
            parent="p",
        ),
    ]


def judged(
    number: int, verdict: events.Verdict, value: float | None = None, *, reason: str = "", commit: str | None = None
) -> list[AnyFact]:
    """A verdict, and the branch where it belongs."""
    return [
        events.Judged(
            experiment=number, verdict=verdict, value=value, reason=reason or verdict, by="judge", commit=commit
        ),
        events.Settled(experiment=number, best_commit="b"),
    ]


def finished(number: int, *, peak_memory_mb: float = 512) -> events.Finished:
    """An attempt that ended by itself."""
    return events.Finished(
        experiment=number,
        attempt=1,
        reason="exited",
        exit_code=0,
        wall_seconds=12.5,
        cpu_seconds=11,
        peak_memory_mb=peak_memory_mb,
    )


def made_run(home: Path, *facts: AnyFact, name: str = "made-1", **settings: Any) -> Run:
    """A run that no engine ever worked on, with these facts in its ledger."""
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(RunConfig(run=name, task="made", **settings).model_dump_json())
    ledger = Ledger.of(folder)
    ledger.append(*facts)
    ledger.close()
    return Run(folder)
