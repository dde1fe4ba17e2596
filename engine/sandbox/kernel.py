"""System calls that Python does not offer, each raising OSError.

Part of the launcher: stdlib only, quick to import, Linux on x86_64 and aarch64.
"""

import ctypes
import os

MACHINE = os.uname().machine

_libc = ctypes.CDLL(None, use_errno=True)

_SET_PDEATHSIG, _SET_DUMPABLE, _CAPBSET_DROP, _SET_NO_NEW_PRIVS = 1, 4, 24, 38
_CAPSET = {"x86_64": 126, "aarch64": 91}
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR = 442
_CAPABILITY_VERSION_3 = 0x20080522
_SIGKILL = 9

AT_FDCWD, AT_RECURSIVE = -100, 0x8000
READ_ONLY, NO_SETUID = 1, 2


def call(number: int, *arguments: "int | ctypes.Array[ctypes.c_char] | bytes") -> int:
    """syscall(2)."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *words))


def _checked(result: int, about: str = "") -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), *([about] if about else []))
    return result


def prctl(option: int, first: int = 0, second: object = 0) -> None:
    """prctl(2)."""
    last = ctypes.c_ulong(second) if isinstance(second, int) else second
    _checked(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(first), last, ctypes.c_ulong(0), ctypes.c_ulong(0)))


def die_with_parent() -> None:
    """SIGKILL when the thread that started this process ends. Forgotten when credentials change."""
    prctl(_SET_PDEATHSIG, _SIGKILL)


def gain_nothing() -> None:
    """No program that is started from here on may have more rights than this process."""
    prctl(_SET_NO_NEW_PRIVS, 1)


def be_private() -> None:
    """Nobody of the same user may trace this process, or read its memory and environment."""
    prctl(_SET_DUMPABLE, 0)


def drop_capabilities() -> None:
    """Be an ordinary process, also when the user is root, for good."""
    for capability in range(64):
        try:
            prctl(_CAPBSET_DROP, capability)
        except OSError:
            break  # the first that this kernel does not know, or this user may not drop
    header = ctypes.create_string_buffer(_CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4), 8)
    call(_CAPSET[MACHINE], header, ctypes.create_string_buffer(bytes(24), 24))


def unshare(flags: int) -> None:
    """unshare(2): new namespaces."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "new namespaces")


def mount(source: str, at: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2)."""
    texts = [os.fsencode(text) if text else None for text in (source, at, kind)]
    data = os.fsencode(options) if options else None
    _checked(_libc.mount(*texts, ctypes.c_ulong(flags), data), f"mount {kind or 'folder'} at {at}")


def set_mount(path: str, attributes: int, *, clear: int = 0, below: bool = False) -> None:
    """mount_setattr(2), on everything `below` too."""
    packed = b"".join(word.to_bytes(8, "little") for word in (attributes, clear, 0, 0))
    flags = AT_RECURSIVE if below else 0
    call(_MOUNT_SETATTR, AT_FDCWD, os.fsencode(path) + b"\0", flags, ctypes.create_string_buffer(packed, 32), 32)


def become_root_folder(folder: str) -> None:
    """Make a mounted folder the root, and let go of the old one."""
    os.chdir(folder)
    call(PIVOT_ROOT[MACHINE], b".\0", b".\0")
    _checked(_libc.umount2(b".", ctypes.c_int(2)), "leaving the old root")  # 2: detach
    os.chdir("/")
