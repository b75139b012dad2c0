"""What the engines over HTTP have in common: threads, resending, cancelling, losing the server."""

from __future__ import annotations

import json
import queue
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from judgefast.engines.base import Completion, Lane
from judgefast.errors import EngineError
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request

BUSY = {408, 429, 503, 529}
"""Answers that mean: later."""


class HttpPool(ABC):
    """Requests on `room` connections; a subclass says what is sent and how the reply is read."""

    path: str
    is_lost_with_server = False
    """Whether a server that stays away ends the engine, or fails its requests one by one."""

    def __init__(
        self, *, url: str, model: str = "opinionated", room: int = 8, patience: float = 10.0
    ) -> None:
        self._address = urlsplit(url).netloc
        self._patience = patience
        self.model = JudgeModel(name=model, digest="")
        self.lanes = [Lane(lane=0, room=room)]
        self._todo: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Completion] = queue.SimpleQueue()
        self._open: dict[bytes, Request] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._lost: str | None = None
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def body(self, request: Request) -> dict[str, Any]:
        """What is posted for a request."""

    @abstractmethod
    def read(self, request: Request, reply: dict[str, Any]) -> dict[str, Any]:
        """Fields of the completion, out of the server's reply."""

    def start(self) -> dict[str, Any]:
        connection = HTTPConnection(self._address, timeout=5)
        try:
            connection.request("GET", "/v1/models")
            served = json.load(connection.getresponse())["data"][0]["id"]
        except (OSError, HTTPException) as error:
            msg = f"no judge at {self._address}: {error}"
            raise EngineError(msg, hint="start the server, or give its url") from error
        finally:
            connection.close()
        room = range(self.lanes[0].room)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in room]
        for thread in self._threads:
            thread.start()
        return {"served": served, "address": self._address}

    def in_flight(self, lane: int) -> int:
        return len(self._open) + self._done.qsize()

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        with self._lock:
            self._open |= {request.request_id: request for request in requests}
        for request in requests:
            self._todo.put(request)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        done = []
        with suppress(queue.Empty):
            done.append(self._done.get(timeout=timeout_seconds))
            while True:
                done.append(self._done.get_nowait())
        if not done and self._lost:
            raise EngineError(self._lost, hint="start the server again, then resume")
        return done

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        for request_id in request_ids:
            if request := self._open.get(request_id):
                self._settle(request, text="", finish_reason="cancelled")

    def close(self) -> None:
        self._closed.set()
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join(0.05)
        with self._lock:
            self._open.clear()
            self._done = queue.SimpleQueue()

    def _work(self) -> None:
        connection = HTTPConnection(self._address, timeout=30)
        while request := self._todo.get():
            if request.request_id in self._open and not self._lost and not self._closed.is_set():
                started = time.time()
                if fields := self._ask(connection, request):
                    seconds = time.time() - started
                    self._settle(request, **fields, started=started, wall_seconds=seconds)
        connection.close()

    def _ask(self, connection: HTTPConnection, request: Request) -> dict[str, Any] | None:
        """Send until there is an answer: what was turned away is sent again, as one attempt."""
        patient_until, wait = time.monotonic() + self._patience, 0.01
        while True:
            try:
                headers = {"Content-Type": "application/json"}
                connection.request("POST", self.path, json.dumps(self.body(request)), headers)
                response = connection.getresponse()
                reply = response.read()
            except (OSError, HTTPException) as error:
                connection.close()
                words = f"no answer from {self._address}: {error or type(error).__name__}"
            else:
                if response.status == 200:
                    return self.read(request, json.loads(reply))
                words = f"{self._address} answered {response.status}: {reply[:200]!r}"
                if response.status not in BUSY:
                    return _failed(words)
                wait = float(response.headers.get("Retry-After", wait))
            if time.monotonic() > patient_until or self._closed.is_set():
                self._lost = words if self.is_lost_with_server else None
                return None if self._lost else _failed(words)
            self._closed.wait(wait)
            wait = min(2 * wait, 1.0)

    def _settle(self, request: Request, **fields: Any) -> None:
        with self._lock:
            if self._open.pop(request.request_id, None) is None:
                return  # cancelled meanwhile
            fields |= {"request_id": request.request_id, "attempt": request.attempt, "lane": 0}
            self._done.put(Completion(**fields))


def _failed(words: str) -> dict[str, Any]:
    return {"text": "", "finish_reason": "error", "error_kind": "engine_error", "error": words}
