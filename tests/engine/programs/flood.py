"""MEGABYTES: prints a first line, that many megabytes in lines, and a last line."""

import sys

line = b"x" * 99 + b"\n"
sys.stdout.buffer.write(b"the first line\n")
for _ in range(int(sys.argv[1])):
    sys.stdout.buffer.write(line * 10_000)
sys.stdout.buffer.write(b"the last line\n")
