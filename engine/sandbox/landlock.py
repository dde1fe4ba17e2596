"""Landlock: from here on, files are read and written only below what was named.

Part of the launcher. Not covered, whatever the ABI: chmod, chown and times of files, and sockets that are files.
"""

import ctypes
import os
import stat

from . import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_FIRST_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""ABI → what it adds: moving between folders, truncating, talking to devices."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _LATER_RIGHTS[3] | _LATER_RIGHTS[5]
_TCP = 0b11  # binding, connecting: ABI 4
_SCOPES = 0b11  # abstract UNIX sockets, signals: ABI 6


def abi() -> int:
    """The version that this kernel speaks; 0 without Landlock."""
    try:
        return kernel.call(_CREATE_RULESET, 0, 0, 1)
    except OSError:
        return 0


def confine(abi: int, *, read: list[str], write: list[str], devices: list[str], network: bool) -> None:
    """Confine this process for good, as far as `abi` goes; what does not exist is passed over.

    network  rules against TCP as well; in a network namespace they would only stand in the way of its own loopback
    """
    rights = _FIRST_RIGHTS | sum(right for since, right in _LATER_RIGHTS.items() if abi >= since)
    words = [rights, _TCP if network else 0, _SCOPES][: 1 if abi < 4 else 2 if abi < 6 else 3]
    attributes = b"".join(word.to_bytes(8, "little") for word in words)
    rules = kernel.call(_CREATE_RULESET, ctypes.create_string_buffer(attributes, len(attributes)), len(attributes), 0)
    try:
        for paths, allowed in (
            (read, _EXECUTE | _READ_FILE | _READ_DIR),
            (write, rights & ~(_MAKE_CHAR | _MAKE_BLOCK)),
            (devices, _READ_FILE | _READ_DIR | _WRITE_FILE | _LATER_RIGHTS[5]),
        ):
            for path in paths:
                _allow(rules, path, allowed & rights)
        kernel.gain_nothing()
        kernel.call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(file).st_mode):
            rights &= _OF_FILES
        rule = rights.to_bytes(8, "little") + file.to_bytes(4, "little")
        kernel.call(_ADD_RULE, rules, 1, ctypes.create_string_buffer(rule, len(rule)), 0)
    finally:
        os.close(file)
