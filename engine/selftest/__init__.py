"""The harness is tested before it is trusted with a night: real runs in a state folder of their own, on what is known to be false.

    cases       those of a folder of attacks, and what is expected of each
    toy         the tiny task that they attack, as a task folder
    traps       what an experiment must not reach: canaries, listeners, a home; and who outlived it
    night       one real run from its task to its last process
    attacks     a corpus, case by case
    series      numbers that fool a loop, through the judge alone
    controls    null edits, a constant metric, pure noise, random search

A process of its own (`python -m loopwatch.engine.selftest`), because it lets itself be attacked, and becomes the parent of whatever
is left behind.
"""
