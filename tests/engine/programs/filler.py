"""OUT: writes files until it is stopped."""

import sys
import time
from pathlib import Path

for index in range(10_000):
    Path(sys.argv[1], str(index)).write_bytes(bytes(1 << 20))
    time.sleep(0.01)
