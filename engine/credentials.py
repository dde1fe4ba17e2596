"""Keys: where they come from, and how they are kept out of everything that is written.

A key comes from the environment, from keys.toml in the folder that is set for all runs, or from the system's keyring, all of them
outside of every run's folder. Whatever is written to a ledger, a prompt or a log passes `redact` first.
Not covered: a key that this process was never told, and what an experiment reads of its user's own files.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path

from . import home
from .errors import ConfigError

VARIABLES = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
"""The environment variable of each provider's key."""

SERVICE = "loopwatch"
"""The name under which a keyring keeps them, each with its provider as the user."""

HIDDEN = "[key]"

SHORTEST = 8
_WORD = re.compile(r"[a-z_]*")
"""A shorter key, or a plain word, is what a local server is given because it wants one; hiding it would hide half of every text."""

_SECRET_NAME = re.compile(r"_(KEY|TOKEN|SECRET|PASSWORD)$")
_SECRET_VALUE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_\-.=+]{16,}")
"""Other programs' keys are known by their variable's name, if their value looks like one and not like a path or a word."""

_from_keyring: set[str] = set()


def key(provider: str) -> str | None:
    """The key of a provider; None when there is none. ConfigError when the file of keys cannot be used as it is."""
    return os.environ.get(VARIABLES[provider]) or _from_file().get(provider) or _keyring(provider)


def file() -> Path:
    """Where keys may be kept: lines such as anthropic = "sk-...", and nobody else may read it."""
    return home.config() / "keys.toml"


def where(provider: str) -> str:
    """In words, where a key can be put."""
    return (
        f'set {VARIABLES[provider]}, or write {provider} = "..." into {file()} (chmod 600), '
        f"or keep it in the keyring: keyring set {SERVICE} {provider}"
    )


def doubt(provider: str) -> str:
    """In words, what to look at when a service does not take its key."""
    variable = VARIABLES[provider]
    if os.environ.get(variable):
        return (
            f"is {variable} right? An engine has the one it was started with; for another: loopwatch stop, then resume"
        )
    return f"is the key in {file()} or the keyring right?"


def redact(text: str) -> str:
    """The same text without any key that this process knows."""
    for secret in secrets():
        text = text.replace(secret, HIDDEN)
    return text


def environment_without_keys() -> dict[str, str]:
    """This process's environment, without the variables that hold a key."""
    known = secrets()
    return {name: value for name, value in os.environ.items() if not any(secret in value for secret in known)}


class Log(TextIOWrapper):
    """A log that no key gets into, whoever writes there."""

    def write(self, text: str) -> int:
        """Write it without keys."""
        super().write(redact(text))
        return len(text)


class Redactor:
    """Takes keys out of a text that comes in pieces: what could be the beginning of a key waits for what follows."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be told so far."""
        text = redact(self._held + piece)
        held = max((_begun(text, secret) for secret in secrets()), default=0)
        cut = len(text) - held
        self._held = text[cut:]
        return text[:cut]

    def rest(self) -> str:
        """What was held back, when nothing follows."""
        rest, self._held = self._held, ""
        return rest


def secrets() -> list[str]:
    """Every key that this process knows, as it is and as it stands in JSON, the longest first."""
    known = (key for key in _known() if len(key) >= SHORTEST and not _WORD.fullmatch(key))
    found = {form for key in known for form in (key, json.dumps(key)[1:-1])}
    return sorted(found, key=len, reverse=True)


def _known() -> Iterator[str]:
    ours = set(VARIABLES.values())
    for name, value in os.environ.items():
        if name in ours or (_SECRET_NAME.search(name) and _SECRET_VALUE.fullmatch(value)):
            yield value
    yield from _from_keyring
    try:
        there = file().stat()
    except OSError:
        return
    yield from _written(file(), there.st_mtime_ns, there.st_size)


@lru_cache(maxsize=4)
def _written(path: Path, _changed: int, _size: int) -> tuple[str, ...]:
    """The keys in the file, also when it may not be used."""
    try:
        return tuple(
            value for value in tomllib.loads(path.read_text(encoding="utf-8")).values() if isinstance(value, str)
        )
    except (OSError, ValueError):
        return ()


def _begun(text: str, secret: str) -> int:
    """How many characters at the end of a text could be the beginning of a key."""
    longest = min(len(text), len(secret) - 1)
    return next((count for count in range(longest, 0, -1) if text.endswith(secret[:count])), 0)


def _from_file() -> dict[str, str]:
    path = file()
    try:
        with open(path, "rb") as opened:
            there = os.fstat(opened.fileno())
            if there.st_uid != os.getuid():
                raise ConfigError(f"{path} holds keys and belongs to somebody else; make it yours, or remove it")
            if there.st_mode & 0o077:
                raise ConfigError(f"{path} holds keys and others may read it; chmod 600 {path}")
            keys = tomllib.load(opened)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"the keys in {path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # of TOML or of UTF-8; neither quotes what it found
        raise ConfigError(f'{path}: {error}; it should have lines such as anthropic = "sk-..."') from None
    for name, value in keys.items():
        if name not in VARIABLES or not isinstance(value, str) or not value:
            raise ConfigError(
                f'{path}: {name}: it should be one of {", ".join(VARIABLES)}, and a text, as in anthropic = "sk-..."'
            )
    return keys


def _keyring(provider: str) -> str | None:
    if find_spec("keyring") is None:
        return None
    keyring, errors = import_module("keyring"), import_module("keyring.errors")
    try:
        found: str | None = keyring.get_password(SERVICE, provider)
    except errors.KeyringError:  # locked, or there is none on this machine
        return None
    if found:
        _from_keyring.add(found)
    return found or None
