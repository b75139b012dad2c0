"""An engine whose judge is a process of its own (`judge_server.py`)."""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING, Any

from judgefast.engines.base import Lane
from tests.crash.things import ROOM
from tests.engines.scripted import ScriptedEngine, answered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


class ServedEngine(ScriptedEngine):
    """Sends every request through a socket."""

    name = "served"

    def __init__(self, *, address: str) -> None:
        super().__init__(lambda request: None)
        self.lanes = [Lane(lane=0, room=ROOM)]
        self._address = address
        self._socket: socket.socket | None = None
        self._asked: dict[str, Request] = {}
        self._rest = b""

    def start(self) -> dict[str, Any]:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(self._address)
        return {"version": "served"}

    def in_flight(self, lane: int) -> int:
        return len(self._asked)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        assert self._socket is not None
        self._asked |= {request.request_id.hex(): request for request in requests}
        self._sent |= dict.fromkeys([request.request_id for request in requests], time.time())
        lines = [f"{request.request_id.hex()} {request.attempt}\n" for request in requests]
        self._socket.sendall("".join(lines).encode())

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        assert self._socket is not None
        if not select.select([self._socket], [], [], timeout_seconds)[0]:
            return []
        *lines, self._rest = (self._rest + self._socket.recv(1 << 16)).split(b"\n")
        replies = [line.decode().split() for line in lines]
        return [self._as_sent(answered(self._asked.pop(name), letter)) for name, letter in replies]

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
