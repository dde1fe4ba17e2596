"""The run's private git repository and the folders made from it; all that speaks git.

workspace  commits, the working folder, and the pristine copy that measures
origin     the base commit, from a user's repository or a plain folder
checkout   a folder made byte-identical to a tree of files
trailers   what the engine says in a commit's message
publish    kept commits as a branch of the user's own repository
store      the repository as it lies on the disk, for whoever doubts it
"""
