"""One version of an agent's source code: a few named files, bounded, and the same text for whoever reads it and for what runs.

Not covered: whether it works; that is for the checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..agent_events import Role
from ..credentials import redact
from ..editing import diff as diffs
from ..editing import edits
from ..errors import EditRefused
from ..lineage import digest

NAMES: Mapping[Role, tuple[str, ...]] = {
    "task": ("task_agent.py", "meta_agent.py"),
    "code": ("task_agent.py",),
    "test": ("test_agent.py",),
}
"""The files of each role."""

BYTES = 256 * 1024
"""All files together."""

SEEDS = Path(__file__).with_name("seed")


@dataclass(frozen=True, slots=True)
class AgentCode:
    """The files of one version, by name."""

    role: Role
    files: Mapping[str, str]

    def __post_init__(self) -> None:
        """EditRefused, in words, for what cannot be an agent's code."""
        names = NAMES[self.role]
        if tuple(sorted(self.files)) != tuple(sorted(names)):
            raise EditRefused(
                f"an agent of this kind has {' and '.join(names)}; these are {', '.join(sorted(self.files)) or 'none'}"
            )
        diffs.check_size("the agent's code", "".join(self.files.values()), BYTES)
        if any(redact(text) != text for text in self.files.values()):
            raise EditRefused("the agent's code holds a key; agents work without keys")

    @classmethod
    def seed(cls, role: Role, task: Path | None = None) -> Self:
        """The first version: what the task brings in agents/, else what is shipped.

        EditRefused names the task's file that cannot be used.
        """
        return cls(role, {name: _seed(name, task) for name in NAMES[role]})

    @property
    def digest(self) -> str:
        """SHA-256 of names and texts: what a person saw is what runs."""
        return digest(dict(self.files))

    def with_files(self, files: Mapping[str, str]) -> "AgentCode":
        """The version in which these files have these texts; EditRefused when it may not be, or would be the same.

        What is added is text that a reader can see: no other could be shown at a gate as what it is.
        """
        for name in files:
            if name not in self.files:
                raise EditRefused(f"{diffs.show(name)} is no file of this agent; there are: {', '.join(self.files)}")
        after = AgentCode(self.role, {**self.files, **files})
        if not (change := after.diff(self)):
            raise EditRefused("it is the same code")
        diffs.parse(change)
        return after

    def diff(self, before: "AgentCode | None") -> str:
        """From another version to this one; "" when they are the same, or there is none before."""
        if before is None:
            return ""
        return "".join(edits.render(name, before.files[name], self.files[name]) for name in sorted(self.files))

    def write(self, folder: Path) -> None:
        """Put the files into an empty folder."""
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")


def _seed(name: str, task: Path | None) -> str:
    own = task / "agents" / name if task else None
    path = own if own and own.is_file() else SEEDS / name
    try:
        if path.stat().st_size > BYTES:
            raise EditRefused(f"{path} has {path.stat().st_size:,} bytes; an agent's code may have {BYTES:,}")
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EditRefused(f"{path} cannot be read: {error}") from None
