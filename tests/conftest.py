"""What every test is run with."""

import os

from hypothesis import settings

# A machine that many share is slow now and then; how long an example takes says nothing here.
settings.register_profile("loopwatch", deadline=None)
settings.load_profile("loopwatch")

# Nobody's own prices and keys.
os.environ["LOOPWATCH_CONFIG"] = "/nowhere/loopwatch"
