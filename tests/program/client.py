"""Ask for a process with the streams, the folder and the variables of this one; end as it ends.

Usage: python -IS client.py SOCKET WORD ...
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys


def main(address: str, words: list[str]) -> int:
    """Start the command, pass on signals, and give its status."""
    folder = os.getcwd()  # noqa: PTH109 - pathlib takes as long as all else
    asked = {"words": ["judgefast", *words], "folder": folder, "variables": dict(os.environ)}
    body = json.dumps(asked).encode()
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [len(body).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(body)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: server.sendall(bytes([number])))
        _, status = (server.recv(8, socket.MSG_WAITALL) for _ in ("its id", "its status"))
    return ended(int.from_bytes(status, "big", signed=True))


def ended(status: int) -> int:
    """End by the same signal, or give the status to end with."""
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
