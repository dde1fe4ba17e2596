"""The command line: find the function that does the work, and turn errors into messages and exit codes.

Next to nothing is imported at the start: `--help` is quick, and a run without a screen never loads one.
"""

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from loopwatch.engine.errors import LoopwatchError

from . import arguments
from .exits import Exit, of_error


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        parser = arguments.parser()
        args = parser.parse_args(argv)
        if args.command is None:
            args = arguments.bare(parser, args)
        return _function(args.function)(args)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        return Exit.OK
    except Exception as error:
        return _failed(error)


def _function(name: str) -> Callable[[Namespace], int]:
    module, _, attribute = name.partition(":")
    found: Callable[[Namespace], int] = getattr(import_module(f"loopwatch.tui.{module}"), attribute)
    return found


def _failed(error: Exception) -> int:
    if isinstance(error, LoopwatchError):
        _talk(str(error))
        return of_error(error)
    _talk(f"{type(error).__name__}: {error}; this is a fault of loopwatch, and {_write_traceback(error)}")
    return Exit.ENGINE_FAILED


def _talk(text: str) -> None:
    from .clean import clean_lines

    print("loopwatch: " + "\n".join(clean_lines(text)), file=sys.stderr)


def _write_traceback(error: Exception) -> str:
    import traceback

    import platformdirs

    from loopwatch.engine.client import redact

    text = "".join(traceback.format_exception(error))
    folder = Path(os.environ.get("LOOPWATCH_HOME") or platformdirs.user_state_dir("loopwatch")).expanduser()
    file = folder / "failure.log"
    try:
        with open(file, "a", encoding="utf-8", errors="replace") as log:
            log.write(redact(f"{time.strftime('%Y-%m-%d %H:%M:%S')} loopwatch {' '.join(sys.argv[1:])}\n{text}\n"))
    except OSError:
        return f"its traceback is:\n{text}"
    return f"its traceback is in {file}"


def _close_stdout() -> None:
    # Whoever read us has gone; without this, Python would complain at exit when it flushes.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
