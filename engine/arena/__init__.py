"""Code agents against test agents: who takes part, what their tests are worth, and who takes whose place.

Nothing that an agent says decides anything: its tests enter the suite when the task's own oracle agrees, its changes are kept when
the evaluator's number is better, and its source runs in a box.
"""
