"""How fast is this machine right now? A fixed piece of arithmetic for a fifth of a second, before and after an experiment.

A busy neighbour costs more than most ideas gain. The unit is multiplications of two 256 × 256 matrices per second, of CPU time or
of wall time, as the budget counts.
"""

import asyncio
import time
from collections.abc import Callable

SECONDS = 0.2
SIZE = 256


async def speed(*, cpu: bool) -> float:
    """Measure now, in a thread, so that the engine stays awake."""
    return await asyncio.to_thread(_measure, time.thread_time if cpu else time.perf_counter)


def far_off(speeds: tuple[float, ...], reference: float, tolerance: float) -> float | None:
    """The speed that is furthest from `reference`, as a ratio to it, if it is further than `tolerance`; else None."""
    worst = max((value / reference for value in speeds), key=lambda ratio: abs(ratio - 1))
    return worst if abs(worst - 1) > tolerance else None


def _measure(clock: Callable[[], float]) -> float:
    import numpy

    matrix = numpy.full((SIZE, SIZE), 0.5, dtype=numpy.float32)
    matrix @ matrix  # the first one wakes the library up
    count, start = 0, clock()
    while (elapsed := clock() - start) < SECONDS:
        matrix @ matrix
        count += 1
    return count / elapsed
