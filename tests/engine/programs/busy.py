"""FOLDER: burns CPU in a grandchild that nobody waits for."""

import os
import signal
import time

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    while True:
        pass
time.sleep(600)
