"""FOLDER [stay]: a daemon, forked twice in a session of its own; its parent leaves at once, or stays."""

import os
import sys
import time
from pathlib import Path

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        Path(sys.argv[1], "up").touch()
        time.sleep(600)
    os._exit(0)
while not Path(sys.argv[1], "up").exists():
    time.sleep(0.01)
if "stay" in sys.argv:
    time.sleep(600)
