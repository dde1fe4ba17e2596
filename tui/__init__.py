"""A window on a run: it draws and asks, and decides nothing. `cli` is the way in."""
