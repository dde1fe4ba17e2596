"""Plays a transcript of a real agent: it says what was said then, and waits for what it was told then.

    python replay.py TRANSCRIPT.jsonl

The transcripts beside this file are written by hand after real sessions; only what a client can stumble over is left of them. A line
is an object with one key:

    <    a message of the agent; "$NAME.key" stands for a value in a message that was kept as NAME, and $COPY for the folder
    >    a part of the message that comes next, which has to match; "as" beside it keeps the message
    !    {"PATH": [OLD, NEW]}: what the agent does to its files
"""

import json
import re
import sys
from pathlib import Path
from typing import Any


class Player:
    """One transcript."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def play(self, line: dict[str, Any]) -> None:
        if "<" in line:
            print(json.dumps(self.filled(line["<"])), flush=True)
        elif ">" in line:
            message = json.loads(sys.stdin.readline())
            if not matches(line[">"], message):
                sys.exit(f"expected {line['>']}, and got {json.dumps(message)[:500]}")
            self.kept[line.get("as", "")] = message
        else:
            for path, (old, new) in line["!"].items():
                Path(path).write_text(Path(path).read_text().replace(old, new))

    def filled(self, part: Any) -> Any:
        if isinstance(part, dict):
            return {name: self.filled(value) for name, value in part.items()}
        if isinstance(part, list):
            return [self.filled(value) for value in part]
        if isinstance(part, str) and (found := re.fullmatch(r"\$([a-z]+)\.(\w+)", part)):
            return self.kept[found[1]][found[2]]
        return part.replace("$COPY", str(Path.cwd())) if isinstance(part, str) else part


def matches(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(matches(value, found.get(name)) for name, value in wanted.items())
    return bool(wanted == found)


if __name__ == "__main__":
    player = Player()
    for text in Path(sys.argv[1]).read_text().splitlines():
        player.play(json.loads(text))
    sys.stdin.read()
