"""A stand-in for a service, served on loopback from a thread of its own, so that engines in other processes can ask it too."""

import socket
from threading import Thread
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette


class Serving:
    """Serves an application while it is open."""

    def __init__(self, app: Starlette, *, port: int = 0) -> None:
        """`port` 0 takes any that is free. It can be asked from now on, and answers once it is open."""
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._socket.close()

    def wait(self) -> None:
        """Serve until the process is ended."""
        self._thread.join()
