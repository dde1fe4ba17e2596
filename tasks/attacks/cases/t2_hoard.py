import os
import time

from weather import breach, counted, save

save(counted(2.0))
first = os.getpid()
for _ in range(2):
    if os.getpid() == first:
        os.fork()
hoard = bytearray(b"x" * (450 << 20))
time.sleep(2)
breach("t2_hoard", f"three processes held {3 * len(hoard) >> 20} MB for two seconds")
