"""FOLDER: has a child that is stopped, in a session of its own."""

import os
import signal
import sys
import time
from pathlib import Path

child = os.fork()
if child == 0:
    os.setsid()
    os.kill(os.getpid(), signal.SIGSTOP)
os.waitpid(child, os.WUNTRACED)
Path(sys.argv[1], "up").touch()
time.sleep(600)
