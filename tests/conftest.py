"""What every test is run with."""

import compileall
import os
from pathlib import Path

from hypothesis import settings

# A machine that many share is slow now and then; how long an example takes says nothing here.
settings.register_profile("loopwatch", deadline=None)
settings.load_profile("loopwatch")

# Nobody's own prices and keys.
os.environ["LOOPWATCH_CONFIG"] = "/nowhere/loopwatch"

# Hundreds of our programs are started, some of which may not keep what they compile: they find it done, as in an installed copy.
if "PYTEST_XDIST_WORKER" not in os.environ:
    for package in ("engine", "tui"):
        compileall.compile_dir(Path(__file__).parent.parent / package, quiet=2)
