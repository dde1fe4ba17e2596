"""python -m loopwatch.engine.selftest ORDER: run one test of the harness; JSON lines on stdout, the report as the last one.

ORDER is a JSON object with what, folder, and perhaps corpus, task, experiments, tier. The folder is the caller's to delete.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from ..errors import LoopwatchError, UserError
from ..findings import Report
from .attacks import Attacks
from .cases import OURS, read
from .controls import EXPERIMENTS, Controls
from .traps import adopt

QUICK = "sine"


def tell(**line: Any) -> None:
    """One line for whoever started us."""
    print(json.dumps(line), flush=True)


def progress(done: int, total: int, now: str) -> None:
    """Where we are."""
    tell(done=done, total=total, now=now)


def test(order: dict[str, Any]) -> Report:
    """The report on what was ordered."""
    began, folder, tier = time.monotonic(), Path(order["folder"]), order.get("tier")
    what, task = order["what"], order.get("task") or QUICK
    if what == "attacks":
        attacks = Attacks(read(Path(order.get("corpus") or OURS)), folder, tier=tier, progress=progress)
        found: dict[str, Any] = {"findings": attacks.findings()}
        ran = attacks.ran
    else:
        controls = Controls(folder, tier=tier, progress=progress)
        count = order.get("experiments") or EXPERIMENTS.get(what, 0)
        match what:
            case "null":
                found = {"checks": controls.null(task, count)}
            case "noise":
                found = {"checks": controls.noise(count)}
            case "constant":
                found = {"checks": controls.constant()}
            case _:
                found = {"checks": controls.random(task, count)}
        ran = controls.ran
    if ran and ran.engine:
        engine = ran.engine
        found |= {"tier": engine.sandbox, "made_of": engine.sandbox_of, "not_protected": engine.not_protected}
    return Report(what=what, seconds=round(time.monotonic() - began, 1), folder=str(folder), **found)


def main(order: dict[str, Any]) -> int:
    """Run it; returns the exit code."""
    os.environ["LOOPWATCH_HOME"] = str(Path(order["folder"]) / "state")
    os.environ["LOOPWATCH_CONFIG"] = str(Path(order["folder"]) / "config")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    adopt()
    try:
        tell(report=test(order).model_dump(mode="json"))
    except LoopwatchError as error:
        tell(error=str(error), user=isinstance(error, UserError))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
