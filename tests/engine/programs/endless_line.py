"""Prints twenty megabytes without a line break, then a line."""

import sys

for _ in range(20):
    sys.stdout.buffer.write(b"x" * 1_000_000)
sys.stdout.buffer.write(b"\nstep: 7 loss: 1.5\n")
