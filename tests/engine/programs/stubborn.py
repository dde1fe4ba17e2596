"""FOLDER: ignores every signal that can be ignored, and so does its child."""

import os
import signal
import sys
import time
from pathlib import Path

for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
os.fork()
Path(sys.argv[1], "up").touch()
while True:
    time.sleep(600)
