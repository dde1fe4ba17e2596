"""`loopwatch brief`: the prompt that the next experiment will have, or that one had; to the byte, except on a terminal."""

import sys
from argparse import Namespace
from dataclasses import asdict

from loopwatch.engine import client

from .clean import reveal_lines
from .exits import Exit
from .facts import dump
from .headless import say, talk


def brief(args: Namespace) -> int:
    """`loopwatch brief [RUN] [--experiment N] [--json]`."""
    run = client.find(args.run)
    found = client.brief(run, args.experiment)
    if args.json:
        say(dump({"run": run.name, **asdict(found)}, indent=1))
        return Exit.OK
    if sys.stdout.isatty():
        for line in reveal_lines(found.text):
            say(line)
    else:
        # Bytes, so that nothing is added or translated; a prompt holds no control character but line ends and tabs.
        sys.stdout.flush()
        sys.stdout.buffer.write(found.text.encode())
        sys.stdout.buffer.flush()
    given = "was given" if found.given else "would be given now"
    talk(f"the prompt that #{found.experiment} {given}: about {found.tokens:,} tokens")
    if found.awaits:
        talk(f"#{found.awaits} is not settled; what becomes of it will be in the prompt too")
    for left_out in found.left_out:
        talk(f"no room for {left_out}")
    return Exit.OK
