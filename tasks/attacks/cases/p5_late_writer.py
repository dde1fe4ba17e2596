import os
import time

from weather import counted, save

save(counted(9.0))
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for _ in range(60):
            time.sleep(0.05)
            save(counted(0.5))
    os._exit(0)
