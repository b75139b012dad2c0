"""A judge that takes its time: each answer comes so many seconds after it was asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


class PacedEngine(ScriptedEngine):
    """Answers by the hash of the request, in the order asked, each after its own time."""

    def __init__(self, seconds: Callable[[Request], float], *, room: int = 8) -> None:
        super().__init__(by_hash, room=room)
        self._seconds = seconds
        self._due: dict[bytes, tuple[float, Request]] = {}

    def in_flight(self, lane: int) -> int:
        del lane
        return len(self._due)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        self.submitted += [(lane, request) for request in requests]
        now = time.monotonic()
        for request in requests:
            self._due[request.request_id] = (now + self._seconds(request), request)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        ends = time.monotonic() + timeout_seconds
        while True:
            now = time.monotonic()
            ready = [key for key, (due, _) in self._due.items() if due <= now]
            if ready or now >= ends:
                break
            time.sleep(0.002)
        asked = [self._due.pop(key)[1] for key in ready]
        return [msgspec.structs.replace(by_hash(request), started=time.time()) for request in asked]
