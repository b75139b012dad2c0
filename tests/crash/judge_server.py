"""A judge that is a process of its own: it outlives whoever asks it, and logs what it serves."""

from __future__ import annotations

import socket
import socketserver
import sys
import time
from pathlib import Path

BATCH = 2
SECONDS = 0.01


class Judge(socketserver.StreamRequestHandler):
    """Serves one connection: a line `id attempt` each, answered by `id letter`."""

    def handle(self) -> None:
        """Log what comes, then answer it, a few at a time."""
        self.connection.settimeout(SECONDS)
        rest, waiting = b"", []
        while True:
            try:
                data = self.connection.recv(1 << 16)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                waiting += lines
                with Path(sys.argv[2]).open("ab") as log:
                    log.writelines(line + b"\n" for line in lines)
                time.sleep(SECONDS)
            except TimeoutError:
                pass
            except OSError:  # whoever asked was killed
                return
            answered, waiting = waiting[:BATCH], waiting[BATCH:]
            try:
                self.wfile.write(b"".join(map(_answer, answered)))
            except OSError:
                return


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One thread a connection."""

    daemon_threads = True
    address_family = socket.AF_UNIX  # type: ignore[assignment]  # of the module, typed as another


def _answer(line: bytes) -> bytes:
    name = line.split()[0]
    return name + b" " + b"ABC"[int(name[:4], 16) % 3 :][:1] + b"\n"


if __name__ == "__main__":
    with Server(sys.argv[1], Judge) as server:  # type: ignore[arg-type]  # a path, as its family wants
        server.serve_forever(poll_interval=0.1)
