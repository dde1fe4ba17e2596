"""The profile for macOS's own sandbox. Written from its documentation and never run: the proof at each start decides."""

from collections.abc import Iterable
from json import dumps

_BEGINNING = """\
(version 1)
(deny default)
(allow process-exec process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
(allow ipc-posix-sem ipc-posix-shm)
(allow iokit-open (iokit-user-client-class "AGXDeviceUserClient" "IOSurfaceRootUserClient"))
(allow file-read-metadata)
(allow file-read* (literal "/") (literal "/dev/null") (literal "/dev/zero") (literal "/dev/random") (literal "/dev/urandom"))
(allow file-write-data (literal "/dev/null") (literal "/dev/zero"))
"""


def profile(read: Iterable[str], write: Iterable[str]) -> str:
    """What may be read and written, and nothing else; no network."""
    may_read = "".join(f"(allow file-read* (subpath {dumps(path)}))\n" for path in read)
    may_write = "".join(f"(allow file-read* file-write* (subpath {dumps(path)}))\n" for path in write)
    return _BEGINNING + may_read + may_write
