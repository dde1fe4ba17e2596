"""Changes to files, as data.

diff          read a unified diff strictly
edits         diffs applied in memory, and written in one canonical form
replacements  exact search and replace, as a model writes its edits
constants     named constants at the top of a Python file
syntax        can the code be read at all?
changes       how many unrelated changes there are in one
"""
