"""The knowledge base: the language reference that every CPython carries for its `help()`, one text per topic.

It differs between versions of Python, so scores are compared only under the same fingerprint. As a program it prints the
whole of it, as JSON.
"""

import hashlib
import json
import sys
from pydoc_data.topics import topics


def knowledge() -> dict[str, str]:
    """Topic → text; a copy, since whoever answers may do with it what it likes."""
    return dict(topics)


def fingerprint() -> str:
    """Which knowledge base this is, in a few words."""
    digest = hashlib.sha256(json.dumps(topics, sort_keys=True).encode()).hexdigest()
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{len(topics)} topics, {sum(map(len, topics.values())):,} characters, {digest[:12]}, of Python {python}"


if __name__ == "__main__":
    json.dump(topics, sys.stdout)
