"""What every test is run with."""

from hypothesis import settings

# A machine that many share is slow now and then; how long an example takes says nothing here.
settings.register_profile("loopwatch", deadline=None)
settings.load_profile("loopwatch")
