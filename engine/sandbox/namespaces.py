"""A world of its own for an experiment: a root folder made of what was named, a process table, a network that ends at itself.

Part of the launcher. `enter` is called by the process that waits outside, `furnish` by the first one inside.
"""

# pathlib would double the launcher's start.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH120, PTH211

import os
import stat

from . import kernel

_USER, _MOUNTS, _PROCESSES, _NETWORK, _IPC, _NAME = (
    0x10000000,
    0x00020000,
    0x20000000,
    0x40000000,
    0x08000000,
    0x04000000,
)
_NO_SETUID, _NO_DEVICES, _NO_PROGRAMS, _READ_ONLY, _BIND, _PRIVATE, _WITH_ALL_BELOW = (
    2,
    4,
    8,
    1,
    1 << 12,
    1 << 18,
    1 << 14,
)
_IOCTL_SET_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41

_SITE = "/tmp"
"""Where the new root is built: a folder that every system has."""
_STANDARD = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


def enter(*, own_network: bool) -> None:
    """New namespaces for this process, and a process table for the next one that it starts; root inside is nobody outside."""
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(_USER | _MOUNTS | _PROCESSES | _IPC | _NAME | (_NETWORK if own_network else 0))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    if own_network:
        _bring_loopback_up()


def _bring_loopback_up() -> None:
    import _socket
    from fcntl import ioctl

    talk = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    ioctl(talk.fileno(), _IOCTL_SET_FLAGS, b"lo".ljust(16, b"\0") + _UP_AND_RUNNING.to_bytes(2, "little") + bytes(14))
    talk.close()


def furnish(
    folders: "list[tuple[str, str, bool]]",
    *,
    links: "list[tuple[str, str]]",
    covered: list[str],
    devices: list[str],
    shared_memory_bytes: int,
) -> None:
    """Make a new root and go there; whatever is not named here does not exist any more.

    folders  (where it is outside, where it appears, may be written to), each before those inside of it
    links    (path, what it points to)
    covered  what of `folders` is shown as an empty folder
    """
    kernel.mount("", "/", "", _WITH_ALL_BELOW | _PRIVATE)
    # Found before the new root hides the old one.
    sources = [(os.open(source, os.O_PATH | os.O_CLOEXEC), at, writable) for source, at, writable in folders]
    nodes = [(os.open(path, os.O_PATH | os.O_CLOEXEC), path) for path in devices if os.path.exists(path)]
    kernel.mount("tmpfs", _SITE, "tmpfs", _NO_SETUID | _NO_DEVICES, "size=1m,mode=755")
    for path, target in links:
        _make_room(_SITE + path)
        os.symlink(target, _SITE + path)
    for source, at, writable in sources:
        _bind(source, at, writable=writable)
        for path in covered:
            if path.startswith(at + "/") and os.path.isdir(_SITE + path):
                kernel.mount("tmpfs", _SITE + path, "tmpfs", _NO_SETUID | _NO_DEVICES, "size=64k,mode=755")
    for path in covered:
        if os.path.ismount(_SITE + path):
            kernel.set_mount(_SITE + path, kernel.READ_ONLY)
    _furnish_devices(nodes, shared_memory_bytes)
    os.mkdir(_SITE + "/proc")
    # Read-only: of what root may write there without any capability, some is the whole machine's.
    kernel.mount("proc", _SITE + "/proc", "proc", _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS | _READ_ONLY)
    kernel.become_root_folder(_SITE)
    kernel.set_mount("/", kernel.READ_ONLY)


def _bind(source: int, at: str, *, writable: bool) -> None:
    place = _SITE + at
    _make_room(place)
    if stat.S_ISDIR(os.fstat(source).st_mode):
        os.makedirs(place, exist_ok=True)
    elif not os.path.exists(place):
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT, 0o600))
    kernel.mount(f"/proc/self/fd/{source}", place, "", _BIND | _WITH_ALL_BELOW)
    os.close(source)
    kernel.set_mount(place, kernel.NO_SETUID | (0 if writable else kernel.READ_ONLY), below=True)


def _furnish_devices(nodes: list[tuple[int, str]], shared_memory_bytes: int) -> None:
    os.mkdir(_SITE + "/dev")
    kernel.mount("tmpfs", _SITE + "/dev", "tmpfs", _NO_SETUID | _NO_PROGRAMS, "size=64k,mode=755")
    for node, path in nodes:
        _bind(node, path, writable=True)
    for name, target in _STANDARD.items():
        os.symlink(target, f"{_SITE}/dev/{name}")
    os.mkdir(_SITE + "/dev/shm")
    kernel.set_mount(_SITE + "/dev", kernel.READ_ONLY)
    kernel.mount(
        "tmpfs", _SITE + "/dev/shm", "tmpfs", _NO_SETUID | _NO_DEVICES, f"size={shared_memory_bytes},mode=1777"
    )


def _make_room(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
