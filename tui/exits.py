"""What the exit code of `loopwatch` says, and which one a run that stopped deserves."""

from enum import IntEnum
from typing import TYPE_CHECKING

from loopwatch.engine.errors import LoopwatchError, RunInUse, UserError

if TYPE_CHECKING:  # the command line loads this file first, and pydantic takes its time
    from loopwatch.engine.config import StopConditions
    from loopwatch.engine.events import Stopped


class Exit(IntEnum):
    """Scripts rely on these numbers."""

    OK = 0
    """It ended as it was asked to."""
    USER_ERROR = 1
    """Something the user wrote, named or asked for has to change."""
    DISAGREES = 1  # on purpose: here too somebody has to look into something
    """An audit found a disagreement, or a rerun another number."""
    USAGE = 2
    """The command line could not be read (argparse's own number)."""
    STOPPED_SHORT = 3
    """The run ended before what was asked for: failures in a row, no gain, a person."""
    ENGINE_FAILED = 4
    """The engine failed or was killed; nothing is lost, and the run can be resumed."""
    INTERRUPTED = 130
    """Stopped by SIGINT, as Ctrl+C sends it."""
    TERMINATED = 143
    """Stopped by SIGTERM."""


def of_run(stopped: "Stopped", asked: "StopConditions") -> int:
    """The exit code of a run that ended; 128 + N when it was signal N."""
    match stopped.because:
        case "experiments" | "hours" | "target":
            return Exit.OK
        case "nothing_to_propose":
            open_ended = asked.experiments is None and asked.hours is None and asked.target is None
            return Exit.OK if open_ended else Exit.STOPPED_SHORT
        case "failures" | "integrity" | "no_gain" | "money" | "person":
            return Exit.STOPPED_SHORT
        case "baseline_failed" | "control_failed" | "bad_key" | "user_error":
            return Exit.USER_ERROR
        case "engine_failed":
            return Exit.ENGINE_FAILED
        case "signal":
            return Exit.INTERRUPTED if stopped.signal is None else 128 + stopped.signal


def of_error(error: LoopwatchError) -> int:
    """The exit code of an error that ended a command."""
    return Exit.USER_ERROR if isinstance(error, UserError | RunInUse) else Exit.ENGINE_FAILED
