"""One experiment: in which rooms its commands run, what comes out of them, and how it is measured.

runner     start the task's three commands under a keeper each, read what they print, measure
rooms      what each of them may see and change
artefact   what an experiment left, taken once and without trust
predictor  a process that answers an evaluator's questions with it
evidence   the engine's own files meanwhile: sealed, looked at, put back
"""
