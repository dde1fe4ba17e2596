"""The first versions of agents: files that are copied into a run, and never imported."""
