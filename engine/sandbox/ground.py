"""What of this system every experiment may read: programs and libraries, the interpreter, and the devices it may use.

Everything else has to be named for each: homes, keys, other disks, and what lies in /var, /run and /tmp are not here.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store", "/sys")
_SETTINGS = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "debian_version", "default/locale", "fonts",
    "gai.conf", "group", "host.conf", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "locale.conf",
    "localtime", "mime.types", "nsswitch.conf", "nvidia", "OpenCL", "os-release", "passwd", "pki/ca-trust", "pki/tls/certs",
    "protocols", "resolv.conf", "rpc", "services", "ssl/certs", "ssl/openssl.cnf", "static", "timezone", "vulkan",
)  # fmt: skip
"""Of /etc; what else is there is often somebody's secret, and root could read it."""
_MAC = (
    "/System",
    "/Library",
    "/Applications/Xcode.app",
    "/private/etc",
    "/private/var/db",
    "/opt",
    "/usr",
    "/bin",
    "/sbin",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_GPUS = ("nvidia*", "dri", "kfd", "dxg")
_NAMED_IN = ("LD_LIBRARY_PATH", "CUDA_HOME")


@dataclass(frozen=True, slots=True)
class Ground:
    """What is there to read. No path in `read` leads through a link; those that led there are in `links`.

    One may lie inside of another: what is between them may be hidden.
    """

    read: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    devices: tuple[str, ...]


def find(commands: Iterable[str] = (), environment: Mapping[str, str] = os.environ) -> Ground:
    """Look around. `commands` are the programs that will be started, besides our own interpreter."""
    etc = [f"/etc/{name}" for name in _SETTINGS]
    system = [*_PROGRAMS, "/proc", *etc] if sys.platform.startswith("linux") else list(_MAC)
    libraries = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    interpreter = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, sys.executable, *libraries]
    ours = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "keeper" / "spare.py")]
    named = [path for name in _NAMED_IN for path in environment.get(name, "").split(":") if path.startswith("/")]
    model_files = (
        [f"{environment['HF_HOME']}/{name}" for name in ("hub", "datasets")] if "HF_HOME" in environment else []
    )
    programs = [path for command in commands for path in _installation(command)]
    return _ground([*system, *interpreter, *ours, *named, *model_files, *programs])


def _ground(paths: Iterable[str]) -> Ground:
    real: set[str] = set()
    links: dict[str, str] = {}
    for path in paths:
        on_the_way, place = way(path)
        if Path(place).exists():
            real.add(place)
            links.update(on_the_way)
    read = sorted(real)
    return Ground(
        read=tuple(read),
        links=tuple((path, target) for path, target in sorted(links.items()) if not _within(path, read)),
        devices=tuple(devices()),
    )


def devices() -> list[str]:
    """The harmless ones, and every GPU."""
    gpus = [str(path) for pattern in _GPUS for path in sorted(Path("/dev").glob(pattern))]
    return [*(path for path in _DEVICES if Path(path).exists()), *gpus]


def way(path: str) -> tuple[dict[str, str], str]:
    """The links that a path leads through, each with what it points to, and where it ends."""
    links: dict[str, str] = {}
    place, ahead = "", [part for part in path.split("/") if part]
    while ahead:
        part = ahead.pop(0)
        here = f"{place}/{part}"
        if part == "..":
            place = place.rpartition("/")[0]
        elif part == "." or not part:
            continue
        elif here not in links and Path(here).is_symlink():
            links[here] = str(Path(here).readlink())
            ahead = [*links[here].split("/"), *ahead]
            place = "" if links[here].startswith("/") else place
        else:
            place = here
    return links, place


def _within(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _installation(command: str) -> list[str]:
    """What a program needs around it: for a Python of its own, that environment and the one it was made from."""
    found = shutil.which(command)
    if found is None:
        return []
    needed = [found]
    for program in (found, os.path.realpath(found)):
        folder = Path(program).parent.parent
        if Path(program).parent.name == "bin" and (
            (folder / "pyvenv.cfg").exists() or any(folder.glob("lib/python3*"))
        ):
            needed += [str(folder / name) for name in ("bin", "lib", "lib64", "include", "pyvenv.cfg")]
    return needed
