"""The keeper's end of the line to a launcher: its order goes there, and the reason comes back when it cannot build the box.

Part of the keeper (stdlib only, quick to import).
"""

# contextlib would double the keeper's start.
# ruff: noqa: SIM105

from __future__ import annotations

import _socket
import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LINE = 3
"""The launcher's descriptor."""
_MARSHAL_VERSION = 2


class LauncherLine:
    """Open until the command runs, or will not."""

    def __init__(self) -> None:
        self._ours, self._theirs = _socket.socketpair()
        self._ours.setblocking(False)
        self.trouble = ""
        """Why nothing runs; "" while that is not known, and when all is well."""

    def fileno(self) -> int:
        """For `poll`."""
        return self._ours.fileno()

    def pass_on(self) -> None:
        """In the child that becomes the launcher."""
        os.dup2(self._theirs.fileno(), LINE)

    def order(self, order: dict[str, Any]) -> None:
        """Say what to build. It fits the socket: a few kilobytes."""
        self._theirs.close()
        text = marshal.dumps(order, _MARSHAL_VERSION)
        try:
            self._ours.sendall(len(text).to_bytes(8, "little") + text)
        except OSError:
            pass  # it has ended already, and will be buried

    def hear(self) -> bool:
        """Take in what was said; False when that was all: trouble, or the end of the line."""
        try:
            self.trouble = self._ours.recv(1 << 12).decode(errors="replace")
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def close(self) -> None:
        """Nothing more is of interest."""
        self._ours.close()
