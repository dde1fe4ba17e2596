"""What a look costs, with 500 points and 200 finished experiments: python -m benchmarks.forecast.cost"""

import random
import time
import tracemalloc

from benchmarks.figures import Aim, heading, note, tell
from loopwatch.engine.forecast import FORECASTERS, Curve, Past, Setting, forecaster

POINTS = 500
FINISHED = 200
LOOKS = 19
EXPERIMENTS = 10


def main() -> None:
    heading(f"one look: {POINTS} points, {FINISHED} finished experiments")
    history = tuple(Past(i, made(i), 2.0 + (i * 37 % FINISHED) / FINISHED) for i in range(FINISHED))
    setting = Setting("down", history, best=2.0, budget=300)
    for name in FORECASTERS:
        chosen = forecaster(name)
        began = time.thread_time()
        watch = chosen.watch(setting)
        first = 1e3 * (time.thread_time() - began)
        began = time.thread_time()
        watch = chosen.watch(setting)
        again = 1e3 * (time.thread_time() - began)
        costs = []
        for experiment in range(EXPERIMENTS):
            running = made(1000 + experiment)
            for look in range(1, LOOKS + 1):
                began = time.thread_time()
                watch.look(running, look / (LOOKS + 1))
                costs.append(1e3 * (time.thread_time() - began))
        tell(f"{name}: a look", costs, "ms", Aim(1), Aim(5, "p95"), digits=3)
        note(f"before an experiment: {first:.1f} ms the first time, {again:.1f} ms when the curves are known")
    note(f"memory of one watch and its tracks: {memory(setting):.1f} MB")


def made(seed: int) -> Curve:
    dice = random.Random(seed)
    end = 2.0 + dice.random()
    shares = tuple((i + 1) / POINTS for i in range(POINTS))
    losses = tuple(end + 0.05 / share**0.5 + dice.gauss(0, 0.02) for share in shares)
    return Curve(shares, losses, shares[::25], losses[::25])


def memory(setting: Setting) -> float:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    watch = forecaster("learned").watch(setting)
    watch.look(setting.history[0].curve, 0.5)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / 1e6


if __name__ == "__main__":
    main()
