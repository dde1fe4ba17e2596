"""FOLDER: it and a daemon of its count, each in a file of its own."""

import os
import sys
import time
from pathlib import Path

name = "parent"
if os.fork() == 0:
    os.setsid()
    name = "child"
folder = Path(sys.argv[1])
for count in range(100_000):
    (folder / name).write_text(str(count))
    time.sleep(0.005)
