"""OUT ...: writes down everything by which a script could tell how it was started; then fails."""

# ruff: noqa: PTH109, PTH112, PTH208
import json
import os
import sys
from pathlib import Path

seen = {
    "argv": sys.argv,
    "orig_argv": sys.orig_argv,
    "path": sys.path,
    "name": __name__,
    "file": __file__,
    "doc": __doc__,
    "globals": sorted(globals()),
    "types": {name: type(value).__name__ for name, value in sorted(globals().items())},
    "main_is_me": vars(sys.modules["__main__"]) is globals(),
    "environment": dict(os.environ),
    "cwd": os.getcwd(),
    "stdin": sys.stdin.read(),
    "descriptors": sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else [],
    "flags": list(sys.flags),
    "session_leader": os.getsid(0) == os.getpid(),
}
Path(sys.argv[1]).write_text(json.dumps(seen))
print("printed")


def fail() -> None:
    raise ValueError("as planned")


fail()
