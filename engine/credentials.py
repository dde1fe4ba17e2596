"""Keys: where they come from, and how they are kept out of everything that is written.

A key comes from the environment, or from a file or a keyring outside of every run's folder. Whatever is written to a ledger, a
prompt or a log passes `redact` first.
"""

import os
from functools import cache

VARIABLES = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
"""The environment variable of each provider's key."""

HIDDEN = "[key]"


def key(provider: str) -> str | None:
    """The key of a provider; None when there is none."""
    return os.environ.get(VARIABLES[provider])


def redact(text: str) -> str:
    """The same text without any key that this process knows."""
    for secret in _secrets():
        text = text.replace(secret, HIDDEN)
    return text


@cache
def _secrets() -> tuple[str, ...]:
    return tuple(found for provider in VARIABLES if (found := key(provider)))
