"""What each attempt to get out means when it works, in words, and what would stop it."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..config import Tier
from .means import BUBBLEWRAP, Host, Means

Closing = Literal["filter", "landlock", "namespaces", "keeper", "limits"]
"""What stops an attempt at the least; what stands further up stops it too, where it is."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One way out."""

    attempt: str
    """What is tried."""
    open: str
    """What an experiment can do where it works; attempts that mean the same have the same words."""
    closed_by: Closing
    abi: int = 1
    """The first Landlock that closes it."""


_NETWORK = "use the network"
_CHANGE = "change files of yours outside of its own folders"
_LOOK = "read the memory or the environment of the engine"

HOLES = {
    "tcp": Hole("connect by TCP", _NETWORK, "filter"),
    "mptcp": Hole("connect by Multipath TCP", _NETWORK, "filter"),
    "udp": Hole("send a datagram", _NETWORK, "filter"),
    "unix_socket": Hole("connect to a program by a socket file", "talk to your other programs by socket files", "namespaces"),
    "abstract_socket": Hole("connect to a program by an abstract socket", "talk to your other programs by abstract sockets", "landlock", 6),
    "io_uring": Hole("open an io_uring", "use io_uring, past the filter of system calls", "filter"),
    "read_run": Hole("read the run's own folder", "read the run's ledger, repository and hidden data", "landlock"),
    "read_home": Hole("read the home folder", "read your files and keys", "landlock"),
    "write_work": Hole("change the task while it runs", "change the task's files while it runs", "landlock"),
    "write_run": Hole("write into the run's own folder", _CHANGE, "landlock"),
    "truncate": Hole("empty a file", "empty files of yours", "landlock", 3),
    "link": Hole("link a file into its own folder", _CHANGE, "landlock"),
    "rename": Hole("move a file into its own folder", _CHANGE, "landlock"),
    "chmod": Hole("change the rights of a file", "change the rights of files of yours", "namespaces"),
    "utime": Hole("change the times of a file", "change the times of files of yours", "namespaces"),
    "write_tmp": Hole("leave a file in /var/tmp", "leave files in shared folders for later experiments", "landlock"),
    "shared_memory": Hole("leave something in shared memory", "leave something in shared memory for later experiments", "namespaces"),
    "environ": Hole("read the engine's environment", _LOOK, "landlock"),
    "memory": Hole("open the engine's memory", _LOOK, "landlock"),
    "read_memory": Hole("copy the engine's memory", _LOOK, "filter"),
    "trace": Hole("trace the engine", "trace the engine", "filter"),
    "signal": Hole("send the engine a signal", "send signals to your other programs", "landlock", 6),
    "namespaces": Hole("make namespaces of its own", "make namespaces of its own", "filter"),
    "file_size": Hole("write a file that is too large", "write files of any size", "limits"),
    "daemon": Hole("live on after its end", "leave a process behind", "keeper"),
    "hoard": Hole("use up memory with several processes", "use up all memory", "keeper"),
    "multiply": Hole("start ever more processes", "start any number of processes", "keeper"),
}  # fmt: skip
_STOPPED_BY: dict[Tier, set[Closing]] = {
    "sealed": {"filter", "landlock", "namespaces", "keeper", "limits"},
    "fenced": {"filter", "landlock", "keeper", "limits"},
    "limits": {"filter", "keeper", "limits"},
    "none": set(),
}


def must_hold(means: Means) -> set[str]:
    """The attempts that boxes of this kind have to stop, or they do not deserve their name."""
    later = (
        set()
        if means.namespaces or means.seatbelt
        else {name for name, hole in HOLES.items() if hole.abi > means.landlock}
    )
    stopped = _STOPPED_BY[means.tier]
    return {
        name
        for name, hole in HOLES.items()
        if hole.closed_by in stopped and not (hole.closed_by == "landlock" and name in later)
    }


def sentences(open_ones: Iterable[str]) -> tuple[str, ...]:
    """What is not protected, each thing once."""
    return tuple(dict.fromkeys(f"experiments can {HOLES[name].open}" for name in HOLES if name in set(open_ones)))


def of_agents(means: Means) -> tuple[str, ...]:
    """What an agent with tools can do that an experiment cannot, in words: it needs the network, for its model lives there."""
    if not means.hides_files:
        return ("an agent can do whatever your user can do",)
    # Abstract sockets belong to a network, and this one is shared.
    abstract = means.namespaces is not None and means.landlock < HOLES["abstract_socket"].abi
    return (
        "an agent can use the network",
        *(["an agent can talk to your other programs by abstract sockets"] if abstract else []),
    )


def remedies(means: Means, host: Host) -> tuple[str, ...]:
    """What would make it tighter: commands for this machine, the best first."""
    if means.tier == "sealed":
        return ()
    if not sys.platform.startswith("linux"):
        return ("run it on Linux",) if means.tier == "none" else ()
    found = [f"sudo sysctl -w {name}={value}" for name, value in _namespace_switches()]
    if not host.bubblewrap:
        found.append(f"{_installer()} bubblewrap")
    elif not found:
        found.append(f"sudo chmod 755 {BUBBLEWRAP}  # if others may not run it; in a container, see the next line")
    if _in_container():
        found.append(
            "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined ..."
        )
    if not host.landlock:
        found.append(
            "add lsm=landlock,lockdown,yama,integrity,apparmor,bpf to the kernel's command line (Linux 5.13 or newer)"
        )
    return tuple(found)


def _namespace_switches() -> list[tuple[str, str]]:
    """Settings that keep ordinary users from namespaces, with the value that lets them."""
    wrong = []
    for name, refuses, value in (
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("user.max_user_namespaces", "0", "15000"),
    ):
        try:
            text = Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text == refuses:
            wrong.append((name, value))
    return wrong


def _installer() -> str:
    for program, words in (
        ("apt", "apt install"),
        ("dnf", "dnf install"),
        ("pacman", "pacman -S"),
        ("zypper", "zypper install"),
    ):
        if any((Path(folder) / program).exists() for folder in ("/usr/bin", "/bin")):
            return f"sudo {words}"
    return "install"


def _in_container() -> bool:
    return any(Path(path).exists() for path in ("/.dockerenv", "/run/.containerenv"))
