"""Use up too much, in the box that this is started in: `python -I -S -B glutton.py hoard | multiply`.

It ends with 0 when nobody stopped it. Stdlib only; runs inside the box.
"""

import os
import sys
import time

HOARDERS, HOARDED_BYTES = 4, 40 << 20
MULTIPLIED = 200
HOLD_OUT_SECONDS = 4.0
"""Until somebody has to have looked: on a busy machine that may be late. Who is stopped does not wait for it."""
_SIGKILL = 9


def hoard() -> None:
    """Several processes, each with as much memory as one may have, and together too much."""
    children = []
    for _ in range(HOARDERS):
        child = os.fork()
        if child == 0:
            hoarded = bytearray(HOARDED_BYTES)
            hoarded[::4096] = b"x" * len(hoarded[::4096])
            time.sleep(HOLD_OUT_SECONDS)
            os._exit(0)
        children.append(child)
    sys.exit(any(os.waitpid(child, 0)[1] for child in children))


def multiply() -> None:
    """More processes than are allowed."""
    children = []
    try:
        for _ in range(MULTIPLIED):
            child = os.fork()
            if child == 0:
                time.sleep(HOLD_OUT_SECONDS)
                os._exit(0)
            children.append(child)
        time.sleep(HOLD_OUT_SECONDS)
    finally:
        for child in children:
            os.kill(child, _SIGKILL)


if __name__ == "__main__":
    {"hoard": hoard, "multiply": multiply}[sys.argv[1]]()
