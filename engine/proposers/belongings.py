"""What of the user's own an agent gets in its box: itself, its login, where its model is, and what a person names.

A login is copied, never shared: services renew it, and agents write it anew. What comes of that is kept for the run's next agent,
outside of the run's folder, and never brought back: a person may have to log in once more. Nothing else of a home lasts.
"""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..repository import checkout

LOGIN_BYTES = 1 << 20
_SCRIPT_BYTES = 256
_LIBRARIES = "node_modules"
_MACHINE = ("/etc/claude-code", "/etc/codex", "/etc/gemini-cli", "/etc/opencode")
"""What an administrator rules for agents holds here too."""
_CERTIFICATES = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Belongings:
    """Files of one agent, by their places in a home."""

    login: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    """Where its model is, for some; what it holds besides, the box and the gate hold against."""
    moved_by: Mapping[str, str] = field(default_factory=dict)
    """Variable → the folder that it puts elsewhere."""


KNOWN = {
    # Its settings are not read, and what it may do in which folder stands in a file of its own, ~/.claude.json.
    "claude": Belongings((".claude/.credentials.json",), moved_by={"CLAUDE_CONFIG_DIR": ".claude"}),
    "codex": Belongings((".codex/auth.json",), (".codex/config.toml",), {"CODEX_HOME": ".codex"}),
    "gemini": Belongings(
        tuple(f".gemini/{name}" for name in ("oauth_creds.json", "gemini-credentials.json", "google_accounts.json")),
        (".gemini/settings.json", ".gemini/.env", ".gemini/installation_id"),
    ),
    "opencode": Belongings(
        (".local/share/opencode/auth.json",),
        tuple(f".config/opencode/{name}" for name in ("opencode.json", "opencode.jsonc", "config.json")),
    ),
}
"""By the first part of a program's name: claude-agent-acp is claude."""
_MOVED_BY = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
}


def belongings(command: Sequence[str]) -> Belongings:
    """Of the agent that a command starts; none of one that is not known."""
    names = (Path(word).name.partition("-")[0].partition("@")[0] for word in command)
    known = next((KNOWN[name] for name in names if name in KNOWN), Belongings())
    return Belongings(known.login, known.settings, {**_MOVED_BY, **known.moved_by})


class Home:
    """An agent's home: a folder in the place of the user's own."""

    def __init__(self, folder: Path, owner: Belongings) -> None:
        """It need not exist; what it holds of an earlier agent of this run is that one's login."""
        self.folder, self._owner = folder, owner

    def furnish(self) -> None:
        """Make it hold the agent's own and nothing else; of a login that was renewed here, the newer one."""
        self.clear()
        for path in self._owner.login:
            if _changed(self._original(path)) > _changed(self.folder / path):
                self._copy(path)
        for path in self._owner.settings:
            self._copy(path)

    def clear(self) -> None:
        """Leave the logins, and nothing else."""
        kept = {path: (_login(self.folder / path), _changed(self.folder / path)) for path in self._owner.login}
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        checkout.remove(self.folder)
        self.folder.mkdir(mode=0o700)
        for path, (data, changed_ns) in kept.items():
            if data is not None:
                _write(self.folder / path, data)
                os.utime(self.folder / path, ns=(changed_ns, changed_ns))

    def _copy(self, path: str) -> None:
        try:
            data = self._original(path).read_bytes()
        except OSError:
            return  # an agent that is not logged in says so itself
        _write(self.folder / path, data)

    def _original(self, path: str) -> Path:
        for variable, place in self._owner.moved_by.items():
            if path.startswith(f"{place}/") and (elsewhere := os.environ.get(variable)):
                return Path(elsewhere, path.removeprefix(f"{place}/"))
        return Path.home() / path


def programs(command: Sequence[str]) -> list[str]:
    """What a command starts: its program, and what that is written for."""
    found = [command[0]]
    while (script := shutil.which(found[-1])) and len(found) < 4:
        words = _first_line(Path(script))
        if not words:
            break
        found.append(words[1] if Path(words[0]).name == "env" and len(words) > 1 else words[0])
    return found


def needed(command: Sequence[str], named: Iterable[str]) -> list[Path]:
    """What an agent reads besides its programs, as far as it is there: its libraries, the files in its command, what is named."""
    paths = [Path(word) for word in command[1:] if Path(word).is_absolute() and Path(word).is_file()]
    for word in command:
        if place := shutil.which(word):
            paths += _libraries(Path(os.path.realpath(place)))
    paths += [Path(path) for path in _MACHINE]
    paths += [Path(os.environ[name]) for name in _CERTIFICATES if os.environ.get(name, "").startswith("/")]
    paths += [Path(path).expanduser().absolute() for path in named]
    return [path for path in dict.fromkeys(paths) if path.exists()]


def _libraries(program: Path) -> list[Path]:
    """The outermost folder of JavaScript packages around a program: they find each other there."""
    return [folder for folder in reversed(program.parents) if folder.name == _LIBRARIES][:1]


def _first_line(script: Path) -> list[str]:
    """The words after #!, without those that are options; none for what is no script."""
    with open(script, "rb") as file:
        line = file.readline(_SCRIPT_BYTES)
    words = line.removeprefix(b"#!").decode("utf-8", "replace").split() if line.startswith(b"#!") else []
    return [word for word in words if not word.startswith("-")]


def _login(place: Path) -> bytes | None:
    """What an agent left there, if it is a file and no way to another."""
    try:
        if place.parent.resolve() != place.parent or place.lstat().st_size > LOGIN_BYTES:
            return None
        return checkout.read_regular(place)
    except OSError:
        return None


def _changed(place: Path) -> int:
    try:
        return place.stat(follow_symlinks=False).st_mtime_ns
    except OSError:
        return -1


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
