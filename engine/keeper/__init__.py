"""An experiment's processes: started, watched, held to their limits, and ended with all that they started.

process    the engine's side: start a keeper, hear from it, hold, end, sweep
spec       what a process may do, what it has used, and how it ended
keeper     a process of its own, started as a file: what it starts does not outlive it (stdlib only, with its four neighbours)
tree       the keeper's: every process below it
limits     the keeper's: time that does not run while it is held, and disk
output     the keeper's: what is printed, capped on disk and live
box        the keeper's end of the line to a launcher
spare      started in place of an experiment, ahead of it: an interpreter that is warm
lost       when a keeper itself was killed
"""
