"""FOLDER: hops from process to process, each leaving its session and its parent behind; at most 20,000 hops."""

import os
import sys
import time
from pathlib import Path

for hop in range(20_000):
    if os.fork():
        if hop == 0:
            time.sleep(600)
        os._exit(0)
    os.setsid()
    if hop == 20:
        Path(sys.argv[1], "up").touch()
    time.sleep(0.001)
