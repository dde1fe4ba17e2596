"""The warm spare: an interpreter that has imported the slow modules before its experiment exists.

Started by the keeper as `python spare.py MODULE ...` in place of `python train.py`. It imports the modules,
says that it is ready, waits for one JSON line `{"argv": [script, ...], "cwd": ..., "environment": {...}}`
on stdin, and becomes that script: argv, `__main__`, `__file__`, environment, `sys.path[0]`, stdin,
tracebacks and exit codes are what `python script ...` would have given. What differs: the modules are there
already, and variables that Python reads when it starts (PYTHONHASHSEED, PYTHONPATH) are those that the
spare was started with.

Not covered: `python -m module`, `python -c`, interpreter options.
"""

import sys

if not sys.flags.safe_path:
    # Our own folder: its files must not be found by the name of somebody else's module.
    del sys.path[0]

import contextlib
import importlib
import json
import os
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

READY_MARK = b"\0loopwatch: the spare is ready\0\n"


def wait_for_order() -> dict[str, Any] | None:
    """Read one line from stdin; None when the keeper has gone."""
    line = b""
    while not line.endswith(b"\n"):
        data = os.read(0, 1 << 16)
        if not data:
            return None
        line += data
    return json.loads(line)  # type: ignore[no-any-return]


def dress(order: dict[str, Any]) -> None:
    """Take on the experiment's folder, environment and arguments; leave it nothing to read."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    sys.argv[:] = order["argv"]
    sys.orig_argv[1:] = order["argv"]


def new_main(path: str) -> ModuleType:
    """A `__main__` like the one that Python makes for a script."""
    module = ModuleType("__main__")
    ours = {name: value for name, value in globals().items() if name.startswith("__") and name.endswith("__")}
    vars(module).update(ours, __file__=path, __doc__=None, __loader__=SourceFileLoader("__main__", path))
    if "__annotations__" in ours:
        vars(module)["__annotations__"] = {}
    return module


def become(script: str) -> None:
    """Run `script` as `python script` would; an uncaught error is shown without our own frame."""
    path = script if os.path.isabs(script) else f"{os.getcwd()}/{script}"  # noqa: PTH109, PTH117 -- as Python does
    if not sys.flags.safe_path:
        sys.path.insert(0, os.path.dirname(os.path.realpath(path)))  # noqa: PTH120
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        sys.stderr.write(f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}\n")
        sys.exit(2)
    main = sys.modules["__main__"] = new_main(path)
    try:
        exec(compile(source, path, "exec", dont_inherit=True), vars(main))
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        trace = error.__traceback__
        error.__traceback__ = trace and trace.tb_next
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)


def run() -> None:
    """Import what is named in argv, wait, become the script."""
    for name in sys.argv[1:]:
        # A module that cannot be imported is for the script to meet, with its own traceback.
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(name)
    os.write(1, READY_MARK)
    if order := wait_for_order():
        dress(order)
        become(order["argv"][0])


if __name__ == "__main__":
    _ourselves = sys.modules["__main__"]  # kept alive: the code that runs below lives in it
    run()
