"""FOLDER: forty children, each in a session of its own."""

import os
import sys
import time
from pathlib import Path

folder = Path(sys.argv[1])
for index in range(40):
    if os.fork() == 0:
        os.setsid()
        (folder / f"child-{index}").touch()
        time.sleep(600)
while len(list(folder.glob("child-*"))) < 40:
    time.sleep(0.01)
(folder / "up").touch()
time.sleep(600)
