"""FOLDER: sixteen chains that hop from process to process, each hop a session of its own; 5,000 hops at most."""

import os
import sys
import time
from pathlib import Path

leader = os.getpid()
for _ in range(4):
    os.fork()
for hop in range(5_000):
    if os.fork():
        if os.getpid() == leader:
            time.sleep(600)
        os._exit(0)
    os.setsid()
    if hop == 20:
        Path(sys.argv[1], "up").touch()
    time.sleep(0.001)
