import contextlib
import os
import signal
import time

from weather import CANARY, OUT, counted, save

save(counted(2.0))
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        for _ in range(200):
            for folder in (CANARY, OUT):
                with contextlib.suppress(OSError):
                    (folder / "t1_live_on_alive").write_text(str(time.time()))
            time.sleep(0.05)
    os._exit(0)
