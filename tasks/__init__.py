"""Folders of files that are copied into a run and never imported: each one is a task.

`sine` is the one-second task to learn from, `pretrain` the default. What a task folder
holds, and what its commands see, is told in `sine/task.toml` and `sine/README.md`.
"""
