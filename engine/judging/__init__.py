"""Is a number better, can it be believed, and is the machine still the one that it is compared on?

    judge      better, worse, or within the noise
    flags      what makes a number hard to believe, from its result
    doubts     the same, from what the run knows besides
    touches    the same, from what the diff touches
    control    a training that cannot learn has to score worse
    canary     how fast the machine is right now
    drift      is it still the machine that the numbers are of?

The statistics below them, which a run's state needs too, are the engine's `noise` and `confirm`.
"""
