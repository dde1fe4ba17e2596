"""Where runs are kept: one folder per run under the state folder, private to its user.

`LOOPWATCH_HOME` moves the state folder, `LOOPWATCH_CONFIG` the one of what is set for all runs. State folders on file systems that
several machines share are refused, because SQLite's write-ahead log does not work across machines.
"""

import os
import re
import sys
from pathlib import Path

import platformdirs

from .errors import StateFolderError

SHARED_FILE_SYSTEMS = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "lustre",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "beegfs",
        "gpfs",
        "ocfs2",
        "gfs2",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.juicefs",
    ]
)

_OCTAL = re.compile(r"\\([0-7]{3})")
"""How the kernel writes a space, a tab, a line's end or a backslash in a path."""


def home() -> Path:
    """The state folder, made and checked; StateFolderError says what is wrong with it."""
    chosen = os.environ.get("LOOPWATCH_HOME")
    folder = Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_state_dir("loopwatch"))
    try:
        (folder / "runs").mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateFolderError(
            f"the state folder {folder} cannot be made: {error.strerror}; set LOOPWATCH_HOME to a folder you can write"
        ) from error
    if not os.access(folder / "runs", os.W_OK | os.X_OK):
        raise StateFolderError(
            f"the state folder {folder} is not writable; set LOOPWATCH_HOME to a folder you can write"
        )
    kind = file_system(folder)
    if kind in SHARED_FILE_SYSTEMS:
        raise StateFolderError(
            f"the state folder {folder} is on a network file system ({kind}), where the ledger is not safe; "
            "set LOOPWATCH_HOME to a local disk"
        )
    return folder


def config() -> Path:
    """The folder of what a person sets for all runs: prices.json and keys.toml. It need not exist."""
    chosen = os.environ.get("LOOPWATCH_CONFIG")
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_config_dir("loopwatch"))


def runs() -> Path:
    """The folder that has one folder per run."""
    return home() / "runs"


def file_system(folder: Path) -> str:
    """The kind of file system a folder lies on; "" where that cannot be told."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return kind_of_mount(folder.resolve(), os.fsdecode(Path("/proc/self/mountinfo").read_bytes()))
    except OSError:
        return ""


def kind_of_mount(folder: Path, mountinfo: str) -> str:
    """The file system type of the mount that holds `folder`, from the text of /proc/self/mountinfo."""
    best, kind = Path(), ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point = Path(_OCTAL.sub(lambda escape: chr(int(escape[1], 8)), left.split()[4]))
        if folder.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, right.split()[0]
    return kind
