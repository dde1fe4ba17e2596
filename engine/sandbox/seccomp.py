"""A filter of system calls, for this process and all that it starts, for good.

Part of the launcher. It refuses what training never needs and what has let code out before: tracing and reading other
processes, mounting, new namespaces, io_uring, keys, clocks, modules, typing into a terminal. Where nothing else keeps it from the
network it refuses every socket but UNIX ones, and where it shares them with everybody System V memory, which nobody would tidy up.
"""

import ctypes
import errno

from . import kernel

_ANYWHERE = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "mount_setattr": 442,
    "quotactl_fd": 443, "open_tree_attr": 467,
}  # fmt: skip
"""Calls that are as old as that have one number everywhere."""
_REFUSED = {
    "x86_64": {
        "ptrace": 101, "syslog": 103, "vhangup": 153, "pivot_root": 155, "adjtimex": 159, "chroot": 161, "acct": 163,
        "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169,
        "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176,
        "quotactl": 179, "lookup_dcookie": 212, "clock_settime": 227, "kexec_load": 246, "add_key": 248,
        "request_key": 249, "keyctl": 250, "unshare": 272, "perf_event_open": 298, "name_to_handle_at": 303,
        "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
        "kcmp": 312, "finit_module": 313, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
    },
    "aarch64": {
        "lookup_dcookie": 18, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "vhangup": 58, "quotactl": 60,
        "acct": 89, "unshare": 97, "kexec_load": 104, "init_module": 105, "delete_module": 106, "clock_settime": 112,
        "syslog": 116, "ptrace": 117, "reboot": 142, "sethostname": 161, "setdomainname": 162, "settimeofday": 170,
        "adjtimex": 171, "add_key": 217, "request_key": 218, "keyctl": 219, "swapon": 224, "swapoff": 225,
        "perf_event_open": 241, "name_to_handle_at": 264, "open_by_handle_at": 265, "clock_adjtime": 266, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "bpf": 280,
        "userfaultfd": 282, "kexec_file_load": 294,
    },
}  # fmt: skip
_SYSTEM_V = {
    "x86_64": {"shmget": 29, "semget": 64, "msgget": 68, "mq_open": 240},
    "aarch64": {"mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194},
}
_LOOKED_INTO = {
    "x86_64": {"ioctl": 16, "socket": 41, "clone": 56},
    "aarch64": {"ioctl": 29, "socket": 198, "clone": 220},
}
_CLONE3 = 435
_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_NEW_NAMESPACES = 0x7E020000
_TYPE_INTO_TERMINAL, _TERMINAL_PASTE = 0x5412, 0x541C
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_X32 = 0x40000000
_SET_SECCOMP, _FILTER_MODE = 22, 2

Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if not, operand."""


def confine(*, sockets: bool, system_v: bool) -> None:
    """Install the filter. `sockets`: any kind, not only UNIX ones; `system_v`: memory and queues of that name."""
    program = b"".join(
        operation.to_bytes(2, "little") + bytes((yes, no)) + operand.to_bytes(4, "little")
        for operation, yes, no, operand in rules(kernel.MACHINE, sockets=sockets, system_v=system_v)
    )
    text = ctypes.create_string_buffer(program, len(program))
    kernel.gain_nothing()
    kernel.prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.byref(_Program(len(program) // 8, ctypes.addressof(text))))


def rules(machine: str, *, sockets: bool, system_v: bool) -> list[Instruction]:
    """The filter for a machine, to be read from top to bottom; jumps count from the next line."""
    refused = {**_ANYWHERE, **_REFUSED[machine], **({} if system_v else _SYSTEM_V[machine])}
    looked_into = _LOOKED_INTO[machine]
    # torch's gloo lists its network interfaces by netlink, which sees nothing but the namespace's own.
    families = [_UNIX, _INET, _INET6, _NETLINK] if sockets else [_UNIX]
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, _AUDIT_ARCHITECTURE[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        *([(_IF_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)] if machine == "x86_64" else []),
        *(line for number in refused.values() for line in ((_IF_EQUAL, 0, 1, number), _refuse(errno.EPERM))),
        # Its flags lie in memory, where no filter can see; libraries that hear this fall back on clone.
        (_IF_EQUAL, 0, 1, _CLONE3),
        _refuse(errno.ENOSYS),
        (_IF_EQUAL, 0, 4, looked_into["clone"]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        _refuse(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
        (_IF_EQUAL, 0, 5, looked_into["ioctl"]),
        (_LOAD, 0, 0, _SECOND_ARGUMENT),
        (_IF_EQUAL, 1, 0, _TYPE_INTO_TERMINAL),
        (_IF_EQUAL, 0, 1, _TERMINAL_PASTE),
        _refuse(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
        (_IF_EQUAL, 0, 2 + len(families), looked_into["socket"]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *((_IF_EQUAL, len(families) - place, 0, family) for place, family in enumerate(families)),
        _refuse(errno.EACCES),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _refuse(error: int) -> Instruction:
    return (_RETURN, 0, 0, 0x00050000 | error)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))
