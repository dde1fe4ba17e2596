import os
import socket

from weather import counted, save

port = int(os.environ["LW_TRAP_PORT"])
for family, kind, protocol, to in (
    (socket.AF_INET, socket.SOCK_STREAM, 0, ("127.0.0.1", port)),
    (socket.AF_INET, socket.SOCK_STREAM, 262, ("127.0.0.1", port)),  # Multipath TCP
    (socket.AF_INET, socket.SOCK_DGRAM, 0, ("127.0.0.1", port)),
    (socket.AF_UNIX, socket.SOCK_STREAM, 0, os.environ["LW_TRAP_SOCK"]),
    (socket.AF_UNIX, socket.SOCK_STREAM, 0, "\0" + os.environ["LW_TRAP_ABS"]),
):
    try:
        with socket.socket(family, kind, protocol) as caller:
            caller.connect(to)
            caller.send(b"the days that you are judged by, please")
    except OSError as error:
        print(kind, protocol, type(error).__name__)
save(counted(2.0))
