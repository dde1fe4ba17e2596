"""The loop, with no idea that terminals exist.

Read in this order:

events, state      what can happen, and what a run looks like after it did (pure)
ledger, telemetry  where facts, commands, curves and streamed text are kept
task, config       what a task folder and a run's settings say
lab, strategies    the verbs of the loop, and the order they come in
proposers          anything that can propose a change; mutation is what the one without a model does
agents, arena      agents that are source code: one that rewrites itself, and populations with a suite that grows
gate, policy       who may say yes, and what happens if nobody answers
editing            diffs as data
repository         the run's private repository and its folders
running, keeper    start an experiment, watch it, take its whole process tree with it
forecast           how a running experiment will end, and whether that may be trusted (pure); watcher puts it to work
judging            better, worse, or within the noise, and what makes a number hard to believe
supervisor         one engine process: strategy and inbox, recovery, pause, stop
client             the only door for viewers
"""
